//! Writes small facts of different entities and texts, and prints how long it took.
//!
//! `cargo run --release -p rere-facts --features parquet --example throughput -- FILE NUMBER`

use std::{error::Error, path::Path, time::Instant};

use rere_core::{ByteSpan, Mention, Probability, Sentence, Triple};
use rere_facts::{CollectSettings, FactWriter, FactWriterOptions, FactsError, collect};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, number] = &arguments[..] else { return Err("expected FILE NUMBER".into()) };
    let number: usize = number.parse()?;

    let text = "Ada Lovelace was born in London in 1815 .";
    let at = |start, end| Mention::at(text, ByteSpan::new(start, end));
    let born = Triple::new(at(0, 12)?, "born in", at(25, 31)?).with_score(Probability::new(0.9)?);
    let sentences = [Ok::<_, FactsError>(Sentence::new(text).with_id("1").with_triples([born]))];
    let mut facts = collect(sentences, None, &CollectSettings::default())?;
    let mut fact = facts.next().ok_or("expected a fact")??;

    let start = Instant::now();
    let mut writer = FactWriter::create(Path::new(path), &FactWriterOptions::default())?;
    for subject in 0..number {
        fact.subject.name = format!("Ada {subject}");
        fact.object.name = format!("London {}", subject % 1000);
        // Digits that do not compress.
        fact.evidence[0].text = format!("{text} {:016x}", (subject as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        writer.write(&fact)?;
    }
    writer.finish()?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{path}: {number} facts in {seconds:.1} s, {:.0} per second", number as f64 / seconds);
    Ok(())
}
