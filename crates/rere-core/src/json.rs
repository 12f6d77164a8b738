//! Sentences and triples as JSON, in the shape of the rere format:
//!
//! ```json
//! {
//!     "id": "a-1", "text": "Ada was born in London",
//!     "triples": [{
//!         "subject": {"text": "Ada", "start": 0, "end": 3, "type": "PERSON", "entity": "Q7259"},
//!         "relation": "born in",
//!         "object": {"text": "London", "start": 16, "end": 22},
//!         "score": 0.9
//!     }],
//!     "entities": [{"text": "Ada"}],
//!     "negatives": [{"subject": {"text": "London"}, "relation": "no_relation", "object": {"text": "Ada"}}],
//!     "page": 3
//! }
//! ```
//!
//! Offsets are half-open and count Unicode code points. Required are `text` of a sentence, `text` of a mention, and
//! `subject`, `relation` and `object` of a triple. A missing `id` and empty `entities` and `negatives` are not written.
//! Other fields of a sentence, such as `page`, are kept in [`Sentence::extra`]; triples and mentions must not have
//! other fields.
//!
//! | to | use |
//! |---|---|
//! | write or read a sentence | `serde_json::to_string(&sentence)` and `serde_json::from_str::<Sentence>` |
//! | write triples or mentions without a sentence | [`Triple::in_text`], [`Mention::in_text`], [`InText::list`] |
//! | write a sentence with offsets in UTF-16 | [`SentenceRecord`] |
//!
//! # Limits
//!
//! - Sentences are read from JSON only. Ids and other fields are read as raw JSON; a [`Sentence`] with such fields
//!   cannot be read within a value that serde buffers, which are untagged enums, internally tagged enums and flattened
//!   fields.
//! - The reader of `rere-data` does more: it moves triples with a label for no relation, such as `NA`, to the
//!   negatives, and refuses lists of triples of other formats, such as `triple_list`. Here the former remain triples,
//!   and the latter become other fields.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
    ser,
};
use serde_json::value::RawValue;

use crate::{ByteSpan, CharSpan, Extra, Mention, OffsetError, OffsetUnit, Probability, Sentence, TextOffsets, Triple};

/// Names of the fields of a sentence. A field of [`Sentence::extra`] with such a name is not written.
pub const FIELDS: &[&str] = &["id", "text", "triples", "entities", "negatives"];

/// Error of a record that is not a sentence, or of a sentence that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The record has no text.
    #[error("missing field `text`")]
    NoText,
    /// A mention has a start without an end, or an end without a start.
    #[error("the mention {surface:?} has only one of `start` and `end`")]
    OneOffset {
        /// The mention's surface.
        surface: String,
    },
    /// The offsets of a mention do not slice the text to its surface.
    #[error(transparent)]
    Offsets(#[from] OffsetError),
    /// The byte span of a mention does not slice the text to its surface. Often the mention is from another text.
    #[error("the mention {surface:?} has byte span {span}, but the text has something else there")]
    Span {
        /// The mention's span.
        span: ByteSpan,
        /// The mention's surface.
        surface: String,
    },
}

/// The JSON fields of a sentence, followed by other fields `E`. The record does not know the unit of its offsets.
///
/// Use it to write or read offsets in UTF-16, as JavaScript and Java count them. Otherwise, write and read [`Sentence`]
/// itself.
///
/// ```
/// use rere_core::{OffsetUnit, Sentence, json::SentenceRecord};
///
/// let json = r#"{"text":"👩 Zoë","triples":[],"entities":[{"text":"Zoë","start":3,"end":6}]}"#;
/// let record: SentenceRecord = serde_json::from_str(json)?;
/// let sentence = record.into_sentence(OffsetUnit::Utf16)?;
/// let record = SentenceRecord::of(&sentence, OffsetUnit::Utf16, &sentence.extra)?;
/// assert_eq!(serde_json::to_string(&record)?, json);
/// assert!(serde_json::to_string(&sentence)?.contains(r#""start":2,"end":5"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct SentenceRecord<'a, E = Extra> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    text: Option<Cow<'a, str>>,
    triples: Vec<TripleRecord<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entities: Vec<MentionRecord<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    negatives: Vec<TripleRecord<'a>>,
    #[serde(flatten)]
    extra: E,
}

