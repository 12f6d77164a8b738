//! Division of a corpus into training, development and test sets.

use std::{
    collections::{HashMap, HashSet},
    fmt, mem,
};

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rere_core::{Probability, Sentence};
use serde::Serialize;

use crate::document;

/// Training, development and test sets of a corpus. No document is in two of them, and no development or test sentence is also
/// a training sentence.
///
/// ```
/// use rere_core::Sentence;
/// use rere_data::{Partition, Probability};
///
/// let sentences = (0..100).map(|number| Sentence::new(format!("Sentence {number} .")));
/// let parts = Partition::new(sentences, Probability::new(0.1)?, Probability::ZERO, 7);
/// assert_eq!((parts.train.len(), parts.dev.len(), parts.test.len()), (90, 10, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Partition {
    /// The training set, in the order of the corpus, as the others.
    pub train: Vec<Sentence>,
    /// The development set.
    pub dev: Vec<Sentence>,
    /// The test set.
    pub test: Vec<Sentence>,
    /// What was divided.
    pub report: PartitionReport,
}

/// Report of a [`Partition`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct PartitionReport {
    /// Documents, or different texts if the sentences have no field `document`.
    pub documents: usize,
    /// Whether the sentences have a field `document`.
    pub by_document: bool,
    /// Sentences left out of the development set because another document with the same sentence is in the training set.
    pub repeated_dev: usize,
    /// Sentences left out of the test set because the same sentence is in the training or development set.
    pub repeated_test: usize,
}

impl Partition {
    /// Divides a corpus. `dev` and `test` are shares of its sentences; a share above 0 gets at least one document, if there
    /// are enough, and the training set too.
    ///
    /// The field `document` of a sentence names its document; sentences with the same text are one document if no sentence has
    /// the field. Whole documents are drawn at random until a set has its share, so that sets of few, long documents can be
    /// larger. The seed and the corpus decide which.
    pub fn new(sentences: impl IntoIterator<Item = Sentence>, dev: Probability, test: Probability, seed: u64) -> Self {
        let sentences: Vec<Sentence> = sentences.into_iter().collect();
        let by_document = sentences.iter().any(|sentence| document(sentence).is_some());
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut documents: Vec<Vec<usize>> = Vec::new();
        for (at, sentence) in sentences.iter().enumerate() {
            let key = if by_document { document(sentence) } else { Some(sentence.text.as_str()) };
            let number = key.map_or(documents.len(), |key| *numbers.entry(key).or_insert(documents.len()));
            if number == documents.len() {
                documents.push(Vec::new());
            }
            documents[number].push(at);
        }
        let mut report = PartitionReport { documents: documents.len(), by_document, ..PartitionReport::default() };
        documents.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));

        // 0 is the training set, 1 the development set, 2 the test set.
        let mut parts = vec![0; sentences.len()];
        let mut drawn = documents.iter();
        for (part, share) in [(1, dev), (2, test)] {
            let wanted = f64::from(share.get()) * sentences.len() as f64;
            let mut count = 0;
            // Rounded to the nearest number of sentences, but at least one document.
            // The last document is for training.
            while share > Probability::ZERO && drawn.len() > 1 && (count == 0 || count as f64 + 0.5 <= wanted) {
                let Some(document) = drawn.next() else { break };
                count += document.len();
                document.iter().for_each(|&at| parts[at] = part);
            }
        }
        let mut sets: [Vec<Sentence>; 3] = Default::default();
        for (sentence, part) in sentences.into_iter().zip(parts) {
            sets[part].push(sentence);
        }
        let [train, dev, test] = &mut sets;
        let mut known: HashSet<String> = train.iter().map(|sentence| sentence.text.clone()).collect();
        report.repeated_dev = remove_known(dev, &known);
        known.extend(dev.iter().map(|sentence| sentence.text.clone()));
        report.repeated_test = remove_known(test, &known);
        let [train, dev, test] = sets.each_mut().map(mem::take);
        Self { train, dev, test, report }
    }
}

