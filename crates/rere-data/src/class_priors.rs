//! Shares of positive labels in the three paradigms of relation extraction (Table 2 of the RERE paper).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use rere_core::{QueryStyle, RelationSet, Sentence, Triple};
use serde::Serialize;

use crate::{
    DataError, LocatedCorpus, LocatedSentence, LocatedTriple, OnMissing, Tokenizer, pointer_marks, relation_labels,
    stats::distinct,
};

/// Class priors of a corpus: the mean share of positive labels in each step of each paradigm.
///
/// `N` is the number of tokens of a sentence, and `R` the number of relations of the corpus. Unless noted otherwise,
/// means are over all sentences with a token, including those without triples; the mean of nothing is 0. As in the
/// paper's formulas, these are means of shares, not shares of means, which differ if sentences differ in length.
///
/// | paradigm | step one | step two |
/// |---|---|---|
/// | P1: relations of entity pairs, as pair classification | - | [`ClassPriors::p1`] |
/// | P2: subjects, then relations and objects, as CasRel | [`StepPriors::p2`]`[0]` | `[1]` |
/// | P3: relations, then subjects and objects, as RERE | [`StepPriors::p3`]`[0]` | `[1]` |
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct ClassPriors {
    /// `R`.
    pub relations: usize,
    /// Mean `N`.
    pub tokens: f64,
    /// `E[triples / (R * pairs)]` over the sentences with a pair. Pairs are the ordered pairs of different entities in
    /// the sentence's triples. A pair has no tokens to mark, so there is only one reading.
    pub p1: f64,
    /// Counts each triple and each subject once, however often they occur in the text, as Table 2 does.
    pub triples: StepPriors,
    /// Counts every positive label of training: the first and the last token of all mentions.
    pub marks: StepPriors,
}

/// Priors of step one and step two, for one way of counting positives.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct StepPriors {
    /// Step one. `triples`: `E[subjects / N]`; `marks`: `E[subject starts and ends / (2 N)]`. The figures of Table 2
    /// are about twice the former: it counts a subject twice, as start and end, but divides by `N`.
    ///
    /// Step two, over the pairs of sentence and subject. `triples`: `E[triples of the subject / (N R)]`; `marks`:
    /// `E[starts and ends of its objects, relation by relation / (2 N R)]`.
    pub p2: [f64; 2],
    /// Step one: `E[relations of the sentence / R]`. `marks` counts only relations with a triple whose subject and
    /// object are both in the text.
    ///
    /// Step two. `triples`: `E[triples / (4 N)]`; `marks`: `E[starts and ends of subjects and objects / (4 N)]` over
    /// the pairs of sentence and relation (see [`pointer_marks`]).
    pub p3: [f64; 2],
}

