//! Collection of the triples of a corpus into facts.

use std::{
    cmp::Ordering,
    collections::{HashSet, VecDeque},
    convert::Infallible,
    error::Error,
    hash::{DefaultHasher, Hash, Hasher},
    iter::Peekable,
};

use ext_sort::{
    BinaryHeapMerger, ExternalChunk, ExternalSorter, ExternalSorterBuilder, LimitedBufferBuilder, RmpExternalChunk,
};
use rere_core::{Mention, Probability, Sentence, Triple};
use rere_data::{Aligner, document, on_word_borders};
use rere_eval::ScoreCalibration;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{CorpusFact, FactEntity, FactStatus, FactsError, fact::decimal};

/// Settings of [`collect`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CollectSettings {
    /// Turns the scores of triples into probabilities.
    pub calibration: ScoreCalibration,
    /// Turns the combined scores of facts into probabilities. Sentences are not independent, as noisy-or takes them to be.
    pub combined_calibration: ScoreCalibration,
    /// The most sentences of evidence for a fact.
    pub evidence: usize,
    /// Relations with at most one object for a subject, such as `born in`.
    pub functional: Vec<String>,
    /// The least combined score of a fact.
    pub min_score: f64,
    /// Number of triples that are sorted in memory, of about half a kilobyte each.
    pub sorted_in_memory: usize,
}

impl Default for CollectSettings {
    /// Scores as they are, three sentences of evidence, no functional relation, all facts.
    fn default() -> Self {
        Self {
            calibration: ScoreCalibration::default(),
            combined_calibration: ScoreCalibration::default(),
            evidence: 3,
            functional: Vec::new(),
            min_score: 0.0,
            sorted_in_memory: 100_000,
        }
    }
}

impl CollectSettings {
    /// Sets the calibration of scores.
    #[must_use]
    pub fn with_calibration(self, calibration: ScoreCalibration) -> Self {
        Self { calibration, ..self }
    }

    /// Sets the calibration of combined scores.
    #[must_use]
    pub fn with_combined_calibration(self, combined_calibration: ScoreCalibration) -> Self {
        Self { combined_calibration, ..self }
    }

    /// Sets the most sentences of evidence for a fact.
    #[must_use]
    pub fn with_evidence(self, evidence: usize) -> Self {
        Self { evidence, ..self }
    }

    /// Sets the relations with at most one object for a subject.
    #[must_use]
    pub fn with_functional<N: Into<String>>(self, relations: impl IntoIterator<Item = N>) -> Self {
        Self { functional: relations.into_iter().map(Into::into).collect(), ..self }
    }

    /// Sets the least combined score of a fact.
    #[must_use]
    pub fn with_min_score(self, min_score: f64) -> Self {
        Self { min_score, ..self }
    }

    /// Sets the number of triples that are sorted in memory.
    #[must_use]
    pub fn with_sorted_in_memory(self, triples: usize) -> Self {
        Self { sorted_in_memory: triples, ..self }
    }
}

/// Counts of a [`collect`] run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct CollectReport {
    /// Sentences read.
    pub sentences: usize,
    /// Triples in them.
    pub triples: usize,
    /// Triples left out because their subject or object begins or ends inside a word, such as a piece of a token.
    pub cut_words: usize,
    /// Facts, with those below the least score.
    pub facts: usize,
    /// Facts below the least score, which are left out.
    pub below_min_score: usize,
}

