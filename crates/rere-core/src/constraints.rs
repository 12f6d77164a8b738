//! Constraints on the triples of a text.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::{ByteSpan, Mention, RelationSet, Triple};

/// Error of constraints that a system cannot use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConstraintError {
    /// A limit of 0 would exclude every triple.
    #[error("{key} must be at least 1, found 0")]
    Zero {
        /// The key.
        key: &'static str,
    },
    /// The constraints name a relation that the system does not have.
    #[error("{key}: expected one of the system's relations ({}), found {name:?}", known.join(", "))]
    UnknownRelation {
        /// The key.
        key: &'static str,
        /// The name.
        name: String,
        /// The system's relations.
        known: Vec<String>,
    },
}

/// Constraints on the triples of a text.
///
/// A triple that breaks a constraint is discarded. If triples exclude each other, the best one is kept. Triples with
/// the same subject, relation and object at different offsets count as one triple. By default, subject and object must
/// not overlap; there is no other constraint.
///
/// ```
/// use rere_core::{ByteSpan, Constraints, Mention, Triple};
///
/// let text = "Merkel, chancellor of Germany, met Macron";
/// let mention = |start, end| Mention::at(text, ByteSpan::new(start, end)).expect("inside");
/// let nested = Triple::new(mention(0, 29), "nationality", mention(22, 29));
/// let good = Triple::new(mention(0, 6), "nationality", mention(22, 29));
/// let mut triples = vec![nested, good.clone()];
/// Constraints::default().retain(&mut triples, None, |span| text[span.start..span.end].split(' ').count());
/// assert_eq!(triples, [good]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Constraints {
    /// Maximum number of tokens of a subject or an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest: Option<usize>,
    /// Whether subject and object may overlap.
    pub overlap: bool,
    /// Maximum number of triples per text; the best ones are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<usize>,
    /// One-to-one relations: each subject has one object and each object one subject, such as a country and its
    /// capital.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub one_to_one: Vec<String>,
    /// The pairs of subject type and object type that each relation allows. Mentions of unknown type are not
    /// restricted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, Vec<[String; 2]>>,
}

impl Constraints {
    /// Sets the maximum number of tokens of a subject or an object; `None` for no limit.
    #[must_use]
    pub fn with_longest(self, tokens: impl Into<Option<usize>>) -> Self {
        Self { longest: tokens.into(), ..self }
    }

    /// Sets whether subject and object may overlap.
    #[must_use]
    pub fn with_overlap(self, overlap: bool) -> Self {
        Self { overlap, ..self }
    }

    /// Sets the maximum number of triples per text; `None` for no limit.
    #[must_use]
    pub fn with_most(self, triples: impl Into<Option<usize>>) -> Self {
        Self { most: triples.into(), ..self }
    }

    /// Sets the one-to-one relations.
    #[must_use]
    pub fn with_one_to_one<N: Into<String>>(self, relations: impl IntoIterator<Item = N>) -> Self {
        Self { one_to_one: relations.into_iter().map(Into::into).collect(), ..self }
    }

    /// Sets the pairs of subject type and object type that relations allow.
    #[must_use]
    pub fn with_types(self, types: BTreeMap<String, Vec<[String; 2]>>) -> Self {
        Self { types, ..self }
    }

    /// Checks that the constraints make sense for a system with these relations.
    ///
    /// # Errors
    /// Returns an error that names the key if a relation is unknown or a limit is 0.
    pub fn check(&self, relations: &RelationSet) -> Result<(), ConstraintError> {
        for (key, limit) in [("longest", self.longest), ("most", self.most)] {
            if limit == Some(0) {
                return Err(ConstraintError::Zero { key });
            }
        }
        let named = self.one_to_one.iter().map(|name| ("one_to_one", name));
        for (key, name) in named.chain(self.types.keys().map(|name| ("types", name))) {
            if relations.label(name).is_none() {
                let known = relations.iter().map(|relation| relation.name.clone()).collect();
                return Err(ConstraintError::UnknownRelation { key, name: name.clone(), known });
            }
        }
        Ok(())
    }

