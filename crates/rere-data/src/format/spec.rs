//! What is known of a format: its name, what identifies it, what it can hold, and how it is read and written. Each format
//! defines its own [`Spec`]; everything else asks that.

use std::{collections::HashMap, fmt::Write, sync::OnceLock};

use rere_core::Sentence;
use serde_json::value::RawValue;

use super::{Format, json::Object, reader::Found, writer::Objects};
use crate::DataError;

/// Definition of a format.
pub(super) struct Spec {
    pub name: &'static str,
    /// Whose format it is, for lists of formats.
    pub source: &'static str,
    pub content: Content,
    pub holds: Holds,
}

/// What files of a format consist of.
pub(super) enum Content {
    /// Objects of JSON, one per line or in one array.
    Json(Json),
    /// Rows of a table with a header.
    Table { separator: u8, extension: &'static str },
    /// One sentence per line.
    Text,
    /// A folder of brat's.
    Folder,
    /// Rows of Parquet.
    Parquet,
}

/// Definition of a format of JSON.
pub(super) struct Json {
    /// Names of the fields of an object.
    pub fields: &'static [&'static str],
    /// What identifies an object of the format: all marks of one of these lists.
    pub identified_by: &'static [&'static [Mark]],
    /// The field that holds triples, if it is this format's alone: an object with those of two formats is an error.
    pub triples: Option<&'static str>,
    /// Whether a file is written as one array, as the programs whose format it is read it, and not as lines.
    pub array: bool,
    /// Reads the sentences of an object.
    pub parse: fn(&Object, &mut Found) -> Result<(), DataError>,
    /// Writes the objects of a sentence.
    pub write: fn(&Sentence, &mut Objects) -> Result<(), DataError>,
}

/// A sign of a format in an object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A field of this name.
    Has(&'static str),
    /// No field of this name.
    Lacks(&'static str),
    /// A field of this name that is a list of lists.
    HasRows(&'static str),
}

/// What a format has room for, beside texts, and surfaces and relations of triples. What it has no room for is counted.
pub(super) struct Holds {
    pub offsets: Offsets,
    pub types: Types,
    /// Entities that no triple joins.
    pub entities: bool,
    /// Scores of triples.
    pub scores: bool,
    pub entity_ids: EntityIds,
    /// Pairs that are labelled as without a relation.
    pub negatives: bool,
    /// Fields that have no meaning here.
    pub extra: bool,
    /// Ids of sentences.
    pub ids: bool,
}

/// How a format says where a mention is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Offsets {
    /// It does not.
    No,
    /// In characters, and a mention may be without.
    Characters,
    /// In characters, and each mention has them.
    NeedsCharacters,
    /// In words, and each mention has them.
    NeedsWords,
}

/// Types of mentions that a format can hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Types {
    No,
    All,
    /// All but this one, which stands for none.
    Except(&'static str),
}

impl Types {
    /// Whether a mention may have a type of this name.
    pub fn hold(self, name: &str) -> bool {
        match self {
            Self::No => false,
            Self::All => true,
            Self::Except(untyped) => name != untyped,
        }
    }
}

/// What a format can say of the entities that mentions are of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EntityIds {
    No,
    /// Which mentions are of one entity, which has no id but its number.
    Clusters,
    All,
}

impl Holds {
    /// The room of the rere format: everything.
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
    /// The room of a format that has texts, ids, and strings of triples.
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
    /// The definition of the objects, if the format is one of JSON.
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

/// The format of an object that has no sign of one but this field.
const FALLBACK: (Format, &str) = (Format::Rere, "text");

/// The format that an object identifies, and whether it has no sign of one but that of [`FALLBACK`].
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
            Err(object
                .error(format!("expected a field `text` or the fields of another format, found the fields {found}")))
        }
    }
}

/// Names that no other field of an object of `format` can have: it would be taken for one of its own, for triples of another format,
/// or for a sign of one that is looked for before.
pub(super) fn taken(format: Format) -> &'static [&'static str] {
    // Asked for with each sentence.
    static TAKEN: [OnceLock<Vec<&str>>; Format::ALL.len()] = [const { OnceLock::new() }; Format::ALL.len()];
    TAKEN[format as usize].get_or_init(|| {
        let Some(own) = format.spec().json() else { return Vec::new() };
        let lacking = |mark: &Mark| match mark {
            Mark::Lacks(name) => Some(*name),
            Mark::Has(_) | Mark::HasRows(_) => None,
        };
        // Without the first field that the format itself does not have, an object has not the signs of the other one.
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

/// The fields that hold triples of one format alone, each with its format.
pub(super) fn triples_fields() -> &'static [(&'static str, Format)] {
    // Asked for with each sentence.
    static FIELDS: OnceLock<Vec<(&str, Format)>> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let field = |format: Format| Some((format.spec().json()?.triples?, format));
        Format::ALL.into_iter().filter_map(field).collect()
    })
}

/// The table of formats that docs/formats.md shows.
pub(super) fn table() -> String {
    let yes = |room: bool| if room { "yes" } else { "no" };
    let mut table = "| name | source | identified by | offsets | types | entities | scores | entity ids | negatives | written as |\n\
                     |---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for format in Format::ALL {
        let Spec { name, source, content, holds } = format.spec();
        let offsets = match holds.offsets {
            Offsets::No => "no",
            Offsets::Characters => "characters",
            Offsets::NeedsCharacters => "characters, needed",
            Offsets::NeedsWords => "words, needed",
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
                    ways.push(format!("`{}` alone", FALLBACK.1));
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

/// Marks in words.
fn describe(marks: &[Mark]) -> String {
    let each = marks.iter().map(|mark| match mark {
        Mark::Has(name) => format!("`{name}`"),
        Mark::Lacks(name) => format!("no `{name}`"),
        Mark::HasRows(name) => format!("`{name}` with lists in it"),
    });
    each.collect::<Vec<_>>().join(" and ")
}
