//! Formats that hold words and not a text.

use std::collections::BTreeSet;

use rere_core::{ByteSpan, Mention, Sentence, TokenSpan, Triple};

use super::{
    Unsupported, UnsupportedCounts,
    mentions::{Placed, mentions},
};
use crate::text::is_unspaced;

/// Words joined by single spaces, with the place of each.
pub(super) fn join<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> (String, Vec<ByteSpan>) {
    let mut text = String::new();
    let mut spans = Vec::new();
    for word in words {
        if !spans.is_empty() {
            text.push(' ');
        }
        let start = text.len();
        text.push_str(word.as_ref());
        spans.push(ByteSpan::new(start, text.len()));
    }
    (text, spans)
}

/// The words of a text: what white space separates.
pub(super) fn words_of(text: &str) -> Vec<ByteSpan> {
    let start = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
    text.split_whitespace().map(|word| ByteSpan::new(start(word), start(word) + word.len())).collect()
}

/// The bytes from the first word of `span` to its last; none where it holds no word or reaches past the last.
pub(super) fn bytes(words: &[ByteSpan], span: TokenSpan) -> Option<ByteSpan> {
    let inside = words.get(span.start..span.end)?;
    Some(ByteSpan::new(inside.first()?.start, inside.last()?.end))
}

/// A sentence in words, and its mentions and triples in them.
pub(super) struct Words<'a> {
    /// The words' places in the text.
    pub words: Vec<ByteSpan>,
    /// Mentions that have a place, with the words of that.
    pub mentions: Vec<(TokenSpan, &'a Mention)>,
    /// Triples by the numbers of their mentions.
    pub triples: Vec<(usize, &'a Triple, usize)>,
    /// Pairs without a relation, in the same way.
    pub negatives: Vec<(usize, &'a Triple, usize)>,
}

impl<'a> Words<'a> {
    /// Cuts the text of a sentence at white space, around characters of scripts without spaces, and at the borders of
    /// mentions. That joining the words gives another text, and what has no place, is counted.
    pub fn of(sentence: &'a Sentence, lost: &mut UnsupportedCounts) -> Self {
        let text = sentence.text.as_str();
        let words = split(sentence);
        let joined = words.iter().map(|word| &text[word.start..word.end]);
        let same_text = joined.flat_map(|word| [" ", word]).skip(1).flat_map(str::bytes).eq(text.bytes());

        let placed = Placed::of(sentence, lost);
        let mut same_mentions = true;
        // A mention of white space alone has no words, and what joins it goes with it.
        let mut numbers = Vec::with_capacity(placed.mentions.len());
        let mut in_words = Vec::with_capacity(placed.mentions.len());
        for (span, mention) in placed.mentions {
            numbers.push(words_under(&words, span).map(|tokens| {
                same_mentions &= bytes(&words, tokens) == Some(span);
                in_words.push((tokens, mention));
                in_words.len() - 1
            }));
        }
        let number = |(subject, triple, object): (usize, _, usize)| Some((numbers[subject]?, triple, numbers[object]?));
        let before = placed.triples.len();
        let triples: Vec<_> = placed.triples.into_iter().filter_map(number).collect();
        let negatives = placed.negatives.into_iter().filter_map(number).collect();
        lost.note(Unsupported::Triple, before - triples.len(), sentence);
        lost.note(Unsupported::Entity, numbers.iter().filter(|number| number.is_none()).count(), sentence);
        lost.note(Unsupported::Spacing, usize::from(!same_text || !same_mentions), sentence);
        Self { words, mentions: in_words, triples, negatives }
    }
}

fn split(sentence: &Sentence) -> Vec<ByteSpan> {
    let text = sentence.text.as_str();
    let spans = mentions(sentence).into_iter().filter_map(|mention| mention.span);
    let borders: BTreeSet<usize> = spans.flat_map(|span| [span.start, span.end]).collect();
    let mut words = Vec::new();
    let mut start = None;
    let mut after_unspaced = false;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let unspaced = is_unspaced(c);
        if let Some(first) = start
            && (c.is_whitespace() || unspaced || after_unspaced || borders.contains(&at))
        {
            words.push(ByteSpan::new(first, at));
            start = None;
        }
        if start.is_none() && !c.is_whitespace() {
            start = Some(at);
        }
        after_unspaced = unspaced;
    }
    words
}

/// The words that lie in `span`, whose borders are no more inside words than inside characters; none where there is none.
fn words_under(words: &[ByteSpan], span: ByteSpan) -> Option<TokenSpan> {
    let start = words.partition_point(|word| word.start < span.start);
    let end = words.partition_point(|word| word.end <= span.end);
    (start < end).then(|| TokenSpan::new(start, end))
}