/// Collects the triples of sentences into facts, and returns these by decreasing score.
///
/// The triples are sorted on the disk, so a corpus of any size needs the same memory. Their scores are calibrated, and combined
/// by noisy-or: `1 - (1 - p1)(1 - p2)…` over the different sentences that state the fact. Several triples of a fact in one
/// sentence count once, with the best score, and so do sentences with the same text. Triples whose subject or object is a part
/// of a word are left out and counted.
///
/// With a knowledge base, a surface that is the name of one entity stands for the entity: all its names make one fact. Other
/// surfaces are compared without white space around and between words.
///
/// # Errors
/// Returns an error if a sentence cannot be read, a triple has no score, or temporary files cannot be written.
pub fn collect<E>(
    sentences: impl IntoIterator<Item = Result<Sentence, E>>,
    knowledge: Option<&Aligner>,
    settings: &CollectSettings,
) -> Result<CorpusFacts, FactsError>
where
    FactsError: From<E>,
{
    let mut report = CollectReport::default();
    if let Some(relations) = knowledge.map(|knowledge| knowledge.kb().relations())
        && let Some(unknown) = settings.functional.iter().find(|name| relations.label(name).is_none())
    {
        let known = relations.iter().map(|relation| relation.name.clone()).collect();
        return Err(FactsError::UnknownRelation { found: unknown.clone(), known });
    }
    let sorter = sorter(settings.sorted_in_memory)?;
    let mut failed = None;
    let statements = Statements {
        sentences: sentences.into_iter(),
        knowledge,
        settings,
        report: &mut report,
        queue: VecDeque::new(),
    };
    // The sorter takes only errors that implement `Error` themselves; the first one ends the input.
    let statements = statements.map_while(|statement| statement.map_err(|error| failed = Some(error)).ok()).map(Ok);
    let sorted = sorter.sort_by(statements, compare_statements as fn(&Statement, &Statement) -> Ordering);
    let sorted = sorted.map_err(sort_error)?;
    if let Some(error) = failed {
        return Err(error);
    }
    let groups = Groups { statements: sorted.peekable(), knowledge, settings, queue: VecDeque::new() };
    let facts_sorter = self::sorter(settings.sorted_in_memory)?;
    let mut failed = None;
    let facts = groups.map_while(|fact| fact.map_err(|error| failed = Some(error)).ok()).filter(|fact: &StoredFact| {
        report.facts += 1;
        let is_kept = fact.score >= settings.min_score;
        report.below_min_score += usize::from(!is_kept);
        is_kept
    });
    let facts = facts_sorter.sort_by(facts.map(Ok), compare_facts as fn(&StoredFact, &StoredFact) -> Ordering);
    let facts = facts.map_err(sort_error)?;
    if let Some(error) = failed {
        return Err(error);
    }
    Ok(CorpusFacts { facts, report, _files: facts_sorter })
}

/// The facts of a corpus, by decreasing score.
#[must_use = "facts are read from the disk when they are iterated over"]
pub struct CorpusFacts {
    facts: Sorted<StoredFact>,
    report: CollectReport,
    /// Keeps the temporary files until the end.
    _files: Sorter<StoredFact>,
}

impl std::fmt::Debug for CorpusFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CorpusFacts").field("report", &self.report).finish_non_exhaustive()
    }
}

impl CorpusFacts {
    /// Returns what was read and found.
    pub fn report(&self) -> CollectReport {
        self.report
    }
}

impl Iterator for CorpusFacts {
    type Item = Result<CorpusFact, FactsError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.facts.next()?.map_err(sort_error).and_then(StoredFact::into_fact))
    }
}

/// Its input has no errors.
type Sorter<T> = ExternalSorter<T, Infallible>;
type Sorted<T> = BinaryHeapMerger<
    T,
    <RmpExternalChunk<T> as ExternalChunk<T>>::DeserializationError,
    fn(&T, &T) -> Ordering,
    RmpExternalChunk<T>,
>;

fn sorter<T: Send + Serialize + DeserializeOwned>(items: usize) -> Result<Sorter<T>, FactsError> {
    ExternalSorterBuilder::new().with_buffer(LimitedBufferBuilder::new(items.max(1), false)).build().map_err(sort_error)
}

fn sort_error(error: impl Error + Send + Sync + 'static) -> FactsError {
    FactsError::Sort(Box::new(error))
}

/// A sentence that states a fact.
#[derive(Serialize, Deserialize)]
struct Statement {
    /// The entities of the fact, and its relation: what statements are grouped by.
    subject: String,
    relation: String,
    object: String,
    /// Digest of the text.
    text: u64,
    /// Digest of the document.
    document: u64,
    /// Calibrated.
    score: f64,
    /// Number of the sentence in the corpus, so that the order is complete.
    number: u64,
    /// The sentence with its triple only, as JSON.
    evidence: String,
}

