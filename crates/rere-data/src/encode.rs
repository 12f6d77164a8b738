//! Sentences to training examples, and the inputs that training and extraction share.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::{AddAssign, Range},
};

use rayon::prelude::*;
use rere_core::{Mention, RelationSet, Sentence, Triple};
use serde::{Deserialize, Serialize};

use crate::{DataError, Located, Tokenizer, Tokens, error::name, locate::places, to_tokens};

/// What to do with a triple that its sentence or the task does not bear out: its subject or object is not in the text,
/// or its relation is not one of the task's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// Stop with an error that names the sentence.
    #[default]
    Error,
    /// Leave the triple out, also out of the labels, and count it.
    Skip,
}

/// An example for the relation classifier (RERE's paper, Eq. 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationExample {
    /// Index of the sentence in the corpus.
    pub sentence: usize,
    /// `[CLS] sentence [SEP]`.
    pub ids: Vec<u32>,
    /// Labels of the sentence's relations, each once, upwards; none where the sentence has no triple.
    pub labels: Vec<usize>,
}

/// An example for the entity extractor (RERE's paper, Eq. 4): one sentence and one of its relations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityExample {
    /// Index of the sentence in the corpus.
    pub sentence: usize,
    /// Label of the relation.
    pub relation: usize,
    /// `[CLS] query [SEP] sentence [SEP]`.
    pub ids: Vec<u32>,
    /// Positions of the sentence's tokens in `ids`. What stands before them is segment 0, they and what follows are 1.
    pub context: Range<usize>,
    /// First and last tokens of all mentions: subject starts, subject ends, object starts, object ends. Positions count
    /// from `context.start`, each stands once, upwards; an end is the last token itself.
    pub targets: [Vec<usize>; 4],
}

/// What [`ExampleBuilder::encode`] makes of a corpus.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Examples {
    /// At most one for each sentence, in the order of the corpus.
    pub relation: Vec<RelationExample>,
    /// At most one for each sentence and gold relation, in the order of the corpus and of the labels.
    pub entity: Vec<EntityExample>,
    /// What was used and what was not.
    pub report: EncodeReport,
}

/// Counts of what a corpus gave and of what could not be used, by cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EncodeReport {
    /// Sentences of the corpus.
    pub sentences: usize,
    /// Triples of the corpus.
    pub triples: usize,
    /// Examples for the relation classifier.
    pub relation_examples: usize,
    /// Examples for the entity extractor.
    pub entity_examples: usize,
    /// Mentions found, each once for a sentence, relation and role.
    pub mentions: usize,
    /// Mentions with a border inside a token: the whole token is marked.
    pub misaligned: usize,
    /// Sentences without a token; they give no example.
    pub empty_text: usize,
    /// Sentences too long for the relation classifier; they give no relation example.
    pub too_long_relation: usize,
    /// Pairs of sentence and gold relation too long for the entity extractor; they give no entity example.
    pub too_long_entity: usize,
    /// Triples left out because the task does not have their relation.
    pub unknown_relation: usize,
    /// Triples of known relations left out because their subject is not in the text.
    pub subject_not_found: usize,
    /// Triples of known relations and found subjects left out because their object is not in the text.
    pub object_not_found: usize,
}

impl EncodeReport {
    /// Whether all sentences and triples of the corpus are in the examples.
    pub fn is_complete(&self) -> bool {
        self.left_out().iter().all(|(count, _)| *count == 0)
    }

    /// How much is left out, and why.
    fn left_out(&self) -> [(usize, &'static str); 6] {
        [
            (self.empty_text, "sentences left out: no token"),
            (self.too_long_relation, "sentences left out of the relation examples: too long"),
            (self.too_long_entity, "sentence-relation pairs left out of the entity examples: too long"),
            (self.unknown_relation, "triples left out: unknown relation"),
            (self.subject_not_found, "triples left out: subject not in the text"),
            (self.object_not_found, "triples left out: object not in the text"),
        ]
    }
}

impl AddAssign for EncodeReport {
    fn add_assign(&mut self, other: Self) {
        self.sentences += other.sentences;
        self.triples += other.triples;
        self.relation_examples += other.relation_examples;
        self.entity_examples += other.entity_examples;
        self.mentions += other.mentions;
        self.misaligned += other.misaligned;
        self.empty_text += other.empty_text;
        self.too_long_relation += other.too_long_relation;
        self.too_long_entity += other.too_long_entity;
        self.unknown_relation += other.unknown_relation;
        self.subject_not_found += other.subject_not_found;
        self.object_not_found += other.object_not_found;
    }
}

impl fmt::Display for EncodeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sentences, {} triples: {} relation examples, {} entity examples, {} mentions",
            self.sentences, self.triples, self.relation_examples, self.entity_examples, self.mentions
        )?;
        let misaligned = (self.misaligned, "mentions end inside a token, which is marked as a whole");
        let mut causes = [misaligned].into_iter().chain(self.left_out()).filter(|(count, _)| *count > 0);
        causes.try_for_each(|(count, cause)| write!(f, "\n{count} {cause}"))
    }
}

