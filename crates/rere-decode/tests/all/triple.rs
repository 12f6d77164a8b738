//! Tests of the conversion to triples of a text.

use rere_core::{ByteSpan, Probability, TokenSpan};
use rere_decode::{ScoredPair, TokenTriple, TokenizedText};

#[test]
fn blank_equal_and_missing_spans_give_no_triple() {
    // Tokens: two that share a character, white space, and a word.
    let tokens = [(0, 4), (0, 4), (4, 5), (5, 6)].map(|(start, end)| ByteSpan::new(start, end));
    let sentence = TokenizedText::new("🚀 x", &tokens).expect("tokens of the text");
    let to_triple = |subject: usize, object: usize| {
        let [subject, object] = [subject, object].map(|token| TokenSpan::new(token, token + 1));
        TokenTriple { relation: 0, subject, object, score: 0.5 }.to_triple(sentence, "r")
    };
    for (subject, object) in [(0, 1), (0, 2), (2, 3), (0, 4), (9, 0)] {
        assert_eq!(to_triple(subject, object), None, "{subject} {object}");
    }
    let triple = to_triple(1, 3).expect("two different words");
    assert_eq!((&*triple.subject.text, &*triple.relation, &*triple.object.text), ("🚀", "r", "x"));
    assert_eq!(triple.score, Probability::new(0.5).ok());
}

#[test]
fn scores_over_1_become_1() {
    let pair = ScoredPair { subject: ByteSpan::new(0, 1), object: ByteSpan::new(2, 3), score: 1.5 };
    assert_eq!(pair.to_triple("a b", "r").expect("spans of the text").score, Probability::new(1.0).ok());
    assert!(pair.to_triple("a", "r").is_err());
}
