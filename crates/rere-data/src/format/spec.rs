//! Definition of a format: its name, how it is identified, what it can hold, and how it is read and written. Each
//! format has a [`Spec`].

use std::{collections::HashMap, fmt::Write, sync::OnceLock};

use rere_core::Sentence;
use serde_json::value::RawValue;

use super::{Format, json::Object, reader::Found, writer::Objects};
use crate::{DataError, ParseErrorKind};

/// Definition of a format.
pub(super) struct Spec {
    pub name: &'static str,
    /// Origin of the format, for lists of formats.
    pub source: &'static str,
    pub content: Content,
    pub holds: Holds,
}

/// Content of a format's files.
pub(super) enum Content {
    /// JSON objects, one per line or in one array.
    Json(Json),
    /// Rows of a table with a header.
    Table { separator: u8, extension: &'static str },
    /// One text per line.
    Text,
    /// A brat folder.
    Folder,
    /// Parquet rows.
    Parquet,
}

/// Definition of a JSON format.
pub(super) struct Json {
    /// Names of the fields of an object.
    pub fields: &'static [&'static str],
    /// Lists of marks. All marks of one list identify an object of the format.
    pub identified_by: &'static [&'static [Mark]],
    /// The field that holds triples, if no other format has it. An object with such fields of two formats is an error.
    pub triples: Option<&'static str>,
    /// Whether a file is written as one array instead of lines, as the format's own programs expect.
    pub array: bool,
    /// Reads the sentences of an object.
    pub parse: fn(&Object, &mut Found) -> Result<(), DataError>,
    /// Writes the objects of a sentence.
    pub write: fn(&Sentence, &mut Objects) -> Result<(), DataError>,
}

/// A property of an object that identifies a format.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A field of this name.
    Has(&'static str),
    /// No field of this name.
    Lacks(&'static str),
    /// A field of this name that is a list of lists.
    HasRows(&'static str),
}

/// Content that a format can hold, in addition to texts and to surfaces and relations of triples. Other content is
/// counted.
pub(super) struct Holds {
    pub offsets: Offsets,
    pub types: Types,
    /// Entities that are in no triple.
    pub entities: bool,
    /// Scores of triples.
    pub scores: bool,
    pub entity_ids: EntityIds,
    /// Pairs without a relation.
    pub negatives: bool,
    /// Unrecognised fields.
    pub extra: bool,
    /// Ids of sentences.
    pub ids: bool,
}

/// Offsets of mentions in a format.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Offsets {
    /// No offsets.
    No,
    /// In characters, optional.
    Characters,
    /// In characters, required.
    NeedsCharacters,
    /// In words, required.
    NeedsWords,
}

/// Types of mentions that a format can hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Types {
    No,
    All,
    /// All except this one, which means none.
    Except(&'static str),
}

impl Types {
    /// Returns whether a mention may have a type of this name.
    pub fn hold(self, name: &str) -> bool {
        match self {
            Self::No => false,
            Self::All => true,
            Self::Except(untyped) => name != untyped,
        }
    }
}

/// Entity ids of mentions in a format.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EntityIds {
    No,
    /// Clusters of mentions of the same entity, without ids.
    Clusters,
    All,
}

impl Holds {
    /// Everything, as in the rere format.
    pub const ALL: Self = Self {
        offsets: Offsets::Characters,
        types: Types::All,
        entities: true,
        scores: true,
        entity_ids: EntityIds::All,
        negatives: true,
        extra: true,
        ids: true,
    };
    /// Texts, ids, and triples of strings.
    pub const SURFACES: Self = Self {
        offsets: Offsets::No,
        types: Types::No,
        entities: false,
        scores: false,
        entity_ids: EntityIds::No,
        negatives: false,
        extra: true,
        ids: true,
    };
}

impl Spec {
    /// Returns the definition of the objects if this is a JSON format.
    pub fn json(&self) -> Option<&Json> {
        match &self.content {
            Content::Json(json) => Some(json),
            _ => None,
        }
    }
}

impl Json {
    fn identifies(&self, fields: &HashMap<String, &RawValue>) -> bool {
        self.identified_by.iter().any(|marks| marks.iter().all(|mark| mark.is_in(fields)))
    }
}

impl Mark {
    fn is_in(self, fields: &HashMap<String, &RawValue>) -> bool {
        match self {
            Self::Has(name) => fields.contains_key(name),
            Self::Lacks(name) => !fields.contains_key(name),
            Self::HasRows(name) => fields.get(name).is_some_and(|value| {
                let inside = value.get().strip_prefix('[').map(str::trim_ascii_start);
                inside.is_some_and(|inside| inside.starts_with(['[', ']']))
            }),
        }
    }

    const fn field(self) -> &'static str {
        match self {
            Self::Has(name) | Self::Lacks(name) | Self::HasRows(name) => name,
        }
    }
}

/// The format of an object that has this field and no mark of another format.
const FALLBACK: (Format, &str) = (Format::Rere, "text");