impl ClassPriors {
    /// Computes the priors of `sentences` in the tokens of `tokenizer`.
    ///
    /// # Errors
    /// Returns an error if a text cannot be tokenised or the name of a relation is blank.
    pub fn of(sentences: &[Sentence], tokenizer: &Tokenizer) -> Result<Self, DataError> {
        let names: BTreeSet<&str> =
            sentences.iter().flat_map(|sentence| &sentence.triples).map(|triple| triple.relation.as_str()).collect();
        let relations = RelationSet::with_style(names, QueryStyle::Raw)?;
        let locate = |sentences: &[Sentence]| LocatedCorpus::new(sentences, tokenizer, &relations, OnMissing::Skip);
        let located = locate(sentences)?;
        let by_subject: Vec<Sentence> = sentences.iter().flat_map(of_each_subject).collect();
        let located_by_subject = locate(&by_subject)?;

        // Without relations there are no positives; dividing by 1 gives 0.
        let r = relations.len().max(1) as f64;
        let relations_of = |sentence| distinct(sentence).into_iter().map(|(_, r, _)| r).collect::<BTreeSet<_>>();
        let starts_and_ends = |marks: &[Vec<usize>]| marks.iter().map(Vec::len).sum::<usize>() as f64;
        Ok(Self {
            relations: relations.len(),
            tokens: mean(lengths(&located).map(|(_, n)| n)),
            p1: mean(sentences.iter().filter_map(pair_share)) / r,
            triples: StepPriors {
                p2: [
                    mean(lengths(&located).map(|(index, n)| of_each_subject(&sentences[index]).len() as f64 / n)),
                    mean(lengths(&located_by_subject).map(|(index, n)| distinct(&by_subject[index]).len() as f64 / n))
                        / r,
                ],
                p3: [
                    mean(lengths(&located).map(|(index, _)| relations_of(&sentences[index]).len() as f64)) / r,
                    mean(lengths(&located).map(|(index, n)| distinct(&sentences[index]).len() as f64 / (4.0 * n))),
                ],
            },
            marks: StepPriors {
                p2: [
                    mean(tokenised(&located).map(|(_, sentence)| {
                        let [starts, ends, ..] = pointer_marks(&sentence.triples);
                        starts_and_ends(&[starts, ends]) / sentence.tokens.len() as f64
                    })) / 2.0,
                    mean(tokenised(&located_by_subject).map(|(_, sentence)| {
                        let objects = by_relation(sentence).into_iter().map(|triples| {
                            let [.., starts, ends] = pointer_marks(triples);
                            starts_and_ends(&[starts, ends])
                        });
                        objects.sum::<f64>() / sentence.tokens.len() as f64
                    })) / (2.0 * r),
                ],
                p3: [
                    mean(tokenised(&located).map(|(_, sentence)| relation_labels(&sentence.triples).len() as f64)) / r,
                    mean(tokenised(&located).flat_map(|(_, sentence)| {
                        let share =
                            |triples| starts_and_ends(&pointer_marks(triples)) / (4.0 * sentence.tokens.len() as f64);
                        by_relation(sentence).into_iter().map(share)
                    })),
                ],
            },
        })
    }
}

/// Returns the sentence once for each of its subjects, with the triples of that subject only.
fn of_each_subject(sentence: &Sentence) -> Vec<Sentence> {
    let mut subjects: BTreeMap<&str, Vec<Triple>> = BTreeMap::new();
    for triple in &sentence.triples {
        subjects.entry(triple.subject.text.trim()).or_default().push(triple.clone());
    }
    subjects.into_values().map(|triples| Sentence::new(&sentence.text).with_triples(triples)).collect()
}

/// Returns the number of triples per ordered pair of different entities; `None` if there is no pair.
fn pair_share(sentence: &Sentence) -> Option<f64> {
    let triples = distinct(sentence);
    let entities: BTreeSet<&str> = triples.iter().flat_map(|&(subject, _, object)| [subject, object]).collect();
    let joined = triples.iter().filter(|(subject, _, object)| subject != object).count();
    let pairs = entities.len() * entities.len().saturating_sub(1);
    (pairs > 0).then(|| joined as f64 / pairs as f64)
}

/// Iterates over the sentences that have a token, with their indices.
fn tokenised(corpus: &LocatedCorpus) -> impl Iterator<Item = (usize, &LocatedSentence)> {
    corpus.sentences.iter().enumerate().filter(|(_, sentence)| !sentence.tokens.is_empty())
}

/// Iterates over the index and the number of tokens of each sentence that has a token.
fn lengths(corpus: &LocatedCorpus) -> impl Iterator<Item = (usize, f64)> {
    tokenised(corpus).map(|(index, sentence)| (index, sentence.tokens.len() as f64))
}

/// Returns the triples of each relation of a sentence.
fn by_relation(sentence: &LocatedSentence) -> Vec<Vec<&LocatedTriple>> {
    let of = |relation| sentence.triples.iter().filter(|triple| triple.relation == relation).collect();
    relation_labels(&sentence.triples).into_iter().map(of).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (number, sum) = values.fold((0_usize, 0.0), |(number, sum), value| (number + 1, sum + value));
    sum / number.max(1) as f64
}

