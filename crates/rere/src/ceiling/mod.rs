//! Upper bounds of the triples that each paradigm can find in a corpus.

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fmt};

use rere_core::{Probability, RelationSet, Sentence, TokenSpan};
use rere_data::{
    LocatedCorpus, LocatedSentence, LocatedTriple, casrel_objects, casrel_subjects, correspondences, handshake_cells,
    pair_labels, pair_mentions, pointer_marks, relation_labels, span_marks, tag_count, tag_labels,
};
use rere_decode::{
    CandidateScores, CasRel, CasRelScores, Correspondence, CorrespondenceScores, Decoder, HandshakeScores, Nearest,
    PairClassification, PointerScores, Scale, ScoredSpan, TableScores, TagScores, Tags, TokenTriple, TpLinker,
    handshake_row, handshake_rows,
};
use serde::Serialize;

/// Upper bound of what a paradigm can find in a corpus: its decoder's result with score 1 for each gold label and 0 elsewhere.
///
/// Triples are compared as sets of strings per sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Ceiling {
    /// Name of the paradigm.
    pub paradigm: &'static str,
    /// Number of gold triples.
    pub gold: usize,
    /// Number of gold triples that are found.
    pub recovered: usize,
    /// Number of triples that are found, gold or not.
    pub predicted: usize,
}

impl Ceiling {
    /// Returns the share of gold triples that are found; 1 if there are none.
    pub fn recall(&self) -> f64 {
        if self.gold == 0 { 1.0 } else { self.recovered as f64 / self.gold as f64 }
    }

    /// Returns the number of gold triples that are not found.
    pub fn lost(&self) -> usize {
        self.gold - self.recovered
    }
}

impl fmt::Display for Ceiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { paradigm, gold, recovered, predicted } = self;
        let (recall, lost, wrong) = (100.0 * self.recall(), self.lost(), predicted - recovered);
        write!(f, "{paradigm:<21} {recall:6.2} % of {gold} triples, {lost} lost, {wrong} wrong")
    }
}

/// Computes the ceiling of each paradigm on a corpus. `corpus` must be made of `sentences` with `relations`.
///
/// Every occurrence of a mention is labelled, as in training. No paradigm finds a gold triple that `corpus` left out, or one
/// whose subject or object ends inside a token, because decoded spans end with a token.
///
/// ```
/// use rere::{RelationSet, Sentence, Triple, ceilings};
/// use rere_data::{LocatedCorpus, OnMissing, Tokenizer};
///
/// let sentences = [Sentence::new("Ada was born in London .").with_triples([Triple::of("Ada", "born in", "London")])];
/// let relations = RelationSet::from_names(["born in"])?;
/// let words = Tokenizer::train_words(sentences.iter().map(|sentence| sentence.text.as_str()), 1, 100)?;
/// let corpus = LocatedCorpus::new(&sentences, &words, &relations, OnMissing::Error)?;
/// assert!(ceilings(&corpus, &sentences, &relations).iter().all(|ceiling| ceiling.recall() == 1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn ceilings(corpus: &LocatedCorpus, sentences: &[Sentence], relations: &RelationSet) -> Vec<Ceiling> {
    let mut ceilings = PARADIGMS.map(|(paradigm, _)| Ceiling { paradigm, gold: 0, recovered: 0, predicted: 0 });
    for (sentence, located) in sentences.iter().zip(&corpus.sentences) {
        let gold: BTreeSet<(&str, &str, &str)> = sentence
            .triples
            .iter()
            .map(|triple| (triple.subject.text.trim(), triple.relation.as_str(), triple.object.text.trim()))
            .collect();
        // Only relations of the sentence have marks, so they are the only columns.
        let labels = relation_labels(&located.triples);
        let column = |label| labels.partition_point(|&other| other < label);
        let triples: Vec<LocatedTriple> = located
            .triples
            .iter()
            .map(|triple| LocatedTriple { relation: column(triple.relation), ..triple.clone() })
            .collect();
        for (ceiling, (_, recover)) in ceilings.iter_mut().zip(PARADIGMS) {
            let found = recover(&triples, located.tokens.len(), labels.len());
            let found: BTreeSet<_> = found
                .into_iter()
                .filter_map(|(column, subject, object)| {
                    let relation = relations.get(labels[column])?.name.as_str();
                    Some((surface(sentence, located, subject)?, relation, surface(sentence, located, object)?))
                })
                .collect();
            ceiling.gold += gold.len();
            ceiling.recovered += found.intersection(&gold).count();
            ceiling.predicted += found.len();
        }
    }
    ceilings.into()
}

