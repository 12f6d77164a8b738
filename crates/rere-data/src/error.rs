//! Errors of this crate.

use std::{error::Error, io, path::PathBuf};

use rere_core::{OffsetError, OffsetUnit, RelationSetError, Sentence, json::RecordError};

use crate::Format;

/// Error of reading, writing, labelling or tokenising a corpus.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file could not be opened or read.
    #[error("{} {}", path.display(), if source.kind() == io::ErrorKind::NotFound { "is not found" } else { "cannot be read" })]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file could not be written. An existing file at this path is unchanged.
    #[error("{} cannot be written{}", path.display(), if source.kind() == io::ErrorKind::NotFound { ": its folder is not found" } else { "" })]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A sentence could not be written to a stream.
    #[error("the output cannot be written")]
    Output(#[source] io::Error),
    /// A file has no sentences.
    #[error("{} has no sentence", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file is not UTF-8.
    #[error("{}, line {line}: expected UTF-8, found other bytes; convert the file to UTF-8", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// Line of the first invalid byte, from 1.
        line: usize,
    },
    /// The content of a file does not have the form that its format defines.
    #[error("{}, line {line}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line of the problem, from 1.
        line: usize,
        /// The kind of problem.
        kind: ParseErrorKind,
        /// What was expected and what was found, for people.
        message: String,
    },
    /// The offsets of a mention do not slice the text to its surface.
    #[error("{}, line {line}: {error}{}", path.display(), remedy(error.fits))]
    Offsets {
        /// The file.
        path: PathBuf,
        /// Line of the sentence, from 1.
        line: usize,
        /// The mention, its offsets and the text there.
        error: OffsetError,
    },
    /// Two sentences of a file have the same id.
    #[error("{}, line {line}: expected unique ids, but line {first} also has the id {id:?}; give each sentence its own id", path.display())]
    DuplicateId {
        /// The file.
        path: PathBuf,
        /// Line of the second sentence, from 1.
        line: usize,
        /// Line of the first one.
        first: usize,
        /// The id.
        id: String,
    },
    /// A name is not that of a corpus format.
    #[error("expected a corpus format, one of {known}, found {0:?}", known = Format::names())]
    UnknownFormat(String),
    /// A folder has no texts.
    #[error("{}: expected a corpus file or a brat folder (`ID.txt` and `ID.ann`), found a folder without `.txt` files", path.display())]
    NoTexts {
        /// The folder.
        path: PathBuf,
    },
    /// A file is not text.
    #[error("{}: expected UTF-8 text, found {found}", path.display())]
    NoText {
        /// The file.
        path: PathBuf,
        /// What the file is, and what to do.
        found: &'static str,
    },
    /// A file has a format whose support was not compiled in.
    #[error("{}: the format needs the cargo feature `{feature}`, without which this program was built", path.display())]
    NotBuilt {
        /// The file.
        path: PathBuf,
        /// The cargo feature of `rere-data`.
        feature: &'static str,
    },
    /// A format cannot be read from or written to a stream or a compressed file.
    #[error("{}: {format} {needs}", path.display())]
    NoStream {
        /// The path that was given.
        path: PathBuf,
        /// The format.
        format: Format,
        /// What the format needs instead.
        needs: StreamAlternative,
    },
    /// A sentence cannot be written.
    #[error("sentence {sentence} cannot be written: {problem}")]
    Unwritable {
        /// The sentence's id, or the beginning of its text.
        sentence: String,
        /// The problem of the sentence.
        problem: SentenceProblem,
    },
    /// A tokenizer cannot be used, loaded or saved.
    #[error(
        "the tokenizer{} cannot be used",
        path.as_ref().map_or_else(String::new, |path| format!(" {}", path.display()))
    )]
    Tokenizer {
        /// Its file, if it comes from one.
        path: Option<PathBuf>,
        /// The problem of the tokenizer.
        source: TokenizerProblem,
    },
    /// The tokenizer refused a text.
    #[error("the text {text:?} cannot be tokenised")]
    Tokenize {
        /// The beginning of the text.
        text: String,
        /// The tokenizer's error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The names of the relations cannot be used.
    #[error("the names of the relations cannot be used")]
    Relations(#[from] RelationSetError),
    /// The matcher of entity names cannot be built.
    #[error("the names of the entities are too many for one matcher")]
    Names(#[source] Box<dyn Error + Send + Sync>),
    /// A triple has a relation that the task does not have.
    #[error(
        "sentence {sentence}: expected a relation of the task, found {relation:?}; add the relation, or skip such triples"
    )]
    UnknownRelation {
        /// Index of the sentence in the corpus, from 0, with its id or the beginning of its text.
        sentence: String,
        /// Name of the relation.
        relation: String,
    },
    /// A text does not have the subject or object of a triple.
    #[error(
        "sentence {sentence}: the {role} {surface:?} of relation {relation:?} is not found in the text; \
         correct the triple, or skip such triples"
    )]
    EntityNotFound {
        /// Index of the sentence in the corpus, from 0, with its id or the beginning of its text.
        sentence: String,
        /// Name of the relation.
        relation: String,
        /// `subject` or `object`.
        role: &'static str,
        /// Surface of the subject or object.
        surface: String,
    },
}

