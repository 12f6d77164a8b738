//! A tokenised corpus whose triples are located in the tokens.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::AddAssign,
};

use rayon::prelude::*;
use rere_core::{Mention, RelationSet, Sentence, Triple};
use serde::{Deserialize, Serialize};

use crate::{
    DataError, LocatedMention, LocatedTriple, Tokenizer, Tokens, error::describe, locate::mention_spans, to_tokens,
};

/// What to do with a triple whose subject or object is not in the text, or whose relation is not one of the task's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnMissing {
    /// Return an error that names the sentence.
    #[default]
    Error,
    /// Leave the triple out of the labels and count it.
    Skip,
}

/// A tokenised sentence with its triples.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LocatedSentence {
    /// The tokens of the text.
    pub tokens: Tokens,
    /// The triples, in the order of the corpus, without repetitions and without triples that could not be used.
    pub triples: Vec<LocatedTriple>,
}

/// A tokenised corpus whose triples are located in the tokens.
///
/// It has one sentence for each sentence of the corpus, in the same order. The label layouts, such as
/// [`pointer_marks`](crate::pointer_marks), turn it into training labels.
///
/// ```
/// use rere_data::{LocatedCorpus, OnMissing, RelationSet, Sentence, Tokenizer, Triple, pointer_marks};
///
/// let sentences = [Sentence::new("Ada was born in London").with_triples([Triple::of("Ada", "born in", "London")])];
/// let tokenizer = Tokenizer::train_words([sentences[0].text.as_str()], 1, 30_000)?;
/// let relations = RelationSet::from_names(["born in"])?;
/// let corpus = LocatedCorpus::new(&sentences, &tokenizer, &relations, OnMissing::Skip)?;
/// assert!(corpus.report.is_complete(), "{}", corpus.report);
/// assert_eq!(pointer_marks(&corpus.sentences[0].triples), [[0], [0], [4], [4]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LocatedCorpus {
    /// The sentences.
    pub sentences: Vec<LocatedSentence>,
    /// Counts of the corpus and of what could not be used.
    pub report: LocatedReport,
}

/// Counts of a [`LocatedCorpus`] and of what could not be used, by cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LocatedReport {
    /// Sentences of the corpus.
    pub sentences: usize,
    /// Triples of the corpus.
    pub triples: usize,
    /// Located mentions, counted once per sentence, relation and role.
    pub mentions: usize,
    /// Mentions that begin or end inside a token; the whole token is marked.
    pub misaligned: usize,
    /// Sentences without tokens, which are not used for training.
    pub empty_text: usize,
    /// Triples left out because the task does not have their relation.
    pub unknown_relation: usize,
    /// Triples of known relations left out because their subject is not in the text.
    pub subject_not_found: usize,
    /// Triples of known relations and found subjects left out because their object is not in the text.
    pub object_not_found: usize,
}

impl LocatedReport {
    /// Returns whether all sentences and triples of the corpus can be used.
    pub fn is_complete(&self) -> bool {
        self.left_out().iter().all(|(count, _)| *count == 0)
    }

    /// Returns the counts of what is left out, with the causes.
    fn left_out(&self) -> [(usize, &'static str); 4] {
        [
            (self.empty_text, "sentences left out: no tokens"),
            (self.unknown_relation, "triples left out: unknown relation"),
            (self.subject_not_found, "triples left out: subject not in the text"),
            (self.object_not_found, "triples left out: object not in the text"),
        ]
    }
}

impl AddAssign for LocatedReport {
    fn add_assign(&mut self, other: Self) {
        self.sentences += other.sentences;
        self.triples += other.triples;
        self.mentions += other.mentions;
        self.misaligned += other.misaligned;
        self.empty_text += other.empty_text;
        self.unknown_relation += other.unknown_relation;
        self.subject_not_found += other.subject_not_found;
        self.object_not_found += other.object_not_found;
    }
}

impl fmt::Display for LocatedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sentences, {} triples, {} mentions", self.sentences, self.triples, self.mentions)?;
        let misaligned = (self.misaligned, "mentions begin or end inside a token; the whole token is marked");
        let mut causes = [misaligned].into_iter().chain(self.left_out()).filter(|(count, _)| *count > 0);
        causes.try_for_each(|(count, cause)| write!(f, "\n{count} {cause}"))
    }
}

impl LocatedCorpus {
    /// Tokenises the sentences of a corpus and locates their triples. A mention without a span is located at all
    /// occurrences of its surface.
    ///
    /// # Errors
    /// Returns an error if a text cannot be tokenised, and, unless such triples are skipped, if a triple's relation is
    /// unknown or its subject or object is not in the text. If there are several errors, the first one in the corpus is
    /// returned.
    pub fn new(
        sentences: &[Sentence],
        tokenizer: &Tokenizer,
        relations: &RelationSet,
        missing: OnMissing,
    ) -> Result<Self, DataError> {
        let locate = |(index, sentence)| locate_sentence(index, sentence, tokenizer, relations, missing);
        let located: Vec<_> = sentences.par_iter().enumerate().map(locate).collect();
        let mut corpus = Self::default();
        for result in located {
            let (sentence, report) = result?;
            corpus.sentences.push(sentence);
            corpus.report += report;
        }
        Ok(corpus)
    }
}

