//! The most that each paradigm can find in a corpus.

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fmt};

use rere_core::{Probability, RelationSet, Sentence, TokenSpan};
use rere_data::{
    LocatedCorpus, LocatedSentence, LocatedTriple, casrel_objects, casrel_subjects, handshake_cells, pair_labels,
    pair_mentions, pointer_marks, relation_labels, span_marks, tag_count, tag_labels,
};
use rere_decode::{
    CandidateScores, CasRel, CasRelScores, Decoder, HandshakeScores, Nearest, PairClassification, PointerScores, Scale,
    TableScores, TagScores, Tags, TokenTriple, TpLinker, handshake_row, handshake_rows,
};
use serde::Serialize;

/// What a paradigm finds in a corpus with perfect scores: 1 for each label of the gold triples, 0 elsewhere.
///
/// No system of the paradigm can be expected to find more. Triples are sets of strings per sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ceiling {
    /// Name of the paradigm.
    pub paradigm: &'static str,
    /// Gold triples.
    pub gold: usize,
    /// Gold triples that are found.
    pub recovered: usize,
    /// Triples that are found, gold or not.
    pub predicted: usize,
}

impl Ceiling {
    /// The share of the gold triples that is found; 1 if there is none.
    pub fn recall(&self) -> f64 {
        if self.gold == 0 { 1.0 } else { self.recovered as f64 / self.gold as f64 }
    }

    /// Gold triples that are not found.
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

/// The ceiling of each paradigm on a corpus: `corpus` is made of `sentences` with `relations`.
///
/// Every place of a mention is labelled, as in training. A gold triple that `corpus` left out is lost under each paradigm; so is one
/// whose mention ends inside a token, as what is found ends with a token.
pub fn ceilings(corpus: &LocatedCorpus, sentences: &[Sentence], relations: &RelationSet) -> Vec<Ceiling> {
    let mut ceilings = PARADIGMS.map(|(paradigm, _)| Ceiling { paradigm, gold: 0, recovered: 0, predicted: 0 });
    for (sentence, located) in sentences.iter().zip(&corpus.sentences) {
        let gold: BTreeSet<(&str, &str, &str)> = sentence
            .triples
            .iter()
            .map(|triple| (triple.subject.text.trim(), triple.relation.as_str(), triple.object.text.trim()))
            .collect();
        // A column for each relation of the sentence will do: those of all others are without a mark.
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

/// The text of a token span, trimmed.
fn surface<'a>(sentence: &'a Sentence, located: &LocatedSentence, span: TokenSpan) -> Option<&'a str> {
    Some(span.to_bytes(&located.tokens.spans).ok()?.slice(&sentence.text).ok()?.trim())
}

/// Relation, subject and object of each triple.
type SpanTriples = BTreeSet<(usize, TokenSpan, TokenSpan)>;

/// What a paradigm makes of the triples of a sentence, the number of its tokens and the number of relations, by way of its labels
/// and its decoder.
type Recover = fn(&[LocatedTriple], usize, usize) -> SpanTriples;

/// Each paradigm with its name.
const PARADIGMS: [(&str, Recover); 5] = [
    ("pair classification", recover_pairs),
    ("CasRel", recover_cascade),
    ("relation and pointers", recover_pointers),
    ("TPLinker", recover_handshakes),
    ("tagging", recover_tags),
];

/// P1.
fn recover_pairs(triples: &[LocatedTriple], _tokens: usize, relations: usize) -> SpanTriples {
    let mentions = pair_mentions(triples);
    let pairs: Vec<(TokenSpan, TokenSpan)> =
        mentions.iter().flat_map(|&subject| mentions.iter().map(move |&object| (subject, object))).collect();
    let labels = pair_labels(triples, &mentions);
    let cells = labels.iter().map(|&(subject, object, relation)| (subject * mentions.len() + object, relation));
    let scores = perfect(pairs.len(), relations, cells);
    let scores = CandidateScores::new(&pairs, table(&scores, pairs.len(), relations)).expect(PERFECT);
    decode(&PairClassification::new(half()), scores)
}

/// P2.
fn recover_cascade(triples: &[LocatedTriple], tokens: usize, relations: usize) -> SpanTriples {
    let decoder = CasRel::new(half(), half());
    let marks = span_marks(&casrel_subjects(triples));
    let cells = marks.iter().enumerate().flat_map(|(column, tokens)| tokens.iter().map(move |&token| (token, column)));
    let scores = perfect(tokens, 2, cells);
    let mut subjects = Vec::new();
    decoder.subjects(table(&scores, tokens, 2), &mut Default::default(), &mut subjects).expect(PERFECT);

    let columns = 2 * relations;
    let objects: Vec<Vec<f32>> =
        subjects.iter().map(|subject| perfect(tokens, columns, casrel_objects(triples, subject.span))).collect();
    let of_subjects: Vec<_> =
        subjects.into_iter().zip(&objects).map(|(subject, scores)| (subject, table(scores, tokens, columns))).collect();
    decode(&decoder, CasRelScores::new(&of_subjects).expect(PERFECT))
}

/// P3.
fn recover_pointers(triples: &[LocatedTriple], tokens: usize, _relations: usize) -> SpanTriples {
    let decoder = Nearest::new(half());
    let mut found = SpanTriples::new();
    for relation in relation_labels(triples) {
        let marks = pointer_marks(triples.iter().filter(|triple| triple.relation == relation));
        let cells =
            marks.iter().enumerate().flat_map(|(column, tokens)| tokens.iter().map(move |&token| (token, column)));
        let scores = perfect(tokens, marks.len(), cells);
        let scores = PointerScores::new(&scores, tokens).expect(PERFECT).for_relation(relation);
        found.extend(decode(&decoder, scores));
    }
    found
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

/// Labels are made for the very table that they are put into.
const PERFECT: &str = "scores of 0 and 1 for each cell of the table";

fn half() -> Probability {
    Probability::saturating(0.5)
}

/// Scores row by row, 1 in the cells.
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
