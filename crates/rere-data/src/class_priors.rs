//! How rare a positive label is in the three ways to take relation extraction apart (RERE's paper, Table 2).

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

/// Class priors of a corpus: the mean share of positives among the labels that are decided together.
///
/// `N` is the number of a sentence's tokens, `R` the number of the corpus's relations; means are over all sentences with
/// a token, also those without a triple, unless said otherwise; a mean of nothing is 0.
///
/// These are means of shares, as the formulas stand, and not shares of means; where lengths differ much, so do the two.
///
/// | paradigm | step one | step two |
/// |---|---|---|
/// | P1: relations of entity pairs, as pair classification | - | [`ClassPriors::p1`] |
/// | P2: subjects, then relations and objects, as CasRel | [`StepPriors::p2`]`[0]` | `[1]` |
/// | P3: relations, then subjects and objects, as RERE | [`StepPriors::p3`]`[0]` | `[1]` |
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct ClassPriors {
    /// `R`.
    pub relations: usize,
    /// Mean `N`.
    pub tokens: f64,
    /// `E[triples / (R * pairs)]` over the sentences with a pair: the ordered pairs of different entities that stand in
    /// the sentence's triples. A pair has no places to mark, so that there is one reading only.
    pub p1: f64,
    /// A triple and a subject count once each, however often they stand in the text. Table 2 reads so.
    pub triples: StepPriors,
    /// Every mark counts that stands in the training targets: all mentions, each with its first and its last token.
    pub marks: StepPriors,
}

/// The priors of step one and step two, in one reading of what is positive.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct StepPriors {
    /// Step one, `triples`: `E[subjects / N]`. `marks`: `E[subject starts and ends / (2 N)]`. Table 2 fits twice the
    /// former: a subject counts twice there, as start and end, and the labels are `N` all the same.
    ///
    /// Step two is a mean over the pairs of sentence and subject. `triples`: `E[triples of the subject / (N R)]`.
    /// `marks`: `E[starts and ends of its objects, relation by relation / (2 N R)]`.
    pub p2: [f64; 2],
    /// Step one, both readings: `E[relations of the sentence / R]`; `marks` leaves those out that have no triple with
    /// both entities in the text.
    ///
    /// Step two, `triples`: `E[triples / (4 N)]`. `marks`: `E[starts and ends of subjects and objects / (4 N)]` over
    /// the pairs of sentence and relation, [`pointer_marks`].
    pub p3: [f64; 2],
}

impl ClassPriors {
    /// The priors of `sentences` in the tokens of `tokenizer`.
    ///
    /// # Errors
    /// Where a text cannot be tokenised or the name of a relation is blank.
    pub fn of(sentences: &[Sentence], tokenizer: &Tokenizer) -> Result<Self, DataError> {
        let names: BTreeSet<&str> =
            sentences.iter().flat_map(|sentence| &sentence.triples).map(|triple| triple.relation.as_str()).collect();
        let relations = RelationSet::with_style(names, QueryStyle::Raw)?;
        let locate = |sentences: &[Sentence]| LocatedCorpus::new(sentences, tokenizer, &relations, OnMissing::Skip);
        let located = locate(sentences)?;
        let by_subject: Vec<Sentence> = sentences.iter().flat_map(of_each_subject).collect();
        let located_by_subject = locate(&by_subject)?;

        // Without a relation there is no positive either: 0 of 1 stands for 0 of 0.
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

/// The sentence once for each of its subjects, with the triples of that subject only.
fn of_each_subject(sentence: &Sentence) -> Vec<Sentence> {
    let mut subjects: BTreeMap<&str, Vec<Triple>> = BTreeMap::new();
    for triple in &sentence.triples {
        subjects.entry(triple.subject.text.trim()).or_default().push(triple.clone());
    }
    subjects.into_values().map(|triples| Sentence::new(&sentence.text).with_triples(triples)).collect()
}

/// Triples for each ordered pair of different entities; `None` where there is no pair.
fn pair_share(sentence: &Sentence) -> Option<f64> {
    let triples = distinct(sentence);
    let entities: BTreeSet<&str> = triples.iter().flat_map(|&(subject, _, object)| [subject, object]).collect();
    let joined = triples.iter().filter(|(subject, _, object)| subject != object).count();
    let pairs = entities.len() * entities.len().saturating_sub(1);
    (pairs > 0).then(|| joined as f64 / pairs as f64)
}

/// The sentences that have a token, with their indices.
fn tokenised(corpus: &LocatedCorpus) -> impl Iterator<Item = (usize, &LocatedSentence)> {
    corpus.sentences.iter().enumerate().filter(|(_, sentence)| !sentence.tokens.is_empty())
}

/// Index and number of tokens of each sentence that has a token.
fn lengths(corpus: &LocatedCorpus) -> impl Iterator<Item = (usize, f64)> {
    tokenised(corpus).map(|(index, sentence)| (index, sentence.tokens.len() as f64))
}

/// The triples of each relation of a sentence.
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
        writeln!(f, "class priors: {} relations, {:.2} tokens a sentence", self.relations, self.tokens)?;
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

    fn near(found: impl IntoIterator<Item = f64>, expected: impl IntoIterator<Item = f64>) {
        let (found, expected): (Vec<_>, Vec<_>) = (found.into_iter().collect(), expected.into_iter().collect());
        let close = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close && found.len() == expected.len(), "{found:?} for {expected:?}");
    }

