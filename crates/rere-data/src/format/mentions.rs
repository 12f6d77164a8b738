//! The mentions of a sentence, as formats list them.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet, VecDeque, hash_map::Entry},
    hash::Hash,
};

use rere_core::{ByteSpan, Mention, Sentence, Triple};

use super::{Unsupported, UnsupportedCounts};

/// Type of mentions without a type, in formats that require one.
pub(super) const UNTYPED: &str = "Entity";

/// Returns the type of a name; `None` for [`UNTYPED`].
pub(super) fn entity_type(name: String) -> Option<String> {
    (name != UNTYPED).then_some(name)
}

/// Returns the mentions of a sentence: those of its triples without repetitions, then the other entities, then those
/// that are only in pairs without a relation.
pub(super) fn mentions(sentence: &Sentence) -> Vec<&Mention> {
    let mut seen: HashSet<&Mention> = HashSet::new();
    let mut mentions: Vec<&Mention> = sentence.triples.iter().flat_map(Triple::mentions).collect();
    mentions.retain(|mention| seen.insert(mention));
    mentions.extend(&sentence.entities);
    if !sentence.negatives.is_empty() {
        seen.extend(&sentence.entities);
        mentions.extend(sentence.negatives.iter().flat_map(Triple::mentions).filter(|mention| seen.insert(mention)));
    }
    mentions
}

/// Returns the mentions of a list that are in no triple.
pub(super) fn unjoined(listed: impl IntoIterator<Item = Mention>, joined: Vec<bool>) -> Vec<Mention> {
    listed.into_iter().zip(joined).filter(|(_, joined)| !joined).map(|(mention, _)| mention).collect()
}

/// Groups mentions by entity, and returns a list of mention numbers per entity.
///
/// `keys` distinguish mentions in the file, and `entities` are their entity ids. An id that is a number is the position
/// of its list, so that lists are written in the order in which they were read; the other lists follow in the order of
/// their first mentions. Mentions whose entity id changes are counted: a list of different mentions is read as an
/// entity whose id is the position of the list.
pub(super) fn clusters<K: PartialEq>(
    sentence: &Sentence,
    keys: &[K],
    entities: &[Option<&str>],
    kept: Clusters,
    unsupported: &mut UnsupportedCounts,
) -> Vec<Vec<usize>> {
    let is_named = |list: &[usize]| list.iter().any(|&number| keys[number] != keys[list[0]]);
    let (lists, left_out): (Vec<_>, Vec<_>) =
        by_entity(entities).into_iter().partition(|list| kept == Clusters::All || is_named(list));
    let named = left_out.iter().filter(|list| entities[list[0]].is_some());
    let mut changed: usize = named.map(Vec::len).sum();
    let mut positions: Vec<Option<Vec<usize>>> = vec![None; lists.len()];
    let mut others = VecDeque::new();
    for list in lists {
        let position = entities[list[0]].filter(|_| is_named(&list)).and_then(|id| id.parse::<usize>().ok());
        match position.and_then(|position| positions.get_mut(position)) {
            Some(free @ None) => *free = Some(list),
            _ => others.push_back(list),
        }
    }
    let lists: Vec<Vec<usize>> = positions.into_iter().filter_map(|list| list.or_else(|| others.pop_front())).collect();
    for (at, list) in lists.iter().enumerate() {
        let is_kept = entities[list[0]].is_none_or(|id| is_named(list) && id == at.to_string());
        changed += if is_kept { 0 } else { list.len() };
    }
    unsupported.note(Unsupported::EntityId, changed, sentence);
    lists
}

/// Which entities a format lists.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Clusters {
    /// All.
    All,
    /// Those with several different mentions.
    Several,
}

fn by_entity(entities: &[Option<&str>]) -> Vec<Vec<usize>> {
    let mut lists: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (number, entity) in entities.iter().enumerate() {
        let list = match entity {
            Some(entity) => *known.entry(entity).or_insert(lists.len()),
            None => lists.len(),
        };
        if list == lists.len() {
            lists.push(Vec::new());
        }
        lists[list].push(number);
    }
    lists
}

