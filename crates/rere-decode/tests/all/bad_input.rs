//! Tests that invalid input is an error with its position.

use crate::common::{Case, cases};
use proptest::prelude::*;
use rere_core::{ByteSpan, Probability, SpanError};
use rere_decode::{CrossProduct, DecodeError, Nearest, Pairing, PairingStrategy, PointerScores, Scale, TokenizedText};

#[test]
fn scores_come_in_fours() {
    for (values, tokens) in [(3, 1), (5, 1), (8, 1), (4, 2), (4, 0), (0, 1), (0, usize::MAX)] {
        let error = PointerScores::new(&vec![0.0; values], tokens).expect_err("a wrong number");
        assert_eq!(error, DecodeError::ScoreCount { values, tokens });
    }
    assert_eq!(PointerScores::new(&[], 0).map(PointerScores::tokens), Ok(0));
    assert_eq!(PointerScores::new(&[0.0; 8], 2).map(PointerScores::tokens), Ok(2));
}

#[test]
fn a_score_is_a_probability() {
    for bad in [-0.1, 1.0 + f32::EPSILON, 7.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
        let mut scores = [0.5; 12];
        scores[6] = bad;
        let error = PointerScores::new(&scores, 3).expect_err("not a probability");
        assert!(
            matches!(error, DecodeError::NotAScore { token: 1, column: 2, pointer: "object start", value, .. }
                if value.to_bits() == bad.to_bits()),
            "{error}"
        );
        assert_eq!(PointerScores::on_scale(&scores, 3, Scale::Logit).is_err(), bad.is_nan());
    }
    assert!(PointerScores::new(&[0.0, -0.0, 1.0, f32::MIN_POSITIVE], 1).is_ok());
}

#[test]
fn a_mask_and_an_array_have_the_shape_of_the_scores() {
    let scores = PointerScores::new(&[0.0; 8], 2).expect("two tokens");
    assert_eq!(scores.with_mask(&[true; 3]).expect_err("one too many"), DecodeError::MaskLength { mask: 3, tokens: 2 });
    assert!(scores.with_mask(&[false, true]).is_ok());
    let array = ndarray::Array2::<f32>::zeros((4, 2));
    let error = PointerScores::from_array(array.t(), Scale::Probability).expect_err("column by column");
    assert_eq!(error, DecodeError::Layout { shape: vec![2, 4] });
    let error = PointerScores::from_array(array.view(), Scale::Probability).expect_err("two columns");
    assert_eq!(error, DecodeError::ScoreCount { values: 8, tokens: 4 });
    assert_eq!(
        PointerScores::from_array(array.t().as_standard_layout().view(), Scale::Logit).map(|s| s.tokens()),
        Ok(2)
    );
}

#[test]
fn tokens_slice_the_text() {
    let span = ByteSpan::new;
    let error = TokenizedText::new("é", &[span(0, 2), span(1, 2)]).expect_err("inside a character");
    let source = SpanError::InsideCharacter { start: 1, end: 2 };
    assert_eq!(error, DecodeError::TokenOutsideText { token: 1, source });
    assert!(matches!(TokenizedText::new("a", &[span(0, 2)]), Err(DecodeError::TokenOutsideText { token: 0, .. })));
    assert!(matches!(TokenizedText::new("a", &[span(1, 0)]), Err(DecodeError::TokenOutsideText { token: 0, .. })));
    let error = TokenizedText::new("a b", &[span(2, 3), span(0, 1)]).expect_err("out of order");
    assert_eq!(error, DecodeError::TokenOrder { token: 1 });
    // Tokens that share a character, and an empty one, are in order.
    assert!(TokenizedText::new("🚀", &[span(0, 4), span(0, 4), span(4, 4)]).is_ok());
}

