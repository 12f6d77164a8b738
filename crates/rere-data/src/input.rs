//! Inputs of an encoder, in token ids.

use std::ops::Range;

use crate::Tokenizer;

/// Number of special tokens of [`sentence_input`].
pub const SENTENCE_EXTRA: usize = 2;

/// Number of special tokens of [`query_input`].
pub const QUERY_EXTRA: usize = 3;

/// Returns `[CLS] sentence [SEP]`, which has [`SENTENCE_EXTRA`] tokens more than `sentence`. The sentence begins at
/// position 1.
pub fn sentence_input(tokenizer: &Tokenizer, sentence: &[u32]) -> Vec<u32> {
    [&[tokenizer.cls()], sentence, &[tokenizer.sep()]].concat()
}

/// Returns `[CLS] query [SEP] sentence [SEP]`, which has [`QUERY_EXTRA`] tokens more than `query` and `sentence`, and
/// the positions of the sentence's tokens.
pub fn query_input(tokenizer: &Tokenizer, query: &[u32], sentence: &[u32]) -> (Vec<u32>, Range<usize>) {
    let (cls, sep) = (tokenizer.cls(), tokenizer.sep());
    let ids = [&[cls], query, &[sep], sentence, &[sep]].concat();
    let start = query.len() + 2;
    (ids, start..start + sentence.len())
}

/// Returns windows of at most `max` tokens that cover a text of `tokens` tokens from left to right.
///
/// Each window shares at least `overlap` tokens with the previous one. The last one ends with the text and is as long
/// as the others. A text that fits gets one window, an empty text none. A `max` of 0 counts as 1, and an `overlap`
/// above `max - 1` as `max - 1`.
///
/// ```
/// assert_eq!(rere_data::windows(10, 6, 2), [0..6, 4..10]);
/// ```
pub fn windows(tokens: usize, max: usize, overlap: usize) -> Vec<Range<usize>> {
    let max = max.max(1);
    let step = max - overlap.min(max - 1);
    if tokens == 0 {
        return Vec::new();
    }
    let last = tokens.saturating_sub(max);
    (0..last).step_by(step).chain([last]).map(|start| start..(start + max).min(tokens)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn inputs_have_their_special_tokens() {
        let tokenizer = Tokenizer::train_words(["a b c"], 1, 10).expect("a tokenizer");
        let (cls, sep) = (tokenizer.cls(), tokenizer.sep());
        assert_eq!(sentence_input(&tokenizer, &[7, 8]), [cls, 7, 8, sep]);
        assert_eq!(query_input(&tokenizer, &[9], &[7, 8]), (vec![cls, 9, sep, 7, 8, sep], 3..5));
    }

    proptest! {
        #[test]
        fn windows_cover_and_overlap(tokens in 0usize..200, max in 0usize..50, overlap in 0usize..50) {
            let windows = windows(tokens, max, overlap);
            prop_assert!(windows.iter().all(|window| !window.is_empty() && window.len() <= max.max(1)));
            prop_assert_eq!(windows.first().map_or(0, |window| window.start), 0);
            prop_assert_eq!(windows.last().map_or(0, |window| window.end), tokens);
            prop_assert_eq!(windows.is_empty(), tokens == 0);
            for pair in windows.windows(2) {
                prop_assert!(pair[0].start < pair[1].start);
                prop_assert!(pair[0].end >= pair[1].start + overlap.min(max.max(1) - 1));
            }
        }
    }
}
