//! Matchers of offsets and last words by hand, the fields that they need, and relations and entities alone.

use std::hash::{Hash, Hasher};

use rere_core::{Mention, Sentence, Triple};
use rere_eval::{
    Begin, Boundaries, Counts, EvalError, Exact, LastWord, Match, MissingField, Partial, Side, Strict, TripleMatcher,
    count_all, count_entities, count_relations, evaluate,
};

use crate::corpora::{TEXT, count, mention, triple};

fn counts(true_positives: usize, predicted: usize, gold: usize) -> Counts {
    Counts { true_positives, predicted, gold }
}

fn sentence(triples: Vec<Triple>) -> Sentence {
    Sentence::new(TEXT).with_triples(triples)
}

#[test]
fn last_word_compares_last_words() {
    let gold = [Triple::of("New York", "in", "United States")];
    for (predicted, true_positives) in [
        (Triple::of("York", "in", "States "), 1),
        (Triple::of("Duke of\tYork", "in", "Papal\u{3000}States"), 1),
        (Triple::of("New York City", "in", "United States"), 0),
        (Triple::of("New York", "of", "United States"), 0),
        (Triple::of("", "in", " "), 0),
    ] {
        assert_eq!(
            count(&gold, std::slice::from_ref(&predicted), &LastWord),
            counts(true_positives, 1, 1),
            "{predicted:?}"
        );
    }
    // Triples with equal last words count once.
    assert_eq!(count(&gold, &[Triple::of("York", "in", "States"), gold[0].clone()], &LastWord), counts(1, 1, 1));
    assert_eq!(LastWord.key(&Triple::of(" ", "in", "北京 市")), Ok(("", "in", "市")));
}

#[test]
fn offsets_are_compared_and_not_strings() {
    // In "a b c a b a d", "a b" has the byte offsets 0..3 and 6..9, and "a" starts at 0, 6 and 10.
    let gold = [triple([0, 3], "r", [6, 9])];
    for (predicted, [begin, boundaries, exact]) in [
        (triple([0, 3], "r", [6, 9]), [1, 1, 1]),
        (triple([0, 1], "r", [6, 7]), [1, 0, 0]),
        (triple([0, 3], "r", [6, 7]), [1, 0, 0]),
        (triple([2, 3], "r", [6, 9]), [0, 0, 0]),
        (triple([0, 3], "r", [0, 3]), [0, 0, 1]),
        (triple([6, 9], "r", [0, 3]), [0, 0, 1]),
        (triple([0, 3], "s", [6, 9]), [0, 0, 0]),
    ] {
        let found = |matcher| count(&gold, std::slice::from_ref(&predicted), &matcher);
        assert_eq!(found(Match::Begin), counts(begin, 1, 1), "{predicted:?}");
        assert_eq!(found(Match::Boundaries), counts(boundaries, 1, 1), "{predicted:?}");
        assert_eq!(found(Match::Strict), counts(boundaries, 1, 1), "{predicted:?}");
        assert_eq!(found(Match::Exact), counts(exact, 1, 1), "{predicted:?}");
    }
}

#[test]
fn strict_compares_types() {
    let gold = [triple([0, 3], "r", [6, 9])];
    let mut other = gold[0].clone();
    other.object.entity_type = Some("u".to_owned());
    assert_eq!(count(&gold, [&other], &Strict), counts(0, 1, 1));
    assert_eq!(count(&gold, [&other], &Boundaries), counts(1, 1, 1));
    // Predicted with both types: two predictions for strict, one for boundaries.
    assert_eq!(count(&gold, [&other, &gold[0]], &Strict), counts(1, 2, 1));
    assert_eq!(count(&gold, [&other, &gold[0]], &Boundaries), counts(1, 1, 1));
}

#[test]
fn begin_matches_each_triple_once() {
    let (long, short, other) = (triple([0, 3], "r", [6, 9]), triple([0, 1], "r", [6, 7]), triple([2, 3], "r", [4, 5]));
    for (gold, predicted, expected) in [
        (vec![&long], vec![&long, &long], counts(1, 2, 1)),
        (vec![&long, &long], vec![&long], counts(1, 1, 2)),
        (vec![&long, &short], vec![&short, &short, &short], counts(2, 3, 2)),
        (vec![&long, &other, &long], vec![&short, &other, &other], counts(2, 3, 3)),
        (vec![], vec![&long], counts(0, 1, 0)),
    ] {
        assert_eq!(count(gold.clone(), predicted.clone(), &Begin), expected, "{gold:?} {predicted:?}");
    }
    // Repeated triples count once with the other matchers.
    let matchers = Match::ALL.into_iter().filter(|matcher| *matcher != Match::Begin);
    for matcher in matchers {
        assert_eq!(count([&long, &long], [&long, &long, &other], &matcher), counts(1, 2, 1), "{matcher}");
    }
}

/// A string whose hash is always the same.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Unhashed<'a>(&'a str);

impl Hash for Unhashed<'_> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

struct SameHash;

impl TripleMatcher for SameHash {
    type MentionKey<'a> = Unhashed<'a>;

    fn mention_key<'a>(&self, mention: &'a Mention) -> Result<Unhashed<'a>, MissingField> {
        Ok(Unhashed(&mention.text))
    }
}