#[test]
fn scores_are_for_the_sentence() {
    let scores = PointerScores::new(&[0.0; 8], 2).expect("two tokens");
    let sentence = TokenizedText::new("a", &[ByteSpan { start: 0, end: 1 }]).expect("one token");
    for pairing in [Pairing::Nearest, Pairing::CrossProduct] {
        let error =
            pairing.strategy(Probability::default(), false, None).pair(scores, sentence).expect_err("one row too many");
        assert_eq!(error, DecodeError::TokenCount { scores: 2, tokens: 1 });
    }
}

#[test]
fn empty_or_blank_input_gives_no_pairs() {
    for case in [Case::characters(""), Case::words("a b")] {
        assert!(case.pairs(&CrossProduct::new(Probability::default())).is_empty());
    }
    assert!(Case::characters("").pairs(&Nearest::new(Probability::default())).is_empty());
    let blank = Case::characters(" \t").subject(0, 1, 1.0, 1.0).object(0, 0, 1.0, 1.0);
    assert!(blank.pairs(&Nearest::new(Probability::default())).is_empty());
    assert!(blank.pairs(&CrossProduct::new(Probability::default())).is_empty());
}

#[test]
fn a_pairing_is_named_in_settings() {
    for (name, pairing) in [("\"nearest\"", Pairing::Nearest), ("\"cross-product\"", Pairing::CrossProduct)] {
        assert_eq!(serde_json::from_str::<Pairing>(name).expect("a name"), pairing);
        assert_eq!(serde_json::to_string(&pairing).expect("a name"), name);
    }
    let case = Case::words("a b c d").subject(0, 0, 0.9, 0.9).object(1, 1, 0.8, 0.8).object(3, 3, 0.7, 0.7);
    let case = case.subject(2, 2, 0.9, 0.9);
    let half = Probability::new(0.5).expect("a probability");
    let scores = PointerScores::new(case.scores.as_flattened(), 4).expect("scores");
    let sentence = TokenizedText::new(&case.text, &case.tokens).expect("a sentence");
    for (pairing, pairs) in [
        (Pairing::Nearest, case.decode(&Nearest::new(half))),
        (Pairing::CrossProduct, case.decode(&CrossProduct::new(half))),
    ] {
        assert_eq!(pairing.strategy(half, false, None).pair(scores, sentence), pairs);
        assert_eq!(pairing.strategy(half, true, None).pair(scores, sentence), pairs);
        let one = Probability::new(1.0).expect("a probability");
        assert!(pairing.strategy(one, false, None).pair(scores, sentence).expect("good input").is_empty());
        assert!(!pairing.strategy(one, true, None).pair(scores, sentence).expect("good input").is_empty());
    }
    assert_ne!(case.decode(&Nearest::new(half)), case.decode(&CrossProduct::new(half)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(2000) as u32))]

    #[test]
    fn any_bits_are_decoded_or_rejected(
        bits in prop::collection::vec(prop_oneof![any::<u32>(), Just(0.5f32.to_bits())], 0..40),
        text in "\\PC{0,10}",
        threshold in 0.0..=1.0f32,
    ) {
        let values: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
        let mut case = Case::characters(&text);
        let good = values.iter().all(|value| (0.0..=1.0).contains(value));
        let tokens = case.tokens.len();
        prop_assert_eq!(PointerScores::new(&values, tokens).is_ok(), good && values.len() == 4 * tokens);
        // The same numbers, repeated, as the scores of the text.
        let mut fill = values.iter().cycle().map(|value| value.abs().rem_euclid(1.0));
        for score in case.scores.as_flattened_mut() {
            *score = fill.next().unwrap_or(0.0);
        }
        let finite = case.scores.as_flattened().iter().all(|score| score.is_finite());
        let threshold = Probability::new(threshold).expect("in [0, 1]");
        prop_assert_eq!(case.decode(&Nearest::new(threshold)).is_ok(), finite);
        prop_assert_eq!(case.decode(&CrossProduct::new(threshold)).is_ok(), finite);
    }
}