/// Makes examples of sentences.
#[derive(Debug)]
pub struct ExampleBuilder<'a> {
    pub(crate) tokenizer: &'a Tokenizer,
    pub(crate) relations: &'a RelationSet,
    /// Tokens of each relation's query, by label.
    queries: Vec<Tokens>,
    pub(crate) max_tokens: usize,
    pub(crate) missing: Missing,
}

/// The mentions of one relation in one sentence.
#[derive(Default)]
struct Marks {
    subjects: BTreeSet<Located>,
    objects: BTreeSet<Located>,
}

impl<'a> ExampleBuilder<'a> {
    /// A builder of examples of at most `max_tokens` tokens, special tokens and query counted.
    ///
    /// # Errors
    /// Where a relation's query leaves no room for a token of a sentence.
    pub fn new(
        tokenizer: &'a Tokenizer,
        relations: &'a RelationSet,
        max_tokens: usize,
        missing: Missing,
    ) -> Result<Self, DataError> {
        let queries: Vec<&str> = relations.iter().map(|relation| relation.query.as_str()).collect();
        let queries = tokenizer.encode_batch(&queries)?;
        for (relation, query) in relations.iter().zip(&queries) {
            if entity_length(query.len(), 1) > max_tokens {
                let (relation, tokens) = (relation.name.clone(), query.len());
                return Err(DataError::QueryTooLong { relation, tokens, max_tokens });
            }
        }
        Ok(Self { tokenizer, relations, queries, max_tokens, missing })
    }

    /// The examples of a corpus. What is too long is left out, not cut; the report counts it.
    ///
    /// # Errors
    /// Where a text cannot be tokenised, and, unless such triples are skipped, where a triple's relation is unknown or
    /// its subject or object is not in the text. Of several errors the first in the corpus is given.
    pub fn encode(&self, sentences: &[Sentence]) -> Result<Examples, DataError> {
        let parts: Vec<_> =
            sentences.par_iter().enumerate().map(|(index, sentence)| self.encode_one(index, sentence)).collect();
        let mut examples = Examples::default();
        for part in parts {
            let part = part?;
            examples.relation.extend(part.relation);
            examples.entity.extend(part.entity);
            examples.report += part.report;
        }
        Ok(examples)
    }

    fn encode_one(&self, index: usize, sentence: &Sentence) -> Result<Examples, DataError> {
        let tokens = self.tokenizer.encode(&sentence.text)?;
        let mut examples = Examples::default();
        let report = &mut examples.report;
        report.sentences = 1;
        report.triples = sentence.triples.len();
        if tokens.is_empty() {
            report.empty_text = 1;
        }

        let mut relations: BTreeMap<usize, Marks> = BTreeMap::new();
        for triple in &sentence.triples {
            match self.locate(index, sentence, triple, &tokens) {
                Ok((label, subjects, objects)) => {
                    let marks = relations.entry(label).or_default();
                    marks.subjects.extend(subjects);
                    marks.objects.extend(objects);
                }
                Err(error) => match (self.missing, &error) {
                    (Missing::Skip, DataError::UnknownRelation { .. }) => report.unknown_relation += 1,
                    (Missing::Skip, DataError::EntityNotFound { role: SUBJECT, .. }) => report.subject_not_found += 1,
                    (Missing::Skip, DataError::EntityNotFound { .. }) => report.object_not_found += 1,
                    _ => return Err(error),
                },
            }
        }
        for located in relations.values().flat_map(|marks| marks.subjects.iter().chain(&marks.objects)) {
            report.mentions += 1;
            report.misaligned += usize::from(!located.aligned);
        }
        if tokens.is_empty() {
            return Ok(examples);
        }

        let ids = relation_input(self.tokenizer, &tokens.ids);
        if ids.len() <= self.max_tokens {
            let labels = relations.keys().copied().collect();
            examples.relation.push(RelationExample { sentence: index, ids, labels });
        } else {
            report.too_long_relation = 1;
        }
        for (relation, marks) in relations {
            let query = self.queries.get(relation).map_or(&[][..], |query| &query.ids);
            if entity_length(query.len(), tokens.len()) > self.max_tokens {
                report.too_long_entity += 1;
                continue;
            }
            let (ids, context) = entity_input(self.tokenizer, query, &tokens.ids);
            let targets = [
                positions(&marks.subjects, |mention| mention.tokens.start),
                positions(&marks.subjects, |mention| mention.tokens.end - 1),
                positions(&marks.objects, |mention| mention.tokens.start),
                positions(&marks.objects, |mention| mention.tokens.end - 1),
            ];
            examples.entity.push(EntityExample { sentence: index, relation, ids, context, targets });
        }
        report.relation_examples = examples.relation.len();
        report.entity_examples = examples.entity.len();
        Ok(examples)
    }

