//! Matchers over places and last words by hand, what they want of a corpus, and relations and entities alone.

use std::hash::{Hash, Hasher};

use rere_core::{Mention, Sentence, Triple};
use rere_eval::{
    Begin, Boundaries, Counts, EvalError, Exact, LastWord, Match, MissingField, Partial, Side, Strict, TripleMatcher,
    count_all, count_entities, count_relations, evaluate,
};

use crate::corpora::{TEXT, count, mention, triple};

fn counts(right: usize, predicted: usize, gold: usize) -> Counts {
    Counts { true_positives: right, predicted, gold }
}

fn sentence(triples: Vec<Triple>) -> Sentence {
    Sentence::new(TEXT).with_triples(triples)
}

#[test]
fn last_word_compares_last_words() {
    let gold = [Triple::of("New York", "in", "United States")];
    for (predicted, right) in [
        (Triple::of("York", "in", "States "), 1),
        (Triple::of("Duke of\tYork", "in", "Papal\u{3000}States"), 1),
        (Triple::of("New York City", "in", "United States"), 0),
        (Triple::of("New York", "of", "United States"), 0),
        (Triple::of("", "in", " "), 0),
    ] {
        assert_eq!(count(&gold, std::slice::from_ref(&predicted), &LastWord), counts(right, 1, 1), "{predicted:?}");
    }
    // Equal last words are one triple.
    assert_eq!(count(&gold, &[Triple::of("York", "in", "States"), gold[0].clone()], &LastWord), counts(1, 1, 1));
    assert_eq!(LastWord.key(&Triple::of(" ", "in", "北京 市")), Ok(("", "in", "市")));
}

#[test]
fn places_are_compared_and_not_strings() {
    // Bytes of "a b c a b a d": "a b" stands at 0..3 and 6..9, "a" at 0, 6 and 10.
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
    // Predicted with both types: one triple of two, and one of one.
    assert_eq!(count(&gold, [&other, &gold[0]], &Strict), counts(1, 2, 1));
    assert_eq!(count(&gold, [&other, &gold[0]], &Boundaries), counts(1, 1, 1));
}

#[test]
fn begin_uses_every_triple_once() {
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
    // Under the others repeated triples are one.
    let matchers = Match::ALL.into_iter().filter(|matcher| *matcher != Match::Begin);
    for matcher in matchers {
        assert_eq!(count([&long, &long], [&long, &long, &other], &matcher), counts(1, 2, 1), "{matcher}");
    }
}

/// A string of which every hash is the same.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Unhashed<'a>(&'a str);

impl Hash for Unhashed<'_> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

struct Whole;

impl TripleMatcher for Whole {
    type MentionKey<'a> = Unhashed<'a>;

    fn mention_key<'a>(&self, mention: &'a Mention) -> Result<Unhashed<'a>, MissingField> {
        Ok(Unhashed(&mention.text))
    }
}

#[test]
fn equal_hashes_make_no_equal_triples() {
    let gold = [Triple::of("a", "r", "b"), Triple::of("c", "r", "d"), Triple::of("a", "r", "b")];
    let predicted = [Triple::of("c", "r", "b"), Triple::of("a", "r", "b"), Triple::of("d", "r", "c")];
    assert_eq!(count(&gold, &predicted, &Whole), counts(1, 3, 2));
}

#[test]
fn a_repeated_sentence_counts_each_time() {
    let twice = vec![sentence(vec![triple([0, 3], "r", [6, 9])]); 2];
    for matcher in Match::ALL {
        assert_eq!(evaluate(&twice, &twice, &matcher), Ok(counts(2, 2, 2)), "{matcher}");
    }
}

#[test]
fn what_a_matcher_wants_is_checked() {
    let placed = sentence(vec![triple([0, 3], "r", [6, 9])]);
    let mut typeless = placed.clone();
    typeless.triples[0].object.entity_type = None;
    typeless.id = Some("x-2".to_owned());
    let surfaces = sentence(vec![Triple::of("a b", "r", "c")]);

    for matcher in Match::ALL {
        let places = matches!(matcher, Match::Begin | Match::Boundaries | Match::Strict);
        assert_eq!(matcher.check((1..).zip(&[placed.clone(), sentence(vec![])]), Side::Gold), Ok(()));
        assert_eq!(matcher.check((1..).zip(std::slice::from_ref(&surfaces)), Side::Gold).is_err(), places, "{matcher}");
        let sentences = [placed.clone(), typeless.clone()];
        assert_eq!(matcher.check((1..).zip(&sentences), Side::Gold).is_err(), matcher == Match::Strict, "{matcher}");
    }

    let sentences = [placed.clone(), typeless.clone()];
    assert_eq!(
        Strict.check((1..).zip(&sentences), Side::Predicted).expect_err("no type").to_string(),
        "predicted sentence 2 (\"x-2\") has the mention \"a b\" without an entity type: give types to the mentions of \
         both sides, or use the matcher boundaries"
    );
    let error = evaluate(std::slice::from_ref(&placed), std::slice::from_ref(&surfaces), &Begin);
    assert_eq!(
        error.expect_err("no place").to_string(),
        "predicted sentence 1 has the mention \"a b\" without offsets: add offsets (`rere convert --locate`), or use a \
         matcher that compares strings"
    );
    let error = evaluate(std::slice::from_ref(&surfaces), std::slice::from_ref(&placed), &Boundaries);
    assert!(matches!(error, Err(EvalError::Lacks { side: Side::Gold, position: 1, lack: MissingField::Offsets, .. })));
}

#[test]
fn without_a_place_nothing_is_equal() {
    let lost = sentence(vec![Triple::of("a b", "r", "c"), Triple::of("a b", "r", "c"), triple([0, 3], "r", [4, 5])]);
    for matcher in [Match::Begin, Match::Boundaries, Match::Strict] {
        assert_eq!(count_all(&[(&lost, &lost)], &matcher), counts(1, 3, 3), "{matcher}");
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
    // An entity of no triple is wanted for the entities alone.
    gold.entities[0].span = None;
    let sides = std::slice::from_ref(&gold);
    assert_eq!(Boundaries.check((1..).zip(sides), Side::Gold), Ok(()));
    assert!(matches!(
        Boundaries.check_entities((1..).zip(sides), Side::Gold),
        Err(EvalError::Lacks { position: 1, .. })
    ));
    assert_eq!(Exact.check_entities((1..).zip(sides), Side::Gold), Ok(()));
    assert_eq!(count_entities(&[(&gold, &gold)], &Boundaries), counts(3, 4, 4));
}
