//! Corpora in files: one module per format, which defines it, and the reader and the writer over them.

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

use self::spec::{Content, Offsets, Spec};
pub use self::{
    reader::{ReadOptions, ReadReport, Reader, read, read_reporting},
    unsupported::{Unsupported, UnsupportedCounts},
    writer::{Writer, write},
};
use crate::{
    DataError,
    file::{is_compressed, is_standard},
};

/// Defines the formats: each has a module of its own with its `SPEC`. They are identified in this order.
macro_rules! formats {
    ($($(#[$doc:meta])* $Format:ident $module:ident;)*) => {
        $(mod $module;)*

        /// A corpus format. Files of JSON have one object per line or one array of objects; the first byte tells which.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Format {
            $($(#[$doc])* $Format,)*
        }

        impl Format {
            /// All formats.
            pub const ALL: [Self; [$(Self::$Format),*].len()] = [$(Self::$Format),*];

            /// What is known of the format.
            fn spec(self) -> &'static Spec {
                match self {
                    $(Self::$Format => &$module::SPEC,)*
                }
            }
        }
    };
}

formats! {
    /// Our own: `text`, `triples`, `entities` and `negatives`, with offsets, types, ids and scores if they are known.
    Rere rere;
    /// CasRel's: `text` and `triple_list`, strings only.
    Casrel casrel;
    /// CopyR's, in which HRL's data are passed on too: `sentText`, `relationMentions` and `entityMentions`.
    Hrl hrl;
    /// The format of HRL's own code: `sentext` and `relations` with tags.
    HrlTags hrl_tags;
    /// Baidu's, of DuIE 1.0 (as it is written) and 2.0: `text` and `spo_list`.
    Duie duie;
    /// TPLinker's: `text`, `relation_list` and `entity_list` with offsets.
    Tplinker tplinker;
    /// DocRED's: `sents`, `vertexSet` and `labels`, in words.
    Docred docred;
    /// The format of spaCy's users and of Prodigy: `text`, `spans` and `relations`, with offsets.
    Spacy spacy;
    /// REBEL's: `text` and `triplets` of `head`, `type` and `tail`, strings only.
    Rebel rebel;
    /// OpenNRE's: a `text` or `token`, and one pair `h` and `t` with its `relation`.
    Opennre opennre;
    /// TACRED's: `token`, and one pair `subj_start` … `obj_end` with its `relation`.
    Tacred tacred;
    /// The format of SciERC, DyGIE++ and PURE: documents of `sentences` with `ner` and `relations`, in words.
    Scierc scierc;
    /// SpERT's: `tokens`, `entities` and `relations`, in words.
    Spert spert;
    /// doccano's exports: `text` with `entities` and `relations` (as it is written), or with a `label` of spans.
    Doccano doccano;
    /// Label Studio's: `data` with `annotations` or `predictions`.
    LabelStudio label_studio;
    /// brat's: a folder with a `.txt` and an `.ann` file for each text.
    Brat brat;
    /// Parquet, whose rows have the fields of any format of JSON; it is written with those of the rere format.
    Parquet parquet;
    /// Comma-separated values: columns `text`, `subject`, `relation` and `object`, and others.
    Csv csv;
    /// The same, tab-separated.
    Tsv tsv;
    /// Plain text, one sentence per line.
    Text text;
}

impl Format {
    /// The name in options and messages.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Whether the format holds no triple whose mentions have no offsets.
    pub fn needs_offsets(self) -> bool {
        matches!(self.spec().holds.offsets, Offsets::NeedsCharacters | Offsets::NeedsWords)
    }

    /// The names of all formats, separated by commas.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// A table of all formats in Markdown: what identifies each and what it can hold.
    pub fn table() -> String {
        spec::table()
    }

    /// Checks that the format can be read or written there: brat's is a folder, and Parquet is read from its end.
    fn check_place(self, path: &Path) -> Result<(), DataError> {
        let message = match self.spec().content {
            Content::Folder if is_standard(path) => "is a folder, and no stream: name a folder",
            Content::Parquet if is_standard(path) => "is no stream: name a file",
            Content::Parquet if is_compressed(path) => "is compressed within: name a file without .gz or .zst",
            _ => return Ok(()),
        };
        Err(DataError::NoStream { path: path.to_owned(), format: self, message })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// As its name.
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
