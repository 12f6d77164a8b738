//! Tokenizers of Hugging Face folders, in one file or as vocabularies.
//!
//! What is built from a vocabulary equals what the class `PreTrainedTokenizerFast` of transformers builds from it
//! (`convert_slow_tokenizer.py`), except for the special tokens between two texts, which [`Tokenizer`] leaves to its
//! caller.

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
    processors::{bert::BertProcessing, roberta::RobertaProcessing},
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

/// A tokenizer class whose vocabulary can be read.
struct Class {
    name: &'static str,
    /// The encoders that use it if a folder names no class.
    encoders: &'static [&'static str],
    kind: Kind,
    /// The special tokens around a text, unless the folder names others.
    around: [&'static str; 2],
}

impl Class {
    const fn new(name: &'static str, encoders: &'static [&'static str], kind: Kind, around: [&'static str; 2]) -> Self {
        Self { name, encoders, kind, around }
    }
}

const BERT: [&str; 2] = ["[CLS]", "[SEP]"];
const ROBERTA: [&str; 2] = ["<s>", "</s>"];

const CLASSES: &[Class] = &[
    Class::new("BertTokenizer", &["bert", "ernie"], Kind::WordPiece, BERT),
    Class::new("DistilBertTokenizer", &["distilbert"], Kind::WordPiece, BERT),
    Class::new("ElectraTokenizer", &["electra"], Kind::WordPiece, BERT),
    Class::new("MPNetTokenizer", &["mpnet"], Kind::WordPiece, ROBERTA),
    Class::new("RobertaTokenizer", &["roberta"], Kind::BytePairs, ROBERTA),
    Class::new("XLMRobertaTokenizer", &["xlm-roberta"], Kind::SentencePiece(Layout::XlmRoberta), ROBERTA),
    Class::new("CamembertTokenizer", &["camembert"], Kind::SentencePiece(Layout::Camembert), ROBERTA),
    Class::new("DebertaV2Tokenizer", &["deberta-v2"], Kind::SentencePiece(Layout::DebertaV2), BERT),
];

/// The settings of `tokenizer_config.json` that change a text's tokens; the defaults are those of transformers.
#[derive(Default, Deserialize)]
struct Settings {
    tokenizer_class: Option<String>,
    do_lower_case: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
    strip_accents: Option<bool>,
    add_prefix_space: Option<bool>,
    split_by_punct: Option<bool>,
    added_tokens_decoder: Option<BTreeMap<u32, AddedToken>>,
    /// Among others, the names of special tokens.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

impl Settings {
    /// Returns a special token.
    fn special<'a>(&'a self, key: &str, default: &'a str) -> &'a str {
        self.others.get(key).and_then(|setting| tokens(setting).pop()).unwrap_or(default)
    }
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
    let mut settings: Settings = optional(&folder.join(SETTINGS))?.unwrap_or_default();
    let others: BTreeMap<String, Value> = optional(&folder.join(SPECIAL))?.unwrap_or_default();
    for (key, value) in others {
        settings.others.entry(key).or_insert(value);
    }
    let class = class(folder, &settings)?;
    let required = |name: &'static str| {
        let missing = TokenizerProblem::NoVocabulary { class: class.name, expected: name };
        Some(folder.join(name)).filter(|path| path.exists()).ok_or_else(|| unusable(folder)(missing))
    };
    let spaced = settings.add_prefix_space.unwrap_or(false);
    let path = required(match class.kind {
        Kind::WordPiece => WORD_PIECES,
        Kind::BytePairs => BYTE_PAIRS,
        Kind::SentencePiece(layout) => layout.file(),
    })?;
    let mut inner = match class.kind {
        Kind::WordPiece => word_pieces(&path, &settings)?,
        Kind::BytePairs => byte_pairs(&path, &required(MERGES)?, spaced)?,
        Kind::SentencePiece(layout) => {
            let lower_case = settings.do_lower_case.unwrap_or(false);
            let split = settings.split_by_punct.unwrap_or(false);
            sentence_piece::tokenizer(&read(&path)?, layout, lower_case, split).map_err(unusable(&path))?
        }
    };
    let token = |key: &str, default: &str| {
        let token = settings.special(key, default).to_owned();
        let missing = || unusable(&path)(TokenizerProblem::NoToken { expected: token.clone() });
        let id = inner.token_to_id(&token).ok_or_else(missing)?;
        Ok::<_, DataError>((token, id))
    };
    let [cls, sep] = class.around;
    let (cls, sep) = (token("cls_token", cls)?, token("sep_token", sep)?);
    match class.kind {
        // Trims white space from the offsets.
        Kind::BytePairs => inner.with_post_processor(Some(RobertaProcessing::new(sep, cls).add_prefix_space(spaced))),
        _ => inner.with_post_processor(Some(BertProcessing::new(sep, cls))),
    };
    add_tokens(&mut inner, folder, settings)?;
    Tokenizer::from_inner(inner).map_err(unusable(&path))
}

/// Returns an error about a file or a folder.
fn unusable(path: &Path) -> impl Fn(TokenizerProblem) -> DataError {
    move |source| DataError::Tokenizer { path: Some(path.to_owned()), source }
}

