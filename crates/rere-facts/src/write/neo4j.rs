//! The files of `neo4j-admin database import full`: a folder with nodes and relationships as CSV.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use ::csv::Writer;
use rere_data::{DataError, Output};

use super::{
    FactWriterOptions, Sink,
    iri::{self, Iris},
    table::{self, COLUMNS},
    unwritable,
};
use crate::{CorpusFact, FactEntity, FactsError};

pub(super) struct Neo4j {
    nodes: Writer<Output>,
    relationships: Writer<Output>,
    /// Digests of the nodes that are written: the import refuses a node that is there twice.
    written: HashSet<[u8; 16]>,
    iris: Iris,
    folder: PathBuf,
}

impl Neo4j {
    pub fn create(folder: &Path, options: &FactWriterOptions) -> Result<Self, FactsError> {
        let iris = Iris::new(options)?;
        if !folder.is_dir() {
            fs::create_dir(folder).map_err(|error| unwritable(folder, error))?;
        }
        let file = |name: &str, header: Vec<String>| {
            let mut writer = Writer::from_writer(Output::create(&folder.join(name))?);
            writer.write_record(header).map_err(|error| unwritable(folder, error.into()))?;
            Ok::<_, DataError>(writer)
        };
        let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let properties = COLUMNS.map(|(name, kind)| format!("{name}:{kind}"));
        Ok(Self {
            nodes: file("nodes.csv", own(&["iri:ID", "name:string", "ids:string[]", ":LABEL"]))?,
            relationships: file(
                "relationships.csv",
                [own(&[":START_ID", ":END_ID", ":TYPE"]), properties.to_vec()].concat(),
            )?,
            written: HashSet::new(),
            iris,
            folder: folder.to_owned(),
        })
    }

    /// Writes the node of an entity unless it is there, and returns its id.
    fn node(&mut self, entity: &FactEntity) -> io::Result<String> {
        let id = self.iris.entity(entity).into_string();
        if self.written.insert(iri::digest(&id)) {
            self.nodes.write_record([&id, &entity.name, &array(&entity.ids), "Entity"])?;
        }
        Ok(id)
    }
}

impl Sink for Neo4j {
    fn write(&mut self, fact: &CorpusFact) -> io::Result<()> {
        let (subject, object) = (self.node(&fact.subject)?, self.node(&fact.object)?);
        let columns = table::columns(fact, array(&fact.conflicts));
        let triple = [&subject, &object, &fact.relation];
        let cells = triple.into_iter().map(String::as_str).chain(columns.iter().map(AsRef::as_ref));
        Ok(self.relationships.write_record(cells)?)
    }

    fn finish(self: Box<Self>) -> Result<(), DataError> {
        table::complete(self.nodes, &self.folder)?;
        table::complete(self.relationships, &self.folder)
    }
}

/// Joins items by `;`, which no item of an array can hold: there it becomes `%3B`.
fn array(items: &[String]) -> String {
    items.iter().map(|item| item.replace(';', "%3B")).collect::<Vec<_>>().join(";")
}