/// Other fields are errors, because a [`Triple`] cannot keep them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct TripleRecord<'a> {
    #[serde(borrow)]
    subject: MentionRecord<'a>,
    #[serde(borrow)]
    relation: Cow<'a, str>,
    #[serde(borrow)]
    object: MentionRecord<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<Probability>,
}

/// `start..end` is half-open.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct MentionRecord<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<usize>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    entity_type: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entity: Option<Cow<'a, str>>,
}

impl Sentence {
    /// Checks that each mention's span slices the text to its surface.
    ///
    /// # Errors
    /// Returns [`RecordError::Span`] for the first mention whose span does not.
    pub fn check(&self) -> Result<(), RecordError> {
        let triples = self.triples.iter().chain(&self.negatives);
        let mut mentions = triples.flat_map(Triple::mentions).chain(&self.entities);
        mentions.try_for_each(|mention| check_span(mention, &self.text))
    }
}

fn check_span(mention: &Mention, text: &str) -> Result<(), RecordError> {
    match mention.span {
        Some(span) if span.slice(text) != Ok(&mention.text) => {
            Err(RecordError::Span { span, surface: mention.text.clone() })
        }
        _ => Ok(()),
    }
}

impl<'a, E> SentenceRecord<'a, E> {
    /// Creates the record of a sentence with offsets in `unit`.
    ///
    /// # Errors
    /// Returns an error if [`Sentence::check`] does.
    pub fn of(sentence: &'a Sentence, unit: OffsetUnit, extra: E) -> Result<Self, RecordError> {
        sentence.check()?;
        Ok(Self::of_checked(sentence, unit, extra))
    }

    /// Creates the record of a sentence that has passed [`Sentence::check`]. The record of another one cannot be read
    /// back.
    pub fn of_checked(sentence: &'a Sentence, unit: OffsetUnit, extra: E) -> Self {
        let offsets = TextOffsets::new(&sentence.text, unit);
        let triple = |triple| TripleRecord::of(triple, &offsets);
        Self {
            id: sentence.id.as_deref().map(Cow::Borrowed),
            text: Some(Cow::Borrowed(&sentence.text)),
            triples: sentence.triples.iter().map(triple).collect(),
            entities: sentence.entities.iter().map(|entity| MentionRecord::of(entity, &offsets)).collect(),
            negatives: sentence.negatives.iter().map(triple).collect(),
            extra,
        }
    }
}

impl SentenceRecord<'_> {
    /// Converts a record with offsets in `unit` to a sentence.
    ///
    /// # Errors
    /// Returns an error that names the mention if its offsets do not slice the text to its surface.
    pub fn into_sentence(self, unit: OffsetUnit) -> Result<Sentence, RecordError> {
        let text = self.text.ok_or(RecordError::NoText)?.into_owned();
        let offsets = TextOffsets::new(&text, unit);
        let triple = |record: TripleRecord| record.read(&offsets);
        let triples = self.triples.into_iter().map(triple).collect::<Result<_, _>>()?;
        let negatives = self.negatives.into_iter().map(triple).collect::<Result<_, _>>()?;
        let entities = self.entities.into_iter().map(|record| record.read(&offsets)).collect::<Result<_, _>>()?;
        Ok(Sentence { id: self.id.map(Cow::into_owned), triples, entities, negatives, text, extra: self.extra })
    }
}

impl<'a> TripleRecord<'a> {
    #[inline]
    fn of(triple: &'a Triple, offsets: &TextOffsets) -> Self {
        Self {
            subject: MentionRecord::of(&triple.subject, offsets),
            relation: Cow::Borrowed(&triple.relation),
            object: MentionRecord::of(&triple.object, offsets),
            score: triple.score,
        }
    }

