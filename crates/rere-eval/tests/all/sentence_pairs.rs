//! Pairs of sentences, and errors of sides that do not agree.

use std::cell::Cell;

use proptest::prelude::*;
use rere_core::Sentence;
use rere_eval::{
    Agreement, EvalError, Exact, Mismatches, SentencePairStream, Side, evaluate, pair_sentences, pair_sentences_counted,
};

/// `id:text`, or a text alone.
fn sentences(given: &[&str]) -> Vec<Sentence> {
    let sentence = |given: &&str| match given.split_once(':') {
        Some((id, text)) => Sentence::new(text).with_id(id),
        None => Sentence::new(*given),
    };
    given.iter().map(sentence).collect()
}

/// The index of the predicted sentence of each gold one.
fn partners(gold: &[&str], predicted: &[&str]) -> Result<Vec<usize>, EvalError> {
    let (gold, predicted) = (sentences(gold), sentences(predicted));
    let pairs = pair_sentences(&gold, &predicted)?;
    assert!(pairs.iter().zip(&gold).all(|(pair, sentence)| std::ptr::eq(pair.0, sentence)));
    let position = |found: &Sentence| predicted.iter().position(|sentence| std::ptr::eq(sentence, found));
    Ok(pairs.iter().map(|pair| position(pair.1).expect("a predicted sentence")).collect())
}

fn message(gold: &[&str], predicted: &[&str]) -> String {
    let error = partners(gold, predicted).expect_err("sides that do not agree");
    let sides = (sentences(gold), sentences(predicted));
    assert_eq!(evaluate(&sides.0, &sides.1, &Exact).expect_err("likewise"), error);
    error.to_string()
}

#[test]
fn by_id_in_any_order() {
    assert_eq!(partners(&["1:a", "2:b", "3:c"], &["3:c", "1:a", "2:b"]), Ok(vec![1, 2, 0]));
    // Texts can be equal, and an id empty.
    assert_eq!(partners(&["1:a", ":a"], &[":a", "1:a"]), Ok(vec![1, 0]));
}

#[test]
fn by_order_without_ids() {
    assert_eq!(partners(&["a", "a", "b"], &["a", "a", "b"]), Ok(vec![0, 1, 2]));
    assert_eq!(partners(&[], &[]), Ok(vec![]));
}

#[test]
fn with_ids_both_sides_must_have_the_same_sentences() {
    assert_eq!(
        message(&["1:a", "2:b"], &["1:a"]),
        "gold sentence 2 (\"2\") is not among the predictions: predict every sentence, with an empty list if there \
         are no triples"
    );
    assert_eq!(
        message(&["1:a"], &["1:a", "x:b"]),
        "predicted sentence 2 (\"x\") is not in the gold file: predict the sentences of this gold file"
    );
    assert_eq!(
        message(&["1:a", "2:b"], &["2:B", "1:a"]),
        "gold sentence 2 and predicted sentence 1 have the id \"2\" but different texts: \
         predict the texts of this gold file, unchanged"
    );
    // The error names the first of several unknown sentences, also if they come before the gold ones.
    let unknown = EvalError::UnknownSentence { id: "x".to_owned(), position: 1 };
    for predicted in [&["x:b", "1:a"][..], &["x:b", "y:b", "1:a"], &["x:b", "y:b", "1:a", "z:b"]] {
        assert_eq!(partners(&["1:a"], predicted), Err(unknown.clone()));
    }
    assert!(matches!(partners(&["1:a"], &[]), Err(EvalError::MissingSentence { position: 1, .. })));
    assert!(matches!(partners(&[], &["1:a"]), Err(EvalError::UnknownSentence { position: 1, .. })));
}

#[test]
fn ids_must_be_unique() {
    assert_eq!(
        message(&["1:a", "2:b", "1:a"], &["1:a", "2:b"]),
        "gold sentence 3 has the id \"1\" of sentence 1: give each sentence its own id"
    );
    let error = partners(&["1:a", "2:b"], &["1:a", "2:b", "2:c"]).expect_err("twice");
    assert_eq!(error, EvalError::DuplicateId { side: Side::Predicted, id: "2".to_owned(), first: 2, position: 3 });
}

#[test]
fn each_sentence_or_none_must_have_an_id() {
    assert_eq!(
        message(&["1:a"], &["a"]),
        "only the gold sentences have ids: give ids to both sides, or remove them to pair by order"
    );
    assert_eq!(partners(&["a"], &["1:a"]), Err(EvalError::IdsOnOneSide { side: Side::Predicted }));
    assert_eq!(
        message(&["1:a", "b"], &["1:a", "b"]),
        "gold sentence 2 has no id, unlike the first: give an id to each sentence, or to none"
    );
    assert_eq!(
        message(&["a", "b"], &["a", "2:b"]),
        "predicted sentence 2 has an id, unlike the first: give an id to each sentence, or to none"
    );
}

