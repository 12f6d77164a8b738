//! Classification of candidate pairs.

use rere_core::TokenSpan;

use crate::{DecodeError, Decoder, RelationThresholds, Role, TableScores, TokenTriple, triple::best_of_each};

/// A decoder of relation scores of candidate pairs.
///
/// Each score at or over the threshold of its relation gives a triple with that score, as a probability. Pairs of a
/// span with itself are discarded, so you can pass all pairs of a sentence's entities.
///
/// ```
/// use rere_core::{Probability, TokenSpan};
/// use rere_decode::{CandidateScores, Decoder, PairClassification, Scale, TableScores};
///
/// let (ada, london) = (TokenSpan::new(0, 2), TokenSpan::new(5, 6));
/// let pairs = [(ada, london), (london, ada)];
/// let logits = [-1.0, 2.0, 0.5, /**/ -3.0, -2.0, -4.0]; // three relations
/// let scores = CandidateScores::new(&pairs, TableScores::new(&logits, pairs.len(), 3, Scale::Logit)?)?;
///
/// let decoder = PairClassification::new([0.5, 0.5, 0.9].map(Probability::saturating).as_slice());
/// let mut found = Vec::new();
/// decoder.decode(scores, &mut Default::default(), &mut found);
/// assert_eq!(found.len(), 1);
/// assert_eq!((found[0].subject, found[0].relation, found[0].object), (ada, 1, london));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PairClassification {
    thresholds: RelationThresholds,
}

/// Checked relation scores of the candidate pairs of a sentence, for [`PairClassification`].
#[derive(Debug, Clone, Copy)]
pub struct CandidateScores<'a> {
    pairs: &'a [(TokenSpan, TokenSpan)],
    table: TableScores<'a>,
}

impl<'a> CandidateScores<'a> {
    /// Checks pairs of subject and object, and their scores, a table `[pairs, relations]`.
    ///
    /// The pairs may come in any order. If one comes twice, the better of equal triples is kept.
    ///
    /// # Errors
    /// Returns [`DecodeError::PairRows`] if there is not one row for each pair, and [`DecodeError::EmptySpan`] if a
    /// span is empty.
    pub fn new(pairs: &'a [(TokenSpan, TokenSpan)], table: TableScores<'a>) -> Result<Self, DecodeError> {
        if table.rows() != pairs.len() {
            return Err(DecodeError::PairRows { rows: table.rows(), pairs: pairs.len() });
        }
        for (pair, &(subject, object)) in pairs.iter().enumerate() {
            for (role, span) in [(Role::Subject, subject), (Role::Object, object)] {
                if span.is_empty() {
                    return Err(DecodeError::EmptySpan { pair, role, span });
                }
            }
        }
        Ok(Self { pairs, table })
    }

    /// Returns the pairs.
    pub const fn pairs(self) -> &'a [(TokenSpan, TokenSpan)] {
        self.pairs
    }

    /// Returns the table of scores.
    pub const fn table(self) -> TableScores<'a> {
        self.table
    }
}

/// Reusable memory of [`PairClassification`].
#[derive(Debug, Default)]
pub struct PairClassificationScratch {
    levels: Vec<f32>,
}

impl PairClassification {
    /// Creates a decoder with one threshold, or one for each relation.
    pub fn new(thresholds: impl Into<RelationThresholds>) -> Self {
        Self { thresholds: thresholds.into() }
    }
}

impl Decoder for PairClassification {
    type Input<'a> = CandidateScores<'a>;
    type Scratch = PairClassificationScratch;

    fn decode(
        &self,
        CandidateScores { pairs, table }: CandidateScores<'_>,
        PairClassificationScratch { levels }: &mut PairClassificationScratch,
        found: &mut Vec<TokenTriple>,
    ) {
        // A table without rows may have any number of columns.
        if pairs.is_empty() {
            return;
        }
        let from = found.len();
        let lowest = self.thresholds.levels(table.scale(), table.columns(), levels);
        table.scan(lowest, |pair, relation, score| {
            let (subject, object) = pairs[pair];
            if score >= levels[relation] && subject != object {
                found.push(TokenTriple { relation, subject, object, score: table.scale().probability(score) });
            }
        });
        best_of_each(found, from);
    }
}
