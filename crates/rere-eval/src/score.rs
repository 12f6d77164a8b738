//! The measures made from counts of triples.

use serde::Serialize;

use crate::{Counts, Match};

/// Micro precision, recall and F1, from 0 to 1, with the counts that they come from.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Score {
    /// What was counted.
    #[serde(flatten)]
    pub counts: Counts,
    /// right / predicted.
    pub precision: f64,
    /// right / gold.
    pub recall: f64,
    /// 2 right / (predicted + gold), the harmonic mean of the two.
    pub f1: f64,
}

impl Score {
    /// The measures of the counts; 0/0 is 0.
    pub fn from_counts(counts: Counts) -> Self {
        let Counts { true_positives, predicted, gold } = counts;
        Self {
            counts,
            precision: ratio(true_positives, predicted),
            recall: ratio(true_positives, gold),
            // One division, so that equal F1 are equal numbers.
            f1: ratio(2 * true_positives, predicted + gold),
        }
    }
}

impl From<Counts> for Score {
    fn from(counts: Counts) -> Self {
        Self::from_counts(counts)
    }
}

/// Precision, recall and F1 that are means over parts, each part with the same weight.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct MacroScore {
    /// Number of parts that the means are over.
    pub parts: usize,
    /// Mean precision.
    pub precision: f64,
    /// Mean recall.
    pub recall: f64,
    /// Mean of the parts' F1, not the F1 of the means.
    pub f1: f64,
}

impl MacroScore {
    /// The means over those parts that have gold triples; all 0 where there is none. Most often over the relations:
    ///
    /// ```
    /// use rere_eval::{Counts, MacroScore};
    ///
    /// let born = Counts { true_positives: 3, predicted: 3, gold: 3 };
    /// let died = Counts { true_positives: 0, predicted: 2, gold: 1 };
    /// let never_gold = Counts { true_positives: 0, predicted: 9, gold: 0 };
    /// let mean = MacroScore::of([born, died, never_gold]);
    /// assert_eq!((mean.parts, mean.precision, mean.recall, mean.f1), (2, 0.5, 0.5, 0.5));
    /// ```
    ///
    /// With [`count_by_relation`](crate::count_by_relation): `MacroScore::of(by_relation.into_values())`. What is
    /// predicted of a part that is never gold lowers the micro average only.
    pub fn of(parts: impl IntoIterator<Item = Counts>) -> Self {
        let mut mean = Self::default();
        for score in parts.into_iter().filter(|counts| counts.gold > 0).map(Score::from_counts) {
            mean.parts += 1;
            mean.precision += score.precision;
            mean.recall += score.recall;
            mean.f1 += score.f1;
        }
        let share = |sum: f64| if mean.parts == 0 { 0.0 } else { sum / mean.parts as f64 };
        Self { precision: share(mean.precision), recall: share(mean.recall), f1: share(mean.f1), ..mean }
    }
}

pub(crate) fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A score and the matcher that it was counted with; one entry of the `scores` that `rere evaluate --json` prints.
///
/// ```
/// use rere_eval::{Counts, Match, NamedScore};
///
/// let score = NamedScore::new(Match::Exact, Counts { true_positives: 1, predicted: 2, gold: 4 });
/// let json = serde_json::to_string(&score)?;
/// let start = r#"{"match":"exact","true_positives":1,"predicted":2,"gold":4,"precision":0.5,"recall":0.25,"f1":0.33"#;
/// assert!(json.starts_with(start));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NamedScore {
    /// What made triples equal.
    #[serde(rename = "match")]
    pub matcher: Match,
    /// The score.
    #[serde(flatten)]
    pub score: Score,
}

impl NamedScore {
    /// The score of counts that were made with `matcher`.
    pub fn new(matcher: Match, counts: Counts) -> Self {
        Self { matcher, score: Score::from_counts(counts) }
    }
}