#[test]
fn without_ids_both_sides_must_have_the_same_sentences() {
    assert_eq!(
        message(&["a", "b", "c"], &["a", "c"]),
        "gold and predicted sentence 2 have different texts: without ids both files must have the same sentences in \
         the same order"
    );
    assert_eq!(
        message(&["a", "b", "c"], &["a", "b"]),
        "3 gold and 2 predicted sentences: without ids both files must have the same sentences in the same order, \
         and sentence 3 is on one side only"
    );
    assert_eq!(partners(&[], &["a"]), Err(EvalError::SentenceCount { gold: 0, predicted: 1 }));
    // The error counts all sentences, not only the first without a partner.
    let four = ["a", "b", "c", "d"];
    assert_eq!(partners(&four, &four[..1]), Err(EvalError::SentenceCount { gold: 4, predicted: 1 }));
    assert_eq!(partners(&four[..1], &four), Err(EvalError::SentenceCount { gold: 1, predicted: 4 }));
    assert_eq!(partners(&["a"], &["a "]), Err(EvalError::TextAt { position: 1 }));
}

/// The numbers of missing, unknown, repeated gold, repeated predicted and different sentences.
fn numbers(mismatches: Mismatches) -> [usize; 5] {
    let Mismatches { missing, unknown, repeated_gold, repeated_predicted, other_text, .. } = mismatches;
    [missing, unknown, repeated_gold, repeated_predicted, other_text]
}

/// The ids of the pairs, with `-` for a missing prediction, and the mismatches.
fn counted(gold: &[&str], predicted: &[&str]) -> (Vec<String>, Mismatches) {
    let (gold, predicted) = (sentences(gold), sentences(predicted));
    let (pairs, mismatches) = pair_sentences_counted(&gold, &predicted).expect("sentences with ids");
    let name = |(gold, predicted): &(&Sentence, &Sentence)| {
        let id = |sentence: &Sentence| sentence.id.clone().unwrap_or("-".to_owned());
        format!("{} {}{}", id(gold), id(predicted), predicted.text)
    };
    (pairs.iter().map(name).collect(), mismatches)
}

#[test]
fn mismatches_are_counted_on_request() {
    let none = Mismatches::default();
    assert_eq!(counted(&["1:a", "2:b"], &["2:b", "1:a"]), (vec!["1 1a".to_owned(), "2 2b".to_owned()], none));
    assert!(none.is_empty());
    let (pairs, mismatches) =
        counted(&["1:a", "2:b", "1:x", "3:c", "4:d"], &["9:z", "4:D", "1:a", "1:y", "4:E", "3:c", "8:y", "9:z"]);
    assert_eq!(pairs, ["1 1a", "2 -", "3 3c", "4 4D"]);
    assert_eq!(numbers(mismatches), [1, 2, 1, 3, 1]);
    assert!(!mismatches.is_empty());
    assert_eq!(numbers(counted(&[], &["1:a", "2:b"]).1), [0, 2, 0, 0, 0]);
    assert_eq!(numbers(counted(&["1:a"], &[]).1), [1, 0, 0, 0, 0]);
}

#[test]
fn without_ids_mismatches_are_errors() {
    for (gold, predicted) in [
        (&["a", "b"][..], &["a"][..]),
        (&["a"], &["a", "b"]),
        (&["a"], &["b"]),
        (&["1:a"], &["a"]),
        (&["a"], &["1:a"]),
        (&["1:a", "b"], &["1:a"]),
    ] {
        let (gold, predicted) = (sentences(gold), sentences(predicted));
        let required = pair_sentences(&gold, &predicted).expect_err("sides that do not agree");
        assert_eq!(pair_sentences_counted(&gold, &predicted).expect_err("likewise"), required);
    }
}

