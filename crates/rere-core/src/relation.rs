//! The relations of a task, and the words that ask an encoder for each.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// A relation and the text that stands for it in a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// The name that the corpus and the predictions use.
    pub name: String,
    /// What the entity extractor reads in front of the sentence.
    pub query: String,
}

/// How a query text is made from a relation's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueryStyle {
    /// The name as it stands, as the authors of RERE have it.
    Raw,
    /// Readable words: the last two parts of a path, `_` and camelCase split:
    /// `/people/person/place_of_birth` becomes `person place of birth`, `birthPlace` becomes `birth place`.
    #[default]
    Words,
}

impl QueryStyle {
    /// The query for a relation's name; the name itself where no words are left.
    pub fn query(self, name: &str) -> String {
        match self {
            Self::Raw => name.to_owned(),
            Self::Words => {
                let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty()).collect();
                let words = parts[parts.len().saturating_sub(2)..].iter().map(|part| split_words(part));
                let words = words.filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" ");
                if words.is_empty() { name.to_owned() } else { words }
            }
        }
    }
}

/// `place_of_birth`, `placeOfBirth` and `place-of-birth` to `place of birth`.
fn split_words(part: &str) -> String {
    let mut words = String::with_capacity(part.len() + 4);
    let mut after_lowercase = false;
    for c in part.chars() {
        if c == '_' || c == '-' || c.is_whitespace() {
            words.push(' ');
        } else if c.is_uppercase() && after_lowercase {
            words.push(' ');
            words.extend(c.to_lowercase());
        } else {
            words.push(c);
        }
        after_lowercase = c.is_lowercase();
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The relations of a task in a fixed order, no name and no query twice.
///
/// The position of a relation is its label in the relation classifier.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Relation>", into = "Vec<Relation>")]
pub struct RelationSet {
    relations: Vec<Relation>,
    labels: HashMap<String, usize>,
}

/// Relations that do not make a set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelationSetError {
    /// Two relations have one name.
    #[error("relation {0:?} is named twice")]
    Duplicate(String),
    /// Two relations have one query, so that the entity extractor could not tell them apart.
    #[error("relations {0:?} and {1:?} have the same query {2:?}: give each its own")]
    SameQuery(String, String, String),
    /// A relation has no name or no query.
    #[error("relation {0:?} has an empty name or query")]
    Empty(String),
}

impl RelationSet {
    /// The set of the given relations, in their order.
    ///
    /// # Errors
    /// Where a name or query is empty or stands twice.
    pub fn new(relations: Vec<Relation>) -> Result<Self, RelationSetError> {
        let mut labels = HashMap::with_capacity(relations.len());
        let mut queries: HashMap<&str, &str> = HashMap::with_capacity(relations.len());
        for (label, relation) in relations.iter().enumerate() {
            if relation.name.trim().is_empty() || relation.query.trim().is_empty() {
                return Err(RelationSetError::Empty(relation.name.clone()));
            }
            if labels.insert(relation.name.clone(), label).is_some() {
                return Err(RelationSetError::Duplicate(relation.name.clone()));
            }
            if let Some(other) = queries.insert(&relation.query, &relation.name) {
                return Err(RelationSetError::SameQuery(
                    other.to_owned(),
                    relation.name.clone(),
                    relation.query.clone(),
                ));
            }
        }
        Ok(Self { relations, labels })
    }

    /// The set of relations with these names, each asked for in [readable words](QueryStyle::Words).
    ///
    /// # Errors
    /// As [`RelationSet::new`]; but two names that read the same are both asked for by their raw names.
    pub fn from_names<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Result<Self, RelationSetError> {
        Self::with_style(names, QueryStyle::Words)
    }

    /// As [`RelationSet::from_names`], with queries in the given style.
    ///
    /// # Errors
    /// As [`RelationSet::from_names`].
    pub fn with_style<N: Into<String>>(
        names: impl IntoIterator<Item = N>,
        style: QueryStyle,
    ) -> Result<Self, RelationSetError> {
        let mut relations: Vec<Relation> = names
            .into_iter()
            .map(|name| {
                let name = name.into();
                Relation { query: style.query(&name), name }
            })
            .collect();
        let mut uses: HashMap<String, usize> = HashMap::new();
        for relation in &relations {
            *uses.entry(relation.query.clone()).or_default() += 1;
        }
        for relation in relations.iter_mut().filter(|relation| uses[&relation.query] > 1) {
            relation.query.clone_from(&relation.name);
        }
        Self::new(relations)
    }

    /// The label of the relation with this name.
    pub fn label(&self, name: &str) -> Option<usize> {
        self.labels.get(name).copied()
    }

    /// The relation with this label.
    pub fn get(&self, label: usize) -> Option<&Relation> {
        self.relations.get(label)
    }

    /// Number of relations.
    pub fn len(&self) -> usize {
        self.relations.len()
    }

    /// Whether the set has no relation.
    pub fn is_empty(&self) -> bool {
        self.relations.is_empty()
    }

    /// The relations in the order of their labels.
    pub fn iter(&self) -> std::slice::Iter<'_, Relation> {
        self.relations.iter()
    }
}

impl<'a> IntoIterator for &'a RelationSet {
    type Item = &'a Relation;
    type IntoIter = std::slice::Iter<'a, Relation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl TryFrom<Vec<Relation>> for RelationSet {
    type Error = RelationSetError;

    fn try_from(relations: Vec<Relation>) -> Result<Self, RelationSetError> {
        Self::new(relations)
    }
}

impl From<RelationSet> for Vec<Relation> {
    fn from(set: RelationSet) -> Self {
        set.relations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_readable() {
        let words = |name| QueryStyle::Words.query(name);
        assert_eq!(words("/people/person/place_of_birth"), "person place of birth");
        assert_eq!(words("/location/location/contains"), "location contains");
        assert_eq!(words("has to its northeast"), "has to its northeast");
        assert_eq!(words("numberOfMembers"), "number of members");
        assert_eq!(words("出生地"), "出生地");
        assert_eq!(words("//"), "//");
        assert_eq!(QueryStyle::Raw.query("/a/b"), "/a/b");
    }

    #[test]
    fn names_that_read_the_same_keep_their_raw_names() {
        let set = RelationSet::from_names(["/a/b/is_in", "/c/b/is_in", "/c/b/is_on"]).expect("a set");
        let queries: Vec<&str> = set.iter().map(|relation| relation.query.as_str()).collect();
        assert_eq!(queries, ["/a/b/is_in", "/c/b/is_in", "b is on"]);
        assert_eq!(set.label("/c/b/is_on"), Some(2));
        assert_eq!(set.label("is_on"), None);
    }

    #[test]
    fn bad_sets_are_errors() {
        assert_eq!(RelationSet::from_names(["a", "a"]), Err(RelationSetError::Duplicate("a".into())));
        assert_eq!(RelationSet::from_names([" "]), Err(RelationSetError::Empty(" ".into())));
        let json = r#"[{"name":"a","query":"x"},{"name":"b","query":"x"}]"#;
        assert!(serde_json::from_str::<RelationSet>(json).is_err());
    }
}
