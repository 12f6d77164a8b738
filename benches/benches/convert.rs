//! Conversion of 100 MB from CasRel's format to the rere format, compared with a Python script that uses the json module on the same
//! file in the same run; and the peak memory.
//!
//! ```text
//! cargo bench --bench convert
//! ```
//! Needs `python3` with its standard library. If RERE_DATA is set, the file is the repeated training sample of NYT11-HRL, otherwise
//! made-up sentences. Everything runs on one thread.

use std::{
    error::Error,
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};

use rere_benches::{Certainty, ScoredSentence, median, peak_memory};
use rere_data::{Format, ReadOptions, Reader, Writer};

const BYTES: usize = 100 << 20;
const RUNS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test --benches` only checks that the benchmark runs.
    let test = std::env::args().any(|argument| argument == "--test");
    let (bytes, runs) = if test { (1 << 20, 1) } else { (BYTES, RUNS) };
    let folder = tempfile::tempdir()?;
    let [lines, array, ours, python] =
        ["lines.jsonl", "array.json", "ours.jsonl", "python.jsonl"].map(|name| folder.path().join(name));
    let sample = sample()?;
    let (mut as_lines, mut as_array) = (fs::File::create(&lines)?, fs::File::create(&array)?);
    as_array.write_all(b"[")?;
    for round in 0..bytes.div_ceil(sample.len()) {
        as_lines.write_all(sample.as_bytes())?;
        let separator = if round == 0 { "" } else { "," };
        write!(as_array, "{separator}{}", sample.trim_end().replace('\n', ",\n"))?;
    }
    as_array.write_all(b"]")?;
    drop((as_lines, as_array));
    let megabytes = fs::metadata(&lines)?.len() as f64 / 1e6;

    let mut times: [Vec<f64>; 3] = Default::default();
    let mut memory = 0.0;
    for run in 0..runs {
        for (times, input) in times.iter_mut().zip([&lines, &array]) {
            let started = Instant::now();
            let mut writer = Writer::create(&ours, Format::Rere)?;
            Reader::open(input, &ReadOptions::default())?.try_for_each(|sentence| writer.write(&sentence?))?;
            writer.finish()?;
            times.push(started.elapsed().as_secs_f64());
        }
        if run == 0 {
            memory = peak_memory()?;
        }
        times[2].push(rere_benches::python("convert.py", &[&lines, &python])?.trim().parse()?);
    }
    compare(&ours, &python)?;
    let [lines, array, python] = times.map(median);
    println!("{megabytes:.0} MB, medians of {runs}");
    for (name, seconds) in [("lines", lines), ("array", array), ("python, lines", python)] {
        println!("{name:<14}{seconds:>8.2} s {:>6.0} MB/s {:>6.2}x python", megabytes / seconds, python / seconds);
    }
    println!("peak memory {memory:.1} MiB");
    Ok(())
}

/// Returns sentences in CasRel's format, one per line.
fn sample() -> Result<String, Box<dyn Error>> {
    if let Some(data) = std::env::var_os("RERE_DATA") {
        return Ok(fs::read_to_string(PathBuf::from(data).join("nyt11-hrl/train_sample.jsonl"))?);
    }
    let mut sample = String::new();
    for seed in 0..5000 {
        let ScoredSentence { text, tokens, .. } = ScoredSentence::new(40, Certainty::Trained, seed);
        let [subject, object] = [tokens[3], tokens[17]].map(|token| &text[token.start..token.end]);
        let line =
            serde_json::json!({ "text": text, "triple_list": [[subject, "/people/person/place_of_birth", object]] });
        sample += &format!("{line}\n");
    }
    Ok(sample)
}

/// Checks that both programs wrote the same JSON.
fn compare(ours: &Path, python: &Path) -> Result<(), Box<dyn Error>> {
    let [ours, python] = [fs::read_to_string(ours)?, fs::read_to_string(python)?];
    let value = serde_json::from_str::<serde_json::Value>;
    for (ours, python) in ours.lines().zip(python.lines()) {
        if value(ours)? != value(python)? {
            return Err(format!("they differ:\n{ours}\n{python}").into());
        }
    }
    if ours.lines().count() == python.lines().count() { Ok(()) } else { Err("one wrote more sentences".into()) }
}
