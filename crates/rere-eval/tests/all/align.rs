//! Sentences that do not agree are errors that say where and what to do.

use rere_core::Sentence;
use rere_eval::{EvalError, Exact, Side, align, evaluate};

/// `id:text`, or a text alone.
fn sentences(given: &[&str]) -> Vec<Sentence> {
    let sentence = |given: &&str| match given.split_once(':') {
        Some((id, text)) => Sentence { id: Some(id.to_owned()), ..Sentence::new(text) },
        None => Sentence::new(*given),
    };
    given.iter().map(sentence).collect()
}

/// The texts of the aligned sentences by their positions on the predicted side.
fn aligned(gold: &[&str], predicted: &[&str]) -> Result<Vec<usize>, EvalError> {
    let (gold, predicted) = (sentences(gold), sentences(predicted));
    let pairs = align(&gold, &predicted)?;
    assert!(pairs.iter().zip(&gold).all(|(pair, sentence)| std::ptr::eq(pair.0, sentence)));
    let position = |found: &Sentence| predicted.iter().position(|sentence| std::ptr::eq(sentence, found));
    Ok(pairs.iter().map(|pair| position(pair.1).expect("a predicted sentence")).collect())
}

fn message(gold: &[&str], predicted: &[&str]) -> String {
    let error = aligned(gold, predicted).expect_err("sides that do not agree");
    let sides = (sentences(gold), sentences(predicted));
    assert_eq!(evaluate(&sides.0, &sides.1, &Exact).expect_err("likewise"), error);
    error.to_string()
}

#[test]
fn by_id_in_any_order() {
    assert_eq!(aligned(&["1:a", "2:b", "3:c"], &["3:c", "1:a", "2:b"]), Ok(vec![1, 2, 0]));
    // Equal texts are no matter, nor is an empty id.
    assert_eq!(aligned(&["1:a", ":a"], &[":a", "1:a"]), Ok(vec![1, 0]));
}

#[test]
fn by_order_without_ids() {
    assert_eq!(aligned(&["a", "a", "b"], &["a", "a", "b"]), Ok(vec![0, 1, 2]));
    assert_eq!(aligned(&[], &[]), Ok(vec![]));
}

#[test]
fn by_id_both_sides_have_the_same_sentences() {
    assert_eq!(
        message(&["1:a", "2:b"], &["1:a"]),
        "gold sentence 2 (\"2\") is not among the predictions: predict every sentence, \
         with no triples where there are none"
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
    assert!(matches!(aligned(&["1:a"], &[]), Err(EvalError::MissingSentence { position: 1, .. })));
    assert!(matches!(aligned(&[], &["1:a"]), Err(EvalError::UnknownSentence { position: 1, .. })));
}

#[test]
fn an_id_stands_once() {
    assert_eq!(
        message(&["1:a", "2:b", "1:a"], &["1:a", "2:b"]),
        "gold sentence 3 has the id \"1\" of sentence 1: give each sentence its own id"
    );
    let error = aligned(&["1:a", "2:b"], &["1:a", "2:b", "2:c"]).expect_err("twice");
    assert_eq!(error, EvalError::DuplicateId { side: Side::Predicted, id: "2".to_owned(), first: 2, position: 3 });
}

#[test]
fn ids_on_each_sentence_or_on_none() {
    assert_eq!(
        message(&["1:a"], &["a"]),
        "only the gold sentences have ids: give ids to both sides, or remove them to go by order"
    );
    assert_eq!(aligned(&["a"], &["1:a"]), Err(EvalError::IdsOnOneSide { side: Side::Predicted }));
    assert_eq!(
        message(&["1:a", "b"], &["a", "b"]),
        "gold sentence 2 has no id, unlike the first: give an id to each sentence, or to none"
    );
    assert_eq!(
        message(&["a", "b"], &["a", "2:b"]),
        "predicted sentence 2 has an id, unlike the first: give an id to each sentence, or to none"
    );
}

#[test]
fn by_order_both_sides_have_the_same_sentences() {
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
    assert_eq!(aligned(&[], &["a"]), Err(EvalError::SentenceCount { gold: 0, predicted: 1 }));
    assert_eq!(aligned(&["a"], &["a "]), Err(EvalError::TextAt { position: 1 }));
}
