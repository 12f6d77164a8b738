//! CasRel: the subjects first, then the objects of each subject and relation.

use rere_core::{Probability, TokenSpan};

use crate::{
    DecodeError, Decoder, ExpectedColumns, RelationThresholds, TableScores, TokenTriple, triple::best_of_each,
};

/// The decoder of CasRel (Wei et al. 2020, Section 3.2).
///
/// It finds the subjects of a sentence, then the objects of each relation for each subject. A network needs the
/// subjects before it can score objects, so there are two steps:
/// 1. [`CasRel::subjects`] makes spans from scores `[tokens, 2]`: head, tail.
/// 2. The network scores objects for each subject, `[tokens, relations, 2]`, and [`CasRel::decode`](Decoder::decode)
///    makes triples from them ([`CasRelScores`]).
///
/// **Spans.** A token is a head or a tail if its score is at or over the threshold (in the authors' code it must be
/// over). Each head and the nearest tail at or after it make a span, for each relation separately, as in the authors'
/// code. Two heads may share a tail. A head without a tail after it makes no span, and neither does a tail without a
/// head.
///
/// **Triples.** The score of a triple is the lowest of four: head and tail of the subject and of the object. An object
/// with the same span as its subject is discarded.
///
/// ```
/// use rere_core::{Probability, TokenSpan};
/// use rere_decode::{CasRel, CasRelScores, Decoder, Scale, TableScores};
///
/// let casrel = CasRel::new(Probability::new(0.5)?, Probability::new(0.5)?);
/// let mut scratch = Default::default();
///
/// let tokens = 4; // Ada Lovelace, London, Ockham
/// let heads_and_tails = [0.9, 0.0, /**/ 0.1, 0.8, /**/ 0.2, 0.1, /**/ 0.0, 0.3];
/// let mut subjects = Vec::new();
/// casrel.subjects(TableScores::new(&heads_and_tails, tokens, 2, Scale::Probability)?, &mut scratch, &mut subjects)?;
/// assert_eq!(subjects[0].span, TokenSpan::new(0, 2));
///
/// // The network's scores for the first subject: two relations, head and tail of each.
/// #[rustfmt::skip]
/// let objects = [
///     0.0, 0.0, 0.0, 0.0,
///     0.0, 0.0, 0.0, 0.0,
///     0.7, 0.9, 0.1, 0.0, // born in London
///     0.0, 0.1, 0.6, 0.6, // lived in Ockham
/// ];
/// let objects = [(subjects[0], TableScores::new(&objects, tokens, 2 * 2, Scale::Probability)?)];
/// let mut found = Vec::new();
/// casrel.decode(CasRelScores::new(&objects)?, &mut scratch, &mut found);
/// assert_eq!((found[0].relation, found[0].object, found[0].score), (0, TokenSpan::new(2, 3), 0.7));
/// assert_eq!((found[1].relation, found[1].object, found[1].score), (1, TokenSpan::new(3, 4), 0.6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct CasRel {
    subjects: RelationThresholds,
    objects: RelationThresholds,
}

/// A non-empty run of tokens and its score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoredSpan {
    /// Tokens of the span.
    pub span: TokenSpan,
    /// Lower one of the probabilities of its head and tail.
    pub score: Probability,
}

/// Checked object scores of the subjects of a sentence, for [`CasRel`].
#[derive(Debug, Clone, Copy)]
pub struct CasRelScores<'a> {
    subjects: &'a [(ScoredSpan, TableScores<'a>)],
}