/// Sentences in the same order are read one by one.
#[test]
fn a_stream_runs_no_further_ahead_than_it_must() {
    let read = Cell::new([0, 0]);
    let stream = |side: usize, ids: Vec<usize>| {
        let read = &read;
        ids.into_iter().map(move |id| {
            let mut numbers = read.get();
            numbers[side] += 1;
            read.set(numbers);
            Ok::<_, EvalError>(Sentence::new("a").with_id(id.to_string()))
        })
    };
    let mut pairs =
        SentencePairStream::new(stream(0, (0..100).collect()), stream(1, (0..100).collect()), Agreement::Required);
    for number in 1..=100 {
        assert!(matches!(pairs.next(), Some(Ok((_, Some(_))))));
        assert_eq!(read.get(), [number, number]);
    }
    assert!(pairs.next().is_none());

    // Two sentences are exchanged: one waits for the other.
    read.set([0, 0]);
    let mut pairs = SentencePairStream::new(stream(0, vec![1, 2, 3]), stream(1, vec![2, 1, 3]), Agreement::Required);
    for expected in [[1, 2], [2, 2], [3, 3]] {
        assert!(matches!(pairs.next(), Some(Ok((_, Some(_))))));
        assert_eq!(read.get(), expected);
    }
    assert!(pairs.next().is_none() && pairs.next().is_none());
}

#[test]
fn an_error_of_a_stream_is_returned_and_ends_the_pairs() {
    #[derive(Debug, PartialEq)]
    enum Failure {
        Read,
        Eval(EvalError),
    }
    impl From<EvalError> for Failure {
        fn from(error: EvalError) -> Self {
            Self::Eval(error)
        }
    }
    let side = |ids: &'static [&str]| {
        ids.iter().map(|id| if *id == "!" { Err(Failure::Read) } else { Ok(Sentence::new("a").with_id(*id)) })
    };
    for (gold, predicted) in [(&["1", "!", "2"][..], &["1", "2"][..]), (&["1", "2"], &["1", "!", "2"])] {
        let mut pairs = SentencePairStream::new(side(gold), side(predicted), Agreement::Required);
        assert!(matches!(pairs.next(), Some(Ok(_))));
        assert_eq!(pairs.next(), Some(Err(Failure::Read)));
        assert!(pairs.next().is_none());
    }
    let mut pairs = SentencePairStream::new(side(&["1"]), side(&["2"]), Agreement::Required);
    assert!(matches!(pairs.next(), Some(Err(Failure::Eval(EvalError::MissingSentence { position: 1, .. })))));
    assert!(pairs.next().is_none());
}

/// Streams that can go on after their end are not polled again.
#[test]
fn nothing_follows_the_end() {
    let stream = || {
        let mut reads = 0;
        std::iter::from_fn(move || {
            reads += 1;
            (reads != 2).then(|| Ok::<_, EvalError>(Sentence::new("a").with_id(reads.to_string())))
        })
    };
    let mut pairs = SentencePairStream::new(stream(), stream(), Agreement::Required);
    assert!(matches!(pairs.next(), Some(Ok(_))));
    assert!(pairs.next().is_none() && pairs.next().is_none());
}

proptest! {
    /// Pairs and mismatches are those of looking up each sentence, whatever the orders.
    #[test]
    fn as_looking_up_each_sentence(
        gold in prop::collection::vec(0u8..12, 0..12),
        predicted in prop::collection::vec(0u8..12, 0..12),
    ) {
        let make = |ids: &[u8]| -> Vec<Sentence> {
            ids.iter().map(|id| Sentence::new("a").with_id(id.to_string())).collect()
        };
        let first = |ids: &[u8]| {
            let mut once = Vec::new();
            ids.iter().for_each(|id| if !once.contains(id) { once.push(*id) });
            once
        };
        let (gold_once, predicted_once) = (first(&gold), first(&predicted));
        let (gold_sentences, predicted_sentences) = (make(&gold), make(&predicted));
        let (pairs, mismatches) = pair_sentences_counted(&gold_sentences, &predicted_sentences).expect("ids");
        let id = |id: u8| Some(id.to_string());
        let expected: Vec<_> = gold_once
            .iter()
            .map(|own| (id(*own), predicted_once.contains(own).then(|| id(*own)).flatten()))
            .collect();
        let found: Vec<_> = pairs.iter().map(|(gold, predicted)| (gold.id.clone(), predicted.id.clone())).collect();
        prop_assert_eq!(found, expected);
        let missing = gold_once.iter().filter(|own| !predicted_once.contains(own)).count();
        let unknown = predicted_once.iter().filter(|own| !gold_once.contains(own)).count();
        let repeated = [gold.len() - gold_once.len(), predicted.len() - predicted_once.len()];
        prop_assert_eq!(numbers(mismatches), [missing, unknown, repeated[0], repeated[1], 0]);
        // Without mismatches, and only then, required agreement is no error.
        prop_assert_eq!(pair_sentences(&gold_sentences, &predicted_sentences).is_ok(), mismatches.is_empty());
    }
}
