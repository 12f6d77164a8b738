//! The rere format: `{"id", "text", "triples": [{"subject": {"text", "start", "end"}, "relation", "object", "score"}]}`.

use rere_core::{CharSpan, Mention, Probability, Sentence, Triple};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::json::Object;
use crate::{DataError, error::beginning};

/// A sentence as it stands in a file. Fields of a triple or a mention that are not listed here are errors, because a
/// [`Triple`] has no place to keep them.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(default, deserialize_with = "super::id", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    text: String,
    #[serde(default)]
    triples: Vec<TripleRecord>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TripleRecord {
    subject: MentionRecord,
    relation: String,
    object: MentionRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<Probability>,
}

/// `start..end` is half-open in Unicode code points.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MentionRecord {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<usize>,
}

pub(super) fn parse(object: &Object) -> Result<Sentence, DataError> {
    let Record { id, text, triples, extra } = object.parse()?;
    if extra.contains_key("triple_list") {
        return Err(object.error("`triple_list` is CasRel's field, but the file is read in the rere format"));
    }
    let triples = triples.into_iter().map(|triple| {
        Ok(Triple {
            subject: mention(object, &text, triple.subject)?,
            relation: triple.relation,
            object: mention(object, &text, triple.object)?,
            score: triple.score,
        })
    });
    Ok(Sentence { id, triples: triples.collect::<Result<_, DataError>>()?, text, extra })
}

fn mention(object: &Object, text: &str, record: MentionRecord) -> Result<Mention, DataError> {
    let (start, end) = match (record.start, record.end) {
        (None, None) => return Ok(Mention::of(record.text)),
        (Some(start), Some(end)) => (start, end),
        _ => {
            let message = format!("the mention {:?} has only one of `start` and `end`", record.text);
            return Err(object.error(message));
        }
    };
    let span = CharSpan::new(start, end).to_bytes(text).ok();
    let found = span.and_then(|span| span.slice(text).ok());
    if found == Some(&record.text) {
        Ok(Mention { text: record.text, span })
    } else {
        Err(DataError::Offsets {
            path: object.path().to_owned(),
            line: object.line,
            start,
            end,
            claimed: record.text,
            found: found.map(str::to_owned),
        })
    }
}

impl Record {
    pub fn of(sentence: &Sentence) -> Result<Self, DataError> {
        let unwritable = |message| DataError::Unwritable {
            sentence: format!("{:?}", sentence.id.clone().unwrap_or_else(|| beginning(&sentence.text))),
            message,
        };
        if let Some(field) = ["id", "text", "triples", "triple_list"].iter().find(|&&f| sentence.extra.contains_key(f))
        {
            return Err(unwritable(format!("its extra field `{field}` has the name of a field of the format")));
        }
        let mention = |mention: &Mention| {
            let mut record = MentionRecord { text: mention.text.clone(), start: None, end: None };
            if let Some(span) = mention.span {
                if span.slice(&sentence.text) != Ok(&mention.text) {
                    let claimed = &mention.text;
                    return Err(unwritable(format!(
                        "bytes {}..{} are not the mention {claimed:?}",
                        span.start, span.end
                    )));
                }
                let span = span.to_chars(&sentence.text).map_err(|error| unwritable(error.to_string()))?;
                (record.start, record.end) = (Some(span.start), Some(span.end));
            }
            Ok(record)
        };
        let triples = sentence.triples.iter().map(|triple| {
            Ok(TripleRecord {
                subject: mention(&triple.subject)?,
                relation: triple.relation.clone(),
                object: mention(&triple.object)?,
                score: triple.score,
            })
        });
        Ok(Self {
            id: sentence.id.clone(),
            text: sentence.text.clone(),
            triples: triples.collect::<Result<_, DataError>>()?,
            extra: sentence.extra.clone(),
        })
    }
}