/// Removes the sentences with a known text, and returns their number.
fn remove_known(set: &mut Vec<Sentence>, known: &HashSet<String>) -> usize {
    let before = set.len();
    set.retain(|sentence| !known.contains(&sentence.text));
    before - set.len()
}

impl fmt::Display for PartitionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what =
            if self.by_document { "documents" } else { "different texts, as no sentence has a field `document`" };
        write!(f, "divided by {} {what}", self.documents)?;
        for (count, set, other) in
            [(self.repeated_dev, "development", "training"), (self.repeated_test, "test", "training or development")]
        {
            if count > 0 {
                write!(f, "\n{count} sentences left out of the {set} set: the same sentence is in the {other} set")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(documents: usize, sentences: usize) -> Vec<Sentence> {
        let sentence = |at: usize| {
            let mut sentence = Sentence::new(format!("Sentence {at} ."));
            sentence.extra.set("document", &(at / sentences)).expect("JSON");
            sentence
        };
        (0..documents * sentences).map(sentence).collect()
    }

    fn share(share: f32) -> Probability {
        Probability::new(share).expect("a share")
    }

    fn documents(set: &[Sentence]) -> HashSet<usize> {
        set.iter().map(|sentence| sentence.extra.get("document").expect("a number").expect("a document")).collect()
    }

    #[test]
    fn no_document_is_in_two_sets_and_nothing_is_lost() {
        let parts = Partition::new(corpus(50, 4), share(0.1), share(0.2), 3);
        assert_eq!((parts.train.len(), parts.dev.len(), parts.test.len()), (140, 20, 40));
        let [train, dev, test] = [&parts.train, &parts.dev, &parts.test].map(|set| documents(set));
        assert_eq!((train.len(), dev.len(), test.len()), (35, 5, 10));
        assert_eq!(&(&train | &dev) | &test, (0..50).collect());
        assert_eq!(parts, Partition::new(corpus(50, 4), share(0.1), share(0.2), 3));
        assert_ne!(parts.dev, Partition::new(corpus(50, 4), share(0.1), share(0.2), 4).dev);
        let order: Vec<usize> =
            parts.train.iter().map(|s| s.text[9..s.text.len() - 2].parse().expect("a number")).collect();
        assert!(order.is_sorted());
    }

    #[test]
    fn a_small_share_gets_a_document() {
        let parts = Partition::new(corpus(3, 2), share(0.01), share(0.0), 1);
        assert_eq!((parts.train.len(), parts.dev.len(), parts.test.len()), (4, 2, 0));
        let parts = Partition::new(corpus(1, 2), share(0.5), share(0.4), 1);
        assert_eq!((parts.train.len(), parts.dev.len(), parts.test.len()), (2, 0, 0));
        let parts = Partition::new(corpus(9, 1), share(0.99), share(0.0), 1);
        assert_eq!((parts.train.len(), parts.dev.len()), (1, 8));
        assert_eq!(Partition::new([], share(0.5), share(0.5), 1).report.documents, 0);
    }

    #[test]
    fn repeated_sentences_stay_in_the_training_set() {
        let mut sentences = corpus(10, 2);
        sentences[0].text = "Again .".to_owned();
        sentences.iter_mut().step_by(2).for_each(|sentence| sentence.text = "Again .".to_owned());
        let parts = Partition::new(sentences, share(0.2), share(0.2), 1);
        assert_eq!((parts.report.repeated_dev, parts.report.repeated_test), (2, 2));
        assert_eq!((parts.train.len(), parts.dev.len(), parts.test.len()), (12, 2, 2));

        // Without documents, the same text is in one set.
        let texts = (0..100).map(|at| Sentence::new(format!("{}", at % 10)));
        let parts = Partition::new(texts, share(0.2), share(0.0), 1);
        assert_eq!((parts.train.len(), parts.dev.len(), parts.report.repeated_dev), (80, 20, 0));
        assert!(!parts.report.by_document);
    }
}