/// Returns the class of a folder's tokenizer.
fn class(folder: &Path, settings: &Settings) -> Result<&'static Class, DataError> {
    let encoder: Encoder = optional(&folder.join("config.json"))?.unwrap_or_default();
    let named = settings.tokenizer_class.as_deref().or(encoder.tokenizer_class.as_deref());
    let known = CLASSES.iter().find(|class| match named {
        Some(named) => named.strip_suffix("Fast").unwrap_or(named) == class.name,
        None => encoder.model_type.as_deref().is_some_and(|encoder| class.encoders.contains(&encoder)),
    });
    let unknown = || TokenizerProblem::UnknownClass {
        found: named.or(encoder.model_type.as_deref()).map(str::to_owned),
        known: CLASSES.iter().map(|class| class.name).collect(),
    };
    known.ok_or_else(|| unusable(folder)(unknown()))
}

fn word_pieces(path: &Path, settings: &Settings) -> Result<tokenizers::Tokenizer, DataError> {
    let unusable = unusable(path);
    let vocabulary = text(path)?;
    let vocabulary = vocabulary.strip_suffix('\n').unwrap_or(&vocabulary);
    let vocabulary = vocabulary.split('\n').map(|piece| piece.strip_suffix('\r').unwrap_or(piece).to_owned());
    let vocabulary: Vocab = vocabulary.zip(0..).collect();
    let unknown = settings.special("unk_token", "[UNK]");
    if !vocabulary.contains_key(unknown) {
        return Err(unusable(TokenizerProblem::NoToken { expected: unknown.to_owned() }));
    }
    let model = WordPiece::builder().vocab(vocabulary).unk_token(unknown.to_owned()).build();
    let mut inner = tokenizers::Tokenizer::new(model.map_err(TokenizerProblem::Library).map_err(&unusable)?);
    let (chinese, lower_case) = (settings.tokenize_chinese_chars, settings.do_lower_case);
    let normalizer =
        BertNormalizer::new(true, chinese.unwrap_or(true), settings.strip_accents, lower_case.unwrap_or(true));
    inner.with_normalizer(Some(normalizer)).map_err(TokenizerProblem::Library).map_err(&unusable)?;
    inner.with_pre_tokenizer(Some(BertPreTokenizer));
    Ok(inner)
}

fn byte_pairs(path: &Path, merges: &Path, add_prefix_space: bool) -> Result<tokenizers::Tokenizer, DataError> {
    let vocabulary: HashMap<String, u32> = from_json(&read(path)?, path)?;
    let mut pairs = Vec::new();
    for (line, pair) in text(merges)?.lines().enumerate() {
        let wrong =
            |expected| unusable(merges)(TokenizerProblem::Merge { line: line + 1, expected, found: pair.to_owned() });
        // transformers drops the first line whatever it is.
        if line == 0 {
            pair.strip_prefix("#version").ok_or_else(|| wrong("#version"))?;
            continue;
        }
        let (left, right) = pair.split_once(' ').ok_or_else(|| wrong("two tokens with a space between them"))?;
        pairs.push((left.to_owned(), right.to_owned()));
    }
    let model = BPE::builder().vocab_and_merges(vocabulary.into_iter().collect::<Vocab>(), pairs).build();
    let mut inner = tokenizers::Tokenizer::new(model.map_err(TokenizerProblem::Library).map_err(unusable(merges))?);
    inner.with_pre_tokenizer(Some(ByteLevel::new(add_prefix_space, true, true)));
    Ok(inner)
}

/// Adds the tokens that a folder lists beside its vocabulary.
fn add_tokens(inner: &mut tokenizers::Tokenizer, folder: &Path, settings: Settings) -> Result<(), DataError> {
    // In older folders, only other settings say which of them are special.
    let named = settings.others.iter().filter(|(key, _)| key.ends_with("_token") || key.ends_with("_tokens"));
    let special: HashSet<&str> = named.flat_map(|(_, setting)| tokens(setting)).chain(SPECIAL_TOKENS).collect();
    let (file, mut added) = match settings.added_tokens_decoder {
        Some(added) => (folder.join(SETTINGS), added),
        None => {
            let file = folder.join(ADDED);
            let added: HashMap<String, u32> = optional(&file)?.unwrap_or_default();
            let token = |token: String| {
                let is_special = special.contains(token.as_str());
                AddedToken::from(token, is_special)
            };
            (file, added.into_iter().map(|(content, id)| (id, token(content))).collect())
        }
    };
    for token in added.values_mut() {
        token.special |= special.contains(token.content.as_str());
    }
    for (id, token) in added {
        let content = token.content.clone();
        let added = if token.special { inner.add_special_tokens([token]) } else { inner.add_tokens([token]) };
        added.map_err(TokenizerProblem::Library).map_err(unusable(&file))?;
        let found = inner.token_to_id(&content);
        if found != Some(id) {
            return Err(unusable(&file)(TokenizerProblem::AddedToken { token: content, expected: id, found }));
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
    serde_json::from_slice(bytes).map_err(|error| unusable(path)(TokenizerProblem::Library(error.into())))
}

/// Reads a JSON file, if it exists.
fn optional<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, DataError> {
    if !path.exists() {
        return Ok(None);
    }
    from_json(&read(path)?, path).map(Some)
}