/// The mentions of a sentence with offsets, and the triples as numbers of mentions; others are counted.
pub(super) struct MentionsWithOffsets<'a> {
    pub mentions: Vec<(ByteSpan, &'a Mention)>,
    pub triples: Vec<(usize, &'a Triple, usize)>,
    /// Pairs without a relation. Formats that hold such pairs count the missing ones.
    pub negatives: Vec<(usize, &'a Triple, usize)>,
}

impl<'a> MentionsWithOffsets<'a> {
    pub fn of(sentence: &'a Sentence, unsupported: &mut UnsupportedCounts) -> Self {
        let mentions: Vec<_> = mentions(sentence).into_iter().filter_map(|m| Some((m.span?, m))).collect();
        let mut numbers: HashMap<&Mention, usize> = HashMap::new();
        for (number, (_, mention)) in mentions.iter().enumerate() {
            numbers.entry(mention).or_insert(number);
        }
        let number = |mention: &Mention| numbers.get(mention).copied();
        let numbered = |triples: &'a [Triple]| -> Vec<_> {
            let pairs = triples.iter().map(|triple| (number(&triple.subject), triple, number(&triple.object)));
            pairs.filter_map(|(subject, triple, object)| Some((subject?, triple, object?))).collect()
        };
        let (triples, negatives) = (numbered(&sentence.triples), numbered(&sentence.negatives));
        unsupported.note(Unsupported::Triple, sentence.triples.len() - triples.len(), sentence);
        unsupported.note(
            Unsupported::Entity,
            sentence.entities.iter().filter(|mention| mention.span.is_none()).count(),
            sentence,
        );
        Self { mentions, triples, negatives }
    }
}

/// Returns the pairs of a sentence, each with the id of its object, for a format with one pair per object.
///
/// `held` are the pairs that the format can hold. Entities in no pair are counted if the format could hold them
/// otherwise.
pub(super) fn pairs<'a>(
    sentence: &'a Sentence,
    held: impl Iterator<Item = &'a Triple>,
    can_hold: impl Fn(&Mention) -> bool,
    unsupported: &mut UnsupportedCounts,
) -> Vec<(Option<Cow<'a, str>>, &'a Triple)> {
    let id = |number: usize| {
        let id = sentence.id.as_deref()?;
        Some(if number == 0 { Cow::Borrowed(id) } else { Cow::Owned(format!("{id}#{number}")) })
    };
    let pairs: Vec<_> = held.enumerate().map(|(number, pair)| (id(number), pair)).collect();
    // Entities are read from pairs without a relation if they are in no triple.
    let joined: HashSet<&Mention> = sentence.triples.iter().flat_map(Triple::mentions).collect();
    let in_pairs = pairs.iter().flat_map(|(_, pair)| pair.mentions());
    let mut kept: HashSet<&Mention> = in_pairs.filter(|mention| !joined.contains(*mention)).collect();
    let left_out = sentence.entities.iter().filter(|mention| can_hold(mention) && !kept.remove(*mention));
    unsupported.note(Unsupported::Entity, left_out.count(), sentence);
    unsupported.note(Unsupported::Sentence, usize::from(pairs.is_empty()), sentence);
    let more = pairs.len().saturating_sub(1);
    unsupported.note(Unsupported::Repetition, more.min(1), sentence);
    // Two objects of one file must not have the same id.
    unsupported.note(Unsupported::Id, if sentence.id.is_some() { more } else { 0 }, sentence);
    pairs
}

/// Returns unique ids of mentions: the entity id if it is valid and no other mention has it, otherwise a prefix and a
/// free number. Entity ids that are not kept are counted.
pub(super) fn annotation_ids(
    sentence: &Sentence,
    located: &MentionsWithOffsets,
    prefix: &str,
    is_valid: impl Fn(&str) -> bool,
    unsupported: &mut UnsupportedCounts,
) -> Vec<String> {
    let mut used = HashSet::new();
    let own: Vec<Option<&str>> = located
        .mentions
        .iter()
        .map(|(_, mention)| mention.entity.as_deref().filter(|id| is_valid(id) && used.insert(id.to_string())))
        .collect();
    let changed =
        located.mentions.iter().zip(&own).filter(|((_, mention), own)| own.is_none() && mention.entity.is_some());
    unsupported.note(Unsupported::EntityId, changed.count(), sentence);
    let mut free = (0..).map(|number| format!("{prefix}{number}")).filter(|id| !used.contains(id));
    own.into_iter().map(|own| own.map_or_else(|| free.next().unwrap_or_default(), str::to_owned)).collect()
}

/// Returns the mentions for the entity list of a format whose triples have no types. Mentions with the same `key` get
/// the type of the first one; other types are counted.
pub(super) fn listed<'a, K: Hash + Eq>(
    sentence: &'a Sentence,
    key: impl Fn(&'a Mention) -> K,
    unsupported: &mut UnsupportedCounts,
) -> Vec<&'a Mention> {
    let mut first = HashMap::new();
    let mut list = Vec::new();
    let mut changed = 0;
    for mention in sentence.triples.iter().flat_map(Triple::mentions) {
        let entity_type = &mention.entity_type;
        match first.entry(key(mention)) {
            Entry::Occupied(known) => changed += usize::from(*known.get() != entity_type),
            Entry::Vacant(free) => {
                free.insert(entity_type);
                list.push(mention);
            }
        }
    }
    unsupported.note(Unsupported::EntityType, changed, sentence);
    list.extend(&sentence.entities);
    list
}

/// Returns the entities of a list that are in no triple. With `types_in_list`, the mentions of triples get the type of
/// the first entity with the same surface and span.
pub(super) fn match_entities(triples: &mut [Triple], listed: Vec<Mention>, types_in_list: bool) -> Vec<Mention> {
    let mut joined = vec![false; listed.len()];
    let mut positions: HashMap<(&str, Option<ByteSpan>), Vec<usize>> = HashMap::new();
    for (at, entity) in listed.iter().enumerate() {
        positions.entry((&entity.text, entity.span)).or_default().push(at);
    }
    for mention in triples.iter_mut().flat_map(|triple| [&mut triple.subject, &mut triple.object]) {
        let equal = positions.get(&(mention.text.as_str(), mention.span)).map_or(&[][..], Vec::as_slice);
        let has_type = |&&at: &&usize| types_in_list || listed[at].entity_type == mention.entity_type;
        if let Some(&at) = equal.iter().find(has_type) {
            joined[at] = true;
            mention.entity_type.clone_from(&listed[at].entity_type);
        }
    }
    unjoined(listed, joined)
}
