//! A program of somebody else, which uses the crates without a tensor library: it reads a corpus, tokenises it, decodes scores,
//! evaluates the triples and estimates a class prior. `.ci/full packages` builds it against the packaged crates.

use std::{error::Error, io::Cursor};

use rere_core::{ByteSpan, Mention, Sentence, Triple};
use rere_data::{ReadOptions, Reader, Tokenizer};
use rere_decode::{Nearest, PairingStrategy, PointerScores, Probability, TokenizedText};
use rere_eval::{Match, count_all, pair_sentences};
use rere_prior::{BestBin, Bootstrap, PriorEstimator, Sample};

fn main() -> Result<(), Box<dyn Error>> {
    let line = concat!(
        r#"{"text": "Ada was born in London", "triples": [{"subject": {"text": "Ada"}, "relation": "born_in", "#,
        r#""object": {"text": "London"}}]}"#
    );
    let gold = Reader::new(Cursor::new(line), "corpus.json", &ReadOptions::default())?
        .collect::<Result<Vec<Sentence>, _>>()?;

    let text = gold[0].text.as_str();
    let tokens = Tokenizer::train_words([text], 1, 100)?.encode(text)?;
    let spans: Vec<ByteSpan> = tokens.spans.iter().copied().filter(|span| !span.is_empty()).collect();
    assert_eq!(spans.len(), 5);

    // Subject start, subject end, object start, object end of each token.
    let mut scores = [0.0; 4 * 5];
    scores[..2].fill(0.9);
    scores[4 * 4 + 2..].fill(0.8);
    let tokenized = TokenizedText::new(text, &spans)?;
    let pairs = Nearest::new(Probability::new(0.5)?).pair(PointerScores::new(&scores, spans.len())?, tokenized)?;
    let mut predicted = gold.clone();
    predicted[0].triples.clear();
    for pair in pairs {
        let (subject, object) = (Mention::at(text, pair.subject)?, Mention::at(text, pair.object)?);
        predicted[0].triples.push(Triple::of(&subject.text, "born_in", &object.text));
    }
    let counts = count_all(&pair_sentences(&gold, &predicted)?, &Match::Exact);
    assert_eq!((counts.true_positives, counts.predicted, counts.gold), (1, 1, 1));

    let scores: Vec<f64> =
        (0..1000).map(|i| if i < 300 { 0.6 + 0.001 * f64::from(i) } else { 0.0005 * f64::from(i) }).collect();
    let labelled: Vec<bool> = (0..1000).map(|i| i < 300 && i % 3 == 0).collect();
    let prior = BestBin.estimate(&Sample::from_scores(&scores, &labelled)?, Bootstrap::new(100, 7)?)?;
    println!("{} triple found, class prior {:.2}", counts.true_positives, prior.value);
    Ok(())
}
