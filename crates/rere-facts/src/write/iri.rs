//! IRIs of entities and relations.

use std::fmt::Write;

use oxrdf::NamedNode;
use sha2::{Digest, Sha256};

use super::FactWriterOptions;
use crate::{FactEntity, FactsError};

/// Entities of Wikidata.
pub(super) const WIKIDATA_ENTITY: &str = "http://www.wikidata.org/entity/";

/// Wikidata's own predicates: a property is another resource as a predicate than as an entity.
pub(super) const WIKIDATA_DIRECT: &str = "http://www.wikidata.org/prop/direct/";

pub(super) struct Iris {
    base: String,
}

impl Iris {
    pub fn new(options: &FactWriterOptions) -> Result<Self, FactsError> {
        let base = &options.base;
        match NamedNode::new(base) {
            Ok(_) if base.ends_with(['/', '#', ':']) => Ok(Self { base: base.clone() }),
            _ => Err(FactsError::Base(base.clone())),
        }
    }

    /// Returns the IRI of the entity's id, or of its name if it has no id or several.
    pub fn entity(&self, entity: &FactEntity) -> NamedNode {
        match &entity.ids[..] {
            [id] => self.id(id),
            _ => self.under_base("name", &entity.name),
        }
    }

    /// Returns the IRI of an id.
    pub fn id(&self, id: &str) -> NamedNode {
        if is_wikidata(id, &['Q', 'P', 'L']) {
            return NamedNode::new_unchecked(format!("{WIKIDATA_ENTITY}{id}"));
        }
        NamedNode::new(id).unwrap_or_else(|_| self.under_base("entity", id))
    }

    /// Returns the IRI of a relation.
    pub fn relation(&self, name: &str) -> NamedNode {
        if is_wikidata(name, &['P']) {
            return NamedNode::new_unchecked(format!("{WIKIDATA_DIRECT}{name}"));
        }
        NamedNode::new(name).unwrap_or_else(|_| self.under_base("relation", name))
    }

    /// Returns the IRI of a triple as a statement, which is the same in each file.
    pub fn statement(&self, subject: &NamedNode, predicate: &NamedNode, object: &NamedNode) -> NamedNode {
        // Spaces are in no IRI.
        let triple = format!("{} {} {}", subject.as_str(), predicate.as_str(), object.as_str());
        let name = digest(&triple).iter().fold(String::new(), |mut name, byte| {
            // Writing to a string does not fail.
            let _ = write!(name, "{byte:02x}");
            name
        });
        self.under_base("statement", &name)
    }

    fn under_base(&self, kind: &str, name: &str) -> NamedNode {
        let mut iri = format!("{}{kind}/", self.base);
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                iri.push(char::from(byte));
            } else {
                let _ = write!(iri, "%{byte:02X}");
            }
        }
        // The base is an IRI, and what follows is ASCII that may stand in a path or a fragment.
        NamedNode::new_unchecked(iri)
    }
}

/// Returns whether an id is one of the letters and a number.
fn is_wikidata(id: &str, letters: &[char]) -> bool {
    let number = id.strip_prefix(letters);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Returns 128 bits of the SHA-256 of a text: with a billion texts, two are equal with a probability of 10^-21.
pub(super) fn digest(text: &str) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.iter_mut().zip(Sha256::digest(text)).for_each(|(own, byte)| *own = byte);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_names_and_relations_have_iris() {
        let iris = Iris::new(&FactWriterOptions::default().with_base("https://example.org/kg#")).expect("a base");
        let entity = |name: &str, ids: &[&str]| {
            let ids = ids.iter().map(|&id| id.to_owned()).collect();
            iris.entity(&FactEntity { name: name.to_owned(), ids }).into_string()
        };
        for (name, ids, expected) in [
            ("Ada", &["Q7259"][..], "http://www.wikidata.org/entity/Q7259"),
            ("Ada", &["https://example.org/Ada?x=1"], "https://example.org/Ada?x=1"),
            ("Ada", &["urn:isbn:1"], "urn:isbn:1"),
            ("Ada", &["m.02_28"], "https://example.org/kg#entity/m.02_28"),
            ("Ada", &["/m/02 28"], "https://example.org/kg#entity/%2Fm%2F02%2028"),
            ("Ada", &["https://example.org/a b"], "https://example.org/kg#entity/https%3A%2F%2Fexample.org%2Fa%20b"),
            ("Q42", &[], "https://example.org/kg#name/Q42"),
            ("https://example.org/Ada", &[], "https://example.org/kg#name/https%3A%2F%2Fexample.org%2FAda"),
            ("Zoë 北\n\"<>", &["Q1", "Q2"], "https://example.org/kg#name/Zo%C3%AB%20%E5%8C%97%0A%22%3C%3E"),
        ] {
            assert_eq!(entity(name, ids), expected);
            assert!(NamedNode::new(expected).is_ok(), "{expected}");
        }
        for (name, expected) in [
            ("P19", "http://www.wikidata.org/prop/direct/P19"),
            ("https://schema.org/birthPlace", "https://schema.org/birthPlace"),
            ("/people/born", "https://example.org/kg#relation/%2Fpeople%2Fborn"),
            ("Q19", "https://example.org/kg#relation/Q19"),
            ("P", "https://example.org/kg#relation/P"),
        ] {
            assert_eq!(iris.relation(name).as_str(), expected);
        }
    }

    #[test]
    fn a_base_is_an_absolute_iri_with_an_end() {
        for base in ["", "kg/", "/kg/", "https://example.org/kg", "https://example.org/a b/"] {
            let error = Iris::new(&FactWriterOptions::default().with_base(base)).err().expect(base).to_string();
            assert!(error.contains(&format!("found {base:?}")), "{error}");
        }
        assert!(Iris::new(&FactWriterOptions::default().with_base("https://example.org/")).is_ok());
    }
}
