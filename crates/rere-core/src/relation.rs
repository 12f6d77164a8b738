//! The relations of a task, each with its query text.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// A relation and its query text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Relation {
    /// The name in the corpus and in predictions.
    pub name: String,
    /// The text that the entity extractor reads before the sentence.
    pub query: String,
}

impl Relation {
    /// Creates a relation with its query text.
    pub fn new(name: impl Into<String>, query: impl Into<String>) -> Self {
        Self { name: name.into(), query: query.into() }
    }
}

/// Style of the query text that is made from a relation's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum QueryStyle {
    /// The name verbatim, as in the code of RERE's authors.
    Raw,
    /// Readable words: the last two parts of a path, split at `_`, `-` and camelCase. `/people/person/place_of_birth`
    /// becomes `person place of birth`, and `birthPlace` becomes `birth place`.
    #[default]
    Words,
}

impl QueryStyle {
    /// Returns the query for a relation's name; the name itself if no words remain.
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

/// Converts `place_of_birth`, `placeOfBirth` and `place-of-birth` to `place of birth`.
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

/// The relations of a task in a fixed order. Names and queries are unique.
///
/// The position of a relation is its label in the relation classifier.
///
/// ```
/// use rere_core::RelationSet;
///
/// let relations = RelationSet::from_names(["/people/person/place_of_birth", "/location/location/contains"])?;
/// assert_eq!(relations.label("/location/location/contains"), Some(1));
/// assert_eq!(relations.get(0).map(|relation| relation.query.as_str()), Some("person place of birth"));
/// # Ok::<(), rere_core::RelationSetError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Relation>", into = "Vec<Relation>")]
pub struct RelationSet {
    relations: Vec<Relation>,
    labels: HashMap<String, usize>,
}

/// Error of relations that are not a [`RelationSet`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelationSetError {
    /// Two relations have the same name.
    #[error("expected unique names of relations, found {0:?} twice")]
    Duplicate(String),
    /// Two relations have the same query, so the entity extractor could not distinguish them.
    #[error("relations {0:?} and {1:?} have the same query {2:?}; give each its own query")]
    SameQuery(String, String, String),
    /// A relation has an empty name or query.
    #[error("expected a name and a query for each relation, but relation {0:?} has an empty name or query")]
    Empty(String),
}

impl RelationSet {
    /// Creates a set of relations in the given order.
    ///
    /// # Errors
    /// Returns an error if a name or query is empty or occurs twice.
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

    /// Creates a set of relations with these names and with queries in [readable words](QueryStyle::Words). Names that
    /// would get the same query are their own queries.
    ///
    /// # Errors
    /// Returns an error if a name is empty or occurs twice.
    pub fn from_names<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Result<Self, RelationSetError> {
        Self::with_style(names, QueryStyle::Words)
    }

    /// Does the same as [`RelationSet::from_names`], with queries in the given style.
    ///
    /// # Errors
    /// Returns an error if a name is empty or occurs twice.
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

    /// Returns the label of the relation with this name.
    pub fn label(&self, name: &str) -> Option<usize> {
        self.labels.get(name).copied()
    }

    /// Returns the relation with this label.
    pub fn get(&self, label: usize) -> Option<&Relation> {
        self.relations.get(label)
    }

    /// Returns the number of relations.
    pub fn len(&self) -> usize {
        self.relations.len()
    }

    /// Returns whether the set has no relation.
    pub fn is_empty(&self) -> bool {
        self.relations.is_empty()
    }

    /// Iterates over the relations in the order of their labels.
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
    fn names_with_equal_words_are_their_own_queries() {
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
        assert!(serde_json::from_str::<RelationSet>(json).is_err(), "the same query twice");
    }
}
