//! Sentences and triples as JSON: round trips and errors.

use proptest::{prelude::*, sample::Index};
use rere_core::{
    ByteSpan, Extra, InText, Mention, OffsetUnit, Probability, Sentence, Triple,
    json::{FIELDS, RecordError, SentenceRecord},
};
use serde_json::{Value, json};

/// A line with all fields.
const LINE: &str = concat!(
    r#"{"id":"a-1","text":"👩‍🚀 Zoë lives in 北京","triples":[{"subject":{"text":"Zoë","start":4,"end":7,"type":"PERSON","entity":"Q1"},"#,
    r#""relation":"lives in","object":{"text":"北京","start":17,"end":19},"score":0.25}],"entities":[{"text":"北","start":17,"end":18,"#,
    r#""type":"GPE"}],"negatives":[{"subject":{"text":"北京"},"relation":"NA","object":{"text":"Zoë"}}],"n":123456789012345678901.50}"#
);

fn sentence() -> Sentence {
    let text = "👩‍🚀 Zoë lives in 北京";
    let at = |surface: &str| {
        let start = text.find(surface).expect("in the text");
        Mention::at(text, ByteSpan::new(start, start + surface.len())).expect("a span of the text")
    };
    let zoe = at("Zoë").with_entity_type("PERSON").with_entity("Q1");
    let score = Some(Probability::saturating(0.25));
    let mut extra = Extra::default();
    extra.insert("n", serde_json::from_str("123456789012345678901.50").expect("JSON"));
    Sentence::new(text)
        .with_id("a-1")
        .with_triples(vec![Triple::new(zoe, "lives in", at("北京")).with_score(score)])
        .with_entities(vec![at("北").with_entity_type("GPE")])
        .with_negatives(vec![Triple::of("北京", "NA", "Zoë")])
        .with_extra(extra)
}

/// Returns the message of a sentence that cannot be read, without the position.
fn message_of(json: &str) -> String {
    let error = serde_json::from_str::<Sentence>(json).expect_err(json).to_string();
    error.split(" at line ").next().unwrap_or_default().to_owned()
}

#[test]
fn all_fields_are_written_and_read() {
    assert_eq!(serde_json::to_string(&sentence()).expect("JSON"), LINE);
    assert_eq!(serde_json::from_str::<Sentence>(LINE).expect("a sentence"), sentence());
    assert_eq!(serde_json::from_reader::<_, Sentence>(LINE.as_bytes()).expect("a sentence"), sentence());
    let value: Value = serde_json::to_value(sentence()).expect("JSON");
    let fields: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(fields[..FIELDS.len()], *FIELDS);
    assert_eq!(serde_json::from_value::<Sentence>(value).expect("a sentence"), sentence());
}

