//! Long texts in overlapping windows.

use rere_core::TokenSpan;

use crate::{TokenTriple, triple::best_of_each};

/// Merges the triples of overlapping windows of one text. Each window comes with the number of its first token.
///
/// Appends triples whose spans count the tokens of the text to `found`, each once with its best score, in the order of
/// [`Decoder::decode`](crate::Decoder::decode).
///
/// ```
/// use rere_core::TokenSpan;
/// use rere_decode::{TokenTriple, merge_windows};
///
/// let triple = |subject, object, score| TokenTriple {
///     relation: 0,
///     subject: TokenSpan::new(subject, subject + 1),
///     object: TokenSpan::new(object, object + 1),
///     score,
/// };
/// let (first, second) = ([triple(0, 6, 0.7), triple(1, 2, 0.9)], [triple(0, 2, 0.8)]);
/// let mut found = Vec::new();
/// merge_windows([(0, &first[..]), (4, &second[..])], &mut found);
/// assert_eq!(found, [triple(1, 2, 0.9), triple(4, 6, 0.8), triple(0, 6, 0.7)]);
/// ```
pub fn merge_windows<'a>(windows: impl IntoIterator<Item = (usize, &'a [TokenTriple])>, found: &mut Vec<TokenTriple>) {
    let from = found.len();
    for (first, triples) in windows {
        let shifted =
            |span: TokenSpan| TokenSpan::new(first.saturating_add(span.start), first.saturating_add(span.end));
        found.extend(triples.iter().map(|&triple| TokenTriple {
            subject: shifted(triple.subject),
            object: shifted(triple.object),
            ..triple
        }));
    }
    best_of_each(found, from);
}
