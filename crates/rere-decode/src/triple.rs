//! Triples of token spans.

use rere_core::{Mention, Probability, TokenSpan, Triple};

use crate::TokenizedText;

/// A triple whose subject and object are token spans of a sentence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenTriple {
    /// Label of the relation: the number of its columns, or the one that was given with the scores.
    pub relation: usize,
    /// Tokens of the subject; never empty.
    pub subject: TokenSpan,
    /// Tokens of the object; never empty, and never those of the subject.
    pub object: TokenSpan,
    /// Confidence of the decoder, in \[0, 1\].
    pub score: f32,
}

impl TokenTriple {
    /// Makes a triple of the text, with a name for its relation.
    ///
    /// White space at the ends of subject and object is cut off. Returns `None` if that leaves one of them empty, if
    /// both are the same bytes (of tokens that share a character), or if a span starts past the last token.
    ///
    /// ```
    /// use rere_core::{ByteSpan, TokenSpan};
    /// use rere_decode::{TokenTriple, TokenizedText};
    ///
    /// let tokens = [(0, 3), (4, 6), (7, 13)].map(|(start, end)| ByteSpan::new(start, end));
    /// let sentence = TokenizedText::new("Ada in London", &tokens)?;
    /// let (subject, object) = (TokenSpan::new(0, 1), TokenSpan::new(2, 3));
    /// let found = TokenTriple { relation: 0, subject, object, score: 0.75 };
    ///
    /// let labels = ["lives in"];
    /// let triple = found.to_triple(sentence, labels[found.relation]).ok_or("a blank subject or object")?;
    /// assert_eq!(triple.object.text, "London");
    /// assert_eq!(triple.object.span, Some(ByteSpan::new(7, 13)));
    /// assert!(TokenTriple { object: subject, ..found }.to_triple(sentence, "lives in").is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_triple(self, sentence: TokenizedText<'_>, relation: &str) -> Option<Triple> {
        let [subject, object] = [self.subject, self.object].map(|span| sentence.byte_span(span));
        if subject == object || subject.is_empty() || object.is_empty() {
            return None;
        }
        let [subject, object] = [subject, object].map(|span| Mention::at(sentence.text(), span).ok());
        Some(Triple::new(subject?, relation, object?).with_score(Probability::saturating(self.score)))
    }

    /// Returns what distinguishes the triples of a sentence: relation, subject, object.
    pub(crate) fn key(&self) -> (usize, TokenSpan, TokenSpan) {
        (self.relation, self.subject, self.object)
    }
}

/// Sorts triples as [`Decoder::decode`](crate::Decoder::decode) promises: best score first, equal scores by relation,
/// then in the order of the text.
pub(crate) fn best_first(triples: &mut [TokenTriple]) {
    // A stable sort would allocate, and all keys are different.
    triples.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.key().cmp(&b.key())));
}

/// Sorts the triples from position `from` on in that order, and keeps the best of equal ones.
pub(crate) fn best_of_each(triples: &mut Vec<TokenTriple>, from: usize) {
    triples[from..].sort_unstable_by(|a, b| a.key().cmp(&b.key()).then_with(|| b.score.total_cmp(&a.score)));
    dedup_from(triples, from, TokenTriple::key);
    best_first(&mut triples[from..]);
}

/// Does what `Vec::dedup_by_key` does, from a position on.
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
