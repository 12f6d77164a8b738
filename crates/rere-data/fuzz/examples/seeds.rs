//! Writes the first inputs of each target into `corpus/TARGET`: files of all formats, with the turns that other programs give
//! them.

use std::{error::Error, fs, path::Path, sync::Arc};

use arrow_json::{ReaderBuilder, reader::infer_json_schema};
use parquet::arrow::ArrowWriter;
use rere_data::{Format, Reader, replace_file, write};
use rere_data_fuzz::JSON;

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
            for to in ['0', '9'] {
                seed("brat", &to.to_string(), text.as_bytes())?;
            }
            continue;
        }
        for from in [JSON.iter().position(|&own| own == format).unwrap_or_default(), JSON.len()] {
            for to in 0..JSON.len() {
                seed("json", &format!("{from}{to}"), text.as_bytes())?;
            }
        }

        let sentences = Reader::new(text.as_bytes(), "seed", Some(format)).collect::<Result<Vec<_>, _>>()?;
        let path = folder.path().join("rows");
        write(&path, &sentences, Format::Parquet)?;
        seed("parquet", "9", &fs::read(&path)?)?;
        // The format's own fields as columns; and with no compression, so that changes reach the values.
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
        seed("parquet", "9", &bytes)?;

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