impl Statement {
    fn fact(&self) -> (&str, &str, &str) {
        (&self.subject, &self.relation, &self.object)
    }
}

/// Sorts by fact, then by text, the best score of a text first.
fn compare_statements(a: &Statement, b: &Statement) -> Ordering {
    let by_fact = a.fact().cmp(&b.fact()).then(a.text.cmp(&b.text));
    by_fact.then(b.score.total_cmp(&a.score)).then(a.number.cmp(&b.number))
}

/// Iterator over the statements of sentences.
struct Statements<'a, I> {
    sentences: I,
    knowledge: Option<&'a Aligner>,
    settings: &'a CollectSettings,
    report: &'a mut CollectReport,
    queue: VecDeque<Statement>,
}

impl<E, I: Iterator<Item = Result<Sentence, E>>> Iterator for Statements<'_, I>
where
    FactsError: From<E>,
{
    type Item = Result<Statement, FactsError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(statement) = self.queue.pop_front() {
                return Some(Ok(statement));
            }
            let read = match self.sentences.next()? {
                Ok(sentence) => self.read(&sentence),
                Err(error) => Err(error.into()),
            };
            if let Err(error) = read {
                return Some(Err(error));
            }
        }
    }
}

impl<I> Statements<'_, I> {
    fn read(&mut self, sentence: &Sentence) -> Result<(), FactsError> {
        self.report.sentences += 1;
        self.report.triples += sentence.triples.len();
        if sentence.triples.is_empty() {
            return Ok(());
        }
        let number = self.report.sentences;
        let mut bare = Sentence::new(&sentence.text);
        bare.id.clone_from(&sentence.id);
        let own = sentence.extra.iter().filter(|(name, _)| matches!(*name, "document" | "start"));
        own.for_each(|(name, json)| bare.extra.insert(name, json.to_owned()));
        let document = match document(sentence) {
            Some(document) => digest(document),
            None => digest(&(&sentence.id, number)),
        };
        for triple in &sentence.triples {
            if !is_whole(&triple.subject, &sentence.text) || !is_whole(&triple.object, &sentence.text) {
                self.report.cut_words += 1;
                continue;
            }
            let Some(score) = triple.score else {
                return Err(FactsError::NoScore { sentence: number, triple: triple.to_string() });
            };
            let score = self.settings.calibration.apply(decimal(score));
            // In JSON as everywhere, the score of a triple is an f32.
            bare.triples = vec![triple.clone().with_score(Probability::saturating(score as f32))];
            self.queue.push_back(Statement {
                subject: self.key(&triple.subject),
                relation: triple.relation.clone(),
                object: self.key(&triple.object),
                text: digest(&sentence.text),
                document,
                score,
                number: number as u64,
                evidence: serde_json::to_string(&bare).map_err(sort_error)?,
            });
        }
        Ok(())
    }

    /// Returns what the mentions of an entity have in common: its id if the surface is the name of one entity, otherwise the
    /// surface. The first character tells which.
    fn key(&self, mention: &Mention) -> String {
        match self.knowledge.map(|knowledge| (knowledge, knowledge.matcher().entities(&mention.text))) {
            Some((knowledge, &[entity])) => format!("#{entity} {}", knowledge.kb().ids()[entity]),
            _ => format!("={}", normalized(&mention.text)),
        }
    }
}

/// Returns whether a mention does not begin or end inside a word. Scripts without spaces have no such words.
fn is_whole(mention: &Mention, text: &str) -> bool {
    mention.span.is_none_or(|span| on_word_borders(text, span))
}

