//! Reproduction of Table 2 of the RERE paper: class priors in three paradigms.
//!
//! ```text
//! RERE_DATA=folder cargo run --release --example table2
//! ```
//!
//! `RERE_DATA` holds `nyt10-hrl`, `nyt11-hrl` and `ske2019`. docs/reproduction.md discusses the results.

use std::{error::Error, path::PathBuf};

use rere_data::{ClassPriors, Tokenizer, read};

fn main() -> Result<(), Box<dyn Error>> {
    let data = PathBuf::from(std::env::var_os("RERE_DATA").ok_or("RERE_DATA must name the folder of the data")?);
    for (file, paper) in [
        ("nyt10-hrl/train_like.jsonl", "31 relations, 39.08 tokens; P1 .01421, P2 .0585 .00093, P3 .0390 .00842"),
        ("nyt11-hrl/train_sample.jsonl", "11 relations, 39.46 tokens; P1 .00280, P2 .0574 .00257, P3 .0826 .00835"),
        ("ske2019/train_partial.jsonl", "51 relations, 54.67 tokens; P1 .00494, P2 .0405 .00067, P3 .0344 .00927"),
    ] {
        let corpus = read(&data.join(file))?;
        // Only the token borders matter, so the vocabulary can be empty.
        let words = Tokenizer::train_words(corpus.iter().map(|sentence| sentence.text.as_str()), 1, 0)?;
        println!("{file}\n{}\nthe paper: {paper}\n", ClassPriors::of(&corpus, &words)?);
    }
    Ok(())
}