fn locate_sentence(
    index: usize,
    sentence: &Sentence,
    tokenizer: &Tokenizer,
    relations: &RelationSet,
    missing: OnMissing,
) -> Result<(LocatedSentence, LocatedReport), DataError> {
    let tokens = tokenizer.encode(&sentence.text)?;
    let mut report = LocatedReport {
        sentences: 1,
        triples: sentence.triples.len(),
        empty_text: tokens.is_empty().into(),
        ..LocatedReport::default()
    };
    let mut triples: Vec<LocatedTriple> = Vec::with_capacity(sentence.triples.len());
    // The mentions of each relation and role, to count each once.
    let mut mentions: BTreeMap<(usize, &str), BTreeSet<LocatedMention>> = BTreeMap::new();
    for triple in &sentence.triples {
        match locate_triple(index, sentence, triple, &tokens, relations) {
            Ok((relation, subjects, objects)) => {
                let spans = |located: &BTreeSet<LocatedMention>| {
                    located.iter().map(|mention| mention.tokens).collect::<BTreeSet<_>>().into_iter().collect()
                };
                let located = LocatedTriple { relation, subjects: spans(&subjects), objects: spans(&objects) };
                mentions.entry((relation, SUBJECT)).or_default().extend(subjects);
                mentions.entry((relation, OBJECT)).or_default().extend(objects);
                if !triples.contains(&located) {
                    triples.push(located);
                }
            }
            Err(error) => match (missing, &error) {
                (OnMissing::Skip, DataError::UnknownRelation { .. }) => report.unknown_relation += 1,
                (OnMissing::Skip, DataError::EntityNotFound { role: SUBJECT, .. }) => report.subject_not_found += 1,
                (OnMissing::Skip, DataError::EntityNotFound { .. }) => report.object_not_found += 1,
                _ => return Err(error),
            },
        }
    }
    for located in mentions.values().flatten() {
        report.mentions += 1;
        report.misaligned += usize::from(!located.aligned);
    }
    Ok((LocatedSentence { tokens, triples }, report))
}

/// Returns the label of a triple's relation, and all mentions of its subject and of its object.
fn locate_triple(
    index: usize,
    sentence: &Sentence,
    triple: &Triple,
    tokens: &Tokens,
    relations: &RelationSet,
) -> Result<(usize, BTreeSet<LocatedMention>, BTreeSet<LocatedMention>), DataError> {
    let describe_sentence = || format!("{index} ({})", describe(sentence));
    let label = relations.label(&triple.relation).ok_or_else(|| DataError::UnknownRelation {
        sentence: describe_sentence(),
        relation: triple.relation.clone(),
    })?;
    let find = |role, mention: &Mention| {
        let spans = mention_spans(&sentence.text, mention).into_iter();
        let located: BTreeSet<LocatedMention> = spans.filter_map(|span| to_tokens(span, tokens)).collect();
        if located.is_empty() {
            let (relation, surface) = (triple.relation.clone(), mention.text.clone());
            Err(DataError::EntityNotFound { sentence: describe_sentence(), relation, role, surface })
        } else {
            Ok(located)
        }
    };
    Ok((label, find(SUBJECT, &triple.subject)?, find(OBJECT, &triple.object)?))
}

