//! Collects entities and triples from files of any format, and makes a knowledge base of them.

use std::collections::{HashMap, HashSet};

use rere_core::{QueryStyle, RelationSet};

use super::{KnowledgeBase, KnowledgeBaseReport, facts::Facts, map::RelationMap};
use crate::DataError;

/// What an id means that has not occurred before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NewId {
    /// An entity whose names may follow.
    Entity,
    /// An entity with the id as its name.
    Name,
    /// Nothing: all entities are known.
    Unknown,
}

/// Kind of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameKind {
    /// The usual name, which comes before all aliases.
    Label,
    Alias,
}

/// A knowledge base that is being read.
pub(super) struct Builder {
    pub new_id: NewId,
    pub report: KnowledgeBaseReport,
    /// The number of each id, an index of `entities_of_id`.
    ids: HashMap<String, usize>,
    entities_of_id: Vec<Vec<usize>>,
    entities: Vec<Entity>,
    relation_numbers: HashMap<String, usize>,
    relations: Vec<Relation>,
    /// Names of what may be relations, but is not an entity.
    relation_names: HashMap<String, String>,
    /// Numbers of the subject's id, the relation and the object's id.
    triples: Vec<[usize; 3]>,
}

struct Entity {
    id: String,
    /// Labels, then aliases.
    names: Vec<String>,
    labels: usize,
}

struct Relation {
    id: String,
    /// Name of an RDF relation without a label.
    short: Option<String>,
    /// Triples with an unknown subject or object, which are not kept.
    unknown_triples: usize,
}

impl Builder {
    pub fn new(new_id: NewId) -> Self {
        Self {
            new_id,
            report: KnowledgeBaseReport::default(),
            ids: HashMap::new(),
            entities_of_id: Vec::new(),
            entities: Vec::new(),
            relation_numbers: HashMap::new(),
            relations: Vec::new(),
            relation_names: HashMap::new(),
            triples: Vec::new(),
        }
    }