    /// The label of a triple's relation, and all mentions of its subject and of its object.
    fn locate(
        &self,
        index: usize,
        sentence: &Sentence,
        triple: &Triple,
        tokens: &Tokens,
    ) -> Result<(usize, Vec<Located>, Vec<Located>), DataError> {
        let name = || format!("{index} ({})", name(sentence));
        let label = self
            .relations
            .label(&triple.relation)
            .ok_or_else(|| DataError::UnknownRelation { sentence: name(), relation: triple.relation.clone() })?;
        let find = |role, mention: &Mention| {
            let located = mentions(&sentence.text, mention, tokens);
            if located.is_empty() {
                Err(DataError::EntityNotFound {
                    sentence: name(),
                    relation: triple.relation.clone(),
                    role,
                    surface: mention.text.clone(),
                })
            } else {
                Ok(located)
            }
        };
        Ok((label, find(SUBJECT, &triple.subject)?, find(OBJECT, &triple.object)?))
    }
}

const SUBJECT: &str = "subject";
const OBJECT: &str = "object";

fn mentions(text: &str, mention: &Mention, tokens: &Tokens) -> Vec<Located> {
    places(text, mention).into_iter().filter_map(|place| to_tokens(place, tokens)).collect()
}

fn positions(mentions: &BTreeSet<Located>, position: impl Fn(&Located) -> usize) -> Vec<usize> {
    mentions.iter().map(position).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The relation classifier's input, `[CLS] sentence [SEP]`: two tokens more than `sentence`.
pub fn relation_input(tokenizer: &Tokenizer, sentence: &[u32]) -> Vec<u32> {
    [&[tokenizer.cls()], sentence, &[tokenizer.sep()]].concat()
}

/// The entity extractor's input, `[CLS] query [SEP] sentence [SEP]`, three tokens more than `query` and `sentence`, and
/// the positions of the sentence's tokens in it.
pub fn entity_input(tokenizer: &Tokenizer, query: &[u32], sentence: &[u32]) -> (Vec<u32>, Range<usize>) {
    let (cls, sep) = (tokenizer.cls(), tokenizer.sep());
    let ids = [&[cls], query, &[sep], sentence, &[sep]].concat();
    let start = query.len() + 2;
    (ids, start..start + sentence.len())
}

/// Length of [`entity_input`].
fn entity_length(query: usize, sentence: usize) -> usize {
    query + sentence + 3
}

/// Windows over a text of `tokens` tokens, each at most `max` long, that cover it from left to right; each shares at
/// least `overlap` tokens with the one before. The last one ends with the text and is as long as the others. A text
/// that fits is one window; one of no token has none.
///
/// So that windows move on, `max` is taken as 1 where it is 0, and `overlap` as `max - 1` where it is larger.
///
/// ```
/// assert_eq!(rere_data::windows(10, 6, 2), [0..6, 4..10]);
/// ```
pub fn windows(tokens: usize, max: usize, overlap: usize) -> Vec<Range<usize>> {
    let max = max.max(1);
    let step = max - overlap.min(max - 1);
    if tokens == 0 {
        return Vec::new();
    }
    let last = tokens.saturating_sub(max);
    (0..last).step_by(step).chain([last]).map(|start| start..(start + max).min(tokens)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rere_core::ByteSpan;

    use super::*;

    const TEXT: &str = "Rome is in Italy , and Rome is old .";

    fn words(texts: &[&str]) -> Tokenizer {
        Tokenizer::train_words(texts.iter().copied(), 1, 1000).expect("a tokenizer")
    }

    fn relations() -> RelationSet {
        RelationSet::from_names(["holds", "lies_in"]).expect("two relations")
    }

    fn sentence(text: &str, triples: &[(&str, &str, &str)]) -> Sentence {
        let triples = triples.iter().map(|&(subject, relation, object)| Triple::of(subject, relation, object));
        Sentence { triples: triples.collect(), ..Sentence::new(text) }
    }

    fn encode(sentences: &[Sentence], max_tokens: usize, missing: Missing) -> Result<Examples, DataError> {
        let tokenizer = words(&[TEXT, "holds lies"]);
        let relations = relations();
        ExampleBuilder::new(&tokenizer, &relations, max_tokens, missing)?.encode(sentences)
    }

    #[test]
    fn every_mention_is_marked() {
        let triples = [("Rome", "lies_in", "Italy"), ("Italy", "holds", "Rome"), ("Rome", "lies_in", "Rome is old")];
        let examples = encode(&[sentence(TEXT, &triples)], 64, Missing::Error).expect("examples");
        assert_eq!(examples.relation[0].labels, [0, 1]);
        assert_eq!(examples.relation[0].ids.len(), 10 + 2);
        let [holds, lies_in] = examples.entity.as_slice() else { panic!("two examples") };
        // Rome is token 0 and token 6, Italy token 3, "Rome is old" tokens 6 to 8.
        assert_eq!(holds.targets, [vec![3], vec![3], vec![0, 6], vec![0, 6]]);
        assert_eq!(lies_in.targets, [vec![0, 6], vec![0, 6], vec![3, 6], vec![3, 8]]);
        // [CLS] lies in [SEP]
        assert_eq!(lies_in.context, 4..14);
        assert_eq!(lies_in.ids[lies_in.context.clone()], examples.relation[0].ids[1..11]);
        assert_eq!((lies_in.ids[0], lies_in.ids[3], lies_in.ids[14]), (2, 3, 3));
        assert_eq!((examples.report.mentions, examples.report.misaligned), (3 + 4, 0));
    }

    #[test]
    fn a_given_span_is_the_only_mention() {
        let mut given = sentence(TEXT, &[("Rome", "lies_in", "Italy")]);
        given.triples[0].subject.span = Some(ByteSpan::new(23, 27));
        let examples = encode(&[given.clone()], 64, Missing::Error).expect("examples");
        assert_eq!(examples.entity[0].targets, [[6], [6], [3], [3]]);

        given.triples[0].subject.span = Some(ByteSpan::new(22, 27));
        assert!(matches!(encode(&[given], 64, Missing::Error), Err(DataError::EntityNotFound { role: "subject", .. })));
    }

    #[test]
    fn a_border_inside_a_token_is_counted() {
        let report = encode(&[sentence("Romeo left", &[("Rome", "lies_in", "left")])], 64, Missing::Error);
        assert_eq!(report.expect("examples").report.misaligned, 1);
    }

    #[test]
    fn what_is_missing_is_an_error_or_counted() {
        let unknown = sentence(TEXT, &[("Rome", "older_than", "Italy")]);
        let subject = sentence(TEXT, &[("Paris", "lies_in", "France"), ("Rome", "lies_in", "Italy")]);
        let object = sentence(TEXT, &[("Rome", "lies_in", "")]);
        let errors = [&unknown, &subject, &object].map(|sentence| {
            let good = Sentence::new("a");
            encode(&[good, sentence.clone()], 64, Missing::Error).expect_err("missing").to_string()
        });
        assert!(
            errors[0].starts_with("sentence 1 (\"Rome is in Italy , and Rome is old .\"): relation \"older_than\""),
            "{}",
            errors[0]
        );
        assert!(errors[1].contains("the subject \"Paris\""), "{}", errors[1]);
        assert!(errors[2].contains("the object \"\""), "{}", errors[2]);

        let examples = encode(&[unknown, subject, object], 64, Missing::Skip).expect("examples");
        let report = examples.report;
        assert_eq!((report.unknown_relation, report.subject_not_found, report.object_not_found), (1, 1, 1));
        let labels: Vec<_> = examples.relation.iter().map(|example| example.labels.as_slice()).collect();
        assert_eq!(labels, [&[][..], &[1], &[]]);
        assert_eq!(examples.entity.len(), 1);
    }

    #[test]
    fn of_several_errors_the_first_is_given() {
        let sentences: Vec<_> = (0..100).map(|n| sentence("a", &[(&format!("x{n}"), "holds", "a")])).collect();
        let error = encode(&sentences, 64, Missing::Error).expect_err("missing");
        assert!(matches!(error, DataError::EntityNotFound { surface, .. } if surface == "x0"));
    }

    #[test]
    fn empty_and_long_sentences_are_counted_not_cut() {
        let corpus = [
            Sentence::new(""),
            Sentence::new(" \t\0"),
            sentence(TEXT, &[("Rome", "lies_in", "Italy"), ("Italy", "holds", "Rome")]),
        ];
        // The sentence has 10 tokens: 12 for the relation classifier, 14 with "holds", 15 with "lies in".
        let counts = |max_tokens| {
            let report = encode(&corpus, max_tokens, Missing::Error).expect("examples").report;
            assert_eq!((report.sentences, report.triples, report.empty_text), (3, 2, 2));
            (report.relation_examples, report.too_long_relation, report.entity_examples, report.too_long_entity)
        };
        assert_eq!(counts(15), (1, 0, 2, 0));
        assert_eq!(counts(14), (1, 0, 1, 1));
        assert_eq!(counts(12), (1, 0, 0, 2));
        assert_eq!(counts(11), (0, 1, 0, 2));
        assert!(matches!(encode(&corpus, 5, Missing::Error), Err(DataError::QueryTooLong { tokens: 2, .. })));
    }

    #[test]
    fn the_report_names_only_what_happened() {
        let report = encode(&[Sentence::new("")], 64, Missing::Error).expect("examples").report;
        assert_eq!(
            report.to_string(),
            "1 sentences, 0 triples: 0 relation examples, 0 entity examples, 0 mentions\n\
             1 sentences left out: no token"
        );
        assert_eq!(serde_json::to_value(report).expect("JSON")["empty_text"], 1);
        assert_eq!(serde_json::to_value(Missing::Skip).expect("JSON"), "skip");
    }

    proptest! {
        #[test]
        fn marks_agree_with_a_comparison_of_words(
            words_of in proptest::collection::vec(prop_oneof!["[abc]", "[甲乙]"], 1..15),
            picks in proptest::collection::vec((any::<[proptest::sample::Index; 2]>(), 0usize..2), 0..4),
        ) {
            // Each word is one token, so the tokens of a one-word entity are the words equal to it.
            let text = words_of.join(" ");
            let names = ["holds", "lies_in"];
            let word = |pick: &proptest::sample::Index| pick.get(&words_of).as_str();
            let triples: Vec<_> = picks.iter().map(|([s, o], r)| (word(s), names[*r], word(o))).collect();
            let examples = encode(&[sentence(&text, &triples)], 64, Missing::Error).expect("examples");
            let mut labels = Vec::new();
            for (label, name) in names.iter().enumerate() {
                let of_relation: Vec<_> = triples.iter().filter(|triple| triple.1 == *name).collect();
                if of_relation.is_empty() {
                    continue;
                }
                labels.push(label);
                let at = |entities: &[&str]| -> Vec<usize> {
                    (0..words_of.len()).filter(|&i| entities.contains(&words_of[i].as_str())).collect()
                };
                let subjects = at(&of_relation.iter().map(|triple| triple.0).collect::<Vec<_>>());
                let objects = at(&of_relation.iter().map(|triple| triple.2).collect::<Vec<_>>());
                let example = examples.entity.iter().find(|example| example.relation == label).expect("an example");
                prop_assert_eq!(&example.targets, &[subjects.clone(), subjects, objects.clone(), objects]);
            }
            prop_assert_eq!(examples.entity.len(), labels.len());
            prop_assert_eq!(&examples.relation[0].labels, &labels);
        }

        #[test]
        fn windows_cover_and_overlap(tokens in 0usize..200, max in 0usize..50, overlap in 0usize..50) {
            let windows = windows(tokens, max, overlap);
            prop_assert!(windows.iter().all(|window| !window.is_empty() && window.len() <= max.max(1)));
            prop_assert_eq!(windows.first().map_or(0, |window| window.start), 0);
            prop_assert_eq!(windows.last().map_or(0, |window| window.end), tokens);
            prop_assert_eq!(windows.is_empty(), tokens == 0);
            for pair in windows.windows(2) {
                prop_assert!(pair[0].start < pair[1].start);
                prop_assert!(pair[0].end >= pair[1].start + overlap.min(max.max(1) - 1));
            }
        }
    }
}