    #[test]
    fn stats_of_paradigms_counted_by_hand() {
        // 10 tokens, "Ada" twice, "New York" of two tokens; 5 tokens, a character each; 4 tokens without a triple.
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
        near([priors.tokens], [19.0 / 3.0]);
        // 3 triples on 4 entities, 1 on 2.
        near([priors.p1], [(3.0 / (2.0 * 12.0) + 1.0 / (2.0 * 2.0)) / 2.0]);
        // 2 subjects and 1; of one sentence's subjects 2 triples and 1, of the other's 1.
        near(priors.triples.p2, [(0.2 + 0.2) / 3.0, (0.2 + 0.1 + 0.2) / 3.0 / 2.0]);
        near(priors.triples.p3, [(2.0 + 1.0) / 3.0 / 2.0, (3.0 / 40.0 + 1.0 / 20.0) / 3.0]);
        // "Ada" twice and "Bob", each a start and an end: 6 marks of 20; "鲁迅" 2 of 10.
        // Objects: "New York" for two relations 4 of 40, "Rome" 2 of 40, "绍兴" 2 of 20.
        near(priors.marks.p2, [(6.0 / 20.0 + 2.0 / 10.0) / 3.0, (4.0 / 40.0 + 2.0 / 40.0 + 2.0 / 20.0) / 3.0]);
        // "born": 4 marks and 2; "left": 6 and 4; "born" in Chinese: 2 and 2.
        near(priors.marks.p3, [0.5, (6.0 / 40.0 + 10.0 / 40.0 + 4.0 / 20.0) / 3.0]);
        let reversed: Vec<Sentence> = corpus.into_iter().rev().collect();
        assert_eq!(super::tests::priors(&reversed).to_string(), priors.to_string());
    }

    #[test]
    fn stats_of_paradigms_without_triples() {
        let nothing = priors(&[]);
        assert_eq!(nothing, ClassPriors::default());
        let blank = priors(&[Sentence::new(" "), Sentence::new("a b")]);
        assert_eq!(blank, ClassPriors { tokens: 2.0, ..ClassPriors::default() });
        // One entity makes no pair.
        let own = Sentence::new("a b").with_triples(vec![Triple::of("a", "is", "a")]);
        assert_eq!((priors(&[own]).p1, nothing.p1), (0.0, 0.0));
    }

    #[test]
    fn stats_of_paradigms_want_named_relations() {
        let corpus = [Sentence::new("a b").with_triples(vec![Triple::of("a", " ", "b")])];
        let tokenizer = Tokenizer::train_words(["a b"], 1, 100).expect("a tokenizer");
        assert!(matches!(ClassPriors::of(&corpus, &tokenizer), Err(DataError::Relations(_))));
    }
}
