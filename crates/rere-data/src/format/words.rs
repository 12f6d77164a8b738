//! Texts as lists of words, for formats without a text.

use std::collections::BTreeSet;

use rere_core::{ByteSpan, Mention, Sentence, TokenSpan, Triple};

use super::{
    Unsupported, UnsupportedCounts,
    mentions::{MentionsWithOffsets, mentions},
};
use crate::text::is_unspaced;

/// Joins words with single spaces, and returns the text and the span of each word.
pub(super) fn join_words<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> (String, Vec<ByteSpan>) {
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

/// Splits a text at white space, and returns the span of each word.
pub(super) fn words_of(text: &str) -> Vec<ByteSpan> {
    let start = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
    text.split_whitespace().map(|word| ByteSpan::new(start(word), start(word) + word.len())).collect()
}

/// Returns the bytes from the first to the last word of `span`; `None` if it is empty or ends after the last word.
pub(super) fn span_of_words(words: &[ByteSpan], span: TokenSpan) -> Option<ByteSpan> {
    let inside = words.get(span.start..span.end)?;
    Some(ByteSpan::new(inside.first()?.start, inside.last()?.end))
}

/// A sentence as words, with its mentions and triples.
pub(super) struct Words<'a> {
    /// Spans of the words in the text.
    pub words: Vec<ByteSpan>,
    /// Mentions with a span, and their words.
    pub mentions: Vec<(TokenSpan, &'a Mention)>,
    /// Triples, as numbers of mentions.
    pub triples: Vec<(usize, &'a Triple, usize)>,
    /// Pairs without a relation, as numbers of mentions.
    pub negatives: Vec<(usize, &'a Triple, usize)>,
}

impl<'a> Words<'a> {
    /// Splits the text of a sentence at white space, around characters of scripts without spaces, and at the ends of
    /// mentions. Counts mentions without offsets, and the text if joining the words changes it.
    pub fn of(sentence: &'a Sentence, unsupported: &mut UnsupportedCounts) -> Self {
        let text = sentence.text.as_str();
        let words = split(sentence);
        let joined = words.iter().map(|word| &text[word.start..word.end]);
        let same_text = joined.flat_map(|word| [" ", word]).skip(1).flat_map(str::bytes).eq(text.bytes());

        let located = MentionsWithOffsets::of(sentence, unsupported);
        let mut same_mentions = true;
        // A mention of white space only has no words; it is left out with its triples.
        let mut numbers = Vec::with_capacity(located.mentions.len());
        let mut in_words = Vec::with_capacity(located.mentions.len());
        for (span, mention) in located.mentions {
            numbers.push(words_under(&words, span).map(|tokens| {
                same_mentions &= span_of_words(&words, tokens) == Some(span);
                in_words.push((tokens, mention));
                in_words.len() - 1
            }));
        }
        let number = |(subject, triple, object): (usize, _, usize)| Some((numbers[subject]?, triple, numbers[object]?));
        let before = located.triples.len();
        let triples: Vec<_> = located.triples.into_iter().filter_map(number).collect();
        let negatives = located.negatives.into_iter().filter_map(number).collect();
        unsupported.note(Unsupported::Triple, before - triples.len(), sentence);
        unsupported.note(Unsupported::Entity, numbers.iter().filter(|number| number.is_none()).count(), sentence);
        unsupported.note(Unsupported::Spacing, usize::from(!same_text || !same_mentions), sentence);
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

/// Returns the words in `span`, whose ends are not inside words; `None` if there are none.
fn words_under(words: &[ByteSpan], span: ByteSpan) -> Option<TokenSpan> {
    let start = words.partition_point(|word| word.start < span.start);
    let end = words.partition_point(|word| word.end <= span.end);
    (start < end).then(|| TokenSpan::new(start, end))
}
