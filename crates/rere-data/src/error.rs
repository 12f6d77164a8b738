//! What can go wrong between a corpus file and a training batch.

use std::{error::Error, io, path::PathBuf};

use rere_core::{OffsetError, OffsetUnit, RelationSetError, Sentence};

use crate::Format;

/// Why a corpus could not be read, written or encoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file could not be opened or read.
    #[error("{} {}", path.display(), if source.kind() == io::ErrorKind::NotFound { "is not found" } else { "cannot be read" })]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file could not be written; what stood there before is untouched.
    #[error("{} cannot be written{}", path.display(), if source.kind() == io::ErrorKind::NotFound { ": its folder is not found" } else { "" })]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A sentence could not be written to a stream.
    #[error("the output cannot be written")]
    Output(#[source] io::Error),
    /// A file has no sentence.
    #[error("{} has no sentence", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Bytes that are not UTF-8.
    #[error("{}, line {line}: not UTF-8; convert the file to UTF-8", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// Line of the first bad byte, from 1.
        line: usize,
    },
    /// Something that is not the JSON, or not the fields, that the format asks for.
    #[error("{}, line {line}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line of the problem, from 1.
        line: usize,
        /// What was expected and what was found.
        message: String,
    },
    /// A mention whose offsets do not slice the text to the mention's own text.
    #[error("{}, line {line}: {}{}", path.display(), OffsetError {
        start: *start, end: *end, claimed: claimed.clone(), found: found.clone(), length: *length, unit: *unit, fits: *fits,
    }, remedy(*fits))]
    Offsets {
        /// The file.
        path: PathBuf,
        /// Line of the sentence, from 1.
        line: usize,
        /// First character of the stated span.
        start: usize,
        /// Character after the last one of the stated span.
        end: usize,
        /// The stated text.
        claimed: String,
        /// What is there; `None` if the span does not lie in the text.
        found: Option<String>,
        /// Length of the text.
        length: usize,
        /// What the offsets were taken to count.
        unit: OffsetUnit,
        /// Another unit in which they fit.
        fits: Option<OffsetUnit>,
    },
    /// Two sentences of a file have one id.
    #[error("{}, line {line}: the id {id:?} stands already on line {first}; give each sentence its own", path.display())]
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
    /// A name that is no corpus format's.
    #[error("expected a corpus format, one of {known}, found {0:?}", known = Format::names())]
    UnknownFormat(String),
    /// A folder that is none of brat's.
    #[error("{} is a folder without `.txt` files; expected a corpus file, or a folder with `ID.txt` and `ID.ann` as brat has", path.display())]
    NoTexts {
        /// The folder.
        path: PathBuf,
    },
    /// A file that is no text.
    #[error("{}: expected UTF-8 text, found {found}", path.display())]
    NoText {
        /// The file.
        path: PathBuf,
        /// What it is, and what to do.
        found: &'static str,
    },
    /// A file of a format whose support was left out of the program.
    #[error("{}: this program was built without the feature `{feature}`, which the format needs", path.display())]
    NotBuilt {
        /// The file.
        path: PathBuf,
        /// The cargo feature of `rere-data`.
        feature: &'static str,
    },
    /// A format that is a file or a folder, and cannot be a stream or compressed.
    #[error("{}: {format} {message}", path.display())]
    NoStream {
        /// Where it was to be read or written.
        path: PathBuf,
        /// The format.
        format: Format,
        /// What to give in its place.
        message: &'static str,
    },
    /// A sentence that its format could not give back.
    #[error("sentence {sentence} cannot be written: {message}")]
    Unwritable {
        /// The sentence: its id, or how its text begins.
        sentence: String,
        /// What is wrong with it.
        message: String,
    },
    /// A tokenizer that cannot be used, loaded or saved.
    #[error(
        "the tokenizer{} cannot be used: {message}",
        path.as_ref().map_or_else(String::new, |path| format!(" {}", path.display()))
    )]
    Tokenizer {
        /// Its file, where it comes from one.
        path: Option<PathBuf>,
        /// What is wrong with it.
        message: String,
    },
    /// A text that the tokenizer refused.
    #[error("the text {text:?} cannot be tokenised")]
    Tokenize {
        /// How the text begins.
        text: String,
        /// What the tokenizer says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Names of relations that do not make a set.
    #[error("the names of the relations cannot be used")]
    Relations(#[from] RelationSetError),
    /// Names of entities that cannot be matched together.
    #[error("the names of the entities are too many to be matched at once")]
    Names(#[source] Box<dyn Error + Send + Sync>),
    /// A triple with a relation that the task does not have.
    #[error(
        "sentence {sentence}: relation {relation:?} is not one of the task's; add it, or choose to skip such triples"
    )]
    UnknownRelation {
        /// The sentence: its index in the corpus from 0, and its id or how its text begins.
        sentence: String,
        /// Name of the relation.
        relation: String,
    },
    /// A triple with an entity that its sentence does not have.
    #[error(
        "sentence {sentence}: the {role} {surface:?} of relation {relation:?} is not found in the text; \
         correct the triple, or choose to skip such triples"
    )]
    EntityNotFound {
        /// The sentence: its index in the corpus from 0, and its id or how its text begins.
        sentence: String,
        /// Name of the relation.
        relation: String,
        /// `subject` or `object`.
        role: &'static str,
        /// The entity's surface.
        surface: String,
    },
}

/// What to do about offsets that would fit in another unit.
fn remedy(fits: Option<OffsetUnit>) -> String {
    fits.map_or_else(String::new, |fits| format!(": read the file with offsets {}", fits.name()))
}

/// What messages call a sentence: its id, or how its text begins.
pub(crate) fn name(sentence: &Sentence) -> String {
    format!("{:?}", sentence.id.clone().unwrap_or_else(|| beginning(&sentence.text)))
}

/// How a text begins, for messages.
pub(crate) fn beginning(text: &str) -> String {
    const CHARACTERS: usize = 60;
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
