//! Cross-product pairing beside a plain Python writing of the same steps, on the same input, in one run.
//!
//! ```text
//! cargo bench --bench python
//! ```
//! Needs `python3`, its standard library alone.

use std::{error::Error, io::Write, path::Path, process::Command, time::Instant};

use rere_benches::{Certainty, ScoredSentence};
use rere_core::Probability;
use rere_decode::{CrossProduct, Nearest, PairingScratch, PairingStrategy, PointerScores, TokenizedText};

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo runs benchmarks in the folder of their package.
    let script = Path::new("python/cross_product.py");
    let reference = Path::new("../crates/rere-decode/tests/reference");
    println!("sentences           python  cross product here    nearest pairing here");
    for (name, certainty, count) in [("trained", Certainty::Trained, 4096), ("dense", Certainty::Dense, 128)] {
        let sentences: Vec<ScoredSentence> = (0..count).map(|seed| ScoredSentence::new(64, certainty, seed)).collect();
        let mut file = tempfile::NamedTempFile::new()?;
        for ScoredSentence { text, tokens, scores } in &sentences {
            // The words are ASCII, so that bytes are code points.
            let tokens: Vec<[usize; 2]> = tokens.iter().map(|token| [token.start, token.end]).collect();
            let scores: Vec<&[f32]> = scores.chunks_exact(4).collect();
            serde_json::to_writer(&mut file, &serde_json::json!({ "text": text, "tokens": tokens, "scores": scores }))?;
            writeln!(file)?;
        }
        file.flush()?;

        let python = Command::new("python3").arg(script).arg(file.path()).arg(reference).output()?;
        if !python.status.success() {
            return Err(String::from_utf8_lossy(&python.stderr).into());
        }
        let printed = String::from_utf8(python.stdout)?;
        let (seconds, pairs) = printed.trim().split_once(' ').ok_or("two numbers were to be printed")?;
        let (seconds, pairs): (f64, usize) = (seconds.parse()?, pairs.parse()?);

        let half = Probability::saturating(0.5);
        let (ours, here) = timed(&CrossProduct::new(half), &sentences)?;
        if ours != pairs {
            return Err(format!("{ours} pairs here, {pairs} in Python").into());
        }
        let (_, nearest) = timed(&Nearest::new(half), &sentences)?;
        let [here_ratio, nearest_ratio] = [here, nearest].map(|time| seconds / time);
        println!(
            "{count:>5} x 64 {name:<8} {seconds:>7.3} s {here:>8.5} s {here_ratio:>5.0}x   {nearest:>8.5} s {nearest_ratio:>5.0}x"
        );
    }
    Ok(())
}

/// How often the work is done here, whose median is taken; Python does it once, which takes it long enough.
const ROUNDS: usize = 21;

/// Number of pairs, and the seconds that checking and pairing take.
fn timed(strategy: &dyn PairingStrategy, sentences: &[ScoredSentence]) -> Result<(usize, f64), Box<dyn Error>> {
    let (mut scratch, mut found) = (PairingScratch::default(), Vec::new());
    let mut decode = || -> Result<usize, Box<dyn Error>> {
        found.clear();
        for ScoredSentence { text, tokens, scores } in sentences {
            let scores = PointerScores::new(scores, tokens.len())?;
            strategy.pair_into(scores, TokenizedText::new(text, tokens)?, &mut scratch, &mut found)?;
        }
        Ok(found.len())
    };
    let mut seconds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        decode()?;
        seconds.push(begin.elapsed().as_secs_f64());
    }
    seconds.sort_unstable_by(f64::total_cmp);
    Ok((decode()?, seconds[ROUNDS / 2]))
}
