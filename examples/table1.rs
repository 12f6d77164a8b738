//! Reproduction of Table 1 and of the row KB Match of Table 3 of the RERE paper, with two public knowledge bases.
//!
//! ```text
//! RERE_DATA=folder cargo run --release --example table1
//! ```
//!
//! `RERE_DATA` holds `kb` and `nyt11-hrl`. docs/reproduction.md discusses the results.

use std::{
    collections::{BTreeMap, HashMap},
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use rere_core::{ExtractOptions, Extractor, Input, Sentence};
use rere_data::{
    Aligner, DataError, KnowledgeBase, KnowledgeBaseOptions, MatcherSettings, Overlap, ReadOptions, Reader, read,
};
use rere_eval::{Match, Score, evaluate};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let data = PathBuf::from(std::env::var_os("RERE_DATA").ok_or("RERE_DATA must name the folder of the data")?);
    let folder = tempfile::tempdir()?;
    let write = |name: &str, map: &BTreeMap<String, Vec<String>>| -> Result<PathBuf, Box<dyn Error>> {
        let path = folder.path().join(name);
        fs::write(&path, serde_json::to_string(map)?)?;
        Ok(path)
    };
    let to_corpus = write("wikidata.json", &wikidata_map(&data)?)?;
    let own = write("own.json", &own_relations(&data)?)?;
    let aligner = |triples: &str, map: Option<&Path>| -> Result<Aligner, Box<dyn Error>> {
        let mut options = KnowledgeBaseOptions::default().with_entities(data.join("kb/freebase_entities.tsv"));
        options.map = map.map(Path::to_owned);
        let kb = KnowledgeBase::read(&data.join("kb").join(triples), &options)?;
        Ok(Aligner::new(kb, MatcherSettings::default())?)
    };
    let freebase = aligner("freebase_fb15k237.tsv", None)?;
    let wikidata = aligner("wikidata_codex.tsv", Some(&to_corpus))?;

    println!("Table 1: the training sample of NYT11-HRL, labelled three times\n");
    let names = ["own labels", "Freebase, all relations", "Wikidata, mapped"].map(str::to_owned).to_vec();
    let corpus = Reader::open(&data.join("nyt11-hrl/train_sample.jsonl"), &ReadOptions::default())?;
    let labellings = corpus.map(|sentence| -> Result<_, DataError> {
        let Sentence { text, triples, .. } = sentence?;
        Ok(vec![triples, freebase.align(&text), wikidata.align(&text)])
    });
    println!("{}\n", Overlap::of(names, labellings)?);

    println!("KB Match on the test set of NYT11-HRL, exact and partial\n");
    let test = read(&data.join("nyt11-hrl/test.json"))?;
    for (name, aligner) in [
        ("Freebase, the corpus's relations", aligner("freebase_fb15k237.tsv", Some(&own))?),
        ("Freebase, all relations", freebase),
        ("Wikidata, mapped", wikidata),
    ] {
        let inputs: Vec<Input> = test.iter().map(Input::from).collect();
        let found = aligner.extract(&inputs, &ExtractOptions::default())?;
        let predicted: Vec<Sentence> =
            test.iter().zip(found).map(|(sentence, triples)| sentence.clone().with_triples(triples)).collect();
        for matcher in [Match::Exact, Match::Partial] {
            let counts = evaluate(&test, &predicted, &matcher)?;
            let score = Score::from_counts(counts);
            let [precision, recall, f1] = [score.precision, score.recall, score.f1].map(|share| 100.0 * share);
            let counts = format!("{}/{}/{}", counts.true_positives, counts.predicted, counts.gold);
            println!("{name:<34}{counts:>14}{precision:>8.2}{recall:>8.2}{f1:>8.2}");
        }
    }
    Ok(())
}

/// Maps each property of Wikidata to the relations of the corpus that have its label.
fn wikidata_map(data: &Path) -> Result<BTreeMap<String, Vec<String>>, Box<dyn Error>> {
    let labels: HashMap<String, String> =
        serde_json::from_slice(&fs::read(data.join("kb/nyt_to_wikidata_label.json"))?)?;
    let properties: HashMap<String, Value> =
        serde_json::from_slice(&fs::read(data.join("kb/wikidata_relations_en.json"))?)?;
    let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (property, value) in properties {
        let mut relations: Vec<String> = labels
            .iter()
            .filter(|(_, label)| value["label"] == **label)
            .map(|(relation, _)| relation.clone())
            .collect();
        relations.sort();
        if !relations.is_empty() {
            map.insert(property, relations);
        }
    }
    Ok(map)
}

/// Maps each relation of NYT11-HRL, which is one of Freebase, to itself.
fn own_relations(data: &Path) -> Result<BTreeMap<String, Vec<String>>, Box<dyn Error>> {
    let ids: Vec<HashMap<String, Value>> = serde_json::from_slice(&fs::read(data.join("nyt11-hrl/rel2id.json"))?)?;
    let by_name = ids.into_iter().nth(1).ok_or("rel2id.json has two objects")?;
    Ok(by_name.into_keys().map(|relation| (relation.clone(), vec![relation])).collect())
}
