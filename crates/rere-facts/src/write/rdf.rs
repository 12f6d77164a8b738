//! N-Triples and Turtle: each fact as a triple, and as an `rdf:Statement` with its scores and evidence.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use oxrdf::{
    Literal, NamedNode, NamedNodeRef, TermRef, TripleRef,
    vocab::{rdf, rdfs, xsd},
};
use oxttl::{TurtleSerializer, turtle::LowLevelTurtleSerializer};
use rere_data::{DataError, Output};

use super::{
    FactWriterOptions, Sink,
    evidence::Evidence,
    iri::{Iris, WIKIDATA_DIRECT, WIKIDATA_ENTITY},
    unwritable,
};
use crate::{CorpusFact, FactEntity, FactsError};

/// What Turtle abbreviates.
const PREFIXES: [(&str, &str); 8] = [
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
    ("prov", "http://www.w3.org/ns/prov#"),
    ("dc", "http://purl.org/dc/elements/1.1/"),
    ("wd", WIKIDATA_ENTITY),
    ("wdt", WIKIDATA_DIRECT),
    ("rere", "urn:rere:vocab/"),
];

/// Terms of the W3C's ontology of provenance, of Dublin Core's elements, and of this crate for what these do not have.
mod terms {
    use super::NamedNodeRef;

    const fn term(iri: &str) -> NamedNodeRef<'_> {
        NamedNodeRef::new_unchecked(iri)
    }

    pub const ENTITY: NamedNodeRef = term("http://www.w3.org/ns/prov#Entity");
    pub const DERIVED_FROM: NamedNodeRef = term("http://www.w3.org/ns/prov#wasDerivedFrom");
    pub const VALUE: NamedNodeRef = term("http://www.w3.org/ns/prov#value");
    pub const IDENTIFIER: NamedNodeRef = term("http://purl.org/dc/elements/1.1/identifier");
    pub const SOURCE: NamedNodeRef = term("http://purl.org/dc/elements/1.1/source");
    pub const CANDIDATE: NamedNodeRef = term("urn:rere:vocab/candidate");
    pub const SCORE: NamedNodeRef = term("urn:rere:vocab/score");
    pub const BEST: NamedNodeRef = term("urn:rere:vocab/best");
    pub const SENTENCES: NamedNodeRef = term("urn:rere:vocab/sentences");
    pub const DOCUMENTS: NamedNodeRef = term("urn:rere:vocab/documents");
    pub const STATUS: NamedNodeRef = term("urn:rere:vocab/status");
    pub const CONFLICT: NamedNodeRef = term("urn:rere:vocab/conflict");
    pub const START: NamedNodeRef = term("urn:rere:vocab/start");
    pub const SUBJECT_SURFACE: NamedNodeRef = term("urn:rere:vocab/subjectSurface");
    pub const SUBJECT_START: NamedNodeRef = term("urn:rere:vocab/subjectStart");
    pub const SUBJECT_END: NamedNodeRef = term("urn:rere:vocab/subjectEnd");
    pub const OBJECT_SURFACE: NamedNodeRef = term("urn:rere:vocab/objectSurface");
    pub const OBJECT_START: NamedNodeRef = term("urn:rere:vocab/objectStart");
    pub const OBJECT_END: NamedNodeRef = term("urn:rere:vocab/objectEnd");
}

pub(super) struct Rdf {
    triples: Triples,
    iris: Iris,
    path: PathBuf,
}

struct Triples {
    output: Output,
    /// `None` for N-Triples.
    turtle: Option<LowLevelTurtleSerializer>,
}

impl Rdf {
    pub fn n_triples(path: &Path, options: &FactWriterOptions) -> Result<Self, FactsError> {
        Self::create(path, options, None)
    }

    pub fn turtle(path: &Path, options: &FactWriterOptions) -> Result<Self, FactsError> {
        let serializer = PREFIXES
            .into_iter()
            .try_fold(TurtleSerializer::new(), |serializer, (name, iri)| serializer.with_prefix(name, iri))
            .map_err(|error| unwritable(path, io::Error::other(error)))?;
        Self::create(path, options, Some(serializer.low_level()))
    }

    fn create(
        path: &Path,
        options: &FactWriterOptions,
        turtle: Option<LowLevelTurtleSerializer>,
    ) -> Result<Self, FactsError> {
        let iris = Iris::new(options)?;
        let triples = Triples { output: Output::create(path)?, turtle };
        Ok(Self { triples, iris, path: path.to_owned() })
    }

    /// Writes the names of an entity, and the ids of the entities that it may be.
    fn write_entity(&mut self, node: &NamedNode, entity: &FactEntity) -> io::Result<()> {
        let mut about = self.triples.about(node);
        about.text(rdfs::LABEL, &entity.name)?;
        if let [_, _, ..] = entity.ids[..] {
            entity.ids.iter().try_for_each(|id| about.node(terms::CANDIDATE, &self.iris.id(id)))?;
        }
        Ok(())
    }
}

