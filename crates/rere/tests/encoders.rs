//! Training and extraction from encoders of each family, in folders as the Hugging Face hub serves them: published tensor
//! names, several files, PyTorch checkpoints, vocabularies instead of `tokenizer.json`.
//!
//! The encoders are those of rere-model's tests (`families.py`), with tiny vocabularies.

use std::{fs, path::Path};

use rere::{
    Config, Corpus, Device, ExtractOptions, Input, LoadOptions, Probability, Rere, Sentence, Thresholds, TrainOptions,
    Trainer, Triple, load,
};
use rere_data::Tokenizer;
use serde_json::json;

const WORDS: [&str; 6] = ["ada", "bob", "cy", "met", "saw", "and"];

/// Files of a tokenizer in the folder of a family.
fn write_tokenizer(family: &str, folder: &Path) {
    let write = |name: &str, content: &str| fs::write(folder.join(name), content).expect("written");
    let lines = |special: &[&str]| [special, &WORDS].concat().join("\n") + "\n";
    match family {
        "roberta" => {
            let letters = ('a'..='z').chain(['Ġ']).map(String::from);
            let tokens = ["<s>", "<pad>", "</s>", "<unk>"].map(String::from).into_iter().chain(letters);
            let vocabulary: serde_json::Map<_, _> = tokens.zip(0..).map(|(token, id)| (token, json!(id))).collect();
            write("vocab.json", &json!(vocabulary).to_string());
            write("merges.txt", "#version: 0.2\n");
        }
        "xlm-roberta" => {
            let special = [("<unk>", 2), ("<s>", 3), ("</s>", 3)];
            fs::write(folder.join("sentencepiece.bpe.model"), sentence_pieces(&special, 0)).expect("written");
        }
        "deberta-v3" => {
            let special = [("[PAD]", 3), ("[CLS]", 3), ("[SEP]", 3), ("[UNK]", 2)];
            fs::write(folder.join("spm.model"), sentence_pieces(&special, 3)).expect("written");
        }
        "mpnet" => write("vocab.txt", &lines(&["<s>", "<pad>", "</s>", "[UNK]"])),
        // ModernBERT is published with `tokenizer.json` alone.
        "modernbert" => {
            let tokenizer = Tokenizer::train_words(WORDS, 1, 10).expect("a tokenizer");
            tokenizer.save(folder.join("tokenizer.json")).expect("saved");
        }
        _ => write("vocab.txt", &lines(&["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])),
    }
}

/// Encodes a SentencePiece model as protobuf: special pieces with their types, and words.
fn sentence_pieces(special: &[(&str, u8)], unknown: u8) -> Vec<u8> {
    let field = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).expect("short")], content].concat();
    let words = WORDS.map(|word| (format!("▁{word}"), 1));
    let pieces = special.iter().map(|(piece, kind)| ((*piece).to_owned(), *kind)).chain(words);
    let mut model: Vec<u8> = pieces
        .flat_map(|(piece, kind)| {
            let score = [&[0x15], (-1f32).to_le_bytes().as_slice()].concat();
            field(0x0a, &[field(0x0a, piece.as_bytes()), score, vec![0x18, kind]].concat())
        })
        .collect();
    // The trainer's unk_id is field 40.
    model.extend(field(0x12, &[0xc0, 0x02, unknown]));
    model
}

fn corpus() -> Corpus {
    let sentence = |subject: &str, verb: &str, object: &str| {
        let sentence = Sentence::new(format!("{subject} {verb} {object}"));
        sentence.with_triples(vec![Triple::of(subject, verb, object)])
    };
    let train = vec![sentence("ada", "met", "bob"), sentence("bob", "saw", "cy"), sentence("cy", "met", "ada")];
    Corpus { dev: train.clone(), train }
}

#[test]
fn every_family_trains_and_extracts() {
    let families = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rere-model/tests/reference/families");
    let names =
        ["bert", "deberta-v3", "distilbert", "electra", "ernie", "modernbert", "mpnet", "roberta", "xlm-roberta"];
    for name in names {
        let encoders = tempfile::tempdir().expect("a folder");
        let encoder = encoders.path().join(name);
        fs::create_dir(&encoder).expect("created");
        for file in fs::read_dir(families.join(name)).expect("a family") {
            let file = file.expect("a file").path();
            fs::copy(&file, encoder.join(file.file_name().expect("a name"))).expect("copied");
        }
        write_tokenizer(name, &encoder);
        let settings = format!(
            r#"
            encoder = {{ pretrained = {encoder:?} }}
            [rere.relation]
            epochs = 1
            batch = 3
            frozen_layers = 1
            [rere.entity]
            epochs = 1
            batch = 3
            [training]
            max_tokens = 24
            "#
        );
        let config: Config<Rere> = Config::parse(&settings).expect("valid");
        let model = encoders.path().join("model");
        let options = TrainOptions::new(Device::flex());
        let record =
            Trainer::new(config, options).run(&corpus(), &model).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(record.stages.len(), 2, "{name}");
        let mut system = load(&model, LoadOptions::new(Device::flex())).expect("loads");
        let low = Probability::saturating(0.01);
        system.set_thresholds(Thresholds::default().with_detect(low).with_decode(low));
        let sentence = Sentence::new("ada saw cy");
        let found = system.extract(&[Input::from(&sentence)], &ExtractOptions::default()).expect("triples");
        assert!(!found[0].is_empty(), "{name}");
        for triple in &found[0] {
            assert!(
                triple.subject.text.split(' ').all(|word| name == "roberta" || WORDS.contains(&word)),
                "{name}: {triple:?}"
            );
        }
    }
}
