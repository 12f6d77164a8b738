//! Files as users have them: each is read correctly or refused with the right advice. The files were made for these
//! tests, after files that were reported against similar tools.

use std::path::{Path, PathBuf};

use rere_core::{CharSpan, Mention, Sentence, Triple};
use rere_data::{
    CleanSettings, Cleaner, DataError, Folding, Format, Locator, Merger, Occurrence, OffsetUnit, ParseErrorKind,
    ReadOptions, ReadReport, Reader, Split, Unsupported, Writer, read, write,
};
use serde_json::{Value, json};

/// Returns whether an error is a [`DataError::Parse`] of a line and a kind.
fn is_parse_error(error: &DataError, at: usize, of: ParseErrorKind) -> bool {
    matches!(error, DataError::Parse { line, kind, .. } if (*line, *kind) == (at, of))
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field").join(name)
}

fn open(name: &str, options: &ReadOptions) -> Result<(Vec<Sentence>, ReadReport), DataError> {
    let mut reader = Reader::open(&path(name), options)?;
    let sentences = reader.by_ref().collect::<Result<Vec<_>, _>>()?;
    Ok((sentences, reader.report().clone()))
}

fn reported(name: &str) -> (Vec<Sentence>, ReadReport) {
    open(name, &ReadOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Returns the offsets of a mention in characters, and its surface.
fn place<'a>(sentence: &'a Sentence, mention: &'a Mention) -> (usize, usize, &'a str) {
    let span = mention.span.expect("offsets");
    let CharSpan { start, end } = span.to_chars(&sentence.text).expect("inside");
    assert_eq!(span.slice(&sentence.text), Ok(mention.text.as_str()));
    (start, end, &mention.text)
}

/// Returns the surfaces and the relation of each triple.
fn strings(sentence: &Sentence) -> Vec<[&str; 3]> {
    let triples = sentence.triples.iter();
    triples.map(|triple| [triple.subject.text.as_str(), &triple.relation, &triple.object.text]).collect()
}

/// Writes sentences in a format, and returns the file's text.
fn written(sentences: &[Sentence], format: Format) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("corpus.jsonl");
    write(&path, sentences, format).expect("written");
    std::fs::read_to_string(path).expect("UTF-8")
}

/// Returns the first object of a file of lines.
fn object(content: &str) -> Value {
    serde_json::from_str(content.lines().next().expect("a line")).expect("JSON")
}

/// Ilse Brandt works for Hafen Wache.
const WORKS: [&str; 3] = ["Ilse Brandt", "works_for", "Hafen Wache"];

#[test]
fn hrl_words_are_separated_by_white_space() {
    let (sentences, report) = reported("hrl_space.jsonl");
    assert_eq!(sentences[0].text, " Ilse Brandt drives for Hafen Wache . ");
    let triple = &sentences[0].triples[0];
    assert_eq!(place(&sentences[0], &triple.subject), (1, 12, "Ilse Brandt"));
    assert_eq!(place(&sentences[0], &triple.object), (24, 35, "Hafen Wache"));
    assert!(report.is_empty());
    // White space inside a mention may differ.
    let line = r#"{"sentext": "a  b  c", "relations": [{"rtext": "r", "em1": "a b", "em2": "c", "tags": [4, 1, 5]}]}"#;
    let mut reader = Reader::new(line.as_bytes(), "line", &ReadOptions::default()).expect("a reader");
    let sentence = reader.next().expect("a sentence").expect("read");
    assert_eq!(strings(&sentence), [["a  b", "r", "c"]]);
}

#[test]
fn word_offsets_within_the_document_are_refused() {
    let error = open("docred_doclevel.json", &ReadOptions::default()).expect_err("wrong words");
    assert!(
        error
            .to_string()
            .contains("the mention \"Oslo\" has words 7..8 of sentence 1, but the text has \"friends\" there"),
        "{error}"
    );
}

#[test]
fn a_byte_order_mark_is_not_a_part_of_a_brat_line() {
    let (sentences, report) = reported("brat_bom");
    assert_eq!(strings(&sentences[0]), [["Ilse", "works_for", "Oslo"]]);
    assert!(report.is_empty(), "{report}");
}

#[test]
fn brat_mentions_across_line_ends_are_in_pieces() {
    let (sentences, _) = reported("newline.jsonl");
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("brat");
    assert!(write(&out, &sentences, Format::Brat).expect("written").is_empty());
    let annotations = std::fs::read_to_string(out.join("n.ann")).expect("a file");
    assert!(annotations.contains("T2\tEntity 18 27;28 36\tInstitute of Tides\n"), "{annotations}");
    // Reading the written folder.
    assert_eq!(read(&out).expect("read"), sentences);

    let (sentences, report) = reported("brat_nl");
    assert_eq!(strings(&sentences[0]).len(), 2);
    let organisation = &sentences[0].triples[0].object;
    assert_eq!(place(&sentences[0], organisation), (18, 38, "Institute\n  of Tides"));
    assert_eq!(organisation.entity_type.as_deref(), Some("ORG"));
    assert!(report.is_empty(), "{report}");
}

#[test]
fn brat_relations_with_events_are_left_out_and_counted() {
    let (sentences, report) = reported("brat_event");
    assert_eq!(strings(&sentences[0]), [["Ilse Brandt", "lives_in", "Oslo"]]);
    assert_eq!([Unsupported::Triple, Unsupported::Annotation].map(|loss| report.unsupported.count(loss)), [1, 1]);
}

