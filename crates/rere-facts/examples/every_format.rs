//! Writes difficult facts in every format, for `tests/read_back.py`, which compares the files.
//!
//! `cargo run --release -p rere-facts --features parquet --example every_format -- FOLDER`

use std::{error::Error, path::PathBuf};

use rere_core::{ByteSpan, Extra, Mention, Probability, Sentence, Triple};
use rere_facts::{
    CollectSettings, CorpusFact, FactFormat, FactStatus, FactWriter, FactWriterOptions, FactsError, collect,
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = std::env::args_os().nth(1).ok_or("expected a folder")?.into();
    let options = FactWriterOptions::default();
    let mut writers = Vec::new();
    for format in FactFormat::ALL {
        let mut names = vec![format!("facts.{}", format.extension())];
        if !matches!(format, FactFormat::Parquet | FactFormat::Neo4j) {
            names.push(format!("facts.{}.gz", format.extension()));
        }
        for name in names {
            writers.push(FactWriter::create(&folder.join(name), &options)?);
        }
    }
    for fact in facts()? {
        writers.iter_mut().try_for_each(|writer| writer.write(&fact))?;
    }
    Ok(writers.into_iter().try_for_each(FactWriter::finish)?)
}

/// A sentence that states that the first of two mentions is related to the second.
fn sentence(text: &str, subject: &str, object: &str) -> Result<Sentence, Box<dyn Error>> {
    let at = |surface: &str| {
        let start = text.find(surface).ok_or("a mention is not in its text")?;
        Ok::<_, Box<dyn Error>>(Mention::at(text, ByteSpan::new(start, start + surface.len()))?)
    };
    let triple = Triple::new(at(subject)?, "related to", at(object)?).with_score(Probability::new(0.9)?);
    Ok(Sentence::new(text).with_triples([triple]))
}

fn facts() -> Result<Vec<CorpusFact>, Box<dyn Error>> {
    let mut facts = Vec::new();
    for (number, (text, subject, object)) in [
        ("Ada was born in London .", "Ada", "London"),
        ("tab\tquote \" comma , backslash \\ semicolon ; bar |", "quote \"", "bar |"),
        ("two\nlines\r\nand more\r", "two\nlines", "more\r"),
        ("👩\u{200d}🚀 flies to 🌕 .", "👩\u{200d}🚀", "🌕"),
        ("ولدت آدا في لندن .", "آدا", "لندن"),
        ("北京是中国的首都。", "北京", "中国"),
        ("\"quoted\"", "\"quoted\"", "quoted"),
        (" spaces  around ", " spaces ", " around "),
        ("control \u{1} \u{7f} \u{85} \u{2028} \u{feff} end", "control \u{1}", "\u{2028} \u{feff} end"),
        ("null, None, NA and 007", "NA", "007"),
    ]
    .into_iter()
    .enumerate()
    {
        // Collecting gives one fact, whose names are then those of this list as they stand.
        let sentence = sentence(text, subject, object)?;
        let collected = collect([Ok::<_, FactsError>(sentence.clone())], None, &CollectSettings::default())?;
        for fact in collected {
            let mut fact = fact?;
            (fact.subject.name, fact.object.name) = (subject.to_owned(), object.to_owned());
            fact.score = 1.0 - 0.1 / (number + 1) as f64;
            fact.evidence = vec![sentence.clone()];
            facts.push(fact);
        }
    }
    let text = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect::<Vec<_>>();
    facts[0].subject.ids = text(&["Q7259"]);
    facts[0].object.ids = text(&["https://example.org/London"]);
    facts[0].relation = "P19".to_owned();
    facts[0].status = Some(FactStatus::Known);
    facts[1].subject.ids = text(&["a|b", "c\\d", "e;f", "g\"h"]);
    facts[1].object.ids = text(&["m.02 28/é"]);
    facts[1].status = Some(FactStatus::New);
    facts[1].conflicts = text(&["tab\there (found)", "two\nlines; and | more (knowledge base)"]);
    facts[2].relation = "/people/\"line\n\" \\ relation".to_owned();
    facts[2].status = Some(FactStatus::Hidden);
    (facts[2].sentences, facts[2].documents) = (1_000_000, 99_999);
    facts[3].evidence.clear();
    // The same entity again, with a mention without offsets, and sentences of documents.
    facts[5].subject.ids = text(&["Q7259"]);
    facts[5].subject.name = "Ada".to_owned();
    let mut second = Sentence::new("Zweiter Satz").with_id("s\t2");
    second.triples = vec![Triple::of("Zweiter", "related to", "Satz").with_score(Probability::new(0.1)?)];
    let extra = |document: &str, start: usize| {
        let mut extra = Extra::default();
        extra.set("document", document)?;
        extra.set("start", &start)?;
        Ok::<_, serde_json::Error>(extra)
    };
    second.extra = extra("folder/file \"2\".txt", 1_234_567_890_123)?;
    facts[5].evidence.push(second);
    facts[5].evidence[0].extra = extra("北京.txt", 0)?;
    facts[5].evidence[0].id = Some("s1".to_owned());
    let mut number = Extra::default();
    number.set("document", &17)?;
    number.set("start", "page 3")?;
    facts[6].evidence[0].extra = number;
    facts[7].score = 1e-9;
    facts[8].score = 1.0;
    Ok(facts)
}