/// Returns the trimmed text of a token span.
fn surface<'a>(sentence: &'a Sentence, located: &LocatedSentence, span: TokenSpan) -> Option<&'a str> {
    Some(span.to_bytes(&located.tokens.spans).ok()?.slice(&sentence.text).ok()?.trim())
}

/// Relation, subject and object of each triple.
type SpanTriples = BTreeSet<(usize, TokenSpan, TokenSpan)>;

/// Encodes the triples of a sentence as labels of a paradigm and decodes them. Arguments: triples, number of tokens, number of
/// relations.
type Recover = fn(&[LocatedTriple], usize, usize) -> SpanTriples;

/// Each paradigm with its name.
const PARADIGMS: [(&str, Recover); 6] = [
    ("pair classification", recover_pairs),
    ("CasRel", recover_cascade),
    ("relation and pointers", recover_pointers),
    ("PRGC", recover_correspondences),
    ("TPLinker", recover_handshakes),
    ("tagging", recover_tags),
];

/// Paradigm 1 of the RERE paper, with the mentions that the system `pair` can find. Given mentions lose nothing.
fn recover_pairs(triples: &[LocatedTriple], tokens: usize, relations: usize) -> SpanTriples {
    let mentions: Vec<TokenSpan> = recover_spans(&pair_mentions(triples), tokens).map(|mention| mention.span).collect();
    let pairs: Vec<(TokenSpan, TokenSpan)> =
        mentions.iter().flat_map(|&subject| mentions.iter().map(move |&object| (subject, object))).collect();
    let labels = pair_labels(triples, &mentions);
    let cells = labels.iter().map(|&(subject, object, relation)| (subject * mentions.len() + object, relation));
    let scores = perfect(pairs.len(), relations, cells);
    let scores = CandidateScores::new(&pairs, table(&scores, pairs.len(), relations)).expect(PERFECT);
    decode(&PairClassification::new(half()), scores)
}

/// Encodes spans as marks of starts and ends, and decodes them.
fn recover_spans(spans: &[TokenSpan], tokens: usize) -> impl Iterator<Item = ScoredSpan> + use<> {
    let marks = span_marks(spans);
    let cells = marks.iter().enumerate().flat_map(|(column, tokens)| tokens.iter().map(move |&token| (token, column)));
    let scores = perfect(tokens, marks.len(), cells);
    let mut found = Vec::new();
    let decoder = CasRel::new(half(), half());
    decoder.subjects(table(&scores, tokens, marks.len()), &mut Default::default(), &mut found).expect(PERFECT);
    found.into_iter()
}

/// Paradigm 2.
fn recover_cascade(triples: &[LocatedTriple], tokens: usize, relations: usize) -> SpanTriples {
    let decoder = CasRel::new(half(), half());
    let subjects = recover_spans(&casrel_subjects(triples), tokens);
    let columns = 2 * relations;
    let of_subjects: Vec<(ScoredSpan, Vec<f32>)> =
        subjects.map(|subject| (subject, perfect(tokens, columns, casrel_objects(triples, subject.span)))).collect();
    let of_subjects: Vec<_> =
        of_subjects.iter().map(|(subject, scores)| (*subject, table(scores, tokens, columns))).collect();
    decode(&decoder, CasRelScores::new(&of_subjects).expect(PERFECT))
}

