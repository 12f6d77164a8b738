//! Writes seeds of each target into `corpus/TARGET`: files of all formats, with variants as other programs write them.

use std::{error::Error, fs, path::Path, sync::Arc};

use arrow_json::{ReaderBuilder, reader::infer_json_schema};
use parquet::arrow::ArrowWriter;
use rere_data::{Format, ReadOptions, Reader, replace_file, write};
use rere_data_fuzz::character;

const TEXTS: &[(Format, &str)] = &[
    (
        Format::Rere,
        r#"{"text": "Zoë is in 北京", "triples": [{"subject": {"text": "Zoë", "start": 0, "end": 3, "type": "PER"}, "relation": "in", "object": {"text": "北京", "start": 10, "end": 12}, "score": 0.5}], "entities": [{"text": "is"}], "note": [1]}"#,
    ),
    (
        Format::Rere,
        "{\"id\": 7, \"text\": \"a\"}\n\r\n{\"id\": \"b\", \"text\": \"\\ud83d\\ude80 e\\u0301\", \"entities\": [{\"text\": \"🚀\", \"start\": 0, \"end\": 1}]}\n",
    ),
    (Format::Rere, "\u{feff}[\n{\"text\": \"a ] \\\" [ b\"},\n{\"text\": \"\"}\n]\n"),
    (
        Format::Casrel,
        r#"[{"text": "Ada was born in London", "triple_list": [["Ada", "born in", "London"], ["Ada", "in", "Ada"]]}, {"id": null, "text": "b", "triple_list": [], "x": {"y": "\n"}}]"#,
    ),
    (
        Format::Hrl,
        r#"{"sentText": "Ada likes Ada", "articleId": "x", "sentId": "1", "relationMentions": [{"em1Text": "Ada", "em2Text": "Ada", "label": "likes"}], "entityMentions": [{"start": 1, "text": "Ada", "label": "PER"}, {"text": "likes"}, {"text": "Ada", "label": "Entity"}]}"#,
    ),
    (
        Format::HrlTags,
        r#"{"sentext": "Zoë Ng lives in 北京 not York", "relations": [{"rtext": "in", "em1": "Zoë Ng", "em2": "北京", "tags": [4, 1, 0, 0, 5, 0, 6]}, {"rtext": "not", "em1": "York", "em2": "Zoë", "tags": [5, 0, 6, 3, 0, 0, 4]}]}"#,
    ),
    (
        Format::Duie,
        r#"{"postag": [{"word": "b", "pos": "n"}], "text": "a b c", "spo_list": [{"predicate": "r", "object_type": "T", "subject_type": "S", "object": "b", "subject": "a"}]}"#,
    ),
    (
        Format::Duie,
        r#"{"text": "a b c", "spo_list": [{"predicate": "r", "object_type": {"@value": "T", "slot": "U"}, "subject_type": "S", "object": {"@value": "b", "slot": "c"}, "subject": "a"}]}"#,
    ),
    (
        Format::Tplinker,
        r#"[{"id": "x", "text": "a b c", "relation_list": [{"subject": "a", "object": "c", "subj_char_span": [0, 1], "obj_char_span": [4, 5], "subj_tok_span": [0, 1], "obj_tok_span": [2, 3], "predicate": "r"}], "entity_list": [{"text": "a", "type": "DEFAULT", "char_span": [0, 1], "tok_span": [0, 1]}, {"text": "b", "type": "T", "char_span": [2, 3]}]}]"#,
    ),
    (
        Format::Docred,
        r#"[{"title": "t", "sents": [["a", "b", "c"], ["d", "a"]], "vertexSet": [[{"name": "a", "sent_id": 0, "pos": [0, 1], "type": "T"}, {"name": "a", "sent_id": 1, "pos": [1, 2], "type": "T"}], [{"name": "b  c", "sent_id": 0, "pos": [1, 3], "type": "U"}]], "labels": [{"h": 0, "t": 1, "r": "P1", "evidence": [0]}]}]"#,
    ),
    (
        Format::Spacy,
        r#"{"text": "a b c", "tokens": [{"text": "a", "start": 0, "end": 1, "id": 0}], "spans": [{"start": 0, "end": 1, "token_start": 0, "token_end": 0, "label": "T"}, {"start": 2, "end": 3, "text": "b"}], "relations": [{"head": 0, "child": 2, "head_span": {"start": 0, "end": 1, "label": "T"}, "child_span": {"start": 4, "end": 5, "label": "T"}, "label": "r"}], "answer": "accept"}"#,
    ),
    (
        Format::Spert,
        r#"[{"tokens": ["New", "York", "北京", ""], "entities": [{"type": "T", "start": 0, "end": 2}, {"type": "Entity", "start": 2, "end": 3}], "relations": [{"type": "r", "head": 0, "tail": 1}], "orig_id": 12}]"#,
    ),
    (
        Format::Rere,
        r#"{"id": 1, "text": "a b c", "triples": [{"subject": {"text": "a", "start": 0, "end": 1, "entity": "0"}, "relation": "NA", "object": {"text": "c", "entity": "0"}}], "negatives": [{"subject": {"text": "b"}, "relation": "no_relation", "object": {"text": "c", "start": 4, "end": 5}}], "entities": [{"text": "b"}]}"#,
    ),
    (
        Format::Rebel,
        r#"{"text": "a b c", "triplets": [{"head": "a", "type": "r", "tail": "b"}, {"head": "a", "head_type": "T", "type": "r", "tail": "c", "tail_type": "U"}]}"#,
    ),
    (
        Format::Opennre,
        r#"{"text": "Zoë is in 北京", "h": {"id": "Q1", "name": "Zoë", "pos": [0, 3]}, "t": {"id": 2, "name": "Peking", "pos": [10, 12]}, "relation": "in"}"#,
    ),
    (
        Format::Opennre,
        "{\"token\": [\"a\", \"b\", \"c\"], \"h\": {\"name\": \"a\", \"pos\": [0, 1]}, \"t\": {\"name\": \"c\", \"pos\": [2, 3]}, \"relation\": \"NA\"}\n{\"text\": \"a\", \"h\": {\"name\": \"a\"}, \"t\": {\"name\": \"a\"}}\n",
    ),
    (
        Format::Tacred,
        r#"[{"id": "e1", "docid": "d", "token": ["a", "b", "北京"], "relation": "no_relation", "subj_start": 0, "subj_end": 1, "obj_start": 2, "obj_end": 2, "subj_type": "PERSON", "obj_type": "Entity", "stanford_pos": ["NN", "NN", "NN"]}, {"token": ["a"], "relation": "r", "subj_start": 0, "subj_end": 0, "obj_start": 0, "obj_end": 0}]"#,
    ),
    (
        Format::Scierc,
        r#"{"doc_key": "d", "dataset": "x", "sentences": [["a", "b", "."], ["c", "a", "."]], "ner": [[[0, 0, "T"], [1, 1, "U"]], [[4, 4, "T", 0.5]]], "relations": [[[0, 0, 1, 1, "r"]], [[4, 4, 3, 3, "s", 1.0, 0.9]]], "clusters": [[[0, 0], [4, 4]]]}"#,
    ),
    (
        Format::Scierc,
        r#"{"doc_key": "e", "sentences": [["a", "b", "c"]], "ner": [[[0, 0, "T"], [2, 2, "T"]]], "relations": [[]], "clusters": [[[0, 0], [2, 2]]]}"#,
    ),
    (
        Format::Doccano,
        r#"{"id": 7, "text": "a b c", "entities": [{"id": 31, "label": "T", "start_offset": 0, "end_offset": 1}, {"id": 1, "label": "U", "start_offset": 4, "end_offset": 5}], "relations": [{"id": 3, "from_id": 31, "to_id": 1, "type": "r"}], "Comments": []}"#,
    ),
    (Format::Doccano, r#"{"id": 7, "text": "a b c", "label": [[0, 1, "T"], [2, 5, "U"]]}"#),
    (
        Format::LabelStudio,
        r#"[{"id": 1, "data": {"text": "a b c", "x": 1}, "annotations": [{"was_cancelled": true, "result": []}, {"ground_truth": true, "result": [{"id": "x", "type": "labels", "value": {"start": 0, "end": 1, "text": "a", "labels": ["T", "U"]}}, {"id": "y", "type": "labels", "value": {"start": 2, "end": 5, "labels": ["Entity"]}}, {"type": "relation", "from_id": "x", "to_id": "y", "direction": "bi", "labels": ["r", "s"]}, {"type": "choices"}]}]}, {"data": {"body": "a b"}, "predictions": [{"score": 0.5, "model_version": "v", "result": [{"id": "m0", "type": "labels", "value": {"start": 0, "end": 1}}, {"type": "relation", "from_id": "m0", "to_id": "m0", "labels": ["r"], "score": 0.25}]}]}]"#,
    ),
    (
        Format::Csv,
        "id,text,subject,relation,object,score,subject_start,subject_end,object_type,object_entity,note\n1,\"a, \"\"b\"\"\",a,r,\"\"\"b\"\"\",0.5,0,1,T,Q1,x\n1,\"a, \"\"b\"\"\",a,NA,b,,,,,,\n,c,,,,,,,,,\n",
    ),
    (Format::Tsv, "text\tsubject\trelation\tobject\r\na b\ta\tr\tb\r\na b\tb\tr\ta\r\n\"a\nb\"\t\t\t\r\n"),
    (Format::Text, "Ada was born in London .\r\n\n北京 e\u{301}"),
    (
        Format::Brat,
        "\u{feff}a b\r\nc d\0\u{feff}T1\tPER 0 2;5 6\ta c\nT2\tPER 3 5;6 7\tb c\n*\tEquiv T1 T2\nR1\tr Arg2:T1 Arg1:T2\nE1\tT:T1\nR2\tr Arg1:E1 Arg2:T2\n",
    ),
    (
        Format::Brat,
        "a b\nc\0T1\tPER 0 1\ta\nT2\tLOC 2 5\tb c\nR1\tin Arg1:T1 Arg2:T2\t\nT3\tX 0 1;4 5\ta c\nE1\tMove:T1\n#1\tAnnotatorNotes T1\tx\n",
    ),
    (
        Format::Brat,
        "🚀 e\u{301}\r\n北京\r\n\0T1\tA 0 1\t🚀\r\n\r\nT2\tA 6 8\t北京\r\nR1\tr  Arg2:T2  Arg1:T1\r\nR2\tr Arg1:T2 Arg2:T2\r\n",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut count = 0;
    let mut seed = |target: &str, start: &str, content: &[u8]| {
        count += 1;
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("seed{count:03}")), [start.as_bytes(), content].concat())
    };
    let folder = tempfile::tempdir()?;
    for &(format, text) in TEXTS {
        if format == Format::Brat {
            for to in [Format::Rere, Format::Brat] {
                seed("brat", &character(Some(to)).to_string(), text.as_bytes())?;
            }
            continue;
        }
        for from in [Some(format), None] {
            for to in Format::ALL {
                let start = [character(from), character(Some(to))];
                seed("stream", &String::from_iter(start), text.as_bytes())?;
            }
        }

        let reader = Reader::new(text.as_bytes(), "seed", &ReadOptions::of(format))?;
        let sentences = reader.collect::<Result<Vec<_>, _>>()?;
        let parquet = character(Some(Format::Parquet)).to_string();
        let path = folder.path().join("rows");
        write(&path, &sentences, Format::Parquet)?;
        seed("parquet", &parquet, &fs::read(&path)?)?;
        if matches!(format, Format::Csv | Format::Tsv | Format::Text | Format::Scierc | Format::Doccano) {
            continue; // These formats have no objects, or mixed lists, which cannot be columns.
        }
        // The format's fields as columns, without compression, so that mutations change values.
        let lines = folder.path().join("lines.jsonl");
        write(&lines, &sentences, format)?;
        let lines = fs::read(&lines)?;
        let (schema, _) = infer_json_schema(&*lines, None)?;
        let schema = Arc::new(schema);
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, Arc::clone(&schema), None)?;
        for batch in ReaderBuilder::new(schema).build(&*lines)? {
            writer.write(&batch?)?;
        }
        writer.close()?;
        seed("parquet", &parquet, &bytes)?;

        for (kind, ending) in ["gz", "zst"].into_iter().enumerate() {
            let path = folder.path().join("corpus").with_extension(ending);
            replace_file(&path, |file| {
                std::io::Write::write_all(file, text.as_bytes()).map_err(rere_data::DataError::Output)
            })?;
            let bytes = fs::read(&path)?;
            seed("compressed", &(kind + 2).to_string(), &bytes)?;
            seed("compressed", &(kind + 2).to_string(), &[&*bytes, &bytes].concat())?;
            seed("compressed", &kind.to_string(), text.as_bytes())?;
        }
    }
    println!("{count} seeds");
    Ok(())
}