impl Sink for Rdf {
    fn write(&mut self, fact: &CorpusFact) -> io::Result<()> {
        let [subject, object] = [&fact.subject, &fact.object].map(|entity| self.iris.entity(entity));
        let predicate = self.iris.relation(&fact.relation);
        self.triples.about(&subject).node(predicate.as_ref(), &object)?;
        self.write_entity(&subject, &fact.subject)?;
        self.write_entity(&object, &fact.object)?;
        self.triples.about(&predicate).text(rdfs::LABEL, &fact.relation)?;

        let statement = self.iris.statement(&subject, &predicate, &object);
        let evidence: Vec<_> = (1..)
            .zip(&fact.evidence)
            .map(|(number, sentence)| {
                (NamedNode::new_unchecked(format!("{}/{number}", statement.as_str())), Evidence::of(sentence))
            })
            .collect();
        let mut about = self.triples.about(&statement);
        about.node(rdf::TYPE, &rdf::STATEMENT.into_owned())?;
        about.node(rdf::SUBJECT, &subject)?;
        about.node(rdf::PREDICATE, &predicate)?;
        about.node(rdf::OBJECT, &object)?;
        about.double(terms::SCORE, fact.score)?;
        about.double(terms::BEST, fact.best)?;
        about.integer(terms::SENTENCES, fact.sentences as u64)?;
        about.integer(terms::DOCUMENTS, fact.documents as u64)?;
        fact.status.map_or(Ok(()), |status| about.text(terms::STATUS, status.name()))?;
        fact.conflicts.iter().try_for_each(|conflict| about.text(terms::CONFLICT, conflict))?;
        evidence.iter().try_for_each(|(node, _)| about.node(terms::DERIVED_FROM, node))?;
        evidence.iter().try_for_each(|(node, evidence)| write_evidence(&mut self.triples.about(node), evidence))
    }

    fn finish(self: Box<Self>) -> Result<(), DataError> {
        let Self { triples: Triples { mut output, turtle }, path, .. } = *self;
        if let Some(mut turtle) = turtle {
            turtle.finish(&mut output).map_err(|error| unwritable(&path, error))?;
        }
        output.finish()
    }
}

fn write_evidence(about: &mut About, evidence: &Evidence) -> io::Result<()> {
    about.node(rdf::TYPE, &terms::ENTITY.into_owned())?;
    about.text(terms::VALUE, evidence.text)?;
    evidence.score.map_or(Ok(()), |score| about.double(terms::SCORE, score))?;
    for (term, text) in [
        (terms::IDENTIFIER, evidence.sentence_id),
        (terms::SOURCE, evidence.document.as_deref()),
        (terms::SUBJECT_SURFACE, evidence.subject_surface),
        (terms::OBJECT_SURFACE, evidence.object_surface),
    ] {
        text.map_or(Ok(()), |text| about.text(term, text))?;
    }
    for (term, offset) in [
        (terms::SUBJECT_START, evidence.subject_start),
        (terms::SUBJECT_END, evidence.subject_end),
        (terms::OBJECT_START, evidence.object_start),
        (terms::OBJECT_END, evidence.object_end),
    ] {
        offset.map_or(Ok(()), |offset| about.integer(term, offset as u64))?;
    }
    evidence.start.map_or(Ok(()), |start| about.integer(terms::START, start))
}

impl Triples {
    fn about<'a>(&'a mut self, subject: &'a NamedNode) -> About<'a> {
        About { subject: subject.as_ref(), triples: self }
    }
}

/// Writes triples with the same subject.
struct About<'a> {
    subject: NamedNodeRef<'a>,
    triples: &'a mut Triples,
}

impl About<'_> {
    fn node(&mut self, predicate: NamedNodeRef, object: &NamedNode) -> io::Result<()> {
        self.write(predicate, object.as_ref().into())
    }

    fn text(&mut self, predicate: NamedNodeRef, text: &str) -> io::Result<()> {
        self.write(predicate, Literal::from(text).as_ref().into())
    }

    fn double(&mut self, predicate: NamedNodeRef, number: f64) -> io::Result<()> {
        self.write(predicate, Literal::from(number).as_ref().into())
    }

    fn integer(&mut self, predicate: NamedNodeRef, number: u64) -> io::Result<()> {
        self.write(predicate, Literal::new_typed_literal(number.to_string(), xsd::INTEGER).as_ref().into())
    }

    fn write(&mut self, predicate: NamedNodeRef, object: TermRef) -> io::Result<()> {
        let triple = TripleRef::new(self.subject, predicate, object);
        let Triples { output, turtle } = &mut *self.triples;
        match turtle {
            Some(turtle) => turtle.serialize_triple(triple, output),
            // A triple is displayed as N-Triples.
            None => writeln!(output, "{triple} ."),
        }
    }
}