    fn read(self, offsets: &TextOffsets) -> Result<Triple, RecordError> {
        Ok(Triple {
            subject: self.subject.read(offsets)?,
            relation: self.relation.into_owned(),
            object: self.object.read(offsets)?,
            score: self.score,
        })
    }
}

impl<'a> MentionRecord<'a> {
    #[inline]
    fn of(mention: &'a Mention, offsets: &TextOffsets) -> Self {
        let span = mention.span.map(|span| offsets.to_chars(span));
        Self {
            text: Cow::Borrowed(&mention.text),
            start: span.map(|span| span.start),
            end: span.map(|span| span.end),
            entity_type: mention.entity_type.as_deref().map(Cow::Borrowed),
            entity: mention.entity.as_deref().map(Cow::Borrowed),
        }
    }

    fn read(self, offsets: &TextOffsets) -> Result<Mention, RecordError> {
        let surface = self.text.into_owned();
        let mention = match (self.start, self.end) {
            (None, None) => Mention::of(surface),
            (Some(start), Some(end)) => offsets.mention(CharSpan::new(start, end), Some(surface))?,
            _ => return Err(RecordError::OneOffset { surface }),
        };
        let [entity_type, entity] = [self.entity_type, self.entity].map(|name| name.map(Cow::into_owned));
        Ok(Mention { entity_type, entity, ..mention })
    }
}

/// Not derived, because serde buffers flattened fields, which loses their JSON. A field that is null counts as absent.
impl<'de> Deserialize<'de> for SentenceRecord<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(field_identifier, rename_all = "lowercase")]
        enum Field {
            Id,
            Text,
            Triples,
            Entities,
            Negatives,
            Other(String),
        }

        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = SentenceRecord<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SentenceRecord<'de>, A::Error> {
                let (mut id, mut text, mut triples, mut entities, mut negatives) = (None, None, None, None, None);
                let mut extra = Extra::default();
                while let Some(field) = map.next_key()? {
                    match field {
                        Field::Id => set(&mut id, "id", &mut map)?,
                        Field::Text => set::<String, _>(&mut text, "text", &mut map)?,
                        Field::Triples => set(&mut triples, "triples", &mut map)?,
                        Field::Entities => set(&mut entities, "entities", &mut map)?,
                        Field::Negatives => set(&mut negatives, "negatives", &mut map)?,
                        Field::Other(name) => extra.insert(name, map.next_value::<Box<RawValue>>()?),
                    }
                }
                Ok(SentenceRecord {
                    id: id.map(|Id(id)| Cow::Owned(id)),
                    text: text.map(Cow::Owned),
                    triples: triples.unwrap_or_default(),
                    entities: entities.unwrap_or_default(),
                    negatives: negatives.unwrap_or_default(),
                    extra,
                })
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

fn set<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    field: &mut Option<T>,
    name: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    if field.is_some() {
        return Err(de::Error::duplicate_field(name));
    }
    *field = map.next_value()?;
    Ok(())
}

/// An id that JSON gives as a string or as a whole number of any size, whose digits become the id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let json = json.get();
        let digits = json.strip_prefix('-').unwrap_or(json);
        if json.starts_with('"') {
            serde_json::from_str(json).map(Self).map_err(de::Error::custom)
        } else if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(json.to_owned()))
        } else {
            Err(de::Error::custom(format!("expected an id that is a string or a whole number, found {json}")))
        }
    }
}

/// Writes the rere format: see [`json`](crate::json). Fields of [`Sentence::extra`] that are named like [a sentence's
/// own](FIELDS) are left out.
///
/// Returns an error if the span of a mention does not slice the text to its surface.
impl Serialize for Sentence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = SentenceRecord::of(self, OffsetUnit::CodePoints, OtherFields(&self.extra));
        record.map_err(ser::Error::custom)?.serialize(serializer)
    }
}

/// Reads the rere format: see [`json`](crate::json).
///
/// Returns an error that names the mention if its offsets do not slice the text to its surface.
impl<'de> Deserialize<'de> for Sentence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let record = SentenceRecord::deserialize(deserializer)?;
        record.into_sentence(OffsetUnit::CodePoints).map_err(de::Error::custom)
    }
}