/// Returns the format of an object, and whether it was identified only by the field of [`FALLBACK`].
pub(super) fn identify(object: &Object) -> Result<(Format, bool), DataError> {
    let mut fields: HashMap<String, &RawValue> = object.parse()?;
    fields.retain(|_, value| value.get() != "null");
    let known =
        Format::ALL.into_iter().find(|format| format.spec().json().is_some_and(|json| json.identifies(&fields)));
    match known {
        Some(format) => Ok((format, false)),
        None if fields.contains_key(FALLBACK.1) => Ok((FALLBACK.0, true)),
        None => {
            let mut names: Vec<String> = fields.keys().map(|name| format!("`{name}`")).collect();
            names.sort_unstable();
            let found = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let message = format!("expected a field `text` or the fields of another format, found the fields {found}");
            Err(object.error(ParseErrorKind::MissingField, message))
        }
    }
}

/// Returns names that extra fields of an object of `format` must not have, because they would be read as fields of the
/// format, as triples of another format, or as marks of a format that is identified before.
pub(super) fn reserved_names(format: Format) -> &'static [&'static str] {
    // Cached, because it is needed for each sentence.
    static RESERVED: [OnceLock<Vec<&str>>; Format::ALL.len()] = [const { OnceLock::new() }; Format::ALL.len()];
    RESERVED[format as usize].get_or_init(|| {
        let Some(own) = format.spec().json() else { return Vec::new() };
        let lacking = |mark: &Mark| match mark {
            Mark::Lacks(name) => Some(*name),
            Mark::Has(_) | Mark::HasRows(_) => None,
        };
        // Without the first field that the format itself does not have, the marks of the other format are incomplete.
        let foreign = |marks: &&[Mark]| marks.iter().map(|mark| mark.field()).find(|name| !own.fields.contains(name));
        let earlier =
            Format::ALL.into_iter().take_while(|other| *other != format).filter_map(|other| other.spec().json());
        let mut names = own.fields.to_vec();
        names.extend(own.identified_by.iter().flat_map(|marks| marks.iter().filter_map(lacking)));
        names.extend(triples_fields().iter().map(|(name, _)| *name));
        names.extend(earlier.flat_map(|other| other.identified_by.iter().filter_map(foreign)));
        names
    })
}

/// Returns the fields that hold triples of exactly one format, each with its format.
pub(super) fn triples_fields() -> &'static [(&'static str, Format)] {
    // Cached, because it is needed for each sentence.
    static FIELDS: OnceLock<Vec<(&str, Format)>> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let field = |format: Format| Some((format.spec().json()?.triples?, format));
        Format::ALL.into_iter().filter_map(field).collect()
    })
}

/// Returns the table of formats in docs/formats.md.
pub(super) fn table() -> String {
    let yes = |holds: bool| if holds { "yes" } else { "no" };
    let mut table = "| name | source | identified by | offsets | types | entities | scores | entity ids | negatives | written as |\n\
                     |---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for format in Format::ALL {
        let Spec { name, source, content, holds } = format.spec();
        let offsets = match holds.offsets {
            Offsets::No => "no",
            Offsets::Characters => "characters",
            Offsets::NeedsCharacters => "characters, required",
            Offsets::NeedsWords => "words, required",
        };
        let types = yes(holds.types != Types::No);
        let entity_ids = match holds.entity_ids {
            EntityIds::No => "no",
            EntityIds::Clusters => "clusters",
            EntityIds::All => "yes",
        };
        let identified_by = match content {
            Content::Json(json) => {
                let mut ways: Vec<String> = json.identified_by.iter().map(|marks| describe(marks)).collect();
                if format == FALLBACK.0 {
                    ways.push(format!("only `{}`", FALLBACK.1));
                }
                ways.join(", or ")
            }
            Content::Table { extension, .. } => {
                format!("`.{extension}`, or a header with `text`, `subject`, `relation`, `object`")
            }
            Content::Text => "anything else".to_owned(),
            Content::Folder => "a folder".to_owned(),
            Content::Parquet => "the first bytes, `PAR1`".to_owned(),
        };
        let written_as = match content {
            Content::Json(json) => {
                if json.array {
                    "array"
                } else {
                    "lines"
                }
            }
            Content::Table { .. } => "a row per triple",
            Content::Text => "lines",
            Content::Folder => "`ID.txt` and `ID.ann` per text",
            Content::Parquet => "columns of the rere format",
        };
        let [entities, scores, negatives] = [holds.entities, holds.scores, holds.negatives].map(yes);
        // Writing to a string does not fail.
        _ = writeln!(
            table,
            "| `{name}` | {source} | {identified_by} | {offsets} | {types} | {entities} | {scores} | {entity_ids} | {negatives} | {written_as} |"
        );
    }
    table
}

/// Describes marks in words.
fn describe(marks: &[Mark]) -> String {
    let each = marks.iter().map(|mark| match mark {
        Mark::Has(name) => format!("`{name}`"),
        Mark::Lacks(name) => format!("no `{name}`"),
        Mark::HasRows(name) => format!("`{name}` as a list of lists"),
    });
    each.collect::<Vec<_>>().join(" and ")
}