#[test]
fn brat_counts_a_line_end_of_two_characters_as_one() {
    let (sentences, report) = reported("brat_crlf_one");
    let place_of = |number: usize| place(&sentences[0], &sentences[0].triples[number].object);
    assert_eq!((place_of(0), place_of(1)), ((9, 12, "Jon"), (34, 38, "Oslo")));
    assert_eq!(report.line_ends_as_one, 1);
    assert!(report.to_string().contains("\\r\\n"), "{report}");
}

#[test]
fn lines_that_brat_accepts_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let corpus = |text: &str, annotations: &str| {
        std::fs::write(folder.path().join("a.txt"), text).expect("written");
        std::fs::write(folder.path().join("a.ann"), annotations).expect("written");
        read(folder.path())
    };
    // A space after the surface, no surface, and arguments in reverse order.
    let lines = "T1\tPER 0 4\tIlse \nT2\tLOC 14 18\nR1\tworks_for Arg2:T2 Arg1:T1\n";
    assert_eq!(strings(&corpus("Ilse works at Oslo .", lines).expect("read")[0]), [["Ilse", "works_for", "Oslo"]]);
    // Other labels of arguments do not determine the order.
    let lines = "T1\tPER 0 4\tIlse\nT2\tLOC 14 18\tOslo\nR1\tworks_for Org:T2 Person:T1\n";
    assert_eq!(strings(&corpus("Ilse works at Oslo .", lines).expect("read")[0]), [["Oslo", "works_for", "Ilse"]]);
    // Equivalent mentions are the same entity, also when they are written.
    let lines = "T1\tPER 0 4\tIlse\nT2\tPER 9 12\tshe\n*\tEquiv T1 T2\n";
    let sentences = corpus("Ilse says she left .", lines);
    let sentences =
        sentences.or_else(|_| corpus("Ilse said she left .", &lines.replace("9 12", "10 13"))).expect("read");
    assert!(sentences[0].entities.iter().all(|mention| mention.entity.as_deref() == Some("0")), "{sentences:?}");
    let out = folder.path().join("out");
    assert!(write(&out, &sentences, Format::Brat).expect("written").is_empty());
    assert_eq!(read(&out).expect("read"), sentences);
    // Lists that share a mention are one entity; two mentions with the same key are an error.
    let lines = "T1\tPER 0 4\tIlse\nT2\tPER 10 13\tshe\nT3\tPER 14 18\tleft\n*\tEquiv T1 T3\n*\tEquiv T3 T2\n";
    let sentences = corpus("Ilse said she left .", lines).expect("read");
    assert!(sentences[0].entities.iter().all(|mention| mention.entity.as_deref() == Some("0")), "{sentences:?}");
    let error = corpus("Ilse .", "T1\tPER 0 4\tIlse\nT1\tPER 5 6\t.\n").expect_err("two T1");
    assert!(is_parse_error(&error, 2, ParseErrorKind::Duplicate), "{error}");
    // An unknown key is an error.
    let error = corpus("Ilse .", "T1\tPER 0 4\tIlse\nR1\tr Arg1:T1 Arg2:T9\n").expect_err("no T9");
    assert!(is_parse_error(&error, 2, ParseErrorKind::UnknownReference), "{error}");
}

#[test]
fn rejected_and_ignored_tasks_are_skipped() {
    let (sentences, report) = reported("prodigy.jsonl");
    assert_eq!((sentences.len(), report.rejected), (1, 2));
    assert_eq!(strings(&sentences[0]), [WORKS]);
    // The answer of the remaining task is written back.
    assert_eq!(object(&written(&sentences, Format::Spacy))["answer"], "accept");
}

#[test]
fn pairs_of_opennre_and_tacred() {
    let (sentences, report) = reported("opennre.jsonl");
    assert_eq!(strings(&sentences[0]), [WORKS]);
    let Triple { subject, object: object_mention, .. } = &sentences[0].triples[0];
    assert_eq!((place(&sentences[0], subject).0, place(&sentences[0], object_mention).0), (0, 23));
    assert_eq!([subject, object_mention].map(|mention| mention.entity.as_deref()), [Some("Q1"), Some("Q2")]);
    assert!(report.is_empty(), "{report}");
    let original = object(&std::fs::read_to_string(path("opennre.jsonl")).expect("a file"));
    assert_eq!(object(&written(&sentences, Format::Opennre)), original);

    let (sentences, report) = reported("tacred.json");
    assert_eq!(strings(&sentences[0]), [WORKS]);
    assert_eq!(sentences[0].triples[0].object.entity_type.as_deref(), Some("ORG"));
    assert!(report.is_empty(), "{report}");
    let original: Value = serde_json::from_slice(&std::fs::read(path("tacred.json")).expect("a file")).expect("JSON");
    assert_eq!(object(&written(&sentences, Format::Tacred)), original);
}

/// Reads a file with this content.
fn parse(content: &str, options: &ReadOptions) -> Result<(Vec<Sentence>, ReadReport), DataError> {
    let mut reader = Reader::new(std::io::Cursor::new(content.to_owned()), "file.jsonl", options)?;
    let sentences = reader.by_ref().collect::<Result<Vec<_>, _>>()?;
    Ok((sentences, reader.report().clone()))
}

