//! Tokenisation with the byte span of each token in the original text.

mod folder;
mod sentence_piece;

use std::{
    cmp::Reverse,
    collections::HashMap,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use rayon::prelude::*;
use rere_core::{ByteSpan, TokenSpan};
use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
    models::wordlevel::WordLevel, normalizers::BertNormalizer, pre_tokenizers::bert::BertPreTokenizer,
};

use crate::{DataError, TokenizerProblem, error::beginning, file::replace_file, text::is_character_border};

/// A Hugging Face tokenizer without truncation, padding and automatic special tokens.
///
/// ```
/// use rere_data::Tokenizer;
///
/// // For a pretrained encoder: Tokenizer::load("encoder")?
/// let tokenizer = Tokenizer::train_words(["Ada was born in London"], 1, 30_000)?;
/// let tokens = tokenizer.encode("Ada left London.")?;
/// assert_eq!((tokens.len(), tokens.spans[2].slice("Ada left London.")?), (4, "London"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    cls: u32,
    sep: u32,
    pad: u32,
    vocab_size: usize,
}

/// The tokens of a text, without special tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Ids in the tokenizer's vocabulary.
    pub ids: Vec<u32>,
    /// Byte span of each token in the original text.
    ///
    /// Spans ascend in start and have no white space at their ends. Characters that the tokenizer drops are in no span,
    /// except for combining marks, which belong to the span of the character before them. If a character has several
    /// tokens (bytes, decompositions), each has the character's span. A token for white space only, or for nothing in
    /// the text, has an empty span and is in no mention.
    pub spans: Vec<ByteSpan>,
}

impl Tokens {
    /// Returns the number of tokens.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Returns whether there are no tokens: the text is blank or has only characters that the tokenizer drops.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

impl Tokenizer {
    /// Loads the tokenizer of a Hugging Face folder, or a `tokenizer.json`.
    ///
    /// A folder has a `tokenizer.json`, or a vocabulary: `vocab.txt` (BERT, DistilBERT, ELECTRA, ERNIE, MPNet),
    /// `vocab.json` with `merges.txt` (RoBERTa), or `spm.model` or `sentencepiece.bpe.model` (DeBERTa-v2 and v3,
    /// XLM-RoBERTa, CamemBERT). A vocabulary is read with the settings of `tokenizer_config.json` and
    /// `added_tokens.json`, if there are any, as transformers does it.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read, is not a tokenizer, or lacks a special token: what its post-processor
    /// puts around a text, else `[CLS]` or `<s>` and `[SEP]` or `</s>`; `[PAD]` or `<pad>`; or if a folder has no
    /// `tokenizer.json` and a tokenizer of another class.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        if path.is_dir() {
            return folder::whole(path).map_or_else(|| folder::from_vocabulary(path), Self::load);
        }
        let bytes = std::fs::read(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
        Self::from_bytes(&bytes, path)
    }

    /// Creates a tokenizer from the content of a `tokenizer.json`. Errors name `path`.
    ///
    /// A special token that is spelled out in a text, such as `[SEP]`, is treated as text.
    ///
    /// # Errors
    /// Returns an error if the content is not a tokenizer or lacks a special token, as for [`Tokenizer::load`].
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, DataError> {
        let unusable = |source| DataError::Tokenizer { path: Some(path.to_owned()), source };
        let inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(TokenizerProblem::Library).map_err(unusable)?;
        Self::from_inner(inner).map_err(unusable)
    }