fn normalized(surface: &str) -> String {
    surface.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn digest(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A [`CorpusFact`] on the disk, with its evidence as JSON.
#[derive(Serialize, Deserialize)]
struct StoredFact {
    subject: FactEntity,
    relation: String,
    object: FactEntity,
    /// Logarithm of the probability that no sentence states the fact, by which facts are sorted.
    log_none: f64,
    score: f64,
    best: f64,
    sentences: usize,
    documents: usize,
    status: Option<FactStatus>,
    conflicts: Vec<String>,
    evidence: Vec<String>,
}

impl StoredFact {
    fn names(&self) -> (&str, &str, &str) {
        (&self.subject.name, &self.relation, &self.object.name)
    }

    fn into_fact(self) -> Result<CorpusFact, FactsError> {
        let evidence = self.evidence.iter().map(|json| serde_json::from_str(json)).collect::<Result<_, _>>();
        Ok(CorpusFact {
            subject: self.subject,
            relation: self.relation,
            object: self.object,
            score: self.score,
            best: self.best,
            sentences: self.sentences,
            documents: self.documents,
            status: self.status,
            conflicts: self.conflicts,
            evidence: evidence.map_err(sort_error)?,
        })
    }
}

/// Sorts by decreasing score, then by name.
fn compare_facts(a: &StoredFact, b: &StoredFact) -> Ordering {
    // Scores near 1 are equal in an f64, but their logarithms are not.
    let by_score = a.log_none.total_cmp(&b.log_none).then(b.sentences.cmp(&a.sentences));
    by_score.then_with(|| a.names().cmp(&b.names()))
}

/// Iterator over the facts of sorted statements.
struct Groups<'a> {
    statements: Peekable<Sorted<Statement>>,
    knowledge: Option<&'a Aligner>,
    settings: &'a CollectSettings,
    queue: VecDeque<StoredFact>,
}

impl Iterator for Groups<'_> {
    type Item = Result<StoredFact, FactsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(fact) = self.queue.pop_front() {
            return Some(Ok(fact));
        }
        let first = match self.read()? {
            Ok(found) => found,
            Err(error) => return Some(Err(error)),
        };
        if !self.settings.functional.contains(&first.fact.relation) {
            return Some(Ok(first.fact));
        }
        // The other objects of the subject come next.
        let mut rivals = vec![first];
        let is_rival =
            |next: &Statement, first: &Found| next.subject == first.key && next.relation == first.fact.relation;
        while matches!(self.statements.peek(), Some(Ok(next)) if is_rival(next, &rivals[0])) {
            match self.read()? {
                Ok(found) => rivals.push(found),
                Err(error) => return Some(Err(error)),
            }
        }
        rivals.sort_by(|a, b| compare_facts(&a.fact, &b.fact));
        for at in 0..rivals.len() {
            let mut conflicts = self.other_objects(&rivals[at]);
            // The best ones are enough to see the conflict.
            let better = rivals[..at].iter().take(MAX_CONFLICTS);
            conflicts.extend(better.map(|rival| format!("{} (found)", rival.fact.object.name)));
            rivals[at].fact.conflicts = conflicts;
        }
        self.queue = rivals.into_iter().map(|found| found.fact).collect();
        self.queue.pop_front().map(Ok)
    }
}

/// A fact before its conflicts are known.
struct Found {
    /// What the subject is grouped by.
    key: String,
    /// The entities that the subject names.
    subjects: Vec<usize>,
    fact: StoredFact,
}

/// The most conflicts that are listed from one source.
const MAX_CONFLICTS: usize = 3;