    /// Keeps the triples that the constraints allow, each subject, relation and object once, at the best offsets
    /// allowed.
    ///
    /// `triples` must be sorted, the best first. If `mentions` are given, subjects and objects must be among them, and
    /// they define the types. `tokens` returns the number of tokens in a span.
    pub fn retain(&self, triples: &mut Vec<Triple>, mentions: Option<&[Mention]>, tokens: impl Fn(ByteSpan) -> usize) {
        triples.retain(|triple| self.allows(triple, mentions, &tokens));
        let mut seen = HashSet::new();
        // Relation, whether it is the subject, and surface of the mentions that already have their one triple.
        let mut taken = HashSet::new();
        let is_kept = |Triple { subject, relation, object, .. }: &Triple| {
            let is_exclusive = self.one_to_one.contains(relation);
            let ends = [(true, subject), (false, object)]
                .map(|(is_subject, end)| is_exclusive.then(|| (relation.clone(), is_subject, end.text.clone())));
            let is_kept = !ends.iter().flatten().any(|end| taken.contains(end))
                && seen.insert((subject.text.clone(), relation.clone(), object.text.clone()));
            if is_kept {
                taken.extend(ends.into_iter().flatten());
            }
            is_kept
        };
        triples.retain(is_kept);
        triples.truncate(self.most.unwrap_or(usize::MAX));
    }

