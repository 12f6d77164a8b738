//! PRGC: subjects and objects of a relation, paired by the correspondence of their first tokens.

use rere_core::Probability;

use crate::{
    DecodeError, Decoder, PointerScores, RelationThresholds, SpanRule, TableScores, TokenTriple,
    spans::{Hits, Run, SpanBuilder, SpanScratch, scan},
    triple::best_first,
};

/// The decoder of PRGC (Zheng et al. 2021, Section 3.3), with pointers in place of BIO tags.
///
/// **Spans.** The pointers of a relation give its subjects and objects: each start and the nearest end at or after it.
///
/// **Pairs.** A subject and an object are a triple if the score of their first tokens in the table of correspondences is
/// at or over its threshold. So, unlike [`Nearest`](crate::Nearest), any subject can be joined with any object. Pairs of
/// a span with itself are discarded. The score of a triple is the lowest of five: those of its four pointers and of the
/// correspondence.
///
/// ```
/// use rere_core::{Probability, TokenSpan};
/// use rere_decode::{Correspondence, CorrespondenceScores, Decoder, PointerScores, Scale, TableScores};
///
/// // Ada 0, London 1, Alan 2, Paris 3. Ada is joined with Paris, Alan with London.
/// #[rustfmt::skip]
/// let pointers = [
///     0.9, 0.9, 0.0, 0.0,
///     0.0, 0.0, 0.9, 0.9,
///     0.9, 0.9, 0.0, 0.0,
///     0.0, 0.0, 0.9, 0.9,
/// ];
/// let mut table = [0.0; 16];
/// (table[3], table[2 * 4 + 1]) = (0.8, 0.7); // row: first token of the subject, column: of the object
/// let table = TableScores::new(&table, 4, 4, Scale::Probability)?;
/// let scores = CorrespondenceScores::new(PointerScores::new(&pointers, 4)?, table)?;
///
/// let half = Probability::new(0.5)?;
/// let mut found = Vec::new();
/// Correspondence::new(half, half).decode(scores, &mut Default::default(), &mut found);
/// let token = |at| TokenSpan::new(at, at + 1);
/// assert_eq!((found[0].subject, found[0].object, found[0].score), (token(0), token(3), 0.8));
/// assert_eq!((found[1].subject, found[1].object, found[1].score), (token(2), token(1), 0.7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Correspondence {
    pointers: RelationThresholds,
    correspondences: Probability,
    spans: SpanBuilder,
}

/// Checked scores of a sentence for one relation, for [`Correspondence`].
#[derive(Debug, Clone, Copy)]
pub struct CorrespondenceScores<'a> {
    pointers: PointerScores<'a>,
    table: TableScores<'a>,
}

impl<'a> CorrespondenceScores<'a> {
    /// Checks the pointers of a relation, and a table `[tokens, tokens]` with the first token of a subject as row and of an
    /// object as column, which is the same for all relations. The two may have different scales.
    ///
    /// # Errors
    /// Returns [`DecodeError::CorrespondenceTable`] if the table is for another number of tokens.
    pub fn new(pointers: PointerScores<'a>, table: TableScores<'a>) -> Result<Self, DecodeError> {
        let (rows, columns, tokens) = (table.rows(), table.columns(), pointers.tokens());
        if (rows, columns) != (tokens, tokens) {
            return Err(DecodeError::CorrespondenceTable { rows, columns, tokens });
        }
        Ok(Self { pointers, table })
    }
}

/// Reusable memory of [`Correspondence`].
#[derive(Debug, Default)]
pub struct CorrespondenceScratch {
    hits: Hits,
    spans: SpanScratch,
    subjects: Vec<Run>,
    objects: Vec<Run>,
}

impl Correspondence {
    /// Creates a decoder with a threshold of pointers for all relations or one for each, and a threshold of
    /// correspondences.
    pub fn new(pointers: impl Into<RelationThresholds>, correspondences: Probability) -> Self {
        let spans = SpanBuilder { rule: SpanRule::NearestEnd, longest: usize::MAX };
        Self { pointers: pointers.into(), correspondences, spans }
    }

    /// Sets the rule that matches starts with ends.
    #[must_use]
    pub fn with_spans(self, rule: SpanRule) -> Self {
        Self { spans: SpanBuilder { rule, ..self.spans }, ..self }
    }

    /// Limits spans to `longest` tokens: a start whose end is further away makes no span.
    #[must_use]
    pub fn with_longest(self, longest: usize) -> Self {
        Self { spans: SpanBuilder { longest, ..self.spans }, ..self }
    }
}

impl Decoder for Correspondence {
    type Input<'a> = CorrespondenceScores<'a>;
    type Scratch = CorrespondenceScratch;

    fn decode(
        &self,
        CorrespondenceScores { pointers, table }: CorrespondenceScores<'_>,
        CorrespondenceScratch { hits, spans, subjects, objects }: &mut CorrespondenceScratch,
        found: &mut Vec<TokenTriple>,
    ) {
        let Some(threshold) = self.pointers.get(pointers.relation()) else { return };
        let scale = pointers.scale();
        scan(pointers, scale.threshold(threshold), hits);
        let [subject_starts, subject_ends, object_starts, object_ends] = &*hits;
        spans.set_mask(pointers.mask());
        self.spans.build(subject_starts, subject_ends, |score| scale.probability(score), spans, subjects);
        self.spans.build(object_starts, object_ends, |score| scale.probability(score), spans, objects);
        let least = table.scale().threshold(self.correspondences);
        let from = found.len();
        for subject in &*subjects {
            let row = &table.values()[subject.first * table.columns()..][..table.columns()];
            for object in objects.iter().filter(|object| row[object.first] >= least && !object.same_tokens(*subject)) {
                let pointer = scale.probability(subject.score.min(object.score));
                found.push(TokenTriple {
                    relation: pointers.relation(),
                    subject: subject.span(),
                    object: object.span(),
                    score: pointer.min(table.scale().probability(row[object.first])),
                });
            }
        }
        best_first(&mut found[from..]);
    }
}
