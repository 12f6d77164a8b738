//! Tokenizers of Hugging Face folders, in one file or as vocabularies.
//!
//! What is built from a vocabulary equals what the class `PreTrainedTokenizerFast` of transformers builds from it
//! (`convert_slow_tokenizer.py`), except for the special tokens around a text, which [`Tokenizer`] leaves to its caller.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokenizers::{
    AddedToken,
    models::{
        bpe::{BPE, Vocab},
        wordpiece::WordPiece,
    },
    normalizers::BertNormalizer,
    pre_tokenizers::{bert::BertPreTokenizer, byte_level::ByteLevel},
};

use super::{
    Tokenizer,
    sentence_piece::{self, Layout},
};
use crate::{DataError, TokenizerProblem};

const WHOLE: &str = "tokenizer.json";
const SETTINGS: &str = "tokenizer_config.json";
const ADDED: &str = "added_tokens.json";
const SPECIAL: &str = "special_tokens_map.json";
const WORD_PIECES: &str = "vocab.txt";
const BYTE_PAIRS: &str = "vocab.json";
const MERGES: &str = "merges.txt";
/// Names of a SentencePiece model in published folders.
const PIECES: [&str; 2] = ["spm.model", "sentencepiece.bpe.model"];

/// How a class of tokenizers stores its vocabulary.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Word pieces in `vocab.txt`.
    WordPiece,
    /// Pairs of bytes in `vocab.json` and `merges.txt`.
    BytePairs,
    /// A SentencePiece model.
    SentencePiece(Layout),
}

/// The tokenizer classes whose vocabularies can be read, and the encoders that use them if a folder names no class.
const CLASSES: &[(&str, &[&str], Kind)] = &[
    ("BertTokenizer", &["bert", "ernie"], Kind::WordPiece),
    ("DistilBertTokenizer", &["distilbert"], Kind::WordPiece),
    ("ElectraTokenizer", &["electra"], Kind::WordPiece),
    ("MPNetTokenizer", &["mpnet"], Kind::WordPiece),
    ("RobertaTokenizer", &["roberta"], Kind::BytePairs),
    ("XLMRobertaTokenizer", &["xlm-roberta"], Kind::SentencePiece(Layout::XlmRoberta)),
    ("CamembertTokenizer", &["camembert"], Kind::SentencePiece(Layout::Camembert)),
    ("DebertaV2Tokenizer", &["deberta-v2"], Kind::SentencePiece(Layout::DebertaV2)),
];

/// The settings of `tokenizer_config.json` that change a text's tokens; the defaults are those of transformers.
#[derive(Default, Deserialize)]
struct Settings {
    tokenizer_class: Option<String>,
    do_lower_case: Option<bool>,
    #[serde(default = "yes")]
    do_basic_tokenize: bool,
    #[serde(default = "yes")]
    tokenize_chinese_chars: bool,
    strip_accents: Option<bool>,
    #[serde(default)]
    add_prefix_space: bool,
    #[serde(default)]
    split_by_punct: bool,
    added_tokens_decoder: Option<BTreeMap<u32, AddedToken>>,
    /// Among others, the names of special tokens.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// The special tokens of the known classes.
const SPECIAL_TOKENS: [&str; 10] =
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "</s>", "<pad>", "<unk>", "<mask>"];

/// Returns the tokens of a setting: a string, an object with a string as its content, or a list of these.
fn tokens(setting: &Value) -> Vec<&str> {
    match setting {
        Value::String(token) => vec![token],
        Value::Array(settings) => settings.iter().flat_map(tokens).collect(),
        setting => setting.get("content").and_then(Value::as_str).into_iter().collect(),
    }
}

fn yes() -> bool {
    true
}

/// The part of an encoder's `config.json` that tells its tokenizer.
#[derive(Default, Deserialize)]
struct Encoder {
    tokenizer_class: Option<String>,
    model_type: Option<String>,
}

/// Returns the `tokenizer.json` of a folder, if there is one.
pub(super) fn whole(folder: &Path) -> Option<PathBuf> {
    Some(folder.join(WHOLE)).filter(|path| path.exists())
}

