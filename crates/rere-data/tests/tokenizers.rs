//! Tokenizers of Hugging Face folders without `tokenizer.json`, compared with those that transformers builds.
//!
//! Vocabularies, texts and tokens come from `reference/vocabularies.py`.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use rere_data::{DataError, Tokenizer, TokenizerProblem};
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

const FOLDERS: [&str; 10] = [
    "bert",
    "bert-cased",
    "camembert",
    "deberta-lower",
    "deberta-v3",
    "electra",
    "mpnet",
    "roberta",
    "roberta-prefix",
    "xlm-roberta",
];

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/vocabularies")
}

/// Copies a folder with a vocabulary.
fn copied(name: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for file in fs::read_dir(reference().join(name)).expect("a folder") {
        let file = file.expect("a file").path();
        fs::copy(&file, folder.path().join(file.file_name().expect("a name"))).expect("copied");
    }
    folder
}

/// Returns the error and its causes in one line.
fn message(error: &DataError) -> String {
    let mut causes = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes.join(": ")
}

fn problem(folder: &Path) -> String {
    let error = Tokenizer::load(folder).expect_err("an error");
    assert!(matches!(error, DataError::Tokenizer { .. } | DataError::Read { .. }), "{error:?}");
    message(&error).replace(&folder.display().to_string(), "DIR")
}

/// What transformers has for a folder.
#[derive(Deserialize)]
struct Recorded {
    /// The ids of CLS, SEP and padding.
    special: [u32; 3],
    /// The ids and the start and end of each token, in characters.
    texts: Vec<(Vec<u32>, Vec<usize>)>,
}

#[test]
fn tokens_equal_those_of_transformers() {
    let texts = fs::read(reference().join("texts.json")).expect("texts");
    let texts: Vec<String> = serde_json::from_slice(&texts).expect("texts");
    assert_eq!(texts.len(), 500);
    let tokens = fs::File::open(reference().join("tokens.json.zst")).expect("tokens");
    let recorded: BTreeMap<String, Recorded> =
        serde_json::from_reader(zstd::Decoder::new(tokens).expect("a decoder")).expect("recorded tokens");
    assert_eq!(recorded.keys().collect::<Vec<_>>(), FOLDERS.iter().collect::<Vec<_>>());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tokenizer.json");
    for (name, recorded) in &recorded {
        let tokenizer = Tokenizer::load(reference().join(name)).expect("a tokenizer");
        // The offsets of `Tokens` follow rules of their own, so those of the library are compared.
        let inner: tokenizers::Tokenizer = tokenizer.to_json().expect("JSON").parse().expect("a tokenizer");
        tokenizer.save(&path).expect("saved");
        let loaded = Tokenizer::load(folder.path()).expect("loaded");
        for tokenizer in [&tokenizer, &loaded] {
            assert_eq!([tokenizer.cls(), tokenizer.sep(), tokenizer.pad()], recorded.special, "{name}");
        }
        for (text, (ids, offsets)) in texts.iter().zip(&recorded.texts) {
            let found = tokenizer.encode(text).expect("tokens");
            assert_eq!(&found.ids, ids, "{name}: {text:?}");
            assert_eq!(loaded.encode(text).expect("tokens"), found, "{name}: {text:?}");
            let mut inner = inner.clone();
            inner.set_encode_special_tokens(true);
            let encoding = inner.encode_char_offsets(text.as_str(), false).expect("an encoding");
            let found: Vec<usize> = encoding.get_offsets().iter().flat_map(|&(start, end)| [start, end]).collect();
            assert_eq!(&found, offsets, "{name}: {text:?}");
        }
    }
}

#[test]
fn a_folder_of_another_class_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(problem(folder.path()).contains("found neither tokenizer_class nor model_type"));
    fs::write(folder.path().join("config.json"), r#"{"model_type": "modernbert"}"#).expect("written");
    let found = problem(folder.path());
    assert!(
        found.contains("the vocabulary of one of BertTokenizer, ") && found.contains("found \"modernbert\""),
        "{found}"
    );
    assert!(
        found.contains(
            "if transformers has a fast tokenizer for it, write tokenizer.json: AutoTokenizer.from_pretrained(FOLDER)"
        ),
        "{found}"
    );
    // It has the vocabulary of a known class, but other rules.
    let folder = copied("bert");
    fs::write(
        folder.path().join("config.json"),
        r#"{"model_type": "bert", "tokenizer_class": "BertJapaneseTokenizer"}"#,
    )
    .expect("written");
    assert!(problem(folder.path()).contains("found \"BertJapaneseTokenizer\""));
}

