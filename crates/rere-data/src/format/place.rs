//! Offsets in files, which count code points, and the mentions they mark.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    hash::Hash,
};

use rere_core::{ByteSpan, CharSpan, Mention, Sentence, Triple};

use super::{Loss, Lost, json::Object};
use crate::DataError;

/// What formats that want a type call a mention without one.
pub(super) const UNTYPED: &str = "Entity";

/// The type that `name` stands for.
pub(super) fn entity_type(name: String) -> Option<String> {
    (name != UNTYPED).then_some(name)
}

/// A text with the borders of its characters, so that many offsets in a long text are converted quickly.
pub(super) struct Borders<'a> {
    text: &'a str,
    /// Where each character begins, and the text's end; `None` where every character is a byte.
    bytes: Option<Vec<usize>>,
}

impl<'a> Borders<'a> {
    pub fn of(text: &'a str) -> Self {
        let bytes = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).chain([text.len()]).collect());
        Self { text, bytes }
    }

    /// A span of the file in bytes; `None` where it does not lie in the text.
    pub fn bytes(&self, CharSpan { start, end }: CharSpan) -> Option<ByteSpan> {
        let byte = |at: usize| match &self.bytes {
            Some(bytes) => bytes.get(at).copied(),
            None => (at <= self.text.len()).then_some(at),
        };
        (start <= end).then_some(())?;
        Some(ByteSpan::new(byte(start)?, byte(end)?))
    }

    /// A span of the text in characters; its ends must be borders of characters.
    pub fn characters(&self, span: ByteSpan) -> CharSpan {
        let character = |at: usize| match &self.bytes {
            Some(bytes) => bytes.partition_point(|&border| border < at),
            None => at,
        };
        CharSpan::new(character(span.start), character(span.end))
    }

    /// The mention at a span of the file. Where the file gives its surface too, the two must agree.
    pub fn mention(&self, span: CharSpan, claimed: Option<String>, at: &Object) -> Result<Mention, DataError> {
        let bytes = self.bytes(span);
        let found = bytes.and_then(|span| span.slice(self.text).ok());
        match (found, claimed) {
            (Some(found), None) => Ok(Mention { span: bytes, ..Mention::of(found) }),
            (Some(found), Some(claimed)) if found == claimed => Ok(Mention { span: bytes, ..Mention::of(claimed) }),
            (found, claimed) => Err(DataError::Offsets {
                path: at.path().to_owned(),
                line: at.line,
                start: span.start,
                end: span.end,
                claimed: claimed.unwrap_or_default(),
                found: found.map(str::to_owned),
            }),
        }
    }
}

/// The mentions of a sentence: those of its triples, each once, then the other entities.
pub(super) fn mentions(sentence: &Sentence) -> Vec<&Mention> {
    let mut seen = HashSet::new();
    let of_triples = sentence.triples.iter().flat_map(|triple| [&triple.subject, &triple.object]);
    of_triples.filter(|&mention| seen.insert(mention)).chain(&sentence.entities).collect()
}

/// The mentions of a sentence that have a place, and the triples by the numbers of theirs; others are counted.
pub(super) struct Placed<'a> {
    pub mentions: Vec<(ByteSpan, &'a Mention)>,
    pub triples: Vec<(usize, &'a Triple, usize)>,
}

impl<'a> Placed<'a> {
    pub fn of(sentence: &'a Sentence, lost: &mut Lost) -> Self {
        let mentions: Vec<_> = mentions(sentence).into_iter().filter_map(|m| Some((m.span?, m))).collect();
        let mut numbers: HashMap<&Mention, usize> = HashMap::new();
        for (number, (_, mention)) in mentions.iter().enumerate() {
            numbers.entry(mention).or_insert(number);
        }
        let number = |mention: &Mention| numbers.get(mention).copied();
        let triples: Vec<_> = sentence
            .triples
            .iter()
            .filter_map(|triple| Some((number(&triple.subject)?, triple, number(&triple.object)?)))
            .collect();
        lost.note(Loss::Triple, sentence.triples.len() - triples.len(), sentence);
        lost.note(Loss::Entity, sentence.entities.iter().filter(|mention| mention.span.is_none()).count(), sentence);
        Self { mentions, triples }
    }
}

/// The same in a format that lists entities beside its triples and gives types there alone: mentions with the same `key` have
/// one type, that of the first of them. Others are counted.
pub(super) fn listed<'a, K: Hash + Eq>(
    sentence: &'a Sentence,
    key: impl Fn(&'a Mention) -> K,
    lost: &mut Lost,
) -> Vec<&'a Mention> {
    let mut first = HashMap::new();
    let mut list = Vec::new();
    let mut changed = 0;
    for mention in sentence.triples.iter().flat_map(|triple| [&triple.subject, &triple.object]) {
        let entity_type = &mention.entity_type;
        match first.entry(key(mention)) {
            Entry::Occupied(known) => changed += usize::from(*known.get() != entity_type),
            Entry::Vacant(free) => {
                free.insert(entity_type);
                list.push(mention);
            }
        }
    }
    lost.note(Loss::EntityType, changed, sentence);
    list.extend(&sentence.entities);
    list
}

/// Takes the entities that triples join from a list, and returns the others. Where types stand in the list alone, the mentions of
/// triples get that of the first entity with their surface and place.
pub(super) fn join(triples: &mut [Triple], mut listed: Vec<Mention>, types_in_list: bool) -> Vec<Mention> {
    let mut joined = vec![false; listed.len()];
    let mut places: HashMap<(&str, Option<ByteSpan>), Vec<usize>> = HashMap::new();
    for (at, entity) in listed.iter().enumerate() {
        places.entry((&entity.text, entity.span)).or_default().push(at);
    }
    for mention in triples.iter_mut().flat_map(|triple| [&mut triple.subject, &mut triple.object]) {
        let there = places.get(&(mention.text.as_str(), mention.span)).map_or(&[][..], Vec::as_slice);
        let same = |&&at: &&usize| types_in_list || listed[at].entity_type == mention.entity_type;
        if let Some(&at) = there.iter().find(same) {
            joined[at] = true;
            mention.entity_type.clone_from(&listed[at].entity_type);
        }
    }
    let mut joined = joined.into_iter();
    listed.retain(|_| joined.next() == Some(false));
    listed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn borders_agree_with_the_conversions_of_spans(text in "[aé北👩\u{301}]{0,8}", start in 0usize..10, end in 0usize..10) {
            let span = CharSpan::new(start, end);
            let bytes = Borders::of(&text).bytes(span);
            prop_assert_eq!(bytes, span.to_bytes(&text).ok());
            if let Some(bytes) = bytes {
                prop_assert_eq!(Borders::of(&text).characters(bytes), span);
            }
        }
    }
}
