//! When two triples count as equal.

use std::fmt;
use std::hash::Hash;
use std::str::FromStr;

use rere_core::Triple;
use serde::{Deserialize, Serialize};

/// Says when two triples of a sentence are equal: where their keys are.
pub trait TripleMatcher {
    /// What is compared.
    type Key<'a>: Eq + Hash;

    /// The key of a triple.
    fn key<'a>(&self, triple: &'a Triple) -> Self::Key<'a>;
}

/// Equal relation, subject string and object string, without white space around the strings.
///
/// The rows marked (exact) in Table 3 of the RERE paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exact;

impl TripleMatcher for Exact {
    /// Subject, relation, object.
    type Key<'a> = (&'a str, &'a str, &'a str);

    fn key<'a>(&self, triple: &'a Triple) -> Self::Key<'a> {
        (triple.subject.text.trim(), &triple.relation, triple.object.text.trim())
    }
}

/// Equal relation, first word of the subject and first word of the object; words are what white space separates.
///
/// As the code of CasRel and of TPLinker compares, and the rows without a mark in Table 3 of the RERE paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partial;

impl TripleMatcher for Partial {
    /// First word of the subject, relation, first word of the object.
    type Key<'a> = (&'a str, &'a str, &'a str);

    fn key<'a>(&self, triple: &'a Triple) -> Self::Key<'a> {
        (first_word(&triple.subject.text), &triple.relation, first_word(&triple.object.text))
    }
}

fn first_word(surface: &str) -> &str {
    surface.split_whitespace().next().unwrap_or_default()
}

/// A matcher chosen by its name: `exact` or `partial`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Match {
    /// [`Exact`].
    Exact,
    /// [`Partial`].
    Partial,
}

impl Match {
    /// Every matcher that has a name.
    pub const ALL: [Self; 2] = [Self::Exact, Self::Partial];

    const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Partial => "partial",
        }
    }
}

impl TripleMatcher for Match {
    type Key<'a> = (&'a str, &'a str, &'a str);

    fn key<'a>(&self, triple: &'a Triple) -> Self::Key<'a> {
        match self {
            Self::Exact => Exact.key(triple),
            Self::Partial => Partial.key(triple),
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no matcher has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no matcher is called {0:?}: use exact or partial")]
pub struct UnknownMatch(pub String);

impl FromStr for Match {
    type Err = UnknownMatch;

    fn from_str(name: &str) -> Result<Self, UnknownMatch> {
        Self::ALL.into_iter().find(|matcher| matcher.name() == name).ok_or_else(|| UnknownMatch(name.to_owned()))
    }
}
