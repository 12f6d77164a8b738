//! Precision, recall and F1 of counts.

use std::fmt;

use serde::Serialize;

use crate::{Counts, Match};

/// Micro precision, recall and F1, from 0 to 1, with the counts behind them.
///
/// ```
/// use rere_eval::{Counts, Score};
///
/// let score = Score::from_counts(Counts { true_positives: 177, predicted: 391, gold: 370 });
/// assert_eq!(
///     score.to_string(),
///     "precision 0.4527, recall 0.4784, F1 0.4652 (177 true positives, 391 predicted, 370 gold)"
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Score {
    /// The counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// true positives / predicted.
    pub precision: f64,
    /// true positives / gold.
    pub recall: f64,
    /// 2 true positives / (predicted + gold), the harmonic mean of precision and recall.
    pub f1: f64,
}

impl Score {
    /// Computes the measures of the counts; 0/0 is 0.
    pub fn from_counts(counts: Counts) -> Self {
        let Counts { true_positives, predicted, gold } = counts;
        Self {
            counts,
            precision: ratio(true_positives, predicted),
            recall: ratio(true_positives, gold),
            // A single division: mathematically equal F1 scores are equal numbers.
            f1: ratio(2 * true_positives, predicted + gold),
        }
    }
}

impl From<Counts> for Score {
    fn from(counts: Counts) -> Self {
        Self::from_counts(counts)
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { counts, precision, recall, f1 } = self;
        write!(f, "precision {precision:.4}, recall {recall:.4}, F1 {f1:.4} ({counts})")
    }
}

/// Mean precision, recall and F1 of the parts of a corpus, each part with the same weight.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct MacroScore {
    /// Number of parts behind the means.
    pub parts: usize,
    /// Mean precision.
    pub precision: f64,
    /// Mean recall.
    pub recall: f64,
    /// Mean of the F1 scores of the parts, not the F1 of the means.
    pub f1: f64,
}

impl MacroScore {
    /// Computes the means over the parts that have gold triples; all are 0 if there is none. The parts are usually
    /// relations:
    ///
    /// ```
    /// use rere_eval::{Counts, MacroScore};
    ///
    /// let born = Counts { true_positives: 3, predicted: 3, gold: 3 };
    /// let died = Counts { true_positives: 0, predicted: 2, gold: 1 };
    /// let never_gold = Counts { true_positives: 0, predicted: 9, gold: 0 };
    /// let mean = MacroScore::of([born, died, never_gold]);
    /// assert_eq!(mean.to_string(), "precision 0.5000, recall 0.5000, F1 0.5000 (mean of 2)");
    /// ```
    ///
    /// With [`count_by_relation`](crate::count_by_relation): `MacroScore::of(by_relation.into_values())`. Predictions
    /// in a part without gold triples lower the micro average only.
    pub fn of(parts: impl IntoIterator<Item = Counts>) -> Self {
        let mut sum = Self::default();
        for score in parts.into_iter().filter(|counts| counts.gold > 0).map(Score::from_counts) {
            sum.parts += 1;
            sum.precision += score.precision;
            sum.recall += score.recall;
            sum.f1 += score.f1;
        }
        let mean = |total: f64| if sum.parts == 0 { 0.0 } else { total / sum.parts as f64 };
        Self { precision: mean(sum.precision), recall: mean(sum.recall), f1: mean(sum.f1), ..sum }
    }
}

impl fmt::Display for MacroScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parts, precision, recall, f1 } = self;
        write!(f, "precision {precision:.4}, recall {recall:.4}, F1 {f1:.4} (mean of {parts})")
    }
}

/// Divides; 0/0 is 0.
pub(crate) fn ratio(numerator: usize, denominator: usize) -> f64 {
    if denominator == 0 { 0.0 } else { numerator as f64 / denominator as f64 }
}

/// A score with the matcher that counted it: an entry of `scores` in the output of `rere evaluate --json`.
///
/// ```
/// use rere_eval::{Counts, Match, NamedScore};
///
/// let score = NamedScore::new(Match::Exact, Counts { true_positives: 1, predicted: 2, gold: 4 });
/// let json = serde_json::to_string(&score)?;
/// let start = r#"{"match":"exact","true_positives":1,"predicted":2,"gold":4,"precision":0.5,"recall":0.25,"f1":0.33"#;
/// assert!(json.starts_with(start));
/// assert!(score.to_string().starts_with("exact: precision 0.5000, recall 0.2500, F1 0.3333"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NamedScore {
    /// The matcher.
    #[serde(rename = "match")]
    pub matcher: Match,
    /// The score.
    #[serde(flatten)]
    pub score: Score,
}

impl NamedScore {
    /// Computes the score of counts that were made with `matcher`.
    pub fn new(matcher: Match, counts: Counts) -> Self {
        Self { matcher, score: Score::from_counts(counts) }
    }
}

impl fmt::Display for NamedScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.matcher, self.score)
    }
}