    fn from_inner(mut inner: tokenizers::Tokenizer) -> Result<Self, TokenizerProblem> {
        let padding = inner.get_padding().map(|padding| (padding.pad_token.clone(), padding.pad_id));
        inner.with_truncation(None).map_err(TokenizerProblem::Library)?;
        inner.with_padding(None);
        inner.set_encode_special_tokens(true);
        let known = |token: &str| inner.token_to_id(token);
        let special = |bert: &'static str, roberta: &'static str| {
            known(bert).or_else(|| known(roberta)).ok_or(TokenizerProblem::NoSpecialToken { bert, roberta })
        };
        // What is put around a text. A vocabulary may have more tokens with the names of special ones: MPNet's has BERT's.
        let around = inner.encode("", true).map_err(TokenizerProblem::Library)?;
        let (cls, sep) = match *around.get_ids() {
            [cls, sep] => (cls, sep),
            _ => (special("[CLS]", "<s>")?, special("[SEP]", "</s>")?),
        };
        let padding = padding.filter(|(token, id)| known(token) == Some(*id)).map(|(_, id)| id);
        let of_roberta = known("<pad>").filter(|_| known("<s>") == Some(cls));
        let pad = padding.or(of_roberta).map_or_else(|| special("[PAD]", "<pad>"), Ok)?;
        let vocab_size = inner.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1);
        Ok(Self { inner, cls, sep, pad, vocab_size })
    }

    /// Creates a tokenizer of whole words, for encoders that are trained from random weights.
    ///
    /// Like BERT before its word pieces, it lower-cases, strips accents, and splits at white space, at punctuation and
    /// around Chinese characters. The vocabulary is `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]`, and then the `max_words` most
    /// frequent words that occur at least `min_count` times in `texts`; words with equal counts are sorted.
    ///
    /// # Errors
    /// Returns an error if the tokenizers library refuses a text or the vocabulary; no such case is known.
    pub fn train_words<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        min_count: usize,
        max_words: usize,
    ) -> Result<Self, DataError> {
        let unusable = |error| DataError::Tokenizer { path: None, source: TokenizerProblem::Library(error) };
        let normalizer = BertNormalizer::new(true, true, None, true);
        let mut counts: HashMap<String, usize> = HashMap::new();
        for text in texts {
            let mut normalized = NormalizedString::from(text);
            normalizer.normalize(&mut normalized).map_err(unusable)?;
            let mut words = PreTokenizedString::from(normalized);
            BertPreTokenizer.pre_tokenize(&mut words).map_err(unusable)?;
            for (word, ..) in words.get_splits(OffsetReferential::Normalized, OffsetType::None) {
                *counts.entry(word.to_owned()).or_default() += 1;
            }
        }
        let mut words: Vec<(Reverse<usize>, String)> = counts
            .into_iter()
            .filter(|(_, count)| *count >= min_count)
            .map(|(word, count)| (Reverse(count), word))
            .collect();
        words.sort_unstable();
        words.truncate(max_words);
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"].map(str::to_owned);
        let vocabulary = special.into_iter().chain(words.into_iter().map(|(_, word)| word));
        let model = WordLevel::builder()
            .vocab(vocabulary.zip(0..).collect())
            .unk_token("[UNK]".to_owned())
            .build()
            .map_err(unusable)?;
        let mut inner = tokenizers::Tokenizer::new(model);
        inner.with_normalizer(Some(normalizer)).map_err(unusable)?;
        inner.with_pre_tokenizer(Some(BertPreTokenizer));
        Self::from_inner(inner).map_err(|source| DataError::Tokenizer { path: None, source })
    }

    /// Tokenises a text.
    ///
    /// # Errors
    /// Returns an error if the tokenizer refuses the text.
    pub fn encode(&self, text: &str) -> Result<Tokens, DataError> {
        // The library takes for granted that the character rules of a SentencePiece model are not damaged.
        let encoding = catch_unwind(AssertUnwindSafe(|| self.inner.encode(text, false)))
            .unwrap_or_else(|_| Err("the tokenizers library panicked; the tokenizer is probably damaged".into()))
            .map_err(|source| DataError::Tokenize { text: beginning(text), source })?;
        let mut spans: Vec<ByteSpan> = Vec::with_capacity(encoding.len());
        for &(start, end) in encoding.get_offsets() {
            let before = spans.last().map_or(0, |span| span.start);
            spans.push(trimmed(text, start.max(before), end));
        }
        for index in 0..spans.len() {
            let next = spans.get(index + 1).map_or(text.len(), |span| span.start);
            if let Some(span) = spans.get_mut(index).filter(|span| !span.is_empty()) {
                span.end = end_of_character(text, span.end, next);
            }
        }
        Ok(Tokens { ids: encoding.get_ids().to_vec(), spans })
    }

    /// Tokenises many texts in parallel and returns their tokens in the same order.
    ///
    /// # Errors
    /// Returns an error for the first text that the tokenizer refuses.
    pub fn encode_batch(&self, texts: &[&str]) -> Result<Vec<Tokens>, DataError> {
        let tokens: Vec<_> = texts.par_iter().map(|text| self.encode(text)).collect();
        tokens.into_iter().collect()
    }

    /// Writes a `tokenizer.json`, which replaces an existing file only when it is complete.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), DataError> {
        let json = self.to_json()?;
        replace_file(path.as_ref(), |file| file.write_all(json.as_bytes()).map_err(DataError::Output))
    }

    /// Returns the content of a `tokenizer.json`.
    ///
    /// # Errors
    /// Returns an error if the tokenizer cannot be written as JSON; no such case is known.
    pub fn to_json(&self) -> Result<String, DataError> {
        let unusable = |error| DataError::Tokenizer { path: None, source: TokenizerProblem::Library(error) };
        self.inner.to_string(true).map_err(unusable)
    }

    /// Returns the id of the first token of each input: `[CLS]` or `<s>`.
    pub fn cls(&self) -> u32 {
        self.cls
    }

    /// Returns the id of the token after each part of an input: `[SEP]` or `</s>`.
    pub fn sep(&self) -> u32 {
        self.sep
    }

    /// Returns the id of the padding token: `[PAD]` or `<pad>`.
    pub fn pad(&self) -> u32 {
        self.pad
    }

    /// Returns the number of rows of an embedding table for these tokens: the largest id plus 1.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }
}