/// Kind of a [`DataError::Parse`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The JSON, the table, the annotation line or the Parquet file is malformed.
    Syntax,
    /// The file ends too early.
    Truncated,
    /// An object or a line is too long.
    TooLong,
    /// A required field or column is missing or empty.
    MissingField,
    /// A field, a cell or a list has a value that the format does not allow.
    WrongValue,
    /// The file has fields of several formats.
    MixedFormats,
    /// Two columns, mentions or entities have the same name, key or id.
    Duplicate,
    /// A relation refers to an entity or a mention that does not exist.
    UnknownReference,
    /// Offsets in words do not lie in the text, or the text has another surface there.
    WordOffsets,
}

/// What a format needs instead of a stream or a compressed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum StreamAlternative {
    /// A folder.
    #[error("is stored in a folder and cannot be a stream; give the path of a folder")]
    Folder,
    /// A file.
    #[error("cannot be a stream; give the path of a file")]
    File,
    /// A file that is not compressed from outside.
    #[error("is compressed internally; give a path without .gz or .zst")]
    Uncompressed,
}

/// Problem of a sentence that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SentenceProblem {
    /// The sentence is inconsistent: for example, a mention's span does not slice the text to its surface.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Another sentence has the same file name in a brat folder.
    #[error("another sentence has the file {file_name} already; give each sentence its own id")]
    SameFile {
        /// The file name.
        file_name: String,
    },
}

/// Problem of a tokenizer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerProblem {
    /// The vocabulary has no token for a special purpose.
    #[error("expected a vocabulary with {bert} or {roberta}, found neither")]
    NoSpecialToken {
        /// The token's name in BERT's vocabularies.
        bert: &'static str,
        /// The token's name in RoBERTa's vocabularies.
        roberta: &'static str,
    },
    /// A folder has no tokenizer that is known.
    #[error(
        "expected tokenizer.json, or the vocabulary of one of {}, found {}; {REMEDY}",
        known.join(", "),
        found.as_ref().map_or_else(|| "neither tokenizer_class nor model_type".to_owned(), |found| format!("{found:?}"))
    )]
    UnknownClass {
        /// The class of the tokenizer or the type of the encoder, if the folder names one.
        found: Option<String>,
        /// The classes whose vocabularies can be read.
        known: Vec<&'static str>,
    },
    /// A folder has neither `tokenizer.json` nor the vocabulary of its class.
    #[error("expected tokenizer.json, or {expected} for {class}; {REMEDY}")]
    NoVocabulary {
        /// The class of the tokenizer.
        class: &'static str,
        /// The file of its vocabulary.
        expected: &'static str,
    },
    /// The vocabulary lacks a special token.
    #[error("expected a vocabulary with {expected}")]
    NoToken {
        /// The token.
        expected: String,
    },
    /// A line of `merges.txt` is neither a pair nor the version.
    #[error("line {line}: expected {expected}, found {found:?}")]
    Merge {
        /// The line, from 1.
        line: usize,
        /// What the line must be.
        expected: &'static str,
        /// The line's text.
        found: String,
    },
    /// A token beside the vocabulary does not get the id that is listed for it.
    #[error("the added token {token:?} has id {expected}, but the vocabulary gives it {}", found.map_or_else(|| "none".to_owned(), |id| id.to_string()))]
    AddedToken {
        /// The token.
        token: String,
        /// The listed id.
        expected: u32,
        /// The id that it gets.
        found: Option<u32>,
    },
    /// A SentencePiece model of another type.
    #[error("expected a SentencePiece model of type unigram; {REMEDY}")]
    NotUnigram,
    /// The rules for characters of a SentencePiece model are damaged.
    #[error("the precompiled_charsmap is damaged")]
    Charsmap,
    /// The tokenizers library reported an error.
    #[error("{0}")]
    Library(Box<dyn Error + Send + Sync>),
}

/// How to get a tokenizer in one file.
const REMEDY: &str = "if transformers has a fast tokenizer for it, write tokenizer.json: \
     AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)";

/// Advises how to read offsets that fit in another unit.
fn remedy(fits: Option<OffsetUnit>) -> String {
    fits.map_or_else(String::new, |fits| format!(": read the file with offsets {}", fits.name()))
}

/// Returns the id of a sentence or the beginning of its text, quoted, for messages.
pub(crate) fn describe(sentence: &Sentence) -> String {
    format!("{:?}", sentence.id.clone().unwrap_or_else(|| beginning(&sentence.text)))
}

/// Returns the beginning of a text, for messages.
pub(crate) fn beginning(text: &str) -> String {
    const CHARACTERS: usize = 60;
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