#[test]
fn only_the_text_is_required() {
    assert_eq!(serde_json::to_string(&Sentence::new("")).expect("JSON"), r#"{"text":"","triples":[]}"#);
    let read = |json| serde_json::from_str::<Sentence>(json).expect(json);
    assert_eq!(read(r#"{"text":""}"#), Sentence::new(""));
    let nulls = r#"{"id":null,"text":"a","triples":null,"entities":null,"negatives":null}"#;
    assert_eq!(read(nulls), Sentence::new("a"));
    assert_eq!(read(r#"{"text":"a","id":17}"#).id.as_deref(), Some("17"));
    let null = read(
        r#"{"text":"a","triples":[{"subject":{"text":"a","start":null,"end":null,"type":null},"relation":"r","object":{"text":"b"}}]}"#,
    );
    assert_eq!(null.triples, [Triple::of("a", "r", "b")]);
}

#[test]
fn sentences_of_another_shape_are_refused() {
    let triple = |subject: &str, rest: &str| {
        format!(r#"{{"text":"a b","triples":[{{"subject":{subject},"relation":"r","object":{{"text":"b"}}{rest}}}]}}"#)
    };
    for (json, message) in [
        ("{}".to_owned(), "missing field `text`"),
        (r#"{"text":null}"#.to_owned(), "missing field `text`"),
        (r#"{"text":"a","text":"b"}"#.to_owned(), "duplicate field `text`"),
        (r#"{"text":"a","id":1.5}"#.to_owned(), "expected an id that is a string or a whole number, found 1.5"),
        ("[]".to_owned(), "invalid type: sequence, expected an object"),
        (triple(r#""a""#, ""), r#"invalid type: string "a", expected an object"#),
        (triple(r#"{"text":"a","start":0}"#, ""), r#"the mention "a" has only one of `start` and `end`"#),
        (
            triple(r#"{"text":"a","kind":1}"#, ""),
            "unknown field `kind`, expected one of `text`, `start`, `end`, `type`, `entity`",
        ),
        (triple(r#"{"text":"a"}"#, r#","score":1.5"#), "expected a number from 0 to 1, found 1.5"),
    ] {
        assert_eq!(message_of(&json), message, "{json}");
    }
}

/// A documented limit of raw JSON.
#[test]
fn a_sentence_cannot_be_read_from_values_that_serde_buffers() {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Any {
        Sentence(Sentence),
    }
    assert!(serde_json::from_str::<Any>(LINE).is_err());
    let Any::Sentence(plain) = serde_json::from_str(r#"{"text":"a","triples":[]}"#).expect("no id and no other field");
    assert_eq!(plain, Sentence::new("a"));
}

#[test]
fn errors_of_offsets_name_the_mention() {
    for (from, to, message) in [
        (
            r#""end":7"#,
            r#""end":6"#,
            r#"the mention "Zoë" has offsets 4..6, but the text has "Zo" there; offsets are half-open and count Unicode code points from 0"#,
        ),
        (
            r#""end":19"#,
            r#""end":20"#,
            r#"the mention "北京" has offsets 17..20, but the text ends at 19; offsets are half-open and count Unicode code points from 0"#,
        ),
        (
            r#""start":4,"end":7"#,
            r#""start":6,"end":9"#,
            r#"the mention "Zoë" has offsets 6..9, but the text has "ë l" there; they fit if they count UTF-16 code units"#,
        ),
        (
            r#""start":17,"end":18"#,
            r#""start":18,"end":17"#,
            r#"the mention "北" has offsets 18..17, but the text ends at 19; offsets are half-open and count Unicode code points from 0"#,
        ),
    ] {
        assert!(LINE.contains(from));
        assert_eq!(message_of(&LINE.replacen(from, to, 1)), message);
    }
}

#[test]
fn spans_of_another_text_are_not_written() {
    let Sentence { text, triples, entities, .. } = sentence();
    let message = "the mention \"Zoë\" has byte span 12..16, but the text has something else there";
    for text in ["", "Zoë lives in London, in England", "👩‍🚀"] {
        let error = serde_json::to_string(&triples[0].in_text(text)).expect_err("another text");
        assert_eq!(error.to_string(), message);
        assert!(serde_json::to_string(&InText::list(&triples, text)).is_err());
        assert!(serde_json::to_string(&entities[0].in_text(text)).is_err());
        assert!(serde_json::to_string(&InText::list(&entities, text)).is_err());
        let sentence = {
            let mut made = sentence();
            made.text = text.to_owned();
            made
        };
        assert_eq!(serde_json::to_string(&sentence).expect_err("another text").to_string(), message);
    }
    // Mentions without a span can be written with any text.
    assert!(serde_json::to_string(&Triple::of("a", "r", "b").in_text(&text)).is_ok());
}

#[test]
fn triples_are_written_with_their_text() {
    let Sentence { text, triples, entities, .. } = &sentence();
    let line: Value = serde_json::from_str(LINE).expect("JSON");
    let value = |json: Result<Value, _>| json.map_err(|error: serde_json::Error| error.to_string());
    assert_eq!(value(serde_json::to_value(triples[0].in_text(text))).as_ref(), Ok(&line["triples"][0]));
    assert_eq!(value(serde_json::to_value(InText::list(triples, text))).as_ref(), Ok(&line["triples"]));
    assert_eq!(value(serde_json::to_value(entities[0].in_text(text))).as_ref(), Ok(&line["entities"][0]));
    assert_eq!(value(serde_json::to_value(InText::list(entities, text))).as_ref(), Ok(&line["entities"]));
    // The astronaut is two characters outside the Basic Multilingual Plane.
    let utf16 = triples[0].in_text(text).with_offsets(OffsetUnit::Utf16);
    let start = &serde_json::to_value(utf16).expect("JSON")["subject"]["start"];
    assert_eq!(start, text.find("Zoë").map(|at| text[..at].encode_utf16().count()).expect("in the text"));
    assert_eq!(start, 6);
}

#[test]
fn extra_fields_named_like_own_fields_are_left_out() {
    let mut sentence = Sentence::new("a");
    for field in FIELDS {
        sentence.extra.set(*field, "b").expect("JSON");
    }
    // Fields of other formats are ordinary extra fields.
    sentence.extra.set("triple_list", &json!([])).expect("JSON");
    let json = serde_json::to_string(&sentence).expect("JSON");
    assert_eq!(json, r#"{"text":"a","triples":[],"triple_list":[]}"#);
    assert_eq!(serde_json::from_str::<Sentence>(&json).expect("a sentence").extra.len(), 1);
}

prop_compose! {
    /// Mentions may be empty, nested or overlapping; texts have emoji, combining marks, NFD and line ends.
    fn any_sentence()(
        id in proptest::option::of("[a-z0-9/ é\"]{0,4}"),
        text in "([abé北👩אב\u{200d}\u{301}\u{308} \n\r\t\"\\\\]|e\u{301}|\u{1100}\u{1161}){0,20}",
        ends in prop::collection::vec((any::<[Index; 4]>(), any::<[bool; 2]>()), 0..4),
        more in prop::collection::vec((any::<[Index; 2]>(), any::<bool>()), 0..3),
        negatives in prop::collection::vec((any::<[Index; 4]>(), any::<[bool; 2]>()), 0..3),
        names in prop::collection::vec(proptest::option::of("[A-Zé ]{0,2}"), 32),
        relation in "[rs é\"]{0,2}",
        score in proptest::option::of(0f32..=1.0),
        notes in prop::collection::vec(("[a-dé\"]{0,2}", any::<f64>()), 0..3),
    ) -> Sentence {
        let borders: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let mention = |[a, b]: [Index; 2], placed: bool| {
            let [a, b] = [a, b].map(|end| *end.get(&borders));
            let mention = Mention::at(&text, ByteSpan::new(a.min(b), a.max(b))).expect("on borders");
            let span = mention.span.filter(|_| placed);
            let mut mention = mention.with_span(span);
            mention.entity_type = names[a % 32].clone();
            mention.entity = names[b % 32].clone();
            mention
        };
        let triple = |([a, b, c, d], [subject, object]): ([Index; 4], [bool; 2])| {
            Triple::new(mention([a, b], subject), relation.clone(), mention([c, d], object))
                .with_score(score.map(Probability::saturating))
        };
        let triples: Vec<Triple> = ends.into_iter().map(triple).collect();
        let negatives: Vec<Triple> = negatives.into_iter().map(triple).collect();
        let entities: Vec<Mention> = more.into_iter().map(|(ends, placed)| mention(ends, placed)).collect();
        let mut extra = Extra::default();
        for (name, value) in notes {
            extra.set(name, &json!({"deep": [value]})).expect("JSON");
        }
        let mut sentence = Sentence::new(text)
            .with_triples(triples)
            .with_entities(entities)
            .with_negatives(negatives)
            .with_extra(extra);
        sentence.id = id;
        sentence
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_is_written_is_read_back(sentence in any_sentence()) {
        let json = serde_json::to_string(&sentence).expect("JSON");
        prop_assert!(!json.contains('\n'));
        prop_assert_eq!(&serde_json::from_str::<Sentence>(&json).expect("a sentence"), &sentence);
        let spread = serde_json::to_string_pretty(&sentence).expect("JSON");
        prop_assert_eq!(&serde_json::from_str::<Sentence>(&spread).expect("a sentence"), &sentence);
        // A sentence inside another value.
        let list = serde_json::to_string(&json!({"sentences": [sentence]})).expect("JSON");
        let list: std::collections::HashMap<String, Vec<Sentence>> = serde_json::from_str(&list).expect("sentences");
        prop_assert_eq!(&list["sentences"][0], &sentence);

        for unit in OffsetUnit::ALL {
            let record = SentenceRecord::of(&sentence, unit, &sentence.extra).expect("spans of the text");
            let json = serde_json::to_string(&record).expect("JSON");
            let record: SentenceRecord = serde_json::from_str(&json).expect("a record");
            prop_assert_eq!(&record.into_sentence(unit).expect("a sentence"), &sentence);
        }
        let triples = serde_json::to_string(&InText::list(&sentence.triples, &sentence.text)).expect("JSON");
        prop_assert!(json.contains(&triples));
    }

    /// The slices agree with those of Python.
    #[test]
    fn offsets_count_code_points(sentence in any_sentence()) {
        let value = serde_json::to_value(&sentence).expect("JSON");
        for entity in value["entities"].as_array().into_iter().flatten() {
            let offset = |name: &str| entity[name].as_u64().map(|at| usize::try_from(at).expect("an offset"));
            if let (Some(start), Some(end)) = (offset("start"), offset("end")) {
                let slice: String = sentence.text.chars().take(end).skip(start).collect();
                prop_assert_eq!(entity["text"].as_str(), Some(slice.as_str()));
            }
        }
    }

    #[test]
    fn moved_offsets_are_refused(sentence in any_sentence(), by in 1usize..30) {
        let mut value = serde_json::to_value(&sentence).expect("JSON");
        let Some(entity) = value["entities"].as_array_mut().and_then(|entities| entities.first_mut()) else { return Ok(()) };
        let Some(start) = entity["start"].as_u64() else { return Ok(()) };
        let start = usize::try_from(start).expect("an offset") + by;
        let surface = entity["text"].as_str().expect("a surface").to_owned();
        let end = start + surface.chars().count();
        (entity["start"], entity["end"]) = (json!(start), json!(end));
        let fits = sentence.text.chars().count() >= end
            && sentence.text.chars().skip(start).take(end - start).eq(surface.chars());
        let json = value.to_string();
        let record: SentenceRecord = serde_json::from_str(&json).expect("a record");
        match record.into_sentence(OffsetUnit::CodePoints) {
            Ok(_) => prop_assert!(fits),
            Err(RecordError::Offsets(error)) => {
                prop_assert!(!fits);
                prop_assert_eq!((error.start, error.end, error.claimed), (start, end, surface));
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
