//! Matchers and counts.

use proptest::prelude::*;
use rere_core::{ByteSpan, Mention, RelationSet, Sentence, Triple};
use rere_eval::{
    Boundaries, Counts, Entity, EvalError, Exact, Match, MissingField, Partial, Score, Side, TripleMatcher,
    check_relations, evaluate, evaluate_lists,
};

use crate::corpora::{corpus, count, triples};

fn counts(true_positives: usize, predicted: usize, gold: usize) -> Counts {
    Counts { true_positives, predicted, gold }
}

#[test]
fn exact_compares_whole_strings() {
    let gold = [Triple::of("New York", "in", "United States")];
    for (predicted, true_positives) in [
        (Triple::of("New York", "in", "United States"), 1),
        (Triple::of(" New York\t", "in", "\u{3000}United States"), 1),
        (Triple::of("New  York", "in", "United States"), 0),
        (Triple::of("new york", "in", "united states"), 0),
        (Triple::of("New York", "of", "United States"), 0),
        (Triple::of("United States", "in", "New York"), 0),
        (Triple::of("New", "in", "United"), 0),
    ] {
        assert_eq!(
            count(&gold, std::slice::from_ref(&predicted), &Exact),
            counts(true_positives, 1, 1),
            "{predicted:?}"
        );
    }
}

#[test]
fn partial_compares_first_words() {
    let gold = [Triple::of("New York", "in", "United States")];
    for (predicted, true_positives) in [
        (Triple::of("New Jersey", "in", "United Kingdom"), 1),
        (Triple::of(" New\tYork", "in", "United"), 1),
        (Triple::of("York", "in", "United States"), 0),
        (Triple::of("Newark", "in", "United States"), 0),
        (Triple::of("New York", "in", "the United States"), 0),
        (Triple::of("New York", "of", "United States"), 0),
        (Triple::of("", "in", " "), 0),
    ] {
        assert_eq!(
            count(&gold, std::slice::from_ref(&predicted), &Partial),
            counts(true_positives, 1, 1),
            "{predicted:?}"
        );
    }
    assert_eq!(Partial.key(&Triple::of(" ", "in", "北京 市")), Ok(("", "in", "北京")));
}

#[test]
fn equal_triples_count_once() {
    let gold =
        [Triple::of("New York", "in", "US"), Triple::of("New York", "in", "US "), Triple::of("New Haven", "in", "US")];
    let predicted =
        [Triple::of("New York", "in", "US"), Triple::of("New York", "in", "US"), Triple::of("York", "in", "US")];
    assert_eq!(count(&gold, &predicted, &Exact), counts(1, 2, 2));
    assert_eq!(count(&gold, &predicted, &Partial), counts(1, 2, 1));
}

#[test]
fn a_matcher_has_a_name() {
    for matcher in Match::ALL {
        assert_eq!(matcher.to_string().parse(), Ok(matcher));
        assert_eq!(serde_json::to_value(matcher).expect("a name"), matcher.to_string());
    }
    let message = "Exact".parse::<Match>().expect_err("no such name").to_string();
    assert_eq!(
        message,
        "no matcher is called \"Exact\": use exact, partial, begin, last-word, boundaries, strict or entity"
    );
}

#[test]
fn relations_are_checked() {
    let relations = RelationSet::from_names(["in", "of"]).expect("a set");
    let sentence = |relation| Sentence::new("a b").with_triples(vec![Triple::of("a", relation, "b")]);
    assert_eq!(check_relations((1..).zip(&[sentence("in"), Sentence::new(""), sentence("of")]), &relations), Ok(()));
    let mut sentences = [sentence("in"), sentence("at")];
    let error = check_relations((1..).zip(&sentences), &relations).expect_err("unknown");
    assert!(error.to_string().starts_with("sentence 2 has a triple with the relation \"at\","), "{error}");
    sentences[1].id = Some("x-2".to_owned());
    let error = check_relations((1..).zip(&sentences), &relations).expect_err("unknown");
    assert!(error.to_string().starts_with("sentence 2 (\"x-2\") has a triple"), "{error}");
    assert!(matches!(error, EvalError::UnknownRelation { position: 2, .. }));
}