impl fmt::Display for ClassPriors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "class priors: {} relations, {:.2} tokens per sentence", self.relations, self.tokens)?;
        writeln!(f, "{:<8} {:<7} {:>8} {:>8}", "paradigm", "reading", "step one", "step two")?;
        write!(f, "{:<8} {:<7} {:>8} {:>8.5}", "P1", "both", "-", self.p1)?;
        for (paradigm, reading, [one, two]) in [
            ("P2", "triples", self.triples.p2),
            ("P2", "marks", self.marks.p2),
            ("P3", "triples", self.triples.p3),
            ("P3", "marks", self.marks.p3),
        ] {
            write!(f, "\n{paradigm:<8} {reading:<7} {one:>8.5} {two:>8.5}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priors(sentences: &[Sentence]) -> ClassPriors {
        let texts = sentences.iter().map(|sentence| sentence.text.as_str());
        ClassPriors::of(sentences, &Tokenizer::train_words(texts, 1, 100).expect("a tokenizer")).expect("priors")
    }

    fn assert_near(found: impl IntoIterator<Item = f64>, expected: impl IntoIterator<Item = f64>) {
        let (found, expected): (Vec<_>, Vec<_>) = (found.into_iter().collect(), expected.into_iter().collect());
        let close = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close && found.len() == expected.len(), "{found:?} for {expected:?}");
    }

    #[test]
    fn priors_match_hand_counts() {
        // 10 tokens, "Ada" twice, "New York" of two tokens; 5 tokens of a character each; 4 tokens without a triple.
        let corpus = [
            Sentence::new("Ada born New York Ada left , Bob left Rome").with_triples(vec![
                Triple::of("Ada", "born", "New York"),
                Triple::of("Ada", "left", "New York"),
                Triple::of("Ada", "left", "New York"),
                Triple::of("Bob", "left", "Rome"),
            ]),
            Sentence::new("鲁迅在绍兴").with_triples(vec![Triple::of("鲁迅", "born", "绍兴")]),
            Sentence::new("Nothing is said here"),
        ];
        let priors = priors(&corpus);
        assert_eq!(priors.relations, 2);
        assert_near([priors.tokens], [19.0 / 3.0]);
        // 3 triples on 4 entities, 1 on 2.
        assert_near([priors.p1], [(3.0 / (2.0 * 12.0) + 1.0 / (2.0 * 2.0)) / 2.0]);
        // 2 subjects and 1 subject; the subjects have 2 triples and 1 triple in one sentence, 1 triple in the other.
        assert_near(priors.triples.p2, [(0.2 + 0.2) / 3.0, (0.2 + 0.1 + 0.2) / 3.0 / 2.0]);
        assert_near(priors.triples.p3, [(2.0 + 1.0) / 3.0 / 2.0, (3.0 / 40.0 + 1.0 / 20.0) / 3.0]);
        // "Ada" twice and "Bob", each a start and an end: 6 marks of 20; "鲁迅" 2 of 10.
        // Objects: "New York" for two relations 4 of 40, "Rome" 2 of 40, "绍兴" 2 of 20.
        assert_near(priors.marks.p2, [(6.0 / 20.0 + 2.0 / 10.0) / 3.0, (4.0 / 40.0 + 2.0 / 40.0 + 2.0 / 20.0) / 3.0]);
        // "born": 4 marks and 2; "left": 6 and 4; "born" in Chinese: 2 and 2.
        assert_near(priors.marks.p3, [0.5, (6.0 / 40.0 + 10.0 / 40.0 + 4.0 / 20.0) / 3.0]);
        let reversed: Vec<Sentence> = corpus.into_iter().rev().collect();
        assert_eq!(super::tests::priors(&reversed).to_string(), priors.to_string());
    }

    #[test]
    fn priors_without_triples_are_0() {
        let nothing = priors(&[]);
        assert_eq!(nothing, ClassPriors::default());
        let blank = priors(&[Sentence::new(" "), Sentence::new("a b")]);
        assert_eq!(blank, ClassPriors { tokens: 2.0, ..ClassPriors::default() });
        // One entity makes no pair.
        let own = Sentence::new("a b").with_triples(vec![Triple::of("a", "is", "a")]);
        assert_eq!((priors(&[own]).p1, nothing.p1), (0.0, 0.0));
    }

    #[test]
    fn blank_relations_are_errors() {
        let corpus = [Sentence::new("a b").with_triples(vec![Triple::of("a", " ", "b")])];
        let tokenizer = Tokenizer::train_words(["a b"], 1, 100).expect("a tokenizer");
        assert!(matches!(ClassPriors::of(&corpus, &tokenizer), Err(DataError::Relations(_))));
    }
}