    /// Returns whether the constraints allow a triple, other triples aside.
    fn allows(&self, triple: &Triple, mentions: Option<&[Mention]>, tokens: impl Fn(ByteSpan) -> usize) -> bool {
        let Triple { subject, relation, object, .. } = triple;
        if let (false, Some(subject_span), Some(object_span)) = (self.overlap, subject.span, object.span)
            && subject_span.overlaps(object_span)
        {
            return false;
        }
        let is_long = |mention: &Mention| {
            let length = mention.span.map_or(0, &tokens);
            self.longest.is_some_and(|longest| length > longest)
        };
        if is_long(subject) || is_long(object) {
            return false;
        }
        let Some(mentions) = mentions else { return true };
        let [subjects, objects] = [subject, object].map(|end| {
            let is_same =
                |given: &&Mention| given.text == end.text && given.span.is_none_or(|span| end.span == Some(span));
            mentions.iter().filter(is_same).map(|given| given.entity_type.as_deref()).collect::<Vec<_>>()
        });
        // A mention may be given with several types; one allowed type is enough.
        let fits = |subject: &Option<&str>, object: &Option<&str>| match (self.types.get(relation), subject, object) {
            (Some(allowed), Some(subject), Some(object)) => allowed.iter().any(|pair| pair == &[*subject, *object]),
            _ => true,
        };
        subjects.iter().any(|subject| objects.iter().any(|object| fits(subject, object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Paris and Lyon are in France , Paris is its capital";

    fn at(text: &str, nth: usize) -> Mention {
        let (start, _) = TEXT.match_indices(text).nth(nth).expect("in the text");
        Mention::at(TEXT, ByteSpan::new(start, start + text.len())).expect("inside")
    }

    fn triple(subject: Mention, relation: &str, object: Mention) -> Triple {
        Triple { subject, object, ..Triple::of("", relation, "") }
    }

    fn kept(constraints: &Constraints, triples: &[Triple], mentions: Option<&[Mention]>) -> Vec<Triple> {
        let mut triples = triples.to_vec();
        constraints.retain(&mut triples, mentions, |span| TEXT[span.start..span.end].split(' ').count());
        triples
    }

    #[test]
    fn each_constraint_discards_its_triples() {
        let triples = [
            triple(at("France", 0), "capital", at("Paris", 0)),
            triple(at("Paris and Lyon", 0), "in", at("Lyon", 0)),
            triple(at("France", 0), "capital", at("Lyon", 0)),
            triple(at("Paris and Lyon", 0), "in", at("France", 0)),
            triple(at("Paris", 1), "in", at("France", 0)),
        ];
        let open = Constraints { overlap: true, ..Constraints::default() };
        let which = |constraints: &Constraints, mentions| -> Vec<usize> {
            let kept = kept(constraints, &triples, mentions);
            (0..triples.len()).filter(|&at| kept.contains(&triples[at])).collect()
        };
        assert_eq!(which(&open, None), [0, 1, 2, 3, 4]);
        assert_eq!(which(&Constraints::default(), None), [0, 2, 3, 4]);
        assert_eq!(which(&Constraints { longest: Some(1), ..open.clone() }, None), [0, 2, 4]);
        assert_eq!(which(&Constraints { most: Some(2), ..open.clone() }, None), [0, 1]);
        // A country has one capital; other relations are not restricted.
        assert_eq!(which(&Constraints { one_to_one: vec!["capital".into()], ..open.clone() }, None), [0, 1, 3, 4]);
        // Mentions to choose from: a surface at any offsets, or one span.
        let mentions = [Mention::of("France"), at("Paris", 1), at("Lyon", 0)];
        assert_eq!(which(&open, Some(&mentions)), [2, 4]);
        assert_eq!(which(&open, Some(&[])), [0usize; 0]);
        let typed = mentions.clone().map(|mention| Mention { entity_type: Some("PLACE".into()), ..mention });
        let types = |subject: &str| [("in".to_owned(), vec![[subject.to_owned(), "PLACE".to_owned()]])].into();
        assert_eq!(which(&Constraints { types: types("CITY"), ..open.clone() }, Some(&typed)), [2]);
        assert_eq!(which(&Constraints { types: types("PLACE"), ..open.clone() }, Some(&typed)), [2, 4]);
        assert_eq!(which(&Constraints { types: types("CITY"), ..open }, Some(&mentions)), [2, 4], "types are unknown");
    }

    #[test]
    fn unusable_constraints_are_errors() {
        let relations = RelationSet::from_names(["in"]).expect("a relation");
        let check = |constraints: Constraints| constraints.check(&relations);
        assert_eq!(check(Constraints { one_to_one: vec!["in".into()], ..Constraints::default() }), Ok(()));
        let error = check(Constraints { longest: Some(0), ..Constraints::default() });
        assert_eq!(error, Err(ConstraintError::Zero { key: "longest" }));
        let error = check(Constraints { types: [("on".into(), vec![])].into(), ..Constraints::default() });
        let expected = ConstraintError::UnknownRelation { key: "types", name: "on".into(), known: vec!["in".into()] };
        assert_eq!(error, Err(expected.clone()));
        assert_eq!(expected.to_string(), "types: expected one of the system's relations (in), found \"on\"");
    }

    #[test]
    fn a_repeated_triple_is_kept_at_its_best_offsets() {
        let both = [0, 1].map(|nth| triple(at("Paris", nth), "in", at("France", 0)));
        assert_eq!(kept(&Constraints::default(), &both, None), both[..1]);
        // Offsets that are not allowed do not hide those that are.
        let nested = triple(at("Lyon", 0), "in", Mention { span: at("Lyon", 0).span, ..at("France", 0) });
        let good = triple(at("Lyon", 0), "in", at("France", 0));
        assert_eq!(kept(&Constraints::default(), &[nested, good.clone()], None), [good]);
    }

    #[test]
    fn discarding_the_worst_triples_keeps_the_others() {
        // Therefore a higher minimum score only removes triples.
        let triples: Vec<Triple> = [(0, 0), (0, 1), (1, 1), (1, 0)]
            .map(|(s, o)| triple(at(["France", "capital"][s], 0), "capital", at(["Paris", "Lyon"][o], 0)))
            .into();
        let constraints = Constraints { one_to_one: vec!["capital".into()], most: Some(1), ..Constraints::default() };
        let all = kept(&constraints, &triples, None);
        for end in 0..triples.len() {
            assert!(kept(&constraints, &triples[..end], None).iter().all(|triple| all.contains(triple)));
        }
    }
}