/// Returns the span `start..end`, widened to whole characters and trimmed; empty if only white space is left.
fn trimmed(text: &str, start: usize, end: usize) -> ByteSpan {
    let is_boundary = |&at: &usize| text.is_char_boundary(at);
    let start = (0..=start.min(text.len())).rev().find(is_boundary).unwrap_or(0);
    let end = (end..text.len()).find(is_boundary).unwrap_or(text.len()).max(start);
    let part = &text[start..end];
    let start = start + part.len() - part.trim_start().len();
    ByteSpan::new(start, start + part.trim().len())
}

/// Returns the end of the user-perceived character that `end` lies in or after, but at most `limit`.
fn end_of_character(text: &str, end: usize, limit: usize) -> usize {
    let mut characters = text.get(end..limit).unwrap_or_default().char_indices();
    characters.find(|(at, _)| is_character_border(text, end + at)).map_or(end.max(limit), |(at, _)| end + at)
}

/// The tokens of a mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocatedMention {
    /// The smallest range of tokens that covers the mention.
    pub tokens: TokenSpan,
    /// Whether these tokens cover nothing else.
    pub aligned: bool,
}

/// Returns the tokens of a byte span in the text of `tokens`; `None` if no token overlaps it.
///
/// ```
/// use rere_core::{ByteSpan, TokenSpan};
/// use rere_data::{Tokenizer, to_tokens};
///
/// let text = "born in New York-based";
/// let tokens = Tokenizer::train_words([text], 1, 100)?.encode(text)?;
/// let located = to_tokens(ByteSpan::new(8, 16), &tokens).expect("two words");
/// assert_eq!(located.tokens, TokenSpan::new(2, 4));
/// assert!(located.aligned);
/// # Ok::<(), rere_data::DataError>(())
/// ```
pub fn to_tokens(span: ByteSpan, tokens: &Tokens) -> Option<LocatedMention> {
    // An empty span would overlap the token that it lies in.
    if span.is_empty() {
        return None;
    }
    let covers = |token: &ByteSpan| !token.is_empty() && token.overlaps(span);
    // Tokens ascend in start and, except for empty ones, in end.
    let end = tokens.spans.partition_point(|token| token.start < span.end);
    let from = tokens.spans.partition_point(|token| token.start < span.start);
    let before = tokens.spans[..from].iter().rposition(|token| !token.is_empty() && token.end <= span.start);
    let from = before.map_or(0, |before| before + 1);
    let near = tokens.spans.get(from..end)?;
    let start = from + near.iter().position(covers)?;
    let end = from + near.iter().rposition(covers)? + 1;
    // If no token extends beyond the mention, only white space and dropped characters can lie between their ends.
    let aligned = tokens.spans[start..end]
        .iter()
        .filter(|token| !token.is_empty())
        .all(|token| span.start <= token.start && token.end <= span.end);
    Some(LocatedMention { tokens: TokenSpan::new(start, end), aligned })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokenizers::{
        AddedToken, PaddingParams, TruncationParams, models::bpe::BPE, pre_tokenizers::byte_level::ByteLevel,
    };

    use super::*;

    fn words() -> Tokenizer {
        Tokenizer::train_words(["the café is in the Café"], 1, 100).expect("a tokenizer")
    }

    /// Creates a tokenizer like RoBERTa's: bytes as tokens, and a space belongs to the next word.
    fn bytes() -> Tokenizer {
        let special = ["<s>", "</s>", "<pad>"].map(str::to_owned);
        let mut alphabet: Vec<String> = ByteLevel::alphabet().into_iter().map(String::from).collect();
        alphabet.sort();
        let vocabulary = special.into_iter().chain(alphabet).zip(0..);
        let model = BPE::builder()
            .vocab_and_merges(vocabulary.collect::<tokenizers::models::bpe::Vocab>(), vec![])
            .build()
            .expect("a model");
        let mut inner = tokenizers::Tokenizer::new(model);
        inner.with_pre_tokenizer(Some(ByteLevel::new(false, false, true)));
        Tokenizer::from_inner(inner).expect("a tokenizer")
    }

    fn slices<'a>(tokenizer: &Tokenizer, text: &'a str) -> Vec<&'a str> {
        let tokens = tokenizer.encode(text).expect("tokens");
        tokens.spans.iter().map(|span| span.slice(text).expect("on borders")).collect()
    }

    #[test]
    fn words_are_counted_and_ordered() {
        let tokenizer = Tokenizer::train_words(["b a , c", "C a B", "d"], 2, 3).expect("a tokenizer");
        assert_eq!((tokenizer.pad(), tokenizer.cls(), tokenizer.sep()), (0, 2, 3));
        // a, b and c occur twice each and are sorted; d is too rare.
        assert_eq!(tokenizer.encode("A b c d").expect("tokens").ids, [4, 5, 6, 1]);
        assert_eq!(tokenizer.vocab_size(), 7);
        let smaller = Tokenizer::train_words(["b a , c", "C a B", "d"], 2, 2).expect("a tokenizer");
        assert_eq!(smaller.encode("a b c d").expect("tokens").ids, [4, 5, 1, 1]);
    }

    #[test]
    fn spans_slice_the_original_text() {
        let words = words();
        assert_eq!(slices(&words, "The Café\tis-in\r\n"), ["The", "Café", "is", "-", "in"]);
        // The accent is a separate character, which the normaliser strips; the token still spans it.
        assert_eq!(slices(&words, "cafe\u{301}, ne\u{301}e"), ["cafe\u{301}", ",", "ne\u{301}e"]);
        assert_eq!(slices(&words, "在北京 is"), ["在", "北", "京", "is"]);
        assert_eq!(slices(&words, "👩\u{200d}🚀 ❤\u{fe0f}!"), ["👩\u{200d}🚀", "❤\u{fe0f}", "!"]);
        // Control characters and byte order marks are in no token.
        assert_eq!(slices(&words, "\u{feff}is\0 \u{1}in\u{7f}"), ["is", "in"]);
        assert_eq!(slices(&words, "i\0s"), ["i\0s"]);
        assert_eq!(slices(&words, " \t\r\n\0\u{301}"), Vec::<&str>::new());
        assert!(words.encode("").expect("tokens").is_empty());
    }

    #[test]
    fn each_token_of_a_character_spans_the_character() {
        assert_eq!(slices(&bytes(), "is é"), ["i", "s", "", "é", "é"]);
        assert_eq!(slices(&bytes(), "🚀"), ["🚀"; 4]);
        // White space makes tokens with empty spans.
        let spans = bytes().encode("a  \n").expect("tokens").spans;
        assert_eq!(spans[1..], [2, 3, 4].map(|at| ByteSpan::new(at, at)));
    }

    #[test]
    fn texts_are_not_truncated_padded_or_read_as_special_tokens() {
        let mut inner = words().inner;
        inner.add_special_tokens(["[CLS]", "[SEP]"].map(|token| AddedToken::from(token, true))).expect("added");
        inner.with_truncation(Some(TruncationParams { max_length: 2, ..Default::default() })).expect("truncation");
        inner.with_padding(Some(PaddingParams::default()));
        let tokenizer = Tokenizer::from_inner(inner).expect("a tokenizer");
        let ids = tokenizer.encode("the [SEP] is in the café").expect("tokens").ids;
        assert_eq!(ids.len(), 8);
        assert!(!ids.contains(&tokenizer.sep()));
    }

    #[test]
    fn special_tokens_are_required() {
        let model =
            WordLevel::builder().vocab([("[CLS]".to_owned(), 0)].into_iter().collect()).build().expect("a model");
        let error = Tokenizer::from_inner(tokenizers::Tokenizer::new(model)).expect_err("no [SEP]");
        assert!(matches!(error, TokenizerProblem::NoSpecialToken { bert: "[SEP]", .. }), "{error}");
    }

    #[test]
    fn saved_tokenizers_are_loaded_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tokenizer.json");
        for tokenizer in [words(), bytes()] {
            tokenizer.save(&path).expect("saved");
            let loaded = Tokenizer::load(&path).expect("loaded");
            let text = "The café is not 北京";
            assert_eq!(loaded.encode(text).expect("tokens"), tokenizer.encode(text).expect("tokens"));
            assert_eq!(loaded.vocab_size(), tokenizer.vocab_size());
        }
        std::fs::write(&path, "{}").expect("written");
        assert!(matches!(Tokenizer::load(&path), Err(DataError::Tokenizer { path: Some(_), .. })));
        assert!(matches!(Tokenizer::load(folder.path().join("no")), Err(DataError::Read { .. })));
    }

    const PIECES: &[&str] = &[
        "a", "E", "\u{301}", "\u{200d}", "\u{fe0f}", "👩", "🇫", "北", "\t", "\r\n", "\0", " ", "ﬁ", "İ", "½", "한",
        "ि", "\u{fffd}", "[SEP]",
    ];

    fn any_text() -> impl Strategy<Value = String> {
        let piece =
            prop_oneof![any::<char>().prop_map(String::from), proptest::sample::select(PIECES).prop_map(str::to_owned)];
        proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    #[test]
    fn tokens_in_long_texts_are_found_quickly() {
        let spans: Vec<ByteSpan> = (0..200_000).map(|at| ByteSpan::new(2 * at, 2 * at + 1)).collect();
        let tokens = Tokens { ids: vec![0; spans.len()], spans };
        for (at, &span) in tokens.spans.iter().enumerate() {
            assert_eq!(
                to_tokens(span, &tokens),
                Some(LocatedMention { tokens: TokenSpan::new(at, at + 1), aligned: true })
            );
        }
    }

    #[test]
    fn tokens_under_a_span() {
        let spans = [(0, 3), (3, 3), (4, 7), (4, 7), (9, 12)].map(|(start, end)| ByteSpan::new(start, end));
        let tokens = Tokens { ids: vec![0; spans.len()], spans: spans.to_vec() };
        let located = |start, end| {
            to_tokens(ByteSpan::new(start, end), &tokens).map(|l| (l.tokens.start, l.tokens.end, l.aligned))
        };
        assert_eq!(located(0, 3), Some((0, 1, true)));
        assert_eq!(located(0, 4), Some((0, 1, true)));
        assert_eq!(located(1, 3), Some((0, 1, false)));
        // Both tokens of one character; an empty token only between others.
        assert_eq!(located(4, 7), Some((2, 4, true)));
        assert_eq!(located(2, 10), Some((0, 5, false)));
        assert_eq!(located(0, 12), Some((0, 5, true)));
        assert_eq!(located(3, 4), None);
        assert_eq!(located(5, 5), None);
        assert_eq!(located(13, 20), None);
    }

    /// Does the same as [`to_tokens`] by comparing each token.
    fn to_tokens_one_by_one(span: ByteSpan, tokens: &Tokens) -> Option<LocatedMention> {
        let covers = |token: &ByteSpan| !token.is_empty() && !span.is_empty() && token.overlaps(span);
        let start = tokens.spans.iter().position(covers)?;
        let end = tokens.spans.iter().rposition(covers)? + 1;
        let inside = |token: &ByteSpan| token.is_empty() || (span.start <= token.start && token.end <= span.end);
        Some(LocatedMention {
            tokens: TokenSpan::new(start, end),
            aligned: tokens.spans[start..end].iter().all(inside),
        })
    }

    /// Generates tokens that ascend in start and end, with empty ones between.
    fn tokens() -> impl Strategy<Value = Tokens> {
        prop::collection::vec((0usize..3, prop_oneof![Just(0), 1usize..5]), 0..12).prop_map(|steps| {
            let (mut start, mut end) = (0, 0);
            let spans: Vec<ByteSpan> = steps
                .into_iter()
                .map(|(step, length)| {
                    start += step;
                    end = if length == 0 { end } else { end.max(start + length) };
                    ByteSpan::new(start, if length == 0 { start } else { end })
                })
                .collect();
            Tokens { ids: vec![0; spans.len()], spans }
        })
    }

    proptest! {
        #[test]
        fn spans_slice_any_text_in_order(text in any_text()) {
            for tokenizer in [words(), bytes()] {
                let tokens = tokenizer.encode(&text).expect("tokens");
                prop_assert_eq!(tokens.ids.len(), tokens.spans.len());
                prop_assert!(tokens.spans.is_sorted_by_key(|span| span.start));
                for span in &tokens.spans {
                    let slice = span.slice(&text).expect("on borders");
                    prop_assert_eq!(slice.trim(), slice);
                }
                // A text has the same tokens in a batch.
                prop_assert_eq!(tokenizer.encode_batch(&["a", &text]).expect("tokens").pop(), Some(tokens));
            }
        }

        #[test]
        fn byte_tokens_omit_only_white_space(text in any_text()) {
            let spans = bytes().encode(&text).expect("tokens").spans;
            for (at, c) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
                prop_assert!(spans.iter().any(|span| span.start <= at && at + c.len_utf8() <= span.end));
            }
        }

        #[test]
        fn tokens_are_those_of_a_full_comparison(tokens in tokens(), start in 0usize..30, length in 0usize..8) {
            let span = ByteSpan::new(start, start + length);
            prop_assert_eq!(to_tokens(span, &tokens), to_tokens_one_by_one(span, &tokens));
        }

        #[test]
        fn tokens_of_texts_are_those_of_a_full_comparison(text in "[aÉ北é .,\t👩\u{200d}\u{301}\u{fb01}\0\r\n]{0,10}") {
            let words = Tokenizer::train_words(["a"], 1, 100).expect("a tokenizer");
            let tokens = words.encode(&text).expect("tokens");
            for (start, end) in (0..=text.len()).flat_map(|start| (start..=text.len()).map(move |end| (start, end))) {
                let span = ByteSpan::new(start, end);
                prop_assert_eq!(to_tokens(span, &tokens), to_tokens_one_by_one(span, &tokens));
            }
        }
    }
}
