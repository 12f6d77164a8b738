//! Corpus formats, one module each, and the reader and the writer of corpora.

mod fields;
mod json;
mod mentions;
mod optional;
mod reader;
mod spec;
mod table;
mod unsupported;
mod words;
mod writer;

use std::{fmt, path::Path, str::FromStr};

use rere_core::OffsetUnit;
use serde::{Serialize, Serializer};

#[cfg(feature = "parquet")]
pub use self::parquet::triple_type;
pub(crate) use self::reader::binary_content;
use self::spec::{Content, Offsets, Spec};
pub use self::{
    reader::{ReadOptions, ReadReport, Reader, read, read_reporting},
    unsupported::{Unsupported, UnsupportedCounts},
    writer::{Writer, write},
};
use crate::{
    DataError, StreamAlternative,
    file::{is_compressed, is_standard},
};

/// Defines the formats. Each has a module with a `SPEC`. They are identified in this order.
macro_rules! formats {
    ($($(#[$doc:meta])* $Format:ident $module:ident;)*) => {
        $(mod $module;)*

        /// Format of a corpus. JSON files have one object per line or one array of objects.
        ///
        /// ```
        /// use rere_data::Format;
        ///
        /// assert_eq!("brat".parse::<Format>()?, Format::Brat);
        /// # Ok::<(), rere_data::DataError>(())
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Format {
            $($(#[$doc])* $Format,)*
        }

        impl Format {
            /// All formats.
            pub const ALL: [Self; [$(Self::$Format),*].len()] = [$(Self::$Format),*];

            /// Returns the definition of the format.
            fn spec(self) -> &'static Spec {
                match self {
                    $(Self::$Format => &$module::SPEC,)*
                }
            }
        }
    };
}

formats! {
    /// The format of this crate: `text`, `triples`, `entities` and `negatives`, with optional offsets, types, ids and
    /// scores.
    Rere rere;
    /// CasRel's: `text` and `triple_list`, strings only.
    Casrel casrel;
    /// CopyR's, in which HRL's data are also distributed: `sentText`, `relationMentions` and `entityMentions`.
    Hrl hrl;
    /// The format of HRL's own code: `sentext` and `relations` with tags.
    HrlTags hrl_tags;
    /// Baidu's format of DuIE 1.0 and 2.0: `text` and `spo_list`. Version 1.0 is written.
    Duie duie;
    /// TPLinker's: `text`, `relation_list` and `entity_list` with offsets.
    Tplinker tplinker;
    /// DocRED's: `sents`, `vertexSet` and `labels`, with offsets in words.
    Docred docred;
    /// The format of spaCy users and of Prodigy: `text`, `spans` and `relations`, with offsets.
    Spacy spacy;
    /// REBEL's: `text` and `triplets` of `head`, `type` and `tail`, strings only.
    Rebel rebel;
    /// OpenNRE's: `text` or `token`, and one pair `h` and `t` with its `relation`.
    Opennre opennre;
    /// TACRED's: `token`, and one pair `subj_start` … `obj_end` with its `relation`.
    Tacred tacred;
    /// The format of SciERC, DyGIE++ and PURE: documents of `sentences` with `ner` and `relations`, with offsets in
    /// words.
    Scierc scierc;
    /// SpERT's: `tokens`, `entities` and `relations`, with offsets in words.
    Spert spert;
    /// doccano's exports: `text` with `entities` and `relations`, which is written, or `text` with a `label` of spans.
    Doccano doccano;
    /// Label Studio's: `data` with `annotations` or `predictions`.
    LabelStudio label_studio;
    /// brat's: a folder with a `.txt` and a `.ann` file for each text.
    Brat brat;
    /// Parquet, whose rows have the fields of any JSON format; those of the rere format are written.
    Parquet parquet;
    /// Comma-separated values: columns `text`, `subject`, `relation`, `object` and others.
    Csv csv;
    /// Tab-separated values, with the same columns.
    Tsv tsv;
    /// Plain text, one text per line.
    Text text;
}

impl Format {
    /// Returns the name that options and messages use.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Returns whether the format requires offsets for the mentions of triples.
    pub fn needs_offsets(self) -> bool {
        matches!(self.spec().holds.offsets, Offsets::NeedsCharacters | Offsets::NeedsWords)
    }

    /// Returns the format of a new file by its name: Parquet for `.parquet`, else the rere format.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use rere_data::Format;
    ///
    /// let formats = ["triples.jsonl.gz", "triples.parquet", "-"].map(|name| Format::of_output(Path::new(name)));
    /// assert_eq!(formats, [Format::Rere, Format::Parquet, Format::Rere]);
    /// ```
    pub fn of_output(path: &Path) -> Self {
        match path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("parquet") => Self::Parquet,
            _ => Self::Rere,
        }
    }

    /// Returns the names of all formats, separated by commas.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Returns a Markdown table of all formats: how each is identified and what it can hold.
    pub fn table() -> String {
        spec::table()
    }

    /// Checks that the format can be read from or written to this path: brat is a folder, and Parquet needs an
    /// uncompressed file.
    fn check_path(self, path: &Path) -> Result<(), DataError> {
        let needs = match self.spec().content {
            Content::Folder if is_standard(path) => StreamAlternative::Folder,
            Content::Parquet if is_standard(path) => StreamAlternative::File,
            Content::Parquet if is_compressed(path) => StreamAlternative::Uncompressed,
            _ => return Ok(()),
        };
        Err(DataError::NoStream { path: path.to_owned(), format: self, needs })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Writes the name.
impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl FromStr for Format {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        let known = Self::ALL.into_iter().find(|format| format.name() == name);
        known.ok_or_else(|| DataError::UnknownFormat(name.to_owned()))
    }
}

#[cfg(test)]
mod tests;