impl<'a> CasRelScores<'a> {
    /// Checks subjects, each with the scores of its objects, a table `[tokens, relations, 2]`.
    ///
    /// A table has one row for each token and two columns for each relation: `2r` for the heads of relation `r`, and
    /// `2r + 1` for its tails. The subjects may come in any order. If one comes twice, the better of equal triples is
    /// kept.
    ///
    /// # Errors
    /// Returns [`DecodeError::TableColumns`] if the number of columns is odd, [`DecodeError::SubjectTable`] if two
    /// tables differ in shape or scale, and [`DecodeError::SubjectSpan`] if a subject is empty or reaches past the last
    /// token.
    pub fn new(subjects: &'a [(ScoredSpan, TableScores<'a>)]) -> Result<Self, DecodeError> {
        let shape = |table: TableScores<'_>| (table.rows(), table.columns(), table.scale());
        for (subject, &(ScoredSpan { span, .. }, table)) in subjects.iter().enumerate() {
            if shape(table) != shape(subjects[0].1) {
                return Err(DecodeError::SubjectTable { subject });
            }
            if !table.columns().is_multiple_of(2) {
                let expected = ExpectedColumns::Objects;
                return Err(DecodeError::TableColumns { columns: table.columns(), expected });
            }
            if span.is_empty() || span.end > table.rows() {
                return Err(DecodeError::SubjectSpan { subject, span, tokens: table.rows() });
            }
        }
        Ok(Self { subjects })
    }

    /// Returns the subjects with their tables.
    pub const fn subjects(self) -> &'a [(ScoredSpan, TableScores<'a>)] {
        self.subjects
    }
}

/// Reusable memory of [`CasRel`].
#[derive(Debug, Default)]
pub struct CasRelScratch {
    levels: Vec<f32>,
    hits: Vec<(usize, usize, f32)>,
    /// For each relation, the nearest tail and its score, as the tokens are read from the last to the first.
    tails: Vec<Option<(usize, f32)>>,
}

impl CasRel {
    /// Creates a decoder with a threshold of subjects, and thresholds of objects for each relation.
    pub fn new(subjects: Probability, objects: impl Into<RelationThresholds>) -> Self {
        Self { subjects: subjects.into(), objects: objects.into() }
    }

    /// Appends the subjects of a sentence to `found`, in the order of the text. `scores` is a table `[tokens, 2]`:
    /// head, tail.
    ///
    /// # Errors
    /// Returns [`DecodeError::TableColumns`] if there are not two columns.
    pub fn subjects(
        &self,
        scores: TableScores<'_>,
        scratch: &mut CasRelScratch,
        found: &mut Vec<ScoredSpan>,
    ) -> Result<(), DecodeError> {
        if scores.columns() != 2 {
            let expected = ExpectedColumns::Subjects;
            return Err(DecodeError::TableColumns { columns: scores.columns(), expected });
        }
        let from = found.len();
        let lowest = self.subjects.levels(scores.scale(), 1, &mut scratch.levels);
        scratch.spans(scores, lowest, |_, span, score| {
            found.push(ScoredSpan { span, score: Probability::saturating(score) });
        });
        found[from..].reverse();
        Ok(())
    }
}

impl CasRelScratch {
    /// Calls `found` with relation, span and probability of each span, from the end of the sentence to its start.
    fn spans(&mut self, scores: TableScores<'_>, lowest: f32, mut found: impl FnMut(usize, TokenSpan, f32)) {
        let Self { levels, hits, tails } = self;
        hits.clear();
        scores.scan(lowest, |token, column, score| {
            if score >= levels[column / 2] {
                hits.push((token, column, score));
            }
        });
        tails.clear();
        tails.resize(levels.len(), None);
        for &(token, column, score) in hits.iter().rev() {
            let tail = &mut tails[column / 2];
            if column % 2 == 1 {
                *tail = Some((token, score));
            } else if let &mut Some((last, tail)) = tail {
                let score = scores.scale().probability(score.min(tail));
                found(column / 2, TokenSpan::new(token, last + 1), score);
            }
        }
    }
}

impl Decoder for CasRel {
    type Input<'a> = CasRelScores<'a>;
    type Scratch = CasRelScratch;

    fn decode(&self, scores: CasRelScores<'_>, scratch: &mut CasRelScratch, found: &mut Vec<TokenTriple>) {
        // All tables have the shape of the first one, and they have a row because there is a subject.
        let Some((_, first)) = scores.subjects.first() else { return };
        let from = found.len();
        let lowest = self.objects.levels(first.scale(), first.columns() / 2, &mut scratch.levels);
        for &(ScoredSpan { span: subject, score: subject_score }, objects) in scores.subjects {
            scratch.spans(objects, lowest, |relation, object, score| {
                if object != subject {
                    found.push(TokenTriple { relation, subject, object, score: score.min(subject_score.get()) });
                }
            });
        }
        best_of_each(found, from);
    }
}
