//! Knowledge bases in files: names of entities, and relations between them.

mod builder;
mod facts;
mod input;
mod map;
mod rdf;
mod report;
mod table;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use rere_core::{Probability, RelationSet};
use sha2::{Digest, Sha256};

pub use self::report::KnowledgeBaseReport;
use self::{
    builder::{Builder, NewId},
    facts::Facts,
    input::{Input, SourceFormat},
    map::RelationMap,
    rdf::Content,
};
use crate::DataError;

/// Options of [`KnowledgeBase::read`]: its other files, and the language of names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnowledgeBaseOptions {
    /// File of the entities and their names; `None` if the file of triples has the names.
    pub entities: Option<PathBuf>,
    /// JSON file of the relations' names in the corpus; `None` to keep the names of the knowledge base.
    pub map: Option<PathBuf>,
    /// Language of names in RDF, such as `en`, which includes `en-GB`; `*` for all. Names without a language and those
    /// of all languages (`mul`) are always read.
    pub language: String,
}

impl Default for KnowledgeBaseOptions {
    /// Only a file of triples, with names in English.
    fn default() -> Self {
        Self { entities: None, map: None, language: "en".to_owned() }
    }
}

impl KnowledgeBaseOptions {
    /// Sets the file of the entities.
    #[must_use]
    pub fn with_entities(self, path: impl Into<PathBuf>) -> Self {
        Self { entities: Some(path.into()), ..self }
    }

    /// Sets the file of the relations' names in the corpus.
    #[must_use]
    pub fn with_map(self, path: impl Into<PathBuf>) -> Self {
        Self { map: Some(path.into()), ..self }
    }

    /// Sets the language of names in RDF.
    #[must_use]
    pub fn with_language(self, language: impl Into<String>) -> Self {
        Self { language: language.into(), ..self }
    }
}

/// Entities with their names, and the relations between them.
///
/// Entities are numbered from 0 in the order of their file; those without a name have no number.
///
/// ```
/// use rere_data::{KnowledgeBase, KnowledgeBaseOptions};
///
/// let folder = tempfile::tempdir()?;
/// let (triples, entities) = (folder.path().join("triples.tsv"), folder.path().join("entities.tsv"));
/// std::fs::write(&triples, "Q7259\tborn in\tQ84\n")?;
/// std::fs::write(&entities, "Q7259\t\tAda Lovelace\tAda\nQ84\t\tLondon\n")?;
/// let kb = KnowledgeBase::read(&triples, &KnowledgeBaseOptions::default().with_entities(entities))?;
/// assert_eq!((kb.ids()[0].as_str(), &kb.names()[0][..]), ("Q7259", &["Ada Lovelace".to_owned(), "Ada".to_owned()][..]));
/// assert_eq!(kb.between(0, 1), [0]);
///
/// // Facts by names alone, with a header.
/// let facts = folder.path().join("facts.csv");
/// std::fs::write(&facts, "object,relation,subject\nLondon,born in,Ada Lovelace\n")?;
/// let kb = KnowledgeBase::read(&facts, &KnowledgeBaseOptions::default())?;
/// assert_eq!(kb.names(), [["Ada Lovelace"], ["London"]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct KnowledgeBase {
    /// First id of each entity.
    ids: Vec<String>,
    names: Vec<Vec<String>>,
    relations: RelationSet,
    facts: Facts,
    hidden: Facts,
    report: KnowledgeBaseReport,
}

/// A fact of a [`KnowledgeBase`]: two entities with a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Fact {
    /// Number of the subject.
    pub subject: usize,
    /// Label of the relation.
    pub relation: usize,
    /// Number of the object.
    pub object: usize,
    /// Whether the fact is [hidden](KnowledgeBase::hide).
    pub hidden: bool,
}

impl KnowledgeBase {
    /// Reads a knowledge base: a file of triples and, by the options, one of entities and one of relations.
    ///
    /// | file | table, tab- or comma-separated | RDF |
    /// |---|---|---|
    /// | `triples` | subject, relation, object, in this order or by the names of a header | N-Triples, N-Quads, Turtle |
    /// | `entities` | id, name; or id, second id (may be empty), name, aliases; or by the names of a header | the same, for its names |
    ///
    /// The name of a file and its first line tell the format. Files are UTF-8; `.gz` and `.zst` are decompressed, and
    /// the path `-` is standard input. Cells are trimmed, and blank lines are skipped.
    ///
    /// **Entities.** With a file of entities, subjects and objects are their first or second ids; an id of several
    /// entities means each of them. Without it, a subject or object in a table is the name of an entity, and in RDF
    /// the labels in the same file are its names.
    ///
    /// **RDF.** Names are `rdfs:label`, `skos:prefLabel`, `skos:altLabel`, `schema:name` and `schema:alternateName` in
    /// the language of the options. Ids are IRIs; for Wikidata they are numbers such as Q42. A relation has its label
    /// as its name, otherwise the last part of its IRI. Facts have an IRI as their object; triples of RDF, RDFS and
    /// OWL are not facts. A malformed line of N-Triples is left out and reported.
    ///
    /// `map` is a JSON object from relations to names in the corpus, such as `{"P19": "born in", "P27": ["citizen",
    /// "lives in"]}`. Triples of other relations are left out. Without a map, relations keep their names. The map may
    /// have a relation of RDF by its label, its number or IRI, or the last part of its IRI.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read, is not text of these formats, has a line with wrong columns, or if
    /// the map has the same relation twice.
    pub fn read(triples: &Path, options: &KnowledgeBaseOptions) -> Result<Self, DataError> {
        let map = options.map.as_deref().map(RelationMap::read).transpose()?;
        let language = options.language.as_str();
        let mut builder = Builder::new(NewId::Entity);
        if let Some(entities) = &options.entities {
            let input = Input::open(entities)?;
            match input.format {
                SourceFormat::Table(separator) => table::read_entities(input, separator, &mut builder)?,
                SourceFormat::NTriples => rdf::read_lines(input, Content::Names, language, &mut builder)?,
                SourceFormat::Turtle => rdf::read_turtle(input, Content::Names, language, &mut builder)?,
            }
            builder.new_id = NewId::Unknown;
        }
        let input = Input::open(triples)?;
        match input.format {
            SourceFormat::Table(separator) => {
                if options.entities.is_none() {
                    builder.new_id = NewId::Name;
                }
                table::read_triples(input, separator, &mut builder)?;
            }
            SourceFormat::NTriples => rdf::read_lines(input, Content::Facts, language, &mut builder)?,
            SourceFormat::Turtle => rdf::read_turtle(input, Content::Facts, language, &mut builder)?,
        }
        builder.finish(map)
    }

