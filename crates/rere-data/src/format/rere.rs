//! The rere format: `{"id", "text", "triples": [{"subject": {"text", "start", "end", "type", "entity"}, "relation",
//! "object", "score"}], "entities": [{"text", …}], "negatives": [{"subject", "relation", "object"}]}`.
//! [`rere_core::json`] defines it.

use rere_core::{
    Sentence,
    json::{FIELDS, RecordError, SentenceRecord},
};

use super::{
    Format,
    fields::RetainedFields,
    json::Object,
    reader::Found,
    spec::{Content, Holds, Json, Mark::Has, Spec},
    writer::Objects,
};
use crate::{DataError, ParseErrorKind};

pub(super) const SPEC: Spec = Spec {
    name: "rere",
    source: "this project",
    content: Content::Json(Json {
        fields: FIELDS,
        identified_by: &[&[Has("triples")]],
        triples: Some("triples"),
        array: false,
        parse,
        write,
    }),
    holds: Holds::ALL,
};

fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let record: SentenceRecord = object.parse()?;
    let sentence = record.into_sentence(object.offsets).map_err(|error| match error {
        RecordError::Offsets(error) => object.misplaced(error),
        RecordError::NoText | RecordError::OneOffset { .. } => {
            object.error(ParseErrorKind::MissingField, error.to_string())
        }
        error => object.error(ParseErrorKind::WrongValue, error.to_string()),
    })?;
    found.sentences.push_back(sentence);
    Ok(())
}

fn write(sentence: &Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let extra = RetainedFields::of(sentence, Format::Rere, &mut objects.unsupported);
    objects.push(&SentenceRecord::of_checked(sentence, objects.offsets, extra))
}