    /// Adds an entity that is another one than all entities before, even if they have the same id.
    pub fn add_entity<'a>(&mut self, id: &str, second: Option<&str>, names: impl Iterator<Item = &'a str>) {
        let entity = self.entities.len();
        for id in [Some(id), second].into_iter().flatten() {
            let number = self.number(id);
            let entities = &mut self.entities_of_id[number];
            // An entity whose two ids are equal is listed once.
            if entities.last() != Some(&entity) {
                entities.push(entity);
            }
        }
        self.entities.push(Entity { id: id.to_owned(), names: Vec::new(), labels: 0 });
        for name in names {
            if name.is_empty() {
                self.report.blank_names += 1;
            } else {
                self.entities[entity].names.push(name.to_owned());
            }
        }
    }

    /// Adds a name to the entities with this id. Returns false if the id is unknown.
    pub fn add_name(&mut self, id: &str, name: &str, kind: NameKind) -> bool {
        let name = name.trim();
        let Some(number) = self.find_or_add(id) else { return false };
        if name.is_empty() {
            self.report.blank_names += 1;
            return true;
        }
        for &entity in &self.entities_of_id[number] {
            let Entity { names, labels, .. } = &mut self.entities[entity];
            if !names.iter().any(|own| own == name) {
                let at = if kind == NameKind::Label { *labels } else { names.len() };
                names.insert(at, name.to_owned());
                *labels += usize::from(kind == NameKind::Label);
            }
        }
        true
    }

    /// Adds a name of what may be a relation.
    pub fn add_relation_name(&mut self, id: &str, name: &str) {
        if !self.relation_names.contains_key(id) {
            self.relation_names.insert(id.to_owned(), name.trim().to_owned());
        }
    }

    /// Adds a triple. `short` is the name of an RDF relation that has no label.
    pub fn add_triple(&mut self, subject: &str, relation: &str, short: Option<&str>, object: &str) {
        self.report.triples += 1;
        let relation = match self.relation_numbers.get(relation) {
            Some(&number) => number,
            None => {
                let number = self.relations.len();
                self.relation_numbers.insert(relation.to_owned(), number);
                self.relations.push(Relation {
                    id: relation.to_owned(),
                    short: short.map(str::to_owned),
                    unknown_triples: 0,
                });
                number
            }
        };
        match (self.find_or_add(subject), self.find_or_add(object)) {
            (Some(subject), Some(object)) => self.triples.push([subject, relation, object]),
            _ => self.relations[relation].unknown_triples += 1,
        }
    }

    /// Returns the number of an id; `None` if it is unknown.
    pub fn find_or_add(&mut self, id: &str) -> Option<usize> {
        if let Some(&number) = self.ids.get(id) {
            return Some(number);
        }
        match self.new_id {
            NewId::Unknown => return None,
            NewId::Entity => self.add_entity(id, None, [].into_iter()),
            NewId::Name => self.add_entity(id, None, [id].into_iter()),
        }
        self.ids.get(id).copied()
    }

    /// Returns the number of an id, which is added if it is new.
    fn number(&mut self, id: &str) -> usize {
        match self.ids.get(id) {
            Some(&number) => number,
            None => {
                self.ids.insert(id.to_owned(), self.entities_of_id.len());
                self.entities_of_id.push(Vec::new());
                self.entities_of_id.len() - 1
            }
        }
    }

    /// Makes the knowledge base, with the names of relations that the map gives.
    pub fn finish(self, map: Option<RelationMap>) -> Result<KnowledgeBase, DataError> {
        let mut relations = self.name_relations(map);
        let Self { mut report, entities_of_id, entities, triples, relations: read, .. } = self;
        report.unmapped_relations = relations.unmapped;
        report.excluded_relations = relations.excluded;
        report.unused_relations = relations.unused;
        report.joined_relations = relations.joined;

        // Relations are not entities, and entities without a name get no number.
        let mut numbers = vec![None; entities.len()];
        let (mut ids, mut names) = (Vec::new(), Vec::new());
        for (entity, Entity { id, names: own, .. }) in entities.into_iter().enumerate() {
            if relations.entities.contains(&entity) {
                continue;
            }
            if own.is_empty() {
                report.unnamed_entities += 1;
                continue;
            }
            report.entities += 1;
            report.names += own.len();
            numbers[entity] = Some(ids.len());
            ids.push(id);
            names.push(own);
        }
        let named: Vec<Vec<usize>> = entities_of_id
            .into_iter()
            .map(|entities| entities.into_iter().filter_map(|entity| numbers[entity]).collect())
            .collect();

        let mut facts = Vec::with_capacity(triples.len());
        for [subject, relation, object] in triples {
            let (subjects, objects) = (&named[subject], &named[object]);
            let count = match &relations.names[relation] {
                None => &mut report.unmapped_triples,
                Some(names) if names.is_empty() => &mut report.excluded_triples,
                Some(_) if subjects.is_empty() || objects.is_empty() => &mut report.unnamed_triples,
                Some(_) if subjects.len() == 1 && subjects == objects => &mut report.self_triples,
                Some(_) => {
                    let labels = relations.labels(relation);
                    for &subject in subjects {
                        let others = objects.iter().filter(|&&object| object != subject);
                        facts.extend(
                            others.flat_map(|&object| labels.iter().map(move |&label| [subject, object, label])),
                        );
                    }
                    continue;
                }
            };
            *count += 1;
        }
        for (relation, names) in read.iter().zip(&relations.names) {
            let count = match names {
                None => &mut report.unmapped_triples,
                Some(names) if names.is_empty() => &mut report.excluded_triples,
                Some(_) => &mut report.unknown_triples,
            };
            *count += relation.unknown_triples;
        }
        let facts = Facts::new(ids.len(), facts);
        report.facts = facts.len();
        let relations = RelationSet::with_style(relations.labelled, QueryStyle::Raw)?;
        Ok(KnowledgeBase { ids, names, relations, facts, hidden: Facts::default(), report })
    }

    /// Gives each relation its names in the corpus.
    fn name_relations(&self, mut map: Option<RelationMap>) -> Relations {
        let mut relations = Relations::default();
        let mut seen = HashSet::new();
        for Relation { id, short, .. } in &self.relations {
            // Only relations in RDF are named by labels; those in a table have their names.
            let entities = match (short, self.ids.get(id)) {
                (Some(_), Some(&number)) => self.entities_of_id[number].as_slice(),
                _ => &[],
            };
            relations.entities.extend(entities);
            let label = entities.iter().find_map(|&entity| self.entities[entity].names.first());
            let label = label.or_else(|| self.relation_names.get(id).filter(|_| short.is_some()));
            let known = [label, short.as_ref(), Some(id)].into_iter().flatten();
            let names = match &mut map {
                None => known.take(1).next().map(|name| {
                    relations.joined += usize::from(!seen.insert(name));
                    vec![name.clone()]
                }),
                Some(RelationMap(map)) => known.into_iter().find(|name| map.contains_key(*name)).and_then(|name| {
                    let mapped = map.get_mut(name)?;
                    mapped.used = true;
                    Some(mapped.names.clone())
                }),
            };
            relations.unmapped += usize::from(names.is_none());
            relations.names.push(names);
        }
        for mapped in map.iter().flat_map(|RelationMap(map)| map.values()) {
            relations.unused += usize::from(!mapped.used);
            relations.excluded += usize::from(mapped.used && mapped.names.is_empty());
        }
        relations.labels_of = vec![None; relations.names.len()];
        relations
    }
}

/// The relations in the order of their first triple, with what a map makes of them.
#[derive(Default)]
struct Relations {
    /// Names in the corpus: `None` if the map does not have the relation, none if the map leaves it out.
    names: Vec<Option<Vec<String>>>,
    /// Labels of the names, for relations that have a fact.
    labels_of: Vec<Option<Vec<usize>>>,
    /// The name of each label.
    labelled: Vec<String>,
    labels: HashMap<String, usize>,
    /// Numbers of what are relations and not entities.
    entities: HashSet<usize>,
    unmapped: usize,
    excluded: usize,
    unused: usize,
    /// Relations with the name of another one.
    joined: usize,
}

impl Relations {
    /// Returns the labels of a relation's names, which are numbered in the order of their first facts.
    fn labels(&mut self, relation: usize) -> &[usize] {
        let Self { names, labels_of, labelled, labels, .. } = self;
        labels_of[relation].get_or_insert_with(|| {
            let mut own = Vec::new();
            for name in names[relation].iter().flatten() {
                let label = *labels.entry(name.clone()).or_insert_with(|| {
                    labelled.push(name.clone());
                    labelled.len() - 1
                });
                own.push(label);
            }
            own
        })
    }
}