/// Builds the tokenizer of a folder without `tokenizer.json` from its vocabulary.
pub(super) fn from_vocabulary(folder: &Path) -> Result<Tokenizer, DataError> {
    let settings: Settings = match optional(&folder.join(SETTINGS))? {
        Some(settings) => settings,
        None => from_json(b"{}", &folder.join(SETTINGS))?,
    };
    let unusable = |source| DataError::Tokenizer { path: Some(folder.to_owned()), source };
    let (class, kind) = class(folder, &settings)?;
    let existing = |names: &[&str]| names.iter().map(|name| folder.join(name)).find(|path| path.exists());
    let required = |names: &[&str]| {
        let missing = || unusable(TokenizerProblem::NoVocabulary { class, expected: names.join(" or ") });
        existing(names).ok_or_else(missing)
    };
    let (path, mut inner) = match kind {
        Kind::WordPiece => {
            let path = required(&[WORD_PIECES])?;
            (path.clone(), word_pieces(&path, &settings)?)
        }
        Kind::BytePairs => {
            let (path, merges) = (required(&[BYTE_PAIRS])?, required(&[MERGES])?);
            (path.clone(), byte_pairs(&path, &merges, settings.add_prefix_space)?)
        }
        Kind::SentencePiece(layout) => {
            let path = required(&PIECES)?;
            let lower_case = settings.do_lower_case.unwrap_or(false);
            let inner = sentence_piece::tokenizer(&read(&path)?, layout, lower_case, settings.split_by_punct);
            (path.clone(), inner.map_err(|source| DataError::Tokenizer { path: Some(path), source })?)
        }
    };
    add_tokens(&mut inner, folder, settings)?;
    Tokenizer::from_inner(inner).map_err(|source| DataError::Tokenizer { path: Some(path), source })
}

/// Returns the class of a folder's tokenizer and how its vocabulary is stored.
fn class(folder: &Path, settings: &Settings) -> Result<(&'static str, Kind), DataError> {
    let encoder: Encoder = optional(&folder.join("config.json"))?.unwrap_or_default();
    let named = settings.tokenizer_class.as_deref().or(encoder.tokenizer_class.as_deref());
    let known = CLASSES.iter().find(|(class, encoders, _)| match named {
        Some(named) => named.strip_suffix("Fast").unwrap_or(named) == *class,
        None => encoder.model_type.as_deref().is_some_and(|encoder| encoders.contains(&encoder)),
    });
    let found = named.or(encoder.model_type.as_deref());
    known.map(|(class, _, kind)| (*class, *kind)).ok_or_else(|| DataError::Tokenizer {
        path: Some(folder.to_owned()),
        source: TokenizerProblem::UnknownClass {
            found: found.map(str::to_owned),
            known: CLASSES.iter().map(|(class, ..)| *class).collect(),
        },
    })
}

fn word_pieces(path: &Path, settings: &Settings) -> Result<tokenizers::Tokenizer, DataError> {
    let unusable = |source| DataError::Tokenizer { path: Some(path.to_owned()), source };
    let vocabulary = text(path)?;
    let vocabulary = vocabulary.strip_suffix('\n').unwrap_or(&vocabulary);
    let vocabulary = vocabulary.split('\n').map(|piece| piece.strip_suffix('\r').unwrap_or(piece).to_owned());
    let vocabulary: Vocab = vocabulary.zip(0..).collect();
    let unknown = settings.others.get("unk_token").and_then(|setting| tokens(setting).pop()).unwrap_or("[UNK]");
    if !vocabulary.contains_key(unknown) {
        return Err(unusable(TokenizerProblem::NoUnknownToken { expected: unknown.to_owned() }));
    }
    let model = WordPiece::builder().vocab(vocabulary).unk_token(unknown.to_owned()).build();
    let mut inner = tokenizers::Tokenizer::new(model.map_err(TokenizerProblem::Library).map_err(unusable)?);
    let basic = settings.do_basic_tokenize;
    let normalizer = BertNormalizer::new(
        true,
        basic && settings.tokenize_chinese_chars,
        if basic { settings.strip_accents } else { Some(false) },
        basic && settings.do_lower_case.unwrap_or(true),
    );
    inner.with_normalizer(Some(normalizer)).map_err(TokenizerProblem::Library).map_err(unusable)?;
    inner.with_pre_tokenizer(Some(BertPreTokenizer));
    Ok(inner)
}

