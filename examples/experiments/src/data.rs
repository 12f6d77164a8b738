//! The sentences of a data set.

use std::{fs, path::Path};

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rere::{Corpus, Probability, Sentence};
use rere_data::{DropBy, TripleDropper};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{DataSet, ExperimentError};

/// The sentences of a data set, with what they were made from.
#[derive(Debug, Clone)]
pub struct Data {
    /// Training and development sentences.
    pub corpus: Corpus,
    /// Test sentences.
    pub test: Vec<Sentence>,
    /// Digests of the files and how the sentences were made from them.
    pub(super) origin: Value,
}

/// Seed of the choice of development sentences, which is the same for all rows and seeds.
const SPLIT_SEED: u64 = 1;

impl Data {
    /// Reads a data set.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read, or if there is no development set, because thresholds are chosen on it.
    pub fn load(set: &DataSet, folder: &Path) -> Result<Self, ExperimentError> {
        let read = |file: &Path| -> Result<(Vec<Sentence>, String), ExperimentError> {
            let path = folder.join(file);
            let sentences = rere_data::read(&path)?;
            Ok((sentences, file_digest(&path)?))
        };
        let (mut train, train_digest) = read(&set.train)?;
        let (test, test_digest) = read(&set.test)?;
        let (dev, dev_digest) = match (&set.dev, set.dev_from_train) {
            (Some(file), _) => read(file)?,
            (None, Some(number)) if 0 < number && number < train.len() => {
                (take_random(&mut train, number), format!("{number} training sentences"))
            }
            (None, Some(number)) => {
                let problem = format!(
                    "dev_from_train is {number}: it must be from 1 to less than the {} training sentences",
                    train.len()
                );
                return Err(ExperimentError::DataSet(problem));
            }
            (None, None) => {
                let problem = "there is no development set, on which thresholds are chosen: set dev or dev_from_train";
                return Err(ExperimentError::DataSet(problem.to_owned()));
            }
        };
        let origin = json!({ "train": train_digest, "dev": dev_digest, "test": test_digest });
        Ok(Self { corpus: Corpus { train, dev }, test, origin })
    }

    /// Returns the data without a share of the training triples, as for Figure 3 of the paper: each is removed with this
    /// probability, and so are sentences that lose their last triple. A larger share removes the same triples, and others.
    #[must_use]
    pub fn without(mut self, share: Probability, seed: u64) -> Self {
        if share > Probability::ZERO {
            let mut dropper = TripleDropper::new(share, DropBy::Triple, seed);
            self.corpus.train.retain_mut(|sentence| dropper.drop_from(sentence));
            self.origin["removed"] = json!({ "share": share, "seed": seed });
        }
        self
    }
}

/// Removes random sentences and returns them; both parts keep their order.
fn take_random(sentences: &mut Vec<Sentence>, number: usize) -> Vec<Sentence> {
    let mut order: Vec<usize> = (0..sentences.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(SPLIT_SEED));
    let mut is_taken = vec![false; sentences.len()];
    order[..number].iter().for_each(|&at| is_taken[at] = true);
    let mut at = 0;
    let taken = sentences.extract_if(.., |_| {
        at += 1;
        is_taken[at - 1]
    });
    taken.collect()
}

/// Returns the SHA-256 of a file, in hexadecimal.
pub(super) fn file_digest(path: &Path) -> Result<String, ExperimentError> {
    let bytes = fs::read(path).map_err(|source| ExperimentError::Io { path: path.to_owned(), source })?;
    Ok(digest(&bytes))
}

/// Returns the SHA-256 of bytes, in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Returns bytes as hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use rere::Triple;
    use rere_data::Format;

    use super::*;

    fn set(dev_from_train: Option<usize>) -> DataSet {
        let (train, test) = ("train.jsonl".into(), "test.jsonl".into());
        DataSet { name: "d".into(), train, dev: None, dev_from_train, test, paper: None, note: None }
    }

    #[test]
    fn development_sentences_are_drawn_from_the_training_sentences_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let triple = || Triple::of("Ada", "born in", "London");
        let sentence = |at: usize| Sentence::new(format!("{at} Ada London")).with_triples(vec![triple(); 2]);
        let train: Vec<Sentence> = (0..200).map(sentence).collect();
        rere_data::write(&folder.path().join("train.jsonl"), &train, Format::Rere).expect("written");
        let missing = Data::load(&set(Some(20)), folder.path()).expect_err("no test set").to_string();
        assert!(missing.ends_with("test.jsonl is not found"), "{missing}");
        rere_data::write(&folder.path().join("test.jsonl"), &train[..1], Format::Rere).expect("written");

        let data = Data::load(&set(Some(20)), folder.path()).expect("read");
        let again = Data::load(&set(Some(20)), folder.path()).expect("read");
        assert_eq!(data.corpus.dev, again.corpus.dev);
        assert_eq!((data.corpus.train.len(), data.corpus.dev.len()), (180, 20));
        let both = data.corpus.train.iter().chain(&data.corpus.dev);
        let mut texts: Vec<&str> = both.map(|sentence| sentence.text.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), 200, "a sentence is in both parts");
        for number in [None, Some(0), Some(200)] {
            let error = Data::load(&set(number), folder.path()).expect_err("no development set").to_string();
            assert!(error.contains("dev_from_train"), "{error}");
        }

        // Half of the triples, and a quarter of the sentences, are removed; the development set is untouched.
        let half = data.clone().without(Probability::saturating(0.5), 1);
        let triples: usize = half.corpus.train.iter().map(|sentence| sentence.triples.len()).sum();
        assert!((150..210).contains(&triples) && (120..150).contains(&half.corpus.train.len()), "{triples}");
        assert!(half.origin != data.origin && half.corpus.dev == data.corpus.dev);
        let none = data.clone().without(Probability::ZERO, 1);
        assert_eq!((none.origin, none.corpus.train), (data.origin, data.corpus.train));
    }
}