#[test]
fn a_missing_vocabulary_is_an_error() {
    for (name, file, expected) in [
        ("bert", "vocab.txt", "expected tokenizer.json, or vocab.txt for BertTokenizer"),
        ("roberta", "vocab.json", "or vocab.json for RobertaTokenizer"),
        ("roberta", "merges.txt", "or merges.txt for RobertaTokenizer"),
        ("deberta-v3", "spm.model", "or spm.model for DebertaV2Tokenizer"),
        ("xlm-roberta", "sentencepiece.bpe.model", "or sentencepiece.bpe.model for XLMRobertaTokenizer"),
    ] {
        let folder = copied(name);
        fs::remove_file(folder.path().join(file)).expect("removed");
        let found = problem(folder.path());
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn damaged_files_are_errors() {
    let cases: &[(&str, &str, &[u8], &str)] = &[
        (
            "bert",
            "vocab.txt",
            b"[PAD]\n[CLS]\n[SEP]\nthe\n",
            "DIR/vocab.txt cannot be used: expected a vocabulary with [UNK]",
        ),
        ("bert", "vocab.txt", b"[UNK]\n[CLS]\n", "DIR/vocab.txt cannot be used: expected a vocabulary with [SEP]"),
        ("bert", "vocab.txt", b"[UNK]\n\xff\n", "DIR/vocab.txt cannot be read"),
        ("bert", "tokenizer_config.json", b"{", "DIR/tokenizer_config.json cannot be used: EOF"),
        (
            "bert",
            "tokenizer_config.json",
            br#"{"do_lower_case": "no"}"#,
            "invalid type: string \"no\", expected a boolean",
        ),
        ("roberta", "vocab.json", b"[]", "DIR/vocab.json cannot be used: invalid type: sequence"),
        (
            "roberta",
            "merges.txt",
            b"#version: 0.2\nt h\nth\n",
            "DIR/merges.txt cannot be used: line 3: expected two tokens",
        ),
        ("roberta", "merges.txt", b"#version: 0.2\nzq qz\n", "DIR/merges.txt cannot be used"),
        ("roberta", "added_tokens.json", br#"{"<e1>": 7}"#, "\"<e1>\" has id 7, but the vocabulary gives it 500"),
        ("deberta-v3", "spm.model", b"not a model", "DIR/spm.model cannot be used"),
        ("deberta-v3", "spm.model", b"", "DIR/spm.model cannot be used"),
    ];
    for (name, file, content, expected) in cases {
        let folder = copied(name);
        fs::write(folder.path().join(file), content).expect("written");
        let found = problem(folder.path());
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn a_truncated_or_changed_model_is_an_error_or_a_tokenizer() {
    let folder = copied("xlm-roberta");
    let path = folder.path().join("sentencepiece.bpe.model");
    let model = fs::read(&path).expect("a model");
    for end in (0..model.len()).step_by(97) {
        fs::write(&path, &model[..end]).expect("written");
        // Pieces are read one by one, so the beginning of a model can be one.
        if let Ok(tokenizer) = Tokenizer::load(folder.path()) {
            tokenizer.encode("Café in Ａｄａ").expect("tokens");
        }
    }
}

#[test]
fn settings_change_the_tokens() {
    let folder = copied("bert");
    let slices = |settings: serde_json::Value| {
        fs::write(folder.path().join("tokenizer_config.json"), settings.to_string()).expect("written");
        let text = "Café 北京";
        let tokens = Tokenizer::load(folder.path()).expect("a tokenizer").encode(text).expect("tokens");
        tokens.spans.len()
    };
    let default = slices(json!({}));
    assert_eq!(slices(json!({ "do_lower_case": true })), default);
    assert_ne!(slices(json!({ "tokenize_chinese_chars": false })), default);
    // The fast tokenizers ignore it.
    assert_eq!(slices(json!({ "do_basic_tokenize": false })), default);
}

#[test]
fn vocabularies_may_have_windows_line_ends() {
    let folder = copied("bert");
    let path = folder.path().join("vocab.txt");
    let vocabulary = fs::read_to_string(&path).expect("a vocabulary");
    let plain = Tokenizer::load(folder.path()).expect("a tokenizer").to_json().expect("JSON");
    fs::write(&path, vocabulary.replace('\n', "\r\n")).expect("written");
    assert_eq!(Tokenizer::load(folder.path()).expect("a tokenizer").to_json().expect("JSON"), plain);
}

/// Appends a message to the model of CamemBERT's folder; protobuf merges it with the one before.
fn with_message(message: &[u8]) -> TempDir {
    let folder = copied("camembert");
    let path = folder.path().join("sentencepiece.bpe.model");
    let mut model = fs::read(&path).expect("a model");
    model.extend(message);
    fs::write(&path, model).expect("written");
    folder
}

#[test]
fn models_of_other_types_are_errors() {
    // The trainer (field 2) with model_type (field 3) BPE (2).
    let folder = with_message(&[0x12, 2, 0x18, 2]);
    let error = Tokenizer::load(folder.path()).expect_err("no unigram");
    assert!(matches!(error, DataError::Tokenizer { source: TokenizerProblem::NotUnigram, .. }), "{error:?}");
}

#[test]
fn damaged_character_rules_are_errors() {
    // The normalizer (field 3) with a precompiled_charsmap (field 2): the size of a trie, and the trie.
    let charsmap = |bytes: [u8; 8]| with_message(&[&[0x1a, 10, 0x12, 8], bytes.as_slice()].concat());
    let folder = charsmap([255, 255, 255, 255, 0, 0, 0, 0]);
    let error = Tokenizer::load(folder.path()).expect_err("too short");
    assert!(matches!(error, DataError::Tokenizer { source: TokenizerProblem::Charsmap, .. }), "{error:?}");
    let folder = charsmap([4, 0, 0, 0, 255, 255, 255, 255]);
    let tokenizer = Tokenizer::load(folder.path()).expect("the trie is read with the first text");
    let error = tokenizer.encode("Café").expect_err("the trie leads out of itself");
    assert!(matches!(error, DataError::Tokenize { .. }), "{error:?}");
}