#[test]
fn messages_name_the_sentence_and_the_remedy() {
    let missing = |side, id: Option<&str>, field| EvalError::MissingField {
        side,
        position: 2,
        id: id.map(str::to_owned),
        surface: "a b".to_owned(),
        field,
    };
    let no_score = EvalError::NoScore { position: 1, id: Some("x".to_owned()), relation: "s".to_owned() };
    for (error, message) in [
        (
            missing(Side::Predicted, Some("x-2"), MissingField::Type),
            "predicted sentence 2 (\"x-2\") has the mention \"a b\" without an entity type: give types to the mentions \
             of both sides, or use the matcher `boundaries`",
        ),
        (
            missing(Side::Gold, None, MissingField::Offsets),
            "gold sentence 2 has the mention \"a b\" without offsets: add offsets (`rere convert --locate`), or use a \
             matcher that compares strings",
        ),
        (
            no_score,
            "predicted sentence 1 (\"x\") has a triple with the relation \"s\" and no score: have the system give each \
             triple a score",
        ),
        (
            EvalError::ListCount { gold: 1, predicted: 0 },
            "1 gold and 0 predicted lists of triples: give one list per text on both sides, in the same order, and an \
             empty list if a text has no triples",
        ),
    ] {
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn lists_must_have_equal_lengths_and_the_compared_fields() {
    let triple = Triple::of("a", "r", "b");
    let one = [vec![triple.clone()]];
    assert_eq!(evaluate_lists(&one, &[[triple.clone()]], &Exact), Ok(counts(1, 1, 1)));
    let none: [&[Triple]; 0] = [];
    assert_eq!(evaluate_lists(&none, &none, &Exact), Ok(Counts::default()));
    assert_eq!(evaluate_lists(&one, &none, &Exact), Err(EvalError::ListCount { gold: 1, predicted: 0 }));
    let missing = |side, position| EvalError::MissingField {
        side,
        position,
        id: None,
        surface: "a".to_owned(),
        field: MissingField::Offsets,
    };
    let two = [vec![], vec![triple]];
    assert_eq!(evaluate_lists(&two, &two, &Boundaries), Err(missing(Side::Gold, 2)));
    assert_eq!(evaluate_lists(&[vec![], vec![]], &two, &Boundaries), Err(missing(Side::Predicted, 2)));
}

#[test]
fn lists_know_only_the_mentions_of_their_gold_triples() {
    let text = "Ilse Brandt sings . Brandt lives in Oslo .";
    let at = |start, end, entity: &str| {
        Mention::at(text, ByteSpan::new(start, end)).expect("a span of the text").with_entity(entity)
    };
    let lives = Triple::new(at(20, 26, "0"), "lives in", at(36, 40, "1"));
    let gold = Sentence::new(text).with_triples(vec![lives.clone()]).with_entities(vec![at(0, 11, "0")]);
    let found = [lives, Triple::of("Ilse Brandt", "lives in", "Oslo")];
    let predicted = |triple: &Triple| Sentence::new(text).with_triples(vec![triple.clone()]);
    for (triple, true_positives) in found.iter().zip([1, 0]) {
        let gold = std::slice::from_ref(&gold);
        assert_eq!(evaluate(gold, &[predicted(triple)], &Entity), Ok(counts(1, 1, 1)));
        assert_eq!(evaluate_lists(&[&gold[0].triples], &[[triple.clone()]], &Entity), Ok(counts(true_positives, 1, 1)));
    }
}

/// Counts by comparing each triple with each other, written from the definitions of the matchers.
fn reference(gold: &[Triple], predicted: &[Triple], matcher: Match) -> Counts {
    let key = |mention: &Mention| match matcher {
        Match::Partial => mention.text.split_whitespace().next().unwrap_or("").to_owned(),
        Match::LastWord => mention.text.split_whitespace().last().unwrap_or("").to_owned(),
        Match::Begin => mention.span.expect("offsets").start.to_string(),
        Match::Boundaries => format!("{:?}", mention.span),
        Match::Strict => format!("{:?} {:?}", mention.span, mention.entity_type),
        _ => mention.text.trim().to_owned(),
    };
    let equal = |a: &Triple, b: &Triple| {
        a.relation == b.relation && key(&a.subject) == key(&b.subject) && key(&a.object) == key(&b.object)
    };
    let distinct = |triples: &[Triple]| {
        let mut kept: Vec<Triple> = Vec::new();
        for triple in triples {
            if matcher == Match::Begin || !kept.iter().any(|known| equal(known, triple)) {
                kept.push(triple.clone());
            }
        }
        kept
    };
    let (mut free, predicted) = (distinct(gold), distinct(predicted));
    let gold = free.len();
    // Each prediction takes a gold triple, which no other can take.
    let takes = |triple: &&Triple| match free.iter().position(|known| equal(known, triple)) {
        Some(taken) => {
            free.remove(taken);
            true
        }
        None => false,
    };
    counts(predicted.iter().filter(takes).count(), predicted.len(), gold)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn as_the_reference((gold, predicted) in corpus()) {
        for matcher in Match::ALL {
            let pairs = gold.iter().zip(&predicted);
            let expected: Counts = pairs.map(|(g, p)| reference(&g.triples, &p.triples, matcher)).sum();
            prop_assert_eq!(evaluate(&gold, &predicted, &matcher), Ok(expected));
            let lists =
                |side: &[Sentence]| side.iter().map(|sentence| sentence.triples.clone()).collect::<Vec<_>>();
            let (gold, predicted) = (lists(&gold), lists(&predicted));
            prop_assert_eq!(evaluate_lists(&gold, &predicted, &matcher), Ok(expected));
        }
    }

    #[test]
    fn order_does_not_matter((gold, predicted) in corpus(), by in 0usize..6) {
        let mut turned = predicted.clone();
        for sentence in &mut turned {
            sentence.triples.reverse();
        }
        let by = by.min(turned.len());
        turned.rotate_left(by);
        for matcher in Match::ALL {
            prop_assert_eq!(evaluate(&gold, &predicted, &matcher), evaluate(&gold, &turned, &matcher));
        }
    }

    #[test]
    fn sides_can_be_exchanged((gold, predicted) in corpus()) {
        for matcher in Match::ALL {
            let counted = evaluate(&gold, &predicted, &matcher).expect("same sentences");
            let Counts { true_positives, predicted: p, gold: g } = counted;
            prop_assert_eq!(evaluate(&predicted, &gold, &matcher), Ok(counts(true_positives, g, p)));
            prop_assert!(true_positives <= p.min(g));
        }
    }

    #[test]
    fn gold_against_itself_is_perfect((gold, _) in corpus()) {
        for matcher in Match::ALL {
            let score = Score::from_counts(evaluate(&gold, &gold, &matcher).expect("same sentences"));
            let perfect = if score.counts.gold == 0 { 0.0 } else { 1.0 };
            prop_assert_eq!((score.precision, score.recall, score.f1), (perfect, perfect, perfect));
        }
    }

    #[test]
    fn another_true_positive_lowers_nothing(gold in triples(), predicted in triples(), at: prop::sample::Index) {
        prop_assume!(!gold.is_empty());
        let mut more = predicted.clone();
        more.push(at.get(&gold).clone());
        for matcher in Match::ALL {
            let before = Score::from_counts(count(&gold, &predicted, &matcher));
            let after = Score::from_counts(count(&gold, &more, &matcher));
            prop_assert!(after.recall >= before.recall);
            // If repeats count, a triple predicted more often than it is gold is a false positive.
            prop_assert!(
                matcher.counts_repeats() || (after.precision >= before.precision && after.f1 >= before.f1)
            );
        }
    }

    #[test]
    fn f1_is_the_harmonic_mean(true_positives in 0usize..50, others in 0usize..50, missed in 0usize..50) {
        let counts = counts(true_positives, true_positives + others, true_positives + missed);
        let Score { precision, recall, f1, .. } = Score::from_counts(counts);
        let mean = if true_positives == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
        prop_assert!((f1 - mean).abs() < 1e-12);
        prop_assert!((0.0..=1.0).contains(&f1));
    }
}
