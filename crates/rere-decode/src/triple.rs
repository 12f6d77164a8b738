//! What decoders find, in tokens.

use rere_core::TokenSpan;

/// A subject and an object with a relation between them, as runs of tokens of a sentence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenTriple {
    /// The relation's label: the number of its column, or that of the scores.
    pub relation: usize,
    /// The subject's tokens; never none.
    pub subject: TokenSpan,
    /// The object's tokens; never none, and never the subject's own.
    pub object: TokenSpan,
    /// How sure the decoder is, in \[0, 1\].
    pub score: f32,
}

impl TokenTriple {
    /// Relation, subject, object: what tells the triples of a sentence apart.
    pub(crate) fn key(&self) -> (usize, TokenSpan, TokenSpan) {
        (self.relation, self.subject, self.object)
    }
}

/// Puts triples in the order that [`Decoder::decode`](crate::Decoder::decode) promises: best score first, equal scores
/// by relation, then in the order of the text.
pub(crate) fn best_first(triples: &mut [TokenTriple]) {
    // Stable sorting would allocate; keys are all different.
    triples.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.key().cmp(&b.key())));
}

/// Puts the triples from number `from` on in that order, each once: of equal ones the best stays.
pub(crate) fn best_of_each(triples: &mut Vec<TokenTriple>, from: usize) {
    triples[from..].sort_unstable_by(|a, b| a.key().cmp(&b.key()).then_with(|| b.score.total_cmp(&a.score)));
    let mut end = from;
    for next in from..triples.len() {
        if end == from || triples[next].key() != triples[end - 1].key() {
            triples[end] = triples[next];
            end += 1;
        }
    }
    triples.truncate(end);
    best_first(&mut triples[from..]);
}