    /// Hides a share of the facts, for a held-out evaluation: [`between`](KnowledgeBase::between) and an
    /// [`Aligner`](super::Aligner) no longer know them, but [`hidden_between`](KnowledgeBase::hidden_between) does.
    ///
    /// Each fact is chosen on its own, by a hash of `seed`, the first ids of subject and object, and the name of the
    /// relation. So the choice does not depend on the order of the files, and with the same seed a larger share hides
    /// the facts of a smaller one too. Facts that were hidden before and are not chosen are no longer hidden.
    ///
    /// ```
    /// use rere_data::{KnowledgeBase, KnowledgeBaseOptions, Probability};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let triples = folder.path().join("triples.tsv");
    /// std::fs::write(&triples, "Ada Lovelace\tborn in\tLondon\n")?;
    /// let kb = KnowledgeBase::read(&triples, &KnowledgeBaseOptions::default())?.hide(Probability::ONE, 1);
    /// assert!(kb.between(0, 1).is_empty());
    /// assert_eq!(kb.hidden_between(0, 1), [0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn hide(mut self, share: Probability, seed: u64) -> Self {
        let share = f64::from(share.get());
        let all =
            Facts::new(self.names.len(), self.facts().map(|fact| [fact.subject, fact.object, fact.relation]).collect());
        let relations = &self.relations;
        let ids = &self.ids;
        let is_chosen = |subject: usize, label: usize, object: usize| {
            let relation = relations.get(label).map_or("", |relation| relation.name.as_str());
            share > 0.0 && draw(seed, [&ids[subject], relation, &ids[object]]) < share
        };
        (self.hidden, self.facts) = all.partition(is_chosen);
        self.report.hidden_facts = self.hidden.len();
        self
    }

    /// Returns the first id of each entity. An entity that is only known by its name has it as its id.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Returns the names of each entity, trimmed and without blank ones. The position is the number of the entity.
    pub fn names(&self) -> &[Vec<String>] {
        &self.names
    }

    /// Returns the relations between named entities, by their names in the corpus.
    pub fn relations(&self) -> &RelationSet {
        &self.relations
    }

    /// Returns the labels of the relations from `subject` to `object` that are not hidden, without repetitions; none
    /// from an entity to itself.
    pub fn between(&self, subject: usize, object: usize) -> &[usize] {
        self.facts.between(subject, object)
    }

    /// Returns the labels of the [hidden](KnowledgeBase::hide) relations from `subject` to `object`, without
    /// repetitions.
    pub fn hidden_between(&self, subject: usize, object: usize) -> &[usize] {
        self.hidden.between(subject, object)
    }

    /// Returns all facts, the hidden ones too, sorted by subject.
    pub fn facts(&self) -> impl Iterator<Item = Fact> {
        (0..self.names.len()).flat_map(|subject| self.facts_of(subject))
    }

    /// Returns the facts of `subject`, first those that are not hidden, each sorted by object.
    pub fn facts_of(&self, subject: usize) -> impl Iterator<Item = Fact> {
        let fact = move |hidden| move |(object, relation)| Fact { subject, relation, object, hidden };
        self.facts.of(subject).map(fact(false)).chain(self.hidden.of(subject).map(fact(true)))
    }

    /// Returns the objects that are not hidden for `subject` and the label `relation`, sorted. With a functional
    /// relation, such as a place of birth, another object contradicts them.
    pub fn objects(&self, subject: usize, relation: usize) -> impl Iterator<Item = usize> {
        self.facts.of(subject).filter(move |&(_, label)| label == relation).map(|(object, _)| object)
    }

    /// Returns the objects of `subject` that are keys of `among`, in any order, each with the labels of the relations.
    pub(super) fn facts_among<T>(&self, subject: usize, among: &HashMap<usize, T>) -> Vec<(usize, &[usize])> {
        self.facts.among(subject, among)
    }

    /// Returns counts of the content and of what was left out.
    pub fn report(&self) -> &KnowledgeBaseReport {
        &self.report
    }
}

/// Returns a number from 0 to 1, less than 1, that depends on the seed and the fact only.
fn draw(seed: u64, fact: [&str; 3]) -> f64 {
    let mut hash = Sha256::new_with_prefix(seed.to_le_bytes());
    for part in fact {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let bytes = hash.finalize();
    // As many bits as the fraction of a double has, so that no number is rounded up to 1.
    let bits = bytes.iter().take(8).fold(0, |bits: u64, &byte| bits << 8 | u64::from(byte)) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}
