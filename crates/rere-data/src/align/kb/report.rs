//! What was read of a knowledge base, and what could not be used.

use std::fmt;

use serde::Serialize;

/// Report of a [`KnowledgeBase`](super::KnowledgeBase): counts of its content and of what could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct KnowledgeBaseReport {
    /// Entities with a name.
    pub entities: usize,
    /// Names and aliases of these entities.
    pub names: usize,
    /// Triples in the file, without those that name an entity.
    pub triples: usize,
    /// Blank names.
    pub blank_names: usize,
    /// Entities left out because they have no name, or only blank ones or names in other languages.
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
    /// Relations of RDF that have the name of another one and are one relation with it.
    pub joined_relations: usize,
    /// Names left out because they are in another language.
    pub foreign_names: usize,
    /// Names left out because the entities' file does not have their entity.
    pub unknown_names: usize,
    /// RDF triples left out because their object is a literal, such as a date, and not an entity.
    pub literal_triples: usize,
    /// RDF triples left out because their subject or object is a blank node, which has no lasting id.
    pub blank_node_triples: usize,
    /// RDF triples left out because they are about classes and properties: those of RDF, RDFS and OWL.
    pub schema_triples: usize,
    /// RDF triples of the entities' file that are no names, which are not read.
    pub entity_file_triples: usize,
    /// Lines left out because they are not N-Triples.
    pub malformed_lines: usize,
    /// File, line and problem of the first of these lines.
    pub first_malformed: Option<String>,
    /// Columns of a table that are not used, by their headers.
    pub ignored_columns: Vec<String>,
    /// Distinct facts: two different entities with a relation. A triple can be several, or the same as another one.
    pub facts: usize,
    /// Facts that are [hidden](super::KnowledgeBase::hide).
    pub hidden_facts: usize,
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
            (self.literal_triples, "triples left out: the object is a literal, not an entity"),
            (self.blank_node_triples, "triples left out: subject or object is a blank node"),
            (self.schema_triples, "triples left out: about classes and properties (RDF, RDFS, OWL)"),
            (self.entity_file_triples, "triples of the entities' file left out: they are no names"),
            (self.unnamed_entities, "entities left out: no name"),
            (self.blank_names, "names left out: blank"),
            (self.foreign_names, "names left out: in another language"),
            (self.unknown_names, "names left out: their entities are not in the entities' file"),
            (self.unused_relations, "relations of the map unused: no triple has them"),
            (self.joined_relations, "relations joined with another one of the same name"),
        ];
        causes.iter().filter(|(count, _)| *count > 0).try_for_each(|(count, cause)| write!(f, "\n{count} {cause}"))?;
        if !self.ignored_columns.is_empty() {
            write!(f, "\ncolumns not used: {}", self.ignored_columns.join(", "))?;
        }
        if let Some(first) = &self.first_malformed {
            write!(f, "\nwarning: {} lines left out: not N-Triples; first {first}", self.malformed_lines)?;
        }
        Ok(())
    }
}
