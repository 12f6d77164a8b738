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
    dedup_from(triples, from, TokenTriple::key);
    best_first(&mut triples[from..]);
}

/// `Vec::dedup_by_key` from a position on.
pub(crate) fn dedup_from<T: Copy, K: PartialEq>(items: &mut Vec<T>, from: usize, key: impl Fn(&T) -> K) {
    let mut end = from;
    for next in from..items.len() {
        if end == from || key(&items[next]) != key(&items[end - 1]) {
            items[end] = items[next];
            end += 1;
        }
    }
    items.truncate(end);
}