fn byte_pairs(path: &Path, merges: &Path, add_prefix_space: bool) -> Result<tokenizers::Tokenizer, DataError> {
    let vocabulary: HashMap<String, u32> = from_json(&read(path)?, path)?;
    let mut pairs = Vec::new();
    for (line, pair) in text(merges)?.lines().enumerate().filter(|(_, line)| !line.starts_with("#version")) {
        let (left, right) = pair.split_once(' ').ok_or_else(|| DataError::Tokenizer {
            path: Some(merges.to_owned()),
            source: TokenizerProblem::Merge { line: line + 1, found: pair.to_owned() },
        })?;
        pairs.push((left.to_owned(), right.to_owned()));
    }
    let model = BPE::builder().vocab_and_merges(vocabulary.into_iter().collect::<Vocab>(), pairs).build();
    let mut inner = tokenizers::Tokenizer::new(model.map_err(|error| DataError::Tokenizer {
        path: Some(merges.to_owned()),
        source: TokenizerProblem::Library(error),
    })?);
    let byte_level = ByteLevel::new(add_prefix_space, true, true);
    inner.with_pre_tokenizer(Some(byte_level));
    // Trims white space from the offsets.
    inner.with_post_processor(Some(byte_level));
    Ok(inner)
}

/// Adds the tokens that a folder lists beside its vocabulary.
fn add_tokens(inner: &mut tokenizers::Tokenizer, folder: &Path, settings: Settings) -> Result<(), DataError> {
    let (file, added) = match settings.added_tokens_decoder {
        Some(added) => (folder.join(SETTINGS), added),
        None => {
            let file = folder.join(ADDED);
            let added: HashMap<String, u32> = optional(&file)?.unwrap_or_default();
            // Older folders list which of them are special elsewhere.
            let mut named: BTreeMap<String, Value> = optional(&folder.join(SPECIAL))?.unwrap_or_default();
            named.extend(
                settings.others.into_iter().filter(|(key, _)| key.ends_with("_token") || key.ends_with("_tokens")),
            );
            let special: HashSet<&str> = named.values().flat_map(tokens).chain(SPECIAL_TOKENS).collect();
            let token = |token: String| {
                let is_special = special.contains(token.as_str());
                AddedToken::from(token, is_special)
            };
            (file, added.into_iter().map(|(content, id)| (id, token(content))).collect())
        }
    };
    for (id, token) in added {
        let content = token.content.clone();
        let added = if token.special { inner.add_special_tokens([token]) } else { inner.add_tokens([token]) };
        let unusable = |source| DataError::Tokenizer { path: Some(file.clone()), source };
        added.map_err(|error| unusable(TokenizerProblem::Library(error)))?;
        let found = inner.token_to_id(&content);
        if found != Some(id) {
            return Err(unusable(TokenizerProblem::AddedToken { token: content, expected: id, found }));
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    fs::read(path).map_err(|source| DataError::Read { path: path.to_owned(), source })
}

fn text(path: &Path) -> Result<String, DataError> {
    fs::read_to_string(path).map_err(|source| DataError::Read { path: path.to_owned(), source })
}

fn from_json<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<T, DataError> {
    serde_json::from_slice(bytes).map_err(|error| DataError::Tokenizer {
        path: Some(path.to_owned()),
        source: TokenizerProblem::Library(error.into()),
    })
}

/// Reads a JSON file, if it exists.
fn optional<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, DataError> {
    if !path.exists() {
        return Ok(None);
    }
    from_json(&read(path)?, path).map(Some)
}
