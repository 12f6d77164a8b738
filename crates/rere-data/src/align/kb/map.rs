//! The map of relations: their names in the corpus.

use std::{collections::HashMap, io::Read, path::Path};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};

use crate::{DataError, ParseErrorKind, input_name, open};

/// Names of a knowledge base's relation in the corpus.
pub(super) struct MappedRelation {
    /// The names; none if the relation is to be left out.
    pub names: Vec<String>,
    /// Whether a triple has the relation.
    pub used: bool,
}

/// Map of relations, by their names in the knowledge base.
pub(super) struct RelationMap(pub HashMap<String, MappedRelation>);

impl RelationMap {
    /// Reads a JSON object from relations to a name or a list of names.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let mut text = Vec::new();
        let mut input = open(path)?;
        let path = input_name(path);
        input.read_to_end(&mut text).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
        let json = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
        serde_json::from_slice(json).map_err(|error| DataError::Parse {
            path: path.to_owned(),
            line: error.line().max(1),
            kind: if error.is_data() { ParseErrorKind::WrongValue } else { ParseErrorKind::Syntax },
            message: format!("expected a JSON object from relations to a name or a list of names: {error}"),
        })
    }
}

impl<'de> Deserialize<'de> for RelationMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor)
    }
}

/// Not derived, because a derived map silently keeps the last of two equal keys.
struct MapVisitor;

impl<'de> Visitor<'de> for MapVisitor {
    type Value = RelationMap;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<RelationMap, A::Error> {
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
        Ok(RelationMap(map))
    }
}