/// Fields without those that are named like a sentence's own.
struct OtherFields<'a>(&'a Extra);

impl Serialize for OtherFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter(|(name, _)| !FIELDS.contains(name)))
    }
}

/// A triple, a mention, or a list of them, with its text, to be written to JSON.
///
/// Use it to write what an extractor returns, if you have no [`Sentence`]. The text is needed to convert byte spans to
/// the offsets of the rere format.
///
/// Writing fails if the span of a mention does not slice the text to its surface.
///
/// ```
/// use rere_core::{ByteSpan, InText, Mention, Triple};
///
/// let text = "Zoë lives in 北京";
/// let mention = |start, end| Mention::at(text, ByteSpan::new(start, end));
/// let triple = Triple::new(mention(0, 4)?, "lives in", mention(14, 20)?);
/// let json = r#"{"subject":{"text":"Zoë","start":0,"end":3},"relation":"lives in","object":{"text":"北京","start":13,"end":15}}"#;
/// assert_eq!(serde_json::to_string(&triple.in_text(text))?, json);
///
/// let triples = vec![triple];
/// assert_eq!(serde_json::to_string(&InText::list(&triples, text))?, format!("[{json}]"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct InText<'a, T: ?Sized> {
    value: &'a T,
    text: &'a str,
    unit: OffsetUnit,
}

impl<'a, T> InText<'a, [T]> {
    /// Joins a list of triples or mentions with their text. Offsets count code points.
    pub const fn list(values: &'a [T], text: &'a str) -> Self {
        Self::new(values, text)
    }
}

impl<'a, T: ?Sized> InText<'a, T> {
    const fn new(value: &'a T, text: &'a str) -> Self {
        Self { value, text, unit: OffsetUnit::CodePoints }
    }

    /// Sets the unit of the offsets: UTF-16 for programs in JavaScript and Java.
    #[must_use]
    pub const fn with_offsets(self, unit: OffsetUnit) -> Self {
        Self { unit, ..self }
    }

    fn checked_offsets<'m>(
        &self,
        mut mentions: impl Iterator<Item = &'m Mention>,
    ) -> Result<TextOffsets<'a>, RecordError> {
        mentions.try_for_each(|mention| check_span(mention, self.text))?;
        Ok(TextOffsets::new(self.text, self.unit))
    }
}

impl<T: ?Sized> Clone for InText<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for InText<'_, T> {}

impl Triple {
    /// Joins the triple with its text, to be written to JSON. For lists, see [`InText::list`].
    pub const fn in_text<'a>(&'a self, text: &'a str) -> InText<'a, Self> {
        InText::new(self, text)
    }
}

impl Mention {
    /// Joins the mention with its text, to be written to JSON. For lists, see [`InText::list`].
    pub const fn in_text<'a>(&'a self, text: &'a str) -> InText<'a, Self> {
        InText::new(self, text)
    }
}

impl Serialize for InText<'_, Triple> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let offsets = self.checked_offsets(self.value.mentions().into_iter()).map_err(ser::Error::custom)?;
        TripleRecord::of(self.value, &offsets).serialize(serializer)
    }
}

impl Serialize for InText<'_, Mention> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let offsets = self.checked_offsets([self.value].into_iter()).map_err(ser::Error::custom)?;
        MentionRecord::of(self.value, &offsets).serialize(serializer)
    }
}

impl Serialize for InText<'_, [Triple]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let offsets = self.checked_offsets(self.value.iter().flat_map(Triple::mentions)).map_err(ser::Error::custom)?;
        serializer.collect_seq(self.value.iter().map(|triple| TripleRecord::of(triple, &offsets)))
    }
}

impl Serialize for InText<'_, [Mention]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let offsets = self.checked_offsets(self.value.iter()).map_err(ser::Error::custom)?;
        serializer.collect_seq(self.value.iter().map(|mention| MentionRecord::of(mention, &offsets)))
    }
}
