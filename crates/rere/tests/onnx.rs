//! Export as ONNX: the files, and what cannot be exported. `.ci/full onnx` compares the triples with onnxruntime's.

use std::{fs, path::Path};

use rere::{
    AnyConfig, Corpus, Device, FolderProblem, LoadOptions, RereError, Sentence, TrainOptions, Triple, Value,
    export_onnx, load,
    model::{ModelError, OnnxProblem},
};
use tempfile::TempDir;

const BERT: &str = r#"model_type = "bert", hidden_size = 16, num_hidden_layers = 1, num_attention_heads = 2,
    intermediate_size = 16, max_position_embeddings = 48"#;

/// Trains a model in `DIR/model`.
fn trained(system: &str, stages: &[&str], encoder: &str) -> TempDir {
    let stages: String = stages.iter().map(|stage| format!("[{system}.{stage}]\nepochs = 1\n")).collect();
    let settings = format!(
        "system = \"{system}\"\n[encoder]\nrandom = {{ {encoder} }}\n{stages}[decode]\nmost = 3\n\
         [training]\nmax_tokens = 48\n"
    );
    let sentence = |person: &str| {
        Sentence::new(format!("{person} was born in London ."))
            .with_triples([Triple::of(person, "born in", "London"), Triple::of(person, "/people/lives_in", "London")])
    };
    let corpus = Corpus { train: ["Ada", "Bob", "Cy"].map(sentence).into(), dev: vec![] };
    let folder = tempfile::tempdir().expect("a folder");
    let config = AnyConfig::parse(&settings).expect("settings");
    let options = TrainOptions::new(Device::flex());
    config
        .train(options, &corpus, &folder.path().join("model"), |_| std::ops::ControlFlow::Continue(()))
        .expect("trained");
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let name =
        |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name().to_string_lossy().into_owned();
    let mut names: Vec<String> = fs::read_dir(folder).expect("a folder").map(name).collect();
    names.sort();
    names
}

#[test]
fn a_folder_has_networks_tokenizer_and_decoding() {
    for (system, stages) in [("rere", &["relation", "entity"][..]), ("prgc", &["network"])] {
        let folder = trained(system, stages, BERT);
        let [model, exported] = ["model", "new/onnx"].map(|name| folder.path().join(name));
        export_onnx(&model, &exported).expect("exported");
        assert_eq!(names(&exported), ["decoding.json", "entity.onnx", "relation.onnx", "tokenizer.json"]);
        assert_eq!(names(&folder.path().join("new")), ["onnx"], "no temporary folder is left");

        let loaded = load(&model, LoadOptions::new(Device::flex())).expect("loaded");
        let decoding = fs::read(exported.join("decoding.json")).expect("read");
        let decoding: Value = serde_json::from_slice(&decoding).expect("JSON");
        assert_eq!(decoding["system"], system);
        assert_eq!(decoding["digest"].as_str(), loaded.info().digest.as_deref());
        assert_eq!(decoding["constraints"], serde_json::json!({"overlap": false, "most": 3}));
        assert_eq!(decoding["relations"][1]["name"], "born in");
        // [PAD], [UNK], [CLS], [SEP], and then the words of the corpus by their counts.
        assert_eq!([&decoding["pad"], &decoding["cls"], &decoding["sep"]], [0, 2, 3]);
        // The longest query, "people lives in", and three special tokens; or two special tokens.
        let (query, extra) = if system == "rere" { (Some(3), 6) } else { (None, 2) };
        assert_eq!(decoding["relations"][0]["query"].as_array().map(Vec::len), query);
        assert_eq!(decoding["max_text_tokens"], 48 - extra);

        let error = export_onnx(&model, &exported).expect_err("not empty");
        assert!(matches!(error, RereError::Folder { problem: FolderProblem::NotEmpty, .. }), "{error}");
    }
}

#[test]
fn what_cannot_be_exported_is_an_error_and_leaves_nothing() {
    let casrel = trained("casrel", &["tagger"], BERT);
    let onnx = casrel.path().join("onnx");
    let error = export_onnx(casrel.path().join("model"), &onnx).expect_err("another system");
    assert!(
        matches!(&error, RereError::Folder { problem: FolderProblem::NotExported { found }, .. } if found == "casrel"),
        "{error}"
    );
    assert_eq!(names(casrel.path()), ["model"]);

    let lstm = r#"model_type = "bilstm", embedding_size = 8, direction_size = 8, layers = 1"#;
    let folder = trained("rere", &["relation", "entity"], lstm);
    let error = export_onnx(folder.path().join("model"), &folder.path().join("onnx")).expect_err("another encoder");
    let is_encoder = |error: &RereError| {
        matches!(error, RereError::Model(ModelError::Onnx(OnnxProblem::Encoder { encoder: "bilstm" })))
    };
    assert!(is_encoder(&error), "{error}");
    assert_eq!(names(folder.path()), ["model"]);

    let error = export_onnx(folder.path().join("none"), &folder.path().join("onnx")).expect_err("no model");
    assert!(matches!(error, RereError::Folder { problem: FolderProblem::NotFound, .. }), "{error}");
}