#[test]
fn opennre_has_tokens_too() {
    let line = r#"{"token": ["Ilse", "Brandt", "drives", "."], "h": {"name": "ilse brandt", "id": 7, "pos": [0, 2]}, "t": {"name": "drives", "pos": [2, 3]}, "relation": "r"}"#;
    let (sentences, report) = parse(line, &ReadOptions::default()).expect("read");
    assert_eq!(strings(&sentences[0]), [["Ilse Brandt", "r", "drives"]]);
    assert_eq!(sentences[0].triples[0].subject.entity.as_deref(), Some("7"));
    // The name in the knowledge base is not kept, but counted.
    assert_eq!(report.unsupported.count(Unsupported::Surface), 1);
    // A name that occurs elsewhere in the text indicates wrong offsets.
    let wrong = line.replace("[2, 3]", "[3, 4]");
    let error = parse(&wrong, &ReadOptions::default()).expect_err("wrong");
    assert!(is_parse_error(&error, 1, ParseErrorKind::WordOffsets), "{error}");
}

#[test]
fn pairs_without_a_relation_are_not_triples() {
    let pair = |relation: &str| {
        format!(
            r#"{{"text": "a b", "h": {{"name": "a", "pos": [0, 1]}}, "t": {{"name": "b", "pos": [2, 3]}}, "relation": "{relation}"}}"#
        )
    };
    let default = ReadOptions::default();
    for label in ReadOptions::NEGATIVE_LABELS {
        let (sentences, report) = parse(&pair(label), &default).expect("read");
        let sentence = &sentences[0];
        assert_eq!((sentence.triples.len(), sentence.negatives.len(), report.negatives), (0, 1, 1));
        assert_eq!(sentence.entities.iter().map(|mention| mention.text.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        // The pair is written back, here and in the rere format.
        assert_eq!(object(&written(&sentences, Format::Opennre))["relation"], label);
        let again = parse(&written(&sentences, Format::Rere), &default).expect("read").0;
        assert_eq!(again, sentences);
    }
    // In any format, and in addition to triples.
    let line = r#"{"text": "Ada saw Bob", "triple_list": [["Ada", "saw", "Bob"], ["Bob", "NA", "Ada"]]}"#;
    let (sentences, _) = parse(line, &default).expect("read");
    assert_eq!((strings(&sentences[0]), sentences[0].negatives.len()), (vec![["Ada", "saw", "Bob"]], 1));
    assert!(sentences[0].entities.is_empty());
    // Other labels replace the default ones.
    let options = ReadOptions::default().with_negative_labels(vec!["unrelated".to_owned()]);
    assert_eq!(parse(&pair("unrelated"), &options).expect("read").1.negatives, 1);
    assert_eq!(parse(&pair("NA"), &options).expect("read").1.triples, 1);
}

#[test]
fn scierc_documents_are_sentences() {
    let (sentences, report) = reported("scierc.jsonl");
    assert_eq!((strings(&sentences[0]), sentences[0].id.as_deref()), (vec![WORKS], Some("d1")));
    assert!(report.is_empty(), "{report}");
    let original = object(&std::fs::read_to_string(path("scierc.jsonl")).expect("a file"));
    assert_eq!(object(&written(&sentences, Format::Scierc)), original);

    let line = json!({"doc_key": "d", "sentences": [["Ilse", "sings", "."], ["She", "left", "Oslo", "."]],
        "ner": [[[0, 0, "PER"]], [[3, 3, "PER"], [5, 5, "LOC"]]], "relations": [[], [[3, 3, 5, 5, "left"]]],
        "clusters": [[[0, 0], [3, 3]]]});
    let (sentences, report) = parse(&line.to_string(), &ReadOptions::default()).expect("read");
    assert_eq!(sentences.iter().map(|sentence| sentence.id.as_deref()).collect::<Vec<_>>(), [Some("d#0"), Some("d#1")]);
    assert_eq!(strings(&sentences[1]), [["She", "left", "Oslo"]]);
    // The sentence boundary, and the link across it.
    assert_eq!(report.unsupported.count(Unsupported::Annotation), 1 + 2);
    assert_eq!(sentences[1].triples[0].subject.entity, None);
    // Within a sentence, mentions of a cluster are the same entity. Cluster members that are not mentions are counted.
    let mut clusters = line.clone();
    clusters["clusters"] = json!([[[3, 3], [5, 5]], [[0, 0], [1, 1]]]);
    let (sentences, report) = parse(&clusters.to_string(), &ReadOptions::default()).expect("read");
    let Triple { subject, object: object_mention, .. } = &sentences[1].triples[0];
    assert_eq!([&subject.entity, &object_mention.entity].map(|entity| entity.as_deref()), [Some("0"); 2]);
    assert_eq!(report.unsupported.count(Unsupported::Annotation), 1 + 2);
    // Predictions are preferred to gold labels.
    let mut predicted = line.clone();
    predicted["predicted_ner"] = json!([[], [[3, 3, "PER", 1.5, 0.9]]]);
    predicted["predicted_relations"] = json!([[], [[3, 3, 5, 5, "wrong", 1.5, 0.9]]]);
    let (sentences, report) = parse(&predicted.to_string(), &ReadOptions::default()).expect("read");
    assert_eq!(strings(&sentences[1]), [["She", "wrong", "Oslo"]]);
    assert_eq!(report.unsupported.count(Unsupported::Field), 2 + 4);
    let wrong = line.to_string().replace("[5,5,\"LOC\"]", "[7,7,\"LOC\"]");
    let error = parse(&wrong, &ReadOptions::default()).expect_err("wrong");
    assert!(is_parse_error(&error, 1, ParseErrorKind::WordOffsets), "{error}");
}

#[test]
fn doccano_has_relations_or_spans() {
    let (sentences, report) = reported("doccano.jsonl");
    assert_eq!((strings(&sentences[0]), sentences[0].id.as_deref()), (vec![WORKS], Some("14")));
    assert!(report.is_empty(), "{report}");
    // Ids of entities are kept, those of relations are generated.
    let original = std::fs::read_to_string(path("doccano.jsonl")).expect("a file").replace("\"id\": 5", "\"id\": 0");
    assert_eq!(object(&written(&sentences, Format::Doccano)), object(&original));

    let (sentences, report) = reported("doccano_ner.jsonl");
    let entities: Vec<_> = sentences[0].entities.iter().map(|mention| place(&sentences[0], mention)).collect();
    assert_eq!(entities, [(0, 4, "Ilse"), (9, 12, "Jon")]);
    assert_eq!(sentences[0].entities[1].entity_type.as_deref(), Some("PER"));
    assert!(report.is_empty(), "{report}");
    // A label that is not a list of spans is an ordinary field.
    let (sentences, _) = parse(r#"{"text": "a", "label": "sports"}"#, &ReadOptions::default()).expect("read");
    assert!(sentences[0].extra.contains("label"));
}

/// A task as in Label Studio's exports.
fn task() -> Value {
    json!({"id": 3, "data": {"text": "Ilse Brandt drives for Hafen Wache .", "source": "web"}, "created_at": "2026-01-01",
        "annotations": [
            {"id": 1, "was_cancelled": true, "result": []},
            {"id": 2, "was_cancelled": false, "result": [
                {"id": "x1", "type": "labels", "from_name": "label", "to_name": "text",
                 "value": {"start": 0, "end": 11, "text": "Ilse Brandt", "labels": ["PER"]}},
                {"id": "x2", "type": "labels", "from_name": "label", "to_name": "text",
                 "value": {"start": 23, "end": 34, "text": "Hafen Wache", "labels": ["ORG"]}},
                {"type": "relation", "from_id": "x2", "to_id": "x1", "direction": "left", "labels": ["works_for"]},
                {"id": "c", "type": "choices", "value": {"choices": ["good"]}}]}],
        "predictions": []})
}

#[test]
fn label_studio_exports_and_predictions() {
    let (sentences, report) = parse(&format!("[{}]", task()), &ReadOptions::default()).expect("read");
    assert_eq!((strings(&sentences[0]), sentences[0].id.as_deref()), (vec![WORKS], Some("3")));
    assert_eq!(sentences[0].extra.get("source").expect("JSON"), Some("web"));
    // The cancelled annotation and the choice, and the creation date.
    assert_eq!([Unsupported::Annotation, Unsupported::Field].map(|loss| report.unsupported.count(loss)), [2, 1]);
    let task_written = object(&written(&sentences, Format::LabelStudio));
    assert_eq!(task_written["data"], json!({"text": sentences[0].text, "source": "web"}));
    assert_eq!(task_written["annotations"][0]["result"][0], task()["annotations"][1]["result"][0]);
    let relation = &task_written["annotations"][0]["result"][2];
    assert_eq!(
        (&relation["from_id"], &relation["to_id"], &relation["direction"]),
        (&json!("x1"), &json!("x2"), &json!("right"))
    );

    // Predictions with scores and the model's version are written and read.
    let mut predicted = sentences.clone();
    predicted[0].triples[0].score = Some(rere_core::Probability::new(0.75).expect("in [0, 1]"));
    predicted[0].extra.set("prediction_model_version", "v7").expect("JSON");
    let content = written(&predicted, Format::LabelStudio);
    let prediction = object(&content)["predictions"][0].clone();
    assert_eq!((&prediction["score"], &prediction["model_version"]), (&json!(0.75), &json!("v7")));
    assert!(object(&content)["annotations"].is_null());
    assert_eq!(parse(&content, &ReadOptions::default()).expect("read").0, predicted);
    // A field of the data is not the version of a model.
    let mut versioned = task();
    versioned["data"]["model_version"] = json!("v9");
    let (sentences, _) = parse(&versioned.to_string(), &ReadOptions::default()).expect("read");
    let back = object(&written(&sentences, Format::LabelStudio));
    assert_eq!((&back["data"]["model_version"], back["predictions"].is_null()), (&json!("v9"), true));
    // A relation without a name, scores of regions and notes are counted; the mentions are kept.
    let mut unnamed = task();
    let result = &mut unnamed["annotations"][1]["result"];
    result[2]["labels"] = json!([]);
    (result[0]["score"], result[1]["meta"]) = (json!(0.5), json!({"text": ["sure"]}));
    let (sentences, report) = parse(&unnamed.to_string(), &ReadOptions::default()).expect("read");
    assert_eq!((sentences[0].triples.len(), sentences[0].entities.len()), (0, 2));
    assert_eq!(
        [Unsupported::Annotation, Unsupported::Score, Unsupported::Field].map(|loss| report.unsupported.count(loss)),
        [3, 1, 2]
    );
    let twice = task().to_string().replace("\"x2\"", "\"x1\"");
    let error = parse(&twice, &ReadOptions::default()).expect_err("one id");
    assert!(is_parse_error(&error, 1, ParseErrorKind::Duplicate), "{error}");
    // A task is skipped if all its annotations were cancelled.
    let mut cancelled = task();
    cancelled["annotations"].as_array_mut().expect("a list").truncate(1);
    let (sentences, report) = parse(&cancelled.to_string(), &ReadOptions::default()).expect("read");
    assert_eq!((sentences.len(), report.rejected), (0, 1));
}

#[test]
fn other_systems_outputs() {
    let (sentences, report) = reported("rebel.jsonl");
    assert_eq!(strings(&sentences[0]), [["Ilse", "met", "Jon"]]);
    assert!(report.is_empty(), "{report}");
    let original = object(&std::fs::read_to_string(path("rebel.jsonl")).expect("a file"));
    assert_eq!(object(&written(&sentences, Format::Rebel)), original);

    let (sentences, report) = reported("casrel_out.json");
    assert_eq!(sentences[0].triples.len(), 0);
    let fields: Vec<&str> = report.unknown_fields.iter().map(String::as_str).collect();
    assert_eq!(fields, ["lack", "new", "triple_list_gold", "triple_list_pred"]);
    assert!(report.to_string().contains("triple_list_gold"), "{report}");
    // If there are triples, unrecognised fields are not reported.
    let (_, report) = parse(r#"{"text": "a", "triples": [], "note": 1}"#, &ReadOptions::default()).expect("read");
    assert!(report.is_empty());
}

#[test]
fn offsets_may_count_utf16() {
    let error = open("utf16.jsonl", &ReadOptions::default()).expect_err("code points do not fit");
    assert!(
        error.to_string().contains("they fit if they count UTF-16 code units: read the file with offsets utf16"),
        "{error}"
    );
    let options = ReadOptions::default().with_offsets(OffsetUnit::Utf16);
    let (sentences, _) = open("utf16.jsonl", &options).expect("read");
    let triple = &sentences[0].triples[0];
    // Counted by Python: len("👨🏻‍🚒 ") == 5.
    assert_eq!(place(&sentences[0], &triple.subject), (5, 16, "Ilse Brandt"));
    assert_eq!(place(&sentences[0], &triple.object), (28, 39, "Hafen Wache"));
    // Offsets in UTF-16 are written too.
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.jsonl");
    let mut writer = Writer::create(&out, Format::Rere).expect("a writer").with_offsets(OffsetUnit::Utf16);
    writer.write(&sentences[0]).expect("written");
    writer.finish().expect("written");
    let original = object(&std::fs::read_to_string(path("utf16.jsonl")).expect("a file"));
    assert_eq!(object(&std::fs::read_to_string(out).expect("a file")), original);
}

#[test]
fn clusters_are_kept() {
    let (sentences, report) = reported("docred_multi.json");
    // Sentence boundaries and evidence are counted, links between mentions are kept.
    assert_eq!(report.unsupported.count(Unsupported::Annotation), 2 + 3);
    let original: Value =
        serde_json::from_slice(&std::fs::read(path("docred_multi.json")).expect("a file")).expect("JSON");
    let again = object(&written(&sentences, Format::Docred));
    let sizes = |document: &Value| -> Vec<usize> {
        let vertices = document["vertexSet"].as_array().expect("vertices");
        vertices.iter().map(|vertex| vertex.as_array().expect("mentions").len()).collect()
    };
    assert_eq!(sizes(&again), sizes(&original[0]));
    assert_eq!(again["labels"].as_array().expect("labels").len(), 3);
    let labels = |document: &Value| -> Vec<(Value, Value, Value)> {
        let labels = document["labels"].as_array().expect("labels").iter();
        labels.map(|label| (label["h"].clone(), label["t"].clone(), label["r"].clone())).collect()
    };
    assert_eq!(labels(&again), labels(&original[0]));
    // Also in the rere format.
    assert_eq!(parse(&written(&sentences, Format::Rere), &ReadOptions::default()).expect("read").0, sentences);
}

#[test]
fn relation_names_may_have_commas() {
    let (sentences, _) = reported("semeval.jsonl");
    assert_eq!(sentences[0].triples[0].relation, "Cause-Effect(e2,e1)");
    assert!(written(&sentences, Format::Csv).contains("\"Cause-Effect(e2,e1)\""));
}

#[test]
fn null_is_an_absent_field() {
    for line in [
        r#"{"id": null, "text": "a", "triples": null, "entities": null, "negatives": null}"#,
        r#"{"text": "a", "triples": null, "entities": [{"text": "a", "start": null, "end": null, "type": null, "entity": null}]}"#,
        r#"{"sentText": "a", "relationMentions": null, "entityMentions": [{"text": "a", "label": null}]}"#,
        r#"{"sentext": "a", "relations": null}"#,
        r#"{"text": "a", "spo_list": null}"#,
        r#"{"text": "a", "spans": null, "relations": null, "answer": null}"#,
        r#"{"tokens": ["a"], "entities": null, "relations": null}"#,
        r#"{"sents": [["a"]], "vertexSet": [], "labels": null, "title": null}"#,
        r#"{"text": "a", "triplets": null}"#,
        r#"{"sentences": [["a"]], "ner": null, "relations": null, "clusters": null}"#,
        r#"{"text": "a", "entities": null, "relations": null}"#,
        r#"{"data": {"text": "a"}, "annotations": null, "predictions": [{"result": null, "score": null}]}"#,
        r#"{"text": "a", "relation_list": [{"subject": "a", "object": "a", "predicate": "r", "subj_char_span": null}], "entity_list": null}"#,
    ] {
        let (sentences, _) = parse(line, &ReadOptions::default()).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!((sentences.len(), sentences[0].text.as_str()), (1, "a"), "{line}");
    }
    // Errors of required values name the field.
    let error = parse(r#"{"text": "a", "triples": [{"subject": null}]}"#, &ReadOptions::default()).expect_err("null");
    assert!(error.to_string().contains("`triples[0].subject`"), "{error}");
}

#[test]
fn null_does_not_identify_a_format() {
    // Some programs write the same fields for all rows.
    for line in [
        r#"{"text": "a b", "triples": null, "triple_list": [["a", "r", "b"]]}"#,
        r#"{"text": "a b", "spo_list": null, "h": null, "t": null, "triple_list": [["a", "r", "b"]]}"#,
        r#"{"text": "a b", "spans": null, "triplets": [{"head": "a", "type": "r", "tail": "b"}]}"#,
    ] {
        let (sentences, _) = parse(line, &ReadOptions::default()).expect(line);
        assert_eq!(strings(&sentences[0]), [["a", "r", "b"]], "{line}");
    }
}

#[test]
fn messages_name_the_value_found() {
    for (line, parts) in [
        (r#"{"text": "a", "id": 1.5}"#, &["found 1.5"][..]),
        (r#"{"text": "a", "triples": [{"score": NaN}]}"#, &["`triples`", "found \"NaN\""]),
        (r#"{"text": "a", "triple_list": [["a", "r", "b", "c"]]}"#, &["`triple_list[0]`", "length 4", "3 elements"]),
        (r#"{"words": [], "x": 1}"#, &["`words`, `x`"]),
    ] {
        let error = parse(line, &ReadOptions::default()).expect_err(line).to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    // Whole numbers of any size can be ids.
    let line = r#"{"text": "a", "id": 18446744073709551616}"#;
    let id = parse(line, &ReadOptions::default()).expect("read").0[0].id.clone();
    assert_eq!(id.as_deref(), Some("18446744073709551616"));
}

#[test]
fn binary_files_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for (content, found) in [
        (&b"%PDF-1.7\n%\xe2\xe3"[..], "a PDF document"),
        (b"\xff\xfeA\0d\0a\0", "UTF-16"),
        (b"A\0d\0a\0 \0", "UTF-16"),
        (b"\0A\0d\0a\0 ", "UTF-16"),
        (b"PK\x03\x04\x14\0\x06\0", "ZIP"),
        (b"abc\n\0\x01\x02\x03", "binary"),
    ] {
        let path = folder.path().join("file");
        std::fs::write(&path, content).expect("written");
        let error = read(&path).expect_err(found).to_string();
        assert!(error.contains("expected UTF-8 text") && error.contains(found), "{error}");
    }
}

#[test]
fn extensions_may_be_in_upper_case() {
    let folder = tempfile::tempdir().expect("a folder");
    let sentences = [Sentence::new("a"), Sentence::new("b")];
    for name in ["corpus.jsonl.GZ", "corpus.JSON.Zst"] {
        let path = folder.path().join(name);
        write(&path, &sentences, Format::Rere).expect("written");
        assert_ne!(std::fs::read(&path).expect("a file")[0], b'{', "{name} is not compressed");
        assert_eq!(read(&path).expect("read"), sentences);
    }
    // The extension requests lines, whatever its case.
    let path = folder.path().join("corpus.JSONL");
    write(&path, &sentences, Format::Casrel).expect("written");
    assert_eq!(std::fs::read(&path).expect("a file")[0], b'{');
}

#[test]
fn tables() {
    let content = "id,text,subject,relation,object,note\n1,\"Ada, a \"\"b\"\"\",Ada,is,\"\"\"b\"\"\",x\n1,\"Ada, a \"\"b\"\"\",Ada,has,\"a \"\"b\"\"\",x\n2,Nothing .,,,,\n";
    let (sentences, report) = parse(content, &ReadOptions::of(Format::Csv)).expect("read");
    assert_eq!(strings(&sentences[0]), [["Ada", "is", "\"b\""], ["Ada", "has", "a \"b\""]]);
    assert_eq!((sentences.len(), report.triples, sentences[1].text.as_str()), (2, 2, "Nothing ."));
    assert_eq!(sentences[0].extra.get("note").expect("JSON"), Some("x"));
    // The format is identified by the header or by the extension.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    std::fs::write(&path, content.replace(',', "\t")).expect("written");
    assert_eq!(read(&path).expect("read").len(), 2);
    let path = folder.path().join("file.csv");
    std::fs::write(&path, "sentence,label\na,b\n").expect("written");
    let error = read(&path).expect_err("other columns").to_string();
    assert!(
        error.contains("expected the columns \"text\"") && error.contains("found \"sentence\", \"label\""),
        "{error}"
    );
    // Spaces in a header, and whole numbers with a decimal point.
    let content = "text, subject, relation, object, subject_start, subject_end\na b, a, r, b, 0.0, 1.0\n";
    let (sentences, _) = parse(content, &ReadOptions::of(Format::Csv)).expect("read");
    assert_eq!(strings(&sentences[0]), [["a", "r", "b"]]);
    assert_eq!(sentences[0].triples[0].subject.span, Some(rere_core::ByteSpan::new(0, 1)));
    // If there are no triples, other columns may be labels.
    let (_, report) = parse("text,head,label,tail\na,b,c,d\n", &ReadOptions::of(Format::Csv)).expect("read");
    assert_eq!(report.unknown_fields.len(), 3);
    // Incorrectly quoted cells, after which the csv parser would read other rows as a part of the cell.
    for (rows, line) in
        [("\"Hi\" said Ada,a,r,b\n", 2), ("x,a,r,b\n\"Hi said\nAda,a,r,b\n", 3), ("\"a\" \"b\",a,r,b\n", 2)]
    {
        let content = format!("text,subject,relation,object\n{rows}");
        let error = parse(&content, &ReadOptions::of(Format::Csv)).expect_err(rows);
        assert!(
            is_parse_error(&error, line, ParseErrorKind::Syntax) && error.to_string().contains("RFC 4180"),
            "{error}"
        );
    }
    // A similar header also identifies a table.
    for header in
        ["Text,Subject,Relation,Object", "text;subject;relation;object", "\n text , subject , relation , object,x"]
    {
        let mut reader =
            Reader::new(std::io::Cursor::new(format!("{header}\na,b,c,d\n")), "pipe", &ReadOptions::default());
        let first = reader.as_mut().ok().and_then(Iterator::next);
        assert!(
            first.is_none_or(|first| first.is_err() || first.is_ok_and(|sentence| sentence.text == "a")),
            "{header}"
        );
    }
    for (rows, line, part) in [
        ("a,b\n", 2, "found 2"),
        ("a,a,r,,,\n", 2, "column \"object\": expected a value"),
        ("a,a,r,b,one,1\n", 2, "column \"subject_start\": expected a whole number, found \"one\""),
        ("a,a,r,b,0,\n", 2, "found only one"),
        ("x,x,r,x,0,1\na,a,r,b,0,9\n", 3, "has offsets 0..9, but the text ends at 1"),
    ] {
        let content = format!("text,subject,relation,object,subject_start,subject_end\n{rows}");
        let error = parse(&content, &ReadOptions::of(Format::Csv)).expect_err(rows).to_string();
        assert!(error.contains(part) && error.contains(&format!("line {line}")), "{error}");
    }
}

#[test]
fn plain_text_is_a_corpus() {
    let whole = ReadOptions::of(Format::Text).with_split(Split::None);
    let (sentences, report) = parse("\u{feff}Ada .\r\n\nBob .", &whole).expect("read");
    let texts: Vec<&str> = sentences.iter().map(|sentence| sentence.text.as_str()).collect();
    assert_eq!((texts, report.sentences), (vec!["Ada .", "", "Bob ."], 3));
    assert_eq!(written(&sentences, Format::Text), "Ada .\n\nBob .\n");
}

#[test]
fn lines_of_plain_text_are_split_into_sentences() {
    let content = "Dr. Ada left London. She met Bob.\n\nZoë stayed. Ada wrote.";
    let (sentences, report) = parse(content, &ReadOptions::of(Format::Text)).expect("read");
    let found: Vec<(&str, Option<&str>, Option<usize>)> = sentences
        .iter()
        .map(|sentence| {
            let get = |field| sentence.extra.get(field).expect("a string");
            (sentence.text.as_str(), get("document"), sentence.extra.get("start").expect("a number"))
        })
        .collect();
    let expected = [
        ("Dr. Ada left London.", Some("file.jsonl:1"), Some(0)),
        ("She met Bob.", Some("file.jsonl:1"), Some(21)),
        ("Zoë stayed.", Some("file.jsonl:3"), Some(0)),
        ("Ada wrote.", Some("file.jsonl:3"), Some(12)),
    ];
    assert_eq!(found, expected);
    assert_eq!((report.sentences, report.split, report.several), (4, 2, 0));
    assert!(report.to_string().contains("2 texts were split into sentences"), "{report}");
}

#[test]
fn documents_in_other_formats_are_split_on_demand_and_never_in_silence() {
    let content = r#"{"id": "7", "text": "Ada left London. She met Bob.", "triples": []}"#;
    let (sentences, report) = parse(content, &ReadOptions::default()).expect("read");
    assert_eq!((sentences.len(), report.several), (1, 1));
    assert!(report.to_string().contains("1 of 1 texts seem to hold several sentences"), "{report}");
    let (sentences, report) = parse(content, &ReadOptions::default().with_split(Split::None)).expect("read");
    assert_eq!((sentences.len(), report.is_empty()), (1, true));
    let (sentences, _) = parse(content, &ReadOptions::default().with_split(Split::All)).expect("read");
    let ids: Vec<Option<&str>> = sentences.iter().map(|sentence| sentence.id.as_deref()).collect();
    assert_eq!(ids, [Some("7.1"), Some("7.2")]);
}

#[test]
fn errors_of_json_formats_have_a_line_and_a_kind() {
    use ParseErrorKind as Kind;
    // Errors without a kind are those of offsets.
    for (line, kind, part) in [
        (
            r#"{"text": "a", "triplets": [{"head": "a", "type": "r"}]}"#,
            Some(Kind::MissingField),
            "missing field `tail`",
        ),
        (
            r#"{"text": "a", "h": {"pos": [0, 1]}, "t": {}, "relation": "r"}"#,
            Some(Kind::MissingField),
            "missing field `name`",
        ),
        (
            r#"{"text": "a", "h": {"name": "a", "pos": [0, 1, 2]}, "t": {"name": "a"}}"#,
            Some(Kind::WrongValue),
            "`h.pos`: invalid length 3",
        ),
        (
            r#"{"text": "a", "h": {"name": "a", "pos": [0, 9]}, "t": {"name": "a"}}"#,
            None,
            "has offsets 0..9, but the text ends at 1",
        ),
        (
            r#"{"text": "a", "token": ["a"], "h": {"name": "a"}, "t": {"name": "a"}}"#,
            Some(Kind::WrongValue),
            "found both",
        ),
        (
            r#"{"token": ["a"], "subj_start": 0, "subj_end": 1, "obj_start": 0, "obj_end": 0, "relation": "r"}"#,
            Some(Kind::WordOffsets),
            "expected words within 0..1, found words 0 to 1",
        ),
        (
            r#"{"token": ["a"], "subj_start": 0, "obj_start": 0, "relation": "r"}"#,
            Some(Kind::MissingField),
            "missing field `subj_end`",
        ),
        (r#"{"sentences": [["a"]], "ner": []}"#, Some(Kind::WrongValue), "found 0 lists"),
        (
            r#"{"sentences": [["a"]], "ner": [[[0, "x", "T"]]]}"#,
            Some(Kind::WrongValue),
            "expected [start, end, type], found [0,\"x\",\"T\"]",
        ),
        (r#"{"sentences": [["a"]], "relations": [[[0, 0, 1, 1, "r"]]]}"#, Some(Kind::WordOffsets), "found 1 to 1"),
        (
            r#"{"text": "a", "entities": [{"id": 1, "start_offset": 0, "end_offset": 2}], "relations": []}"#,
            None,
            "has offsets 0..2",
        ),
        (
            r#"{"text": "a", "entities": [], "relations": [{"from_id": 1, "to_id": 2, "type": "r"}]}"#,
            Some(Kind::UnknownReference),
            "found 1",
        ),
        (r#"{"text": "a", "label": [[0, 1]]}"#, Some(Kind::WrongValue), "expected [start, end, type], found [0,1]"),
        (
            r#"{"data": {"n": 1}, "annotations": []}"#,
            Some(Kind::MissingField),
            "expected a string `text` in `data`, found `n`",
        ),
        (
            r#"{"data": {"text": "a"}, "annotations": [{"result": [{"type": "labels", "id": "x", "value": {"start": 0, "end": 4}}]}]}"#,
            None,
            "has offsets 0..4",
        ),
        (
            r#"{"data": {"text": "a"}, "predictions": [{"score": 7.5, "result": [{"type": "labels", "id": "x", "value": {"start": 0, "end": 1}}, {"type": "relation", "from_id": "x", "to_id": "x", "labels": ["r"]}]}]}"#,
            Some(Kind::WrongValue),
            "expected a number from 0 to 1, found 7.5",
        ),
    ] {
        let error = parse(&format!("\n{line}\n"), &ReadOptions::default()).expect_err(line);
        match (&error, kind) {
            (_, Some(kind)) => assert!(is_parse_error(&error, 2, kind), "{error:?}"),
            (error, None) => assert!(matches!(error, DataError::Offsets { line: 2, .. }), "{error:?}"),
        }
        let message = error.to_string();
        assert!(message.contains(part) && message.contains("file.jsonl, line 2"), "{message}");
    }
}

#[test]
fn a_sentence_with_one_line_per_triple_is_merged() {
    let (sentences, _) = reported("split.jsonl");
    let mut merger = Merger::default();
    sentences.into_iter().for_each(|sentence| merger.add(sentence));
    let (sentences, report) = merger.finish();
    assert_eq!((sentences.len(), report.merged), (1, 1));
    assert_eq!(strings(&sentences[0]), [["Ilse", "runs", "Acme"], ["Acme", "in", "Oslo"]]);
}

#[test]
fn cleaning_with_folding_keeps_triples_with_similar_characters() {
    let line = r#"{"text": "Zoe\u0308 met O\u2019Brien of Ac\u200bme .", "triple_list": [["Zo\u00eb", "met", "O'Brien"], ["o\u2019brien", "of", "Acme"], ["Zo\u00e9", "of", "Acme"]]}"#;
    let reader = Reader::new(line.as_bytes(), "corpus", &ReadOptions::default()).expect("a format");
    let settings = CleanSettings::default().with_folding(Folding::ALL).with_missing(true);
    let mut cleaner = Cleaner::new(settings);
    let mut sentences: Vec<Sentence> = reader.collect::<Result<_, _>>().expect("sentences");
    assert!(cleaner.clean(&mut sentences[0]));
    let [zoe, brien, acme] = ["Zoe\u{308}", "O\u{2019}Brien", "Ac\u{200b}me"];
    assert_eq!(strings(&sentences[0]), [[zoe, "met", brien], [brien, "of", acme]]);
}

/// The table of formats in the documentation is that of the definitions.
#[test]
fn the_documentation_has_every_format() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let formats = std::fs::read_to_string(root.join("docs/formats.md")).expect("a page");
    assert!(formats.contains(&Format::table()), "docs/formats.md needs this table:\n{}", Format::table());
}

#[test]
fn pairs_without_a_relation_are_located_too() {
    let line = r#"{"text": "a b a", "h": {"name": "b"}, "t": {"name": "a"}, "relation": "NA"}"#;
    let mut sentences = parse(line, &ReadOptions::default()).expect("read").0;
    Locator::new(Occurrence::Nearest, Folding::NONE).locate(&mut sentences[0]);
    let pair = &sentences[0].negatives[0];
    assert_eq!(pair.mentions().map(|mention| place(&sentences[0], mention).0), [2, 0]);
    assert!(pair.mentions().iter().all(|mention| sentences[0].entities.contains(mention)));
    assert_eq!(object(&written(&sentences, Format::Tacred))["relation"], "NA");
}
