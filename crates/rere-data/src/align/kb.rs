//! Knowledge bases in files: names of entities, and relations between them.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    io::{BufRead, Read},
    path::Path,
};

use rere_core::{Probability, QueryStyle, RelationSet};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, MapAccess, Visitor},
};
use sha2::{Digest, Sha256};

use crate::{DataError, ParseErrorKind, input_name, open};

/// Entities with their names, and the relations between them.
///
/// Entities are numbered from 0 in the order of their file; those without a name have no number.
///
/// ```
/// use rere_data::KnowledgeBase;
///
/// let folder = tempfile::tempdir()?;
/// let (triples, entities) = (folder.path().join("triples.tsv"), folder.path().join("entities.tsv"));
/// std::fs::write(&triples, "Q7259\tborn in\tQ84\n")?;
/// std::fs::write(&entities, "Q7259\t\tAda Lovelace\tAda\nQ84\t\tLondon\n")?;
/// let kb = KnowledgeBase::read(&triples, &entities, None)?;
/// assert_eq!(kb.names()[0], ["Ada Lovelace", "Ada"]);
/// assert_eq!(kb.between(0, 1), [0]);
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

/// For each subject its objects except itself, each with the labels of the relations between them.
type Facts = HashMap<usize, HashMap<usize, Vec<usize>>>;

/// Report of a [`KnowledgeBase`]: counts of its content and of what could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct KnowledgeBaseReport {
    /// Entities with a name.
    pub entities: usize,
    /// Names and aliases of these entities.
    pub names: usize,
    /// Triples in the file.
    pub triples: usize,
    /// Blank names.
    pub blank_names: usize,
    /// Entities left out because all their names are blank.
    pub unnamed_entities: usize,
    /// Triples left out because their relation is not in the map.
    pub unmapped_triples: usize,
    /// Relations of these triples.
    pub unmapped_relations: usize,
    /// Triples left out because the map has no name for their relation.
    pub excluded_triples: usize,
    /// Relations of these triples.
    pub excluded_relations: usize,
    /// Relations of the map that no triple has.
    pub unused_relations: usize,
    /// Triples left out because the id of their subject or object is unknown.
    pub unknown_triples: usize,
    /// Triples left out because their subject or object has no name.
    pub unnamed_triples: usize,
    /// Triples left out because their subject and object are the same entity.
    pub self_triples: usize,
    /// Distinct facts: two different entities with a relation. A triple can be several, or the same as another one.
    pub facts: usize,
    /// Facts that are [hidden](KnowledgeBase::hide).
    pub hidden_facts: usize,
}

impl KnowledgeBase {
    /// Reads a knowledge base from two tab-separated tables in UTF-8 and an optional map of relations.
    ///
    /// | file | line |
    /// |---|---|
    /// | `triples` | subject, relation, object |
    /// | `entities` | id, second id (may be empty), name, and any number of aliases |
    ///
    /// Subject and object are first or second ids; an id of several entities means each of them. `map` is a JSON object
    /// from relations of `triples` to names in the corpus, such as `{"P19": "born in", "P27": ["citizen", "lives
    /// in"]}`. Triples of other relations are left out. Without a map, relations keep their names. Ids, names and
    /// relations are trimmed, and blank lines are skipped. The path `-` is standard input.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read, is not UTF-8, has a line with wrong columns, or if the map has the
    /// same relation twice.
    pub fn read(triples: &Path, entities: &Path, map: Option<&Path>) -> Result<Self, DataError> {
        let mut map = map.map(read_map).transpose()?;
        let mut report = KnowledgeBaseReport::default();
        let (first_ids, names, ids) = read_entities(entities, &mut report)?;
        let mut relations: Vec<String> = Vec::new();
        let mut labels: HashMap<String, usize> = HashMap::new();
        let mut facts = Facts::new();
        let mut unmapped: HashSet<String> = HashSet::new();
        for_each_line(triples, |line| {
            let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
            let [subject, relation, object] = columns[..] else {
                return Err(wrong_columns("3 tab-separated columns (subject, relation, object)", columns.len()));
            };
            if columns.contains(&"") {
                let message = "expected a subject, a relation and an object, found an empty column";
                return Err((ParseErrorKind::MissingField, message.to_owned()));
            }
            report.triples += 1;
            let mapped = match &mut map {
                None => vec![relation],
                Some(map) => {
                    let Some(mapped) = map.get_mut(relation) else {
                        report.unmapped_triples += 1;
                        unmapped.insert(relation.to_owned());
                        return Ok(());
                    };
                    mapped.used = true;
                    mapped.names.iter().map(String::as_str).collect()
                }
            };
            if mapped.is_empty() {
                report.excluded_triples += 1;
                return Ok(());
            }
            let (Some(subjects), Some(objects)) = (ids.get(subject), ids.get(object)) else {
                report.unknown_triples += 1;
                return Ok(());
            };
            if subjects.is_empty() || objects.is_empty() {
                report.unnamed_triples += 1;
                return Ok(());
            }
            if subjects.len() == 1 && subjects == objects {
                report.self_triples += 1;
                return Ok(());
            }
            for name in mapped {
                let label = *labels.entry(name.to_owned()).or_insert_with(|| {
                    relations.push(name.to_owned());
                    relations.len() - 1
                });
                for &subject in subjects {
                    let facts = facts.entry(subject).or_default();
                    for &object in objects.iter().filter(|&&object| object != subject) {
                        let known = facts.entry(object).or_default();
                        if !known.contains(&label) {
                            known.push(label);
                            report.facts += 1;
                        }
                    }
                }
            }
            Ok(())
        })?;
        report.unmapped_relations = unmapped.len();
        let (used, unused): (Vec<_>, Vec<_>) = map.iter().flat_map(HashMap::values).partition(|mapped| mapped.used);
        report.unused_relations = unused.len();
        report.excluded_relations = used.iter().filter(|mapped| mapped.names.is_empty()).count();
        let relations = RelationSet::with_style(relations, QueryStyle::Raw)?;
        Ok(Self { ids: first_ids, names, relations, facts, hidden: Facts::new(), report })
    }

