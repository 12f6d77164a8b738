//! The counts behind Table 3 of the RERE paper give the numbers that it prints.

use rere_eval::{Counts, Match, NamedScore, Score};
use serde_json::{Value, json};

#[test]
fn counts_give_the_printed_rows() {
    // True positives, predicted, gold; P, R, F1 in percent as printed. The paper rounds some numbers and truncates
    // others (58.918 is 58.91 there), hence the tolerance of one in the last digit.
    #[rustfmt::skip]
    let rows = [
        ("NYT11-HRL RERE",         221,  416,  370, Some(53.12), None,        Some(56.23)),
        ("NYT11-HRL RERE (exact)", 218,  416,  370, Some(52.40), Some(58.91), Some(55.47)),
        ("NYT11-HRL KB Match",     115,  240,  370, Some(47.92), Some(31.08), Some(37.7)),
        ("NYT11-HRL RERE - LSTM",  131,  232,  370, Some(56.46), Some(35.4),  Some(43.52)),
        ("NYT21 RERE",             240,  416,  389, Some(57.69), Some(61.69), Some(59.62)),
        ("NYT21 RERE (exact)",     237,  416,  389, Some(56.97), Some(60.93), Some(58.88)),
        ("NYT21 KB Match",         115,  240,  389, Some(47.92), Some(29.56), Some(36.57)),
        ("NYT10-HRL RERE",        4248, 5630, 5859, Some(75.45), Some(72.50), Some(73.95)),
        ("SKE21 RERE (exact)",    2328, 2574, 2765, Some(90.44), Some(84.20), Some(87.21)),
    ];
    for (row, true_positives, predicted, gold, precision, recall, f1) in rows {
        let score = Score::from_counts(Counts { true_positives, predicted, gold });
        let numbers = [("P", score.precision, precision), ("R", score.recall, recall), ("F1", score.f1, f1)];
        for (measure, value, printed) in numbers {
            // Less than 0.01: a number truncated after two digits is closer than that to its true value.
            assert!(
                printed.is_none_or(|printed| (100.0 * value - printed).abs() < 0.009_99),
                "{row} {measure} {value}"
            );
        }
    }
}

#[test]
fn one_printed_recall_does_not_fit_its_row() {
    // Table 3 prints R 59.59 beside P 53.12 and F1 56.23. That F1 needs a recall of 59.73 (221 of 370), and no number
    // of true positives gives 59.59.
    let score = Score::from_counts(Counts { true_positives: 221, predicted: 416, gold: 370 });
    assert_eq!(format!("{:.2}", 100.0 * score.recall), "59.73");
    assert_eq!(format!("{:.2}", 100.0 * score.f1), "56.23");
    let recalls = (0..=370).map(|true_positives| 100.0 * true_positives as f64 / 370.0);
    assert!(recalls.into_iter().all(|recall| (recall - 59.59).abs() > 0.01));
}

#[test]
fn a_score_in_json() {
    let score = NamedScore::new(Match::Exact, Counts { true_positives: 221, predicted: 416, gold: 370 });
    let text = serde_json::to_string(&score).expect("JSON");
    let start =
        r#"{"match":"exact","true_positives":221,"predicted":416,"gold":370,"precision":0.53125,"recall":0.59729"#;
    assert!(text.starts_with(start), "{text}");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value.as_object().map(|object| object.len()), Some(7));
    assert_eq!(value["recall"], json!(221.0 / 370.0));
    assert_eq!(value["f1"], json!(442.0 / 786.0));
}

#[test]
fn nothing_is_zero() {
    assert_eq!(Score::from_counts(Counts::default()), Score::default());
    let none_predicted = Score::from_counts(Counts { gold: 3, ..Counts::default() });
    assert_eq!((none_predicted.precision, none_predicted.recall, none_predicted.f1), (0.0, 0.0, 0.0));
    let none_gold = Score::from_counts(Counts { predicted: 3, ..Counts::default() });
    assert_eq!((none_gold.precision, none_gold.recall, none_gold.f1), (0.0, 0.0, 0.0));
}