/// Paradigm 3.
fn recover_pointers(triples: &[LocatedTriple], tokens: usize, _relations: usize) -> SpanTriples {
    let decoder = Nearest::new(half());
    let mut found = SpanTriples::new();
    for relation in relation_labels(triples) {
        let scores = perfect_pointers(triples, relation, tokens);
        let scores = PointerScores::new(&scores, tokens).expect(PERFECT).for_relation(relation);
        found.extend(decode(&decoder, scores));
    }
    found
}

/// PRGC: the pointers of paradigm 3, joined by correspondences.
fn recover_correspondences(triples: &[LocatedTriple], tokens: usize, _relations: usize) -> SpanTriples {
    let decoder = Correspondence::new(half(), half());
    let pairs = perfect(tokens, tokens, correspondences(triples));
    let mut found = SpanTriples::new();
    for relation in relation_labels(triples) {
        let scores = perfect_pointers(triples, relation, tokens);
        let pointers = PointerScores::new(&scores, tokens).expect(PERFECT).for_relation(relation);
        let scores = CorrespondenceScores::new(pointers, table(&pairs, tokens, tokens)).expect(PERFECT);
        found.extend(decode(&decoder, scores));
    }
    found
}

/// Returns the scores of the pointers of a relation, `[tokens, 4]`.
fn perfect_pointers(triples: &[LocatedTriple], relation: usize, tokens: usize) -> Vec<f32> {
    let marks = pointer_marks(triples.iter().filter(|triple| triple.relation == relation));
    let cells = marks.iter().enumerate().flat_map(|(column, tokens)| tokens.iter().map(move |&token| (token, column)));
    perfect(tokens, marks.len(), cells)
}

/// TPLinker.
fn recover_handshakes(triples: &[LocatedTriple], tokens: usize, relations: usize) -> SpanTriples {
    let (rows, columns) = (handshake_rows(tokens).expect(PERFECT), 1 + 4 * relations);
    let row = |(i, j)| handshake_row(i, j, tokens).expect(PERFECT);
    let cells = handshake_cells(triples).into_iter().map(|(pair, column)| (row(pair), column));
    let scores = perfect(rows, columns, cells);
    let scores = HandshakeScores::new(table(&scores, rows, columns), tokens).expect(PERFECT);
    decode(&TpLinker::new(half(), half()), scores)
}

/// Novel tagging.
fn recover_tags(triples: &[LocatedTriple], tokens: usize, relations: usize) -> SpanTriples {
    let columns = tag_count(relations);
    let scores = perfect(tokens, columns, tag_labels(triples, tokens).tags.into_iter().enumerate());
    let scores = TagScores::new(table(&scores, tokens, columns)).expect(PERFECT);
    decode(&Tags::new(half()), scores)
}

/// Why a table of labels is always valid.
const PERFECT: &str = "scores of 0 and 1 for each cell of the table";

fn half() -> Probability {
    Probability::saturating(0.5)
}

/// Returns row-major scores that are 1 in the given cells and 0 elsewhere.
fn perfect(rows: usize, columns: usize, cells: impl IntoIterator<Item = (usize, usize)>) -> Vec<f32> {
    let mut scores = vec![0.0; rows * columns];
    cells.into_iter().for_each(|(row, column)| scores[row * columns + column] = 1.0);
    scores
}

fn table(scores: &[f32], rows: usize, columns: usize) -> TableScores<'_> {
    TableScores::new(scores, rows, columns, Scale::Probability).expect(PERFECT)
}

fn decode<D: Decoder>(decoder: &D, scores: D::Input<'_>) -> SpanTriples {
    let mut found = Vec::new();
    decoder.decode(scores, &mut D::Scratch::default(), &mut found);
    found.iter().map(|&TokenTriple { relation, subject, object, .. }| (relation, subject, object)).collect()
}