    /// Hides a share of the facts, for a held-out evaluation: [`between`](KnowledgeBase::between) and an
    /// [`Aligner`](super::Aligner) no longer know them, but [`hidden_between`](KnowledgeBase::hidden_between) does.
    ///
    /// Each fact is chosen on its own, by a hash of `seed`, the first ids of subject and object, and the name of the
    /// relation. So the choice does not depend on the order of the files, and with the same seed a larger share hides
    /// the facts of a smaller one too.
    ///
    /// ```
    /// use rere_data::{KnowledgeBase, Probability};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let (triples, entities) = (folder.path().join("triples.tsv"), folder.path().join("entities.tsv"));
    /// std::fs::write(&triples, "Q7259\tborn in\tQ84\n")?;
    /// std::fs::write(&entities, "Q7259\t\tAda Lovelace\tAda\nQ84\t\tLondon\n")?;
    /// let kb = KnowledgeBase::read(&triples, &entities, None)?.hide(Probability::ONE, 1);
    /// assert!(kb.between(0, 1).is_empty());
    /// assert_eq!(kb.hidden_between(0, 1), [0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn hide(mut self, share: Probability, seed: u64) -> Self {
        let share = f64::from(share.get());
        for (&subject, objects) in &mut self.facts {
            for (&object, labels) in objects.iter_mut() {
                labels.retain(|&label| {
                    let relation = self.relations.get(label).map_or("", |relation| relation.name.as_str());
                    let is_hidden = draw(seed, [&self.ids[subject], relation, &self.ids[object]]) < share;
                    if is_hidden {
                        self.hidden.entry(subject).or_default().entry(object).or_default().push(label);
                        self.report.hidden_facts += 1;
                    }
                    !is_hidden
                });
            }
            objects.retain(|_, labels| !labels.is_empty());
        }
        self
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
        labels(&self.facts, subject, object)
    }

    /// Returns the labels of the [hidden](KnowledgeBase::hide) relations from `subject` to `object`, without
    /// repetitions.
    pub fn hidden_between(&self, subject: usize, object: usize) -> &[usize] {
        labels(&self.hidden, subject, object)
    }

    /// Returns the objects of `subject` that are keys of `among`, in any order, each with the labels of the relations.
    pub(super) fn facts<T>(&self, subject: usize, among: &HashMap<usize, T>) -> Vec<(usize, &[usize])> {
        let Some(objects) = self.facts.get(&subject) else { return Vec::new() };
        // A sentence names few entities, but a country has thousands of objects; for a book it may be the reverse.
        if among.len() < objects.len() {
            among.keys().filter_map(|object| Some((*object, objects.get(object)?.as_slice()))).collect()
        } else {
            let known = objects.iter().filter(|(object, _)| among.contains_key(object));
            known.map(|(object, labels)| (*object, labels.as_slice())).collect()
        }
    }

    /// Returns counts of the content and of what was left out.
    pub fn report(&self) -> KnowledgeBaseReport {
        self.report
    }
}

impl fmt::Display for KnowledgeBaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} entities, {} names, {} triples", self.entities, self.names, self.triples)?;
        if self.hidden_facts > 0 {
            write!(f, "\n{} of {} facts hidden", self.hidden_facts, self.facts)?;
        }
        if self.unmapped_triples > 0 {
            let (triples, relations) = (self.unmapped_triples, self.unmapped_relations);
            write!(f, "\n{triples} triples left out: their {relations} relations are not in the map")?;
        }
        if self.excluded_triples > 0 {
            let (triples, relations) = (self.excluded_triples, self.excluded_relations);
            write!(f, "\n{triples} triples left out: the map has no name for their {relations} relations")?;
        }
        let causes = [
            (self.unknown_triples, "triples left out: subject or object is not one of the entities"),
            (self.unnamed_triples, "triples left out: subject or object without a name"),
            (self.self_triples, "triples left out: subject and object are the same entity"),
            (self.unnamed_entities, "entities left out: no name"),
            (self.blank_names, "names left out: blank"),
            (self.unused_relations, "relations of the map unused: no triple has them"),
        ];
        causes.iter().filter(|(count, _)| *count > 0).try_for_each(|(count, cause)| write!(f, "\n{count} {cause}"))
    }
}

