//! Writes the small corpus of the project and prints its statistics.
//!
//! ```text
//! cargo run --release --example make_corpus -- datasets/small
//! ```
//!
//! `patterns.rs` has the sentences and their triples, `names.rs` the names, `generate.rs` combines them. The seed is fixed, so that
//! the files are bytewise equal on every machine.

mod generate;
mod names;
mod patterns;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::Write;
use std::path::Path;

use rere_core::Sentence;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: make_corpus FOLDER")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let parts = generate::corpus(generate::SEED);
    let known = surfaces(&parts[0]);
    for ((part, _), sentences) in generate::PARTS.iter().zip(&parts) {
        let path = folder.join(format!("{part}.jsonl"));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(generate::to_json_lines(sentences).as_bytes())?;
        file.persist(&path)?;
        println!("{}\n{}", path.display(), summary(sentences, &known));
    }
    Ok(())
}

/// Returns the statistics of a part for the data card. An entity is unseen if no triple of the training part names it.
fn summary(sentences: &[Sentence], known: &BTreeSet<&str>) -> String {
    let words: usize = sentences.iter().map(|sentence| sentence.text.split_whitespace().count()).sum();
    let empty = sentences.iter().filter(|sentence| sentence.triples.is_empty()).count();
    let entities = surfaces(sentences);
    let unseen = entities.difference(known).count();
    let mut relations = BTreeMap::new();
    for triple in sentences.iter().flat_map(|sentence| &sentence.triples) {
        *relations.entry(triple.relation.as_str()).or_insert(0) += 1;
    }
    let triples: usize = relations.values().sum();
    format!(
        "  {} sentences ({empty} without a triple), {:.1} words each; {triples} triples, {:.2} each\n  \
         {} entities, {unseen} of them unseen in training\n  {relations:?}",
        sentences.len(),
        words as f64 / sentences.len() as f64,
        triples as f64 / sentences.len() as f64,
        entities.len(),
    )
}

fn surfaces(sentences: &[Sentence]) -> BTreeSet<&str> {
    sentences
        .iter()
        .flat_map(|sentence| &sentence.triples)
        .flat_map(|triple| [triple.subject.text.as_str(), triple.object.text.as_str()])
        .collect()
}
