//! Comparison with Python on the same input in the same run: cross-product pairing with the same steps in plain Python, and the
//! search for names with a plain loop and pyahocorasick.
//!
//! ```text
//! cargo bench --bench python
//! ```
//! Needs `python3` with its standard library; pyahocorasick is skipped if it is not installed. Everything runs on one thread. If the
//! variable RERE_DATA is set, names are also searched for in a public corpus.

use std::{collections::HashMap, error::Error, hint::black_box, io::Write, path::Path, time::Instant};

use rere_benches::{Certainty, ScoredSentence, median_time, named_text, names, public_text, python};
use rere_core::Probability;
use rere_data::{EntityMatcher, Folding, MatcherSettings};
use rere_decode::{CrossProduct, Nearest, PairingStrategy, PointerScores, TokenizedText};

fn main() -> Result<(), Box<dyn Error>> {
    pairing()?;
    search()
}

fn pairing() -> Result<(), Box<dyn Error>> {
    let reference = Path::new("../crates/rere-decode/tests/reference");
    println!("sentences           python  cross product here    nearest pairing here");
    for (name, certainty, count) in [("trained", Certainty::Trained, 4096), ("dense", Certainty::Dense, 128)] {
        let sentences: Vec<ScoredSentence> = (0..count).map(|seed| ScoredSentence::new(64, certainty, seed)).collect();
        let mut file = tempfile::NamedTempFile::new()?;
        for ScoredSentence { text, tokens, scores } in &sentences {
            // The words are ASCII, so byte offsets are code points.
            let tokens: Vec<[usize; 2]> = tokens.iter().map(|token| [token.start, token.end]).collect();
            let scores: Vec<&[f32]> = scores.chunks_exact(4).collect();
            serde_json::to_writer(&mut file, &serde_json::json!({ "text": text, "tokens": tokens, "scores": scores }))?;
            writeln!(file)?;
        }
        file.flush()?;

        let printed = python("cross_product.py", &[file.path(), reference])?;
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

/// Number of runs here, of which the median is printed. Python does a single, long run.
const ROUNDS: usize = 21;

/// Returns the number of pairs, and the seconds of checking and pairing.
fn timed(strategy: &impl PairingStrategy, sentences: &[ScoredSentence]) -> Result<(usize, f64), Box<dyn Error>> {
    let (mut scratch, mut found) = (Default::default(), Vec::new());
    let mut decode = || -> Result<usize, Box<dyn Error>> {
        found.clear();
        for ScoredSentence { text, tokens, scores } in sentences {
            let scores = PointerScores::new(scores, tokens.len())?;
            strategy.pair_into(scores, TokenizedText::new(text, tokens)?, &mut scratch, &mut found)?;
        }
        Ok(found.len())
    };
    let found = decode()?;
    Ok((found, median_time(ROUNDS, decode)))
}

/// Search for names in text: megabytes per second of each way without construction, and the speed-up of this crate.
fn search() -> Result<(), Box<dyn Error>> {
    let made_up = names(15_000, 0);
    let text = named_text(&made_up, 2 << 20, 1);
    // Pieces as long as sentences.
    let words: Vec<&str> = text.split(' ').collect();
    let sentences = words.chunks(40).map(|words| words.join(" ")).collect();
    let mut cases = vec![("made-up", made_up, sentences)];
    if let Some(data) = std::env::var_os("RERE_DATA") {
        let (names, texts) = public_text(Path::new(&data))?;
        cases.push(("public", names, texts));
    }
    println!("\nnames            mentions       here       plain loop    pyahocorasick   its places alone");
    for (name, names, texts) in &cases {
        let megabytes = texts.iter().map(String::len).sum::<usize>() as f64 / 1e6;
        for (kind, fold_case) in [("case", false), ("folded", true)] {
            let mut file = tempfile::NamedTempFile::new()?;
            let case = serde_json::json!({ "names": names, "texts": texts, "fold_case": fold_case });
            serde_json::to_writer(&mut file, &case)?;
            file.flush()?;
            let printed: HashMap<String, Option<(f64, usize)>> =
                serde_json::from_str(&python("align.py", &[file.path()])?)?;

            let folding = Folding::NONE.with_case(fold_case);
            let settings = MatcherSettings::default().with_folding(folding);
            let matcher = EntityMatcher::new(names, settings)?;
            let (mut here, mut mentions) = (f64::INFINITY, 0);
            for _ in 0..ROUNDS {
                let begin = Instant::now();
                mentions = texts.iter().map(|text| matcher.mentions(black_box(text)).len()).sum::<usize>();
                here = here.min(begin.elapsed().as_secs_f64());
            }
            print!("{name:<8} {kind:<7} {mentions:>8} {:>5.1} MB/s", megabytes / here);
            for way in ["plain", "ahocorasick", "bare"] {
                let Some((seconds, found)) = printed.get(way).copied().flatten() else {
                    print!("   not installed");
                    continue;
                };
                if way != "bare" && found != mentions {
                    return Err(format!("{mentions} mentions here, {found} in Python ({way})").into());
                }
                print!("  {:>5.2} MB/s {:>4.0}x", megabytes / seconds, seconds / here);
            }
            println!();
        }
    }
    Ok(())
}