fn labels(facts: &Facts, subject: usize, object: usize) -> &[usize] {
    facts.get(&subject).and_then(|objects| objects.get(&object)).map_or(&[], Vec::as_slice)
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

/// The named entities of each id in the file.
type Ids = HashMap<String, Vec<usize>>;

/// Description of the columns of an entity in errors.
const ENTITY_COLUMNS: &str = "at least 3 tab-separated columns (id, second id, name)";

/// Kind and message of a [`DataError::Parse`].
type LineError = (ParseErrorKind, String);

fn wrong_columns(expected: &str, found: usize) -> LineError {
    (ParseErrorKind::Syntax, format!("expected {expected}, found {found}"))
}

fn read_entities(
    path: &Path,
    report: &mut KnowledgeBaseReport,
) -> Result<(Vec<String>, Vec<Vec<String>>, Ids), DataError> {
    let mut first_ids: Vec<String> = Vec::new();
    let mut names: Vec<Vec<String>> = Vec::new();
    let mut ids = Ids::new();
    for_each_line(path, |line| {
        let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [id, second, all @ ..] = &columns[..] else {
            return Err(wrong_columns(ENTITY_COLUMNS, columns.len()));
        };
        if all.is_empty() {
            return Err(wrong_columns(ENTITY_COLUMNS, columns.len()));
        }
        if id.is_empty() {
            return Err((
                ParseErrorKind::MissingField,
                "expected the id of an entity, found an empty column".to_owned(),
            ));
        }
        let own: Vec<String> = all.iter().filter(|name| !name.is_empty()).map(|&name| name.to_owned()).collect();
        report.blank_names += all.len() - own.len();
        for id in [id, second].into_iter().filter(|id| !id.is_empty()) {
            let entities = ids.entry((*id).to_owned()).or_default();
            // An entity whose two ids are equal is listed once.
            if !own.is_empty() && entities.last() != Some(&names.len()) {
                entities.push(names.len());
            }
        }
        if own.is_empty() {
            report.unnamed_entities += 1;
            return Ok(());
        }
        report.entities += 1;
        report.names += own.len();
        first_ids.push((*id).to_owned());
        names.push(own);
        Ok(())
    })?;
    Ok((first_ids, names, ids))
}

/// Names of a knowledge base's relation in the corpus.
struct MappedRelation {
    names: Vec<String>,
    /// Whether a triple has the relation.
    used: bool,
}

/// Map of relations, by their names in the knowledge base.
struct Map(HashMap<String, MappedRelation>);

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor)
    }
}

/// Not derived, because a derived map silently keeps the last of two equal keys.
struct MapVisitor;

impl<'de> Visitor<'de> for MapVisitor {
    type Value = Map;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Map, A::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrMore {
            One(String),
            More(Vec<String>),
        }
        let mut map = HashMap::new();
        while let Some(relation) = object.next_key::<String>()? {
            let relation = relation.trim().to_owned();
            if map.contains_key(&relation) {
                return Err(de::Error::custom(format_args!("expected each relation once, found {relation:?} twice")));
            }
            let names = match object.next_value()? {
                OneOrMore::One(name) => vec![name],
                OneOrMore::More(names) => names,
            };
            let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
            if names.iter().any(String::is_empty) {
                return Err(de::Error::custom(format_args!(
                    "expected a name for the relation {relation:?}, found a blank one"
                )));
            }
            map.insert(relation, MappedRelation { names, used: false });
        }
        Ok(Map(map))
    }
}

fn read_map(path: &Path) -> Result<HashMap<String, MappedRelation>, DataError> {
    let mut text = Vec::new();
    let mut input = open(path)?;
    let path = input_name(path);
    input.read_to_end(&mut text).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
    let json = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
    serde_json::from_slice(json).map(|Map(map)| map).map_err(|error| DataError::Parse {
        path: path.to_owned(),
        line: error.line().max(1),
        kind: if error.is_data() { ParseErrorKind::WrongValue } else { ParseErrorKind::Syntax },
        message: format!("expected a JSON object from relations to a name or a list of names: {error}"),
    })
}

/// Calls `process` for each line that is not blank, and adds the line's number to its error.
fn for_each_line(path: &Path, mut process: impl FnMut(&str) -> Result<(), LineError>) -> Result<(), DataError> {
    let mut input = open(path)?;
    let path = input_name(path);
    let unreadable = |source| DataError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let mut line = 0;
    loop {
        bytes.clear();
        line += 1;
        if input.read_until(b'\n', &mut bytes).map_err(unreadable)? == 0 {
            return Ok(());
        }
        let text = str::from_utf8(&bytes).map_err(|_| DataError::Encoding { path: path.to_owned(), line })?;
        let text = if line == 1 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        let text = text.trim_end_matches(['\n', '\r']);
        // A line of tabs is not blank, but has empty columns.
        if !text.trim_matches(' ').is_empty() {
            process(text).map_err(|(kind, message)| DataError::Parse { path: path.to_owned(), line, kind, message })?;
        }
    }
}