impl Groups<'_> {
    /// Reads the statements of the next fact.
    fn read(&mut self) -> Option<Result<Found, FactsError>> {
        let first = match self.statements.next()? {
            Ok(statement) => statement,
            Err(error) => return Some(Err(sort_error(error))),
        };
        let (key, relation, object) = (first.subject.clone(), first.relation.clone(), first.object.clone());
        let mut group = Group::new(self.settings.evidence);
        group.add(first);
        // An error is returned by the next call.
        while matches!(self.statements.peek(), Some(Ok(next)) if next.fact() == (&key, &relation, &object)) {
            if let Some(Ok(statement)) = self.statements.next() {
                group.add(statement);
            }
        }
        Some(group.triple().map(|triple| {
            let fact = StoredFact {
                subject: self.entity(&triple.subject),
                object: self.entity(&triple.object),
                status: self.status(&triple),
                relation,
                log_none: group.log_none,
                score: self.settings.combined_calibration.apply(-group.log_none.exp_m1()),
                best: group.best.first().map_or(0.0, |(score, _)| *score),
                sentences: group.sentences,
                documents: group.documents.len(),
                conflicts: Vec::new(),
                evidence: group.best.into_iter().map(|(_, json)| json).take(self.settings.evidence).collect(),
            };
            Found { key, subjects: self.entities(&triple.subject).to_vec(), fact }
        }))
    }

    fn entities(&self, mention: &Mention) -> &[usize] {
        self.knowledge.map_or(&[], |knowledge| knowledge.matcher().entities(&mention.text))
    }

    fn entity(&self, mention: &Mention) -> FactEntity {
        let Some(kb) = self.knowledge.map(Aligner::kb) else {
            return FactEntity { name: normalized(&mention.text), ids: Vec::new() };
        };
        let entities = self.entities(mention);
        let name = match entities {
            &[entity] => kb.names()[entity].first().cloned().unwrap_or_default(),
            _ => normalized(&mention.text),
        };
        FactEntity { name, ids: entities.iter().map(|&entity| kb.ids()[entity].clone()).collect() }
    }

    fn status(&self, triple: &Triple) -> Option<FactStatus> {
        let kb = self.knowledge?.kb();
        let label = kb.relations().label(&triple.relation);
        let pairs = || {
            let objects = self.entities(&triple.object);
            self.entities(&triple.subject)
                .iter()
                .flat_map(|&subject| objects.iter().map(move |&object| (subject, object)))
        };
        let has = |labels: &[usize]| label.is_some_and(|label| labels.contains(&label));
        Some(if pairs().any(|(subject, object)| has(kb.between(subject, object))) {
            FactStatus::Known
        } else if pairs().any(|(subject, object)| has(kb.hidden_between(subject, object))) {
            FactStatus::Hidden
        } else {
            FactStatus::New
        })
    }

    /// Returns other objects that the knowledge base has for the subject of a fact that it does not have.
    fn other_objects(&self, found: &Found) -> Vec<String> {
        let Some(kb) = self.knowledge.map(Aligner::kb) else { return Vec::new() };
        let (Some(relation), Some(FactStatus::New)) = (kb.relations().label(&found.fact.relation), found.fact.status)
        else {
            return Vec::new();
        };
        let objects = found.subjects.iter().flat_map(|&subject| kb.objects(subject, relation));
        let name = |object: usize| kb.names()[object].first().cloned().unwrap_or_default();
        objects.take(MAX_CONFLICTS).map(|object| format!("{} (knowledge base)", name(object))).collect()
    }
}

/// The statements of one fact.
struct Group {
    /// Logarithm of the probability that no sentence states the fact.
    log_none: f64,
    sentences: usize,
    documents: HashSet<u64>,
    text: Option<u64>,
    /// The best statements of different texts, at most as many as evidence is asked for, and at least one.
    best: Vec<(f64, String)>,
    evidence: usize,
}

impl Group {
    fn new(evidence: usize) -> Self {
        let (documents, best) = (HashSet::new(), Vec::new());
        Self { log_none: 0.0, sentences: 0, documents, text: None, best, evidence: evidence.max(1) }
    }

    /// Adds a statement. Those of one text follow each other, the best first.
    fn add(&mut self, statement: Statement) {
        self.documents.insert(statement.document);
        if self.text.replace(statement.text) == Some(statement.text) {
            return;
        }
        self.sentences += 1;
        self.log_none += (-statement.score).ln_1p();
        let at = self.best.partition_point(|(score, _)| *score >= statement.score);
        if at < self.evidence {
            self.best.truncate(self.evidence - 1);
            self.best.insert(at.min(self.best.len()), (statement.score, statement.evidence));
        }
    }

    /// Returns the triple of the best statement.
    fn triple(&self) -> Result<Triple, FactsError> {
        let json = self.best.first().map_or("", |(_, json)| json);
        let sentence: Sentence = serde_json::from_str(json).map_err(sort_error)?;
        Ok(sentence.triples.into_iter().next().unwrap_or_else(|| Triple::of("", "", "")))
    }
}

/// Sentences in memory have no errors of reading.
impl From<Infallible> for FactsError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