#[test]
fn equal_hashes_do_not_make_triples_equal() {
    let gold = [Triple::of("a", "r", "b"), Triple::of("c", "r", "d"), Triple::of("a", "r", "b")];
    let predicted = [Triple::of("c", "r", "b"), Triple::of("a", "r", "b"), Triple::of("d", "r", "c")];
    assert_eq!(count(&gold, &predicted, &SameHash), counts(1, 3, 2));
}

#[test]
fn a_repeated_sentence_counts_each_time() {
    let twice = vec![sentence(vec![triple([0, 3], "r", [6, 9])]); 2];
    for matcher in Match::ALL {
        assert_eq!(evaluate(&twice, &twice, &matcher), Ok(counts(2, 2, 2)), "{matcher}");
    }
}

#[test]
fn compared_fields_are_checked() {
    let located = sentence(vec![triple([0, 3], "r", [6, 9])]);
    let mut typeless = located.clone();
    typeless.triples[0].object.entity_type = None;
    typeless.id = Some("x-2".to_owned());
    let surfaces = sentence(vec![Triple::of("a b", "r", "c")]);

    for matcher in Match::ALL {
        let needs_offsets = matches!(matcher, Match::Begin | Match::Boundaries | Match::Strict);
        assert_eq!(matcher.check((1..).zip(&[located.clone(), sentence(vec![])]), Side::Gold), Ok(()));
        assert_eq!(
            matcher.check((1..).zip(std::slice::from_ref(&surfaces)), Side::Gold).is_err(),
            needs_offsets,
            "{matcher}"
        );
        let sentences = [located.clone(), typeless.clone()];
        assert_eq!(matcher.check((1..).zip(&sentences), Side::Gold).is_err(), matcher == Match::Strict, "{matcher}");
    }

    let sentences = [located.clone(), typeless.clone()];
    let error = |side, position, id: Option<&str>, field| EvalError::MissingField {
        side,
        position,
        id: id.map(str::to_owned),
        surface: "a b".to_owned(),
        field,
    };
    assert_eq!(
        Strict.check((1..).zip(&sentences), Side::Predicted),
        Err(error(Side::Predicted, 2, Some("x-2"), MissingField::Type))
    );
    assert_eq!(
        evaluate(std::slice::from_ref(&located), std::slice::from_ref(&surfaces), &Begin),
        Err(error(Side::Predicted, 1, None, MissingField::Offsets))
    );
    assert_eq!(
        evaluate(std::slice::from_ref(&surfaces), std::slice::from_ref(&located), &Boundaries),
        Err(error(Side::Gold, 1, None, MissingField::Offsets))
    );
}

#[test]
fn mentions_without_offsets_are_never_equal() {
    let unlocated =
        sentence(vec![Triple::of("a b", "r", "c"), Triple::of("a b", "r", "c"), triple([0, 3], "r", [4, 5])]);
    for matcher in [Match::Begin, Match::Boundaries, Match::Strict] {
        assert_eq!(count_all(&[(&unlocated, &unlocated)], &matcher), counts(1, 3, 3), "{matcher}");
    }
}

#[test]
fn relations_alone() {
    let gold = sentence(vec![triple([0, 1], "r", [2, 3]), triple([0, 1], "r", [4, 5]), triple([0, 1], "s", [4, 5])]);
    let predicted = sentence(vec![triple([4, 5], "r", [2, 3]), triple([0, 1], "q", [2, 3])]);
    assert_eq!(count_relations(&[(&gold, &predicted), (&gold, &gold)]), counts(1 + 2, 2 + 2, 2 + 2));
    assert_eq!(count_relations(&[(&gold, &sentence(vec![]))]), counts(0, 0, 2));
}

#[test]
fn entities_alone() {
    // Gold: "a b" at 0 in two triples, "b" at 2, "c", and "d" in none. Predicted: "a", "b", "c" and "a b" at 6.
    let mut gold = sentence(vec![triple([0, 3], "r", [2, 3]), triple([0, 3], "s", [4, 5])]);
    gold.entities = vec![mention(12, 13, "t")];
    let mut predicted = sentence(vec![triple([0, 1], "r", [2, 3])]);
    predicted.entities = vec![mention(4, 5, "u"), mention(6, 9, "t"), mention(6, 9, "t")];
    let found = |matcher| count_entities(&[(&gold, &predicted)], &matcher);
    assert_eq!(found(Match::Exact), counts(3, 4, 4));
    // First words a, b, c and d; a, b and c.
    assert_eq!(found(Match::Partial), counts(3, 3, 4));
    // Last words b, c and d; a, b and c.
    assert_eq!(found(Match::LastWord), counts(2, 3, 3));
    assert_eq!(found(Match::Begin), counts(3, 4, 4));
    assert_eq!(found(Match::Boundaries), counts(2, 4, 4));
    assert_eq!(found(Match::Strict), counts(1, 4, 4));

    assert_eq!(count_entities(&[(&gold, &gold), (&gold, &predicted)], &Partial), counts(7, 7, 8));
    // Only a count of entities needs the offsets of an entity without a triple.
    gold.entities[0].span = None;
    let sides = std::slice::from_ref(&gold);
    assert_eq!(Boundaries.check((1..).zip(sides), Side::Gold), Ok(()));
    assert!(matches!(
        Boundaries.check_entities((1..).zip(sides), Side::Gold),
        Err(EvalError::MissingField { position: 1, .. })
    ));
    assert_eq!(Exact.check_entities((1..).zip(sides), Side::Gold), Ok(()));
    assert_eq!(count_entities(&[(&gold, &gold)], &Boundaries), counts(3, 4, 4));
}
