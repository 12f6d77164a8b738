//! Matchers by name.

use std::fmt;
use std::str::FromStr;

use rere_core::{ByteSpan, Mention, Sentence, Triple};
use serde::{Deserialize, Serialize};

use crate::{Counts, MissingField};

use super::{Begin, Boundaries, Entity, Exact, LastWord, Partial, Strict, TripleMatcher};

/// A matcher chosen by its name, such as `exact` or `last-word`.
///
/// ```
/// use rere_eval::Match;
///
/// assert_eq!("last-word".parse(), Ok(Match::LastWord));
/// assert_eq!(Match::LastWord.to_string(), "last-word");
/// assert_eq!(Match::names(), "exact, partial, begin, last-word, boundaries, strict or entity");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Match {
    /// [`Exact`].
    Exact,
    /// [`Partial`].
    Partial,
    /// [`Begin`].
    Begin,
    /// [`LastWord`].
    LastWord,
    /// [`Boundaries`].
    Boundaries,
    /// [`Strict`].
    Strict,
    /// [`Entity`].
    Entity,
}

/// What a [`Match`] compares of a mention.
///
/// A matcher always uses the same variant, except [`Entity`], which uses two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AnyMentionKey<'a> {
    /// The surface or a word of it.
    Surface(&'a str),
    /// The first byte of the mention in the text.
    Begin(usize),
    /// The byte span of the mention in the text.
    Span(ByteSpan),
    /// The byte span of the mention in the text, and the entity type.
    TypedSpan(ByteSpan, &'a str),
    /// The id of the entity.
    Entity(&'a str),
}

impl Match {
    /// All matchers with a name.
    pub const ALL: [Self; 7] =
        [Self::Exact, Self::Partial, Self::Begin, Self::LastWord, Self::Boundaries, Self::Strict, Self::Entity];

    /// Returns all names, for a message or a help text: `exact, partial, …, strict or entity`.
    pub fn names() -> String {
        match Self::ALL.map(Self::name).as_slice() {
            [others @ .., last] => format!("{} or {last}", others.join(", ")),
            [] => String::new(),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Partial => "partial",
            Self::Begin => "begin",
            Self::LastWord => "last-word",
            Self::Boundaries => "boundaries",
            Self::Strict => "strict",
            Self::Entity => "entity",
        }
    }
}

impl TripleMatcher for Match {
    type MentionKey<'a> = AnyMentionKey<'a>;

    fn mention_key<'a>(&self, mention: &'a Mention) -> Result<AnyMentionKey<'a>, MissingField> {
        match self {
            Self::Exact => Exact.mention_key(mention).map(AnyMentionKey::Surface),
            Self::Partial => Partial.mention_key(mention).map(AnyMentionKey::Surface),
            Self::Begin => Begin.mention_key(mention).map(AnyMentionKey::Begin),
            Self::LastWord => LastWord.mention_key(mention).map(AnyMentionKey::Surface),
            Self::Boundaries => Boundaries.mention_key(mention).map(AnyMentionKey::Span),
            Self::Strict => {
                Strict.mention_key(mention).map(|(span, entity_type)| AnyMentionKey::TypedSpan(span, entity_type))
            }
            Self::Entity => Entity.mention_key(mention),
        }
    }

    fn predicted_mention_key<'a>(
        &self,
        mention: &'a Mention,
        gold: &'a Sentence,
    ) -> Result<AnyMentionKey<'a>, MissingField> {
        match self {
            Self::Entity => Entity.predicted_mention_key(mention, gold),
            _ => self.mention_key(mention),
        }
    }

    fn predicted_key<'a>(
        &self,
        triple: &'a Triple,
        gold: &'a Sentence,
    ) -> Result<(AnyMentionKey<'a>, &'a str, AnyMentionKey<'a>), MissingField> {
        match self {
            Self::Entity => Entity.predicted_key(triple, gold),
            _ => self.key(triple),
        }
    }

    fn count<'a>(&self, gold: &'a Sentence, predicted: impl IntoIterator<Item = &'a Triple>) -> Counts {
        match self {
            Self::Exact => Exact.count(gold, predicted),
            Self::Partial => Partial.count(gold, predicted),
            Self::Begin => Begin.count(gold, predicted),
            Self::LastWord => LastWord.count(gold, predicted),
            Self::Boundaries => Boundaries.count(gold, predicted),
            Self::Strict => Strict.count(gold, predicted),
            Self::Entity => Entity.count(gold, predicted),
        }
    }

    fn counts_repeats(&self) -> bool {
        match self {
            Self::Exact => Exact.counts_repeats(),
            Self::Partial => Partial.counts_repeats(),
            Self::Begin => Begin.counts_repeats(),
            Self::LastWord => LastWord.counts_repeats(),
            Self::Boundaries => Boundaries.counts_repeats(),
            Self::Strict => Strict.counts_repeats(),
            Self::Entity => Entity.counts_repeats(),
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no matcher has.
///
/// [`Match::names`] lists the names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no matcher is called {0:?}: use {names}", names = Match::names())]
pub struct UnknownMatch(pub String);

impl FromStr for Match {
    type Err = UnknownMatch;

    fn from_str(name: &str) -> Result<Self, UnknownMatch> {
        Self::ALL.into_iter().find(|matcher| matcher.name() == name).ok_or_else(|| UnknownMatch(name.to_owned()))
    }
}