const SUBJECT: &str = "subject";
const OBJECT: &str = "object";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rere_core::{ByteSpan, TokenSpan};

    use super::*;
    use crate::{pointer_marks, relation_labels};

    const TEXT: &str = "Rome is in Italy , and Rome is old .";

    fn relations() -> RelationSet {
        RelationSet::from_names(["holds", "lies_in"]).expect("two relations")
    }

    fn sentence(text: &str, triples: &[(&str, &str, &str)]) -> Sentence {
        let triples = triples.iter().map(|&(subject, relation, object)| Triple::of(subject, relation, object));
        Sentence::new(text).with_triples(triples)
    }

    fn locate(sentences: &[Sentence], missing: OnMissing) -> Result<LocatedCorpus, DataError> {
        let tokenizer = Tokenizer::train_words([TEXT], 1, 1000)?;
        LocatedCorpus::new(sentences, &tokenizer, &relations(), missing)
    }

    /// Returns the pointer labels of a relation in the first sentence.
    fn marks(corpus: &LocatedCorpus, relation: usize) -> [Vec<usize>; 4] {
        let triples = &corpus.sentences[0].triples;
        pointer_marks(triples.iter().filter(|triple| triple.relation == relation).collect::<Vec<_>>())
    }

    #[test]
    fn every_mention_is_located() {
        let triples = [("Rome", "lies_in", "Italy"), ("Italy", "holds", "Rome"), ("Rome", "lies_in", "Rome is old")];
        let corpus = locate(&[sentence(TEXT, &triples)], OnMissing::Error).expect("located");
        let [LocatedSentence { tokens, triples }] = corpus.sentences.as_slice() else { panic!("one sentence") };
        assert_eq!(tokens.len(), 10);
        assert_eq!(relation_labels(triples), [0, 1]);
        // Rome is token 0 and token 6, Italy token 3, "Rome is old" tokens 6 to 8.
        let rome = [TokenSpan::new(0, 1), TokenSpan::new(6, 7)];
        assert_eq!((&triples[0].subjects[..], &triples[0].objects[..]), (&rome[..], &[TokenSpan::new(3, 4)][..]));
        assert_eq!(marks(&corpus, 0), [vec![3], vec![3], vec![0, 6], vec![0, 6]]);
        assert_eq!(marks(&corpus, 1), [vec![0, 6], vec![0, 6], vec![3, 6], vec![3, 8]]);
        assert_eq!((corpus.report.mentions, corpus.report.misaligned), (3 + 4, 0));
        // A repeated triple is kept once.
        let twice = [("Rome", "lies_in", "Italy"), (" Rome", "lies_in", "Italy")];
        assert_eq!(locate(&[sentence(TEXT, &twice)], OnMissing::Error).expect("located").sentences[0].triples.len(), 1);
    }

    #[test]
    fn a_mention_with_a_span_is_located_there_only() {
        let mut given = sentence(TEXT, &[("Rome", "lies_in", "Italy")]);
        given.triples[0].subject.span = Some(ByteSpan::new(23, 27));
        let corpus = locate(&[given.clone()], OnMissing::Error).expect("located");
        assert_eq!(marks(&corpus, 1), [[6], [6], [3], [3]]);

        given.triples[0].subject.span = Some(ByteSpan::new(22, 27));
        assert!(matches!(locate(&[given], OnMissing::Error), Err(DataError::EntityNotFound { role: "subject", .. })));
    }

    #[test]
    fn mentions_that_end_inside_a_token_are_counted() {
        let corpus = locate(&[sentence("Romeo left", &[("Rome", "lies_in", "left")])], OnMissing::Error);
        assert_eq!(corpus.expect("located").report.misaligned, 1);
    }

    #[test]
    fn missing_entities_and_relations_are_errors_or_counted() {
        let unknown = sentence(TEXT, &[("Rome", "older_than", "Italy")]);
        let subject = sentence(TEXT, &[("Paris", "lies_in", "France"), ("Rome", "lies_in", "Italy")]);
        let object = sentence(TEXT, &[("Rome", "lies_in", "")]);
        let errors = [&unknown, &subject, &object].map(|sentence| {
            let good = Sentence::new("a");
            locate(&[good, sentence.clone()], OnMissing::Error).expect_err("missing")
        });
        assert!(
            errors[0].to_string().starts_with("sentence 1 (\"Rome is in Italy , and Rome is old .\"): "),
            "{}",
            errors[0]
        );
        assert!(matches!(&errors[0], DataError::UnknownRelation { relation, .. } if relation == "older_than"));
        let found = |error: &DataError| match error {
            DataError::EntityNotFound { role, surface, .. } => (*role, surface.clone()),
            other => panic!("{other}"),
        };
        assert_eq!(found(&errors[1]), ("subject", "Paris".to_owned()));
        assert_eq!(found(&errors[2]), ("object", String::new()));

        let corpus = locate(&[unknown, subject, object], OnMissing::Skip).expect("located");
        let report = corpus.report;
        assert_eq!((report.unknown_relation, report.subject_not_found, report.object_not_found), (1, 1, 1));
        let labels: Vec<_> = corpus.sentences.iter().map(|sentence| relation_labels(&sentence.triples)).collect();
        assert_eq!(labels, [&[][..], &[1], &[]]);
    }

    #[test]
    fn the_first_of_several_errors_is_returned() {
        let sentences: Vec<_> = (0..100).map(|n| sentence("a", &[(&format!("x{n}"), "holds", "a")])).collect();
        let error = locate(&sentences, OnMissing::Error).expect_err("missing");
        assert!(matches!(error, DataError::EntityNotFound { surface, .. } if surface == "x0"));
    }

    #[test]
    fn the_report_lists_only_what_occurred() {
        let corpus = [Sentence::new(""), Sentence::new(" \t\0"), sentence(TEXT, &[("Rome", "lies_in", "Italy")])];
        let report = locate(&corpus, OnMissing::Error).expect("located").report;
        assert_eq!(report.to_string(), "3 sentences, 1 triples, 3 mentions\n2 sentences left out: no tokens");
        assert!(!report.is_complete());
        assert_eq!(serde_json::to_value(report).expect("JSON")["empty_text"], 2);
        assert_eq!(serde_json::to_value(OnMissing::Skip).expect("JSON"), "skip");
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
            let corpus = locate(&[sentence(&text, &triples)], OnMissing::Error).expect("located");
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
                prop_assert_eq!(marks(&corpus, label), [subjects.clone(), subjects, objects.clone(), objects]);
            }
            prop_assert_eq!(relation_labels(&corpus.sentences[0].triples), labels);
        }
    }
}
