//! The mentions of a sentence, as formats list them.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet, VecDeque, hash_map::Entry},
    hash::Hash,
};

use rere_core::{ByteSpan, Mention, Sentence, Triple};

use super::{Unsupported, UnsupportedCounts};
use crate::mention::ends;

/// What formats that want a type call a mention without one.
pub(super) const UNTYPED: &str = "Entity";

/// The type that `name` stands for.
pub(super) fn entity_type(name: String) -> Option<String> {
    (name != UNTYPED).then_some(name)
}

/// The mentions of a sentence: those of its triples, each once, then the other entities, and those that only pairs without a
/// relation have.
pub(super) fn mentions(sentence: &Sentence) -> Vec<&Mention> {
    let mut seen: HashSet<&Mention> = HashSet::new();
    let mut mentions: Vec<&Mention> = ends(&sentence.triples).collect();
    mentions.retain(|mention| seen.insert(mention));
    mentions.extend(&sentence.entities);
    if !sentence.negatives.is_empty() {
        seen.extend(&sentence.entities);
        mentions.extend(ends(&sentence.negatives).filter(|mention| seen.insert(mention)));
    }
    mentions
}

/// The mentions of a list that no triple joins.
pub(super) fn unjoined(listed: impl IntoIterator<Item = Mention>, joined: Vec<bool>) -> Vec<Mention> {
    listed.into_iter().zip(joined).filter(|(_, joined)| !joined).map(|(mention, _)| mention).collect()
}

/// Mentions by their entities: one list of numbers per entity, out of the id of each mention's entity and of what tells mentions
/// apart in the file. An id that is a number below the number of lists is the place of its list, so that lists that were read are
/// written in their order; the other lists follow in the order of their first mentions. Mentions whose list does not give them back
/// their entity's id are counted: a list is read as an entity with the number of the list if it has different mentions.
pub(super) fn clusters<K: PartialEq>(
    sentence: &Sentence,
    keys: &[K],
    entities: &[Option<&str>],
    kept: Clusters,
    lost: &mut UnsupportedCounts,
) -> Vec<Vec<usize>> {
    let is_named = |list: &[usize]| list.iter().any(|&number| keys[number] != keys[list[0]]);
    let (lists, left_out): (Vec<_>, Vec<_>) =
        by_entity(entities).into_iter().partition(|list| kept == Clusters::All || is_named(list));
    let named = left_out.iter().filter(|list| entities[list[0]].is_some());
    let mut changed: usize = named.map(Vec::len).sum();
    let mut places: Vec<Option<Vec<usize>>> = vec![None; lists.len()];
    let mut others = VecDeque::new();
    for list in lists {
        let place = entities[list[0]].filter(|_| is_named(&list)).and_then(|id| id.parse::<usize>().ok());
        match place.and_then(|place| places.get_mut(place)) {
            Some(free @ None) => *free = Some(list),
            _ => others.push_back(list),
        }
    }
    let lists: Vec<Vec<usize>> = places.into_iter().filter_map(|list| list.or_else(|| others.pop_front())).collect();
    for (at, list) in lists.iter().enumerate() {
        let is_kept = entities[list[0]].is_none_or(|id| is_named(list) && id == at.to_string());
        changed += if is_kept { 0 } else { list.len() };
    }
    lost.note(Unsupported::EntityId, changed, sentence);
    lists
}

/// Which entities a format lists.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Clusters {
    /// All.
    All,
    /// Those with different mentions.
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

/// The mentions of a sentence that have offsets, and the triples by the numbers of theirs; others are counted.
pub(super) struct Placed<'a> {
    pub mentions: Vec<(ByteSpan, &'a Mention)>,
    pub triples: Vec<(usize, &'a Triple, usize)>,
    /// Pairs without a relation; those that are not here are counted by the formats that have such.
    pub negatives: Vec<(usize, &'a Triple, usize)>,
}

impl<'a> Placed<'a> {
    pub fn of(sentence: &'a Sentence, lost: &mut UnsupportedCounts) -> Self {
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
        lost.note(Unsupported::Triple, sentence.triples.len() - triples.len(), sentence);
        lost.note(
            Unsupported::Entity,
            sentence.entities.iter().filter(|mention| mention.span.is_none()).count(),
            sentence,
        );
        Self { mentions, triples, negatives }
    }
}

/// Pairs of a sentence in a format that has one per object, each with the id that its object gets: those that the format can hold,
/// beside entities that it could hold. What such a format cannot hold is counted.
pub(super) fn pairs<'a>(
    sentence: &'a Sentence,
    held: impl Iterator<Item = &'a Triple>,
    can_hold: impl Fn(&Mention) -> bool,
    lost: &mut UnsupportedCounts,
) -> Vec<(Option<Cow<'a, str>>, &'a Triple)> {
    let id = |number: usize| {
        let id = sentence.id.as_deref()?;
        Some(if number == 0 { Cow::Borrowed(id) } else { Cow::Owned(format!("{id}#{number}")) })
    };
    let pairs: Vec<_> = held.enumerate().map(|(number, pair)| (id(number), pair)).collect();
    // Entities are read from pairs without a relation, if no triple joins them.
    let joined: HashSet<&Mention> = ends(&sentence.triples).collect();
    let in_pairs = pairs.iter().flat_map(|(_, pair)| [&pair.subject, &pair.object]);
    let mut kept: HashSet<&Mention> = in_pairs.filter(|mention| !joined.contains(*mention)).collect();
    let left_out = sentence.entities.iter().filter(|mention| can_hold(mention) && !kept.remove(*mention));
    lost.note(Unsupported::Entity, left_out.count(), sentence);
    lost.note(Unsupported::Sentence, usize::from(pairs.is_empty()), sentence);
    let more = pairs.len().saturating_sub(1);
    lost.note(Unsupported::Repetition, more.min(1), sentence);
    // Two objects of one file must not have the same id.
    lost.note(Unsupported::Id, if sentence.id.is_some() { more } else { 0 }, sentence);
    pairs
}

/// Ids of mentions in a format in which each has its own: the id of its entity if that can be one and no other mention has it, or
/// else a prefix and a free number. Entity ids that are not kept are counted.
pub(super) fn annotation_ids(
    sentence: &Sentence,
    placed: &Placed,
    prefix: &str,
    is_valid: impl Fn(&str) -> bool,
    lost: &mut UnsupportedCounts,
) -> Vec<String> {
    let mut used = HashSet::new();
    let own: Vec<Option<&str>> = placed
        .mentions
        .iter()
        .map(|(_, mention)| mention.entity.as_deref().filter(|id| is_valid(id) && used.insert(id.to_string())))
        .collect();
    let changed =
        placed.mentions.iter().zip(&own).filter(|((_, mention), own)| own.is_none() && mention.entity.is_some());
    lost.note(Unsupported::EntityId, changed.count(), sentence);
    let mut free = (0..).map(|number| format!("{prefix}{number}")).filter(|id| !used.contains(id));
    own.into_iter().map(|own| own.map_or_else(|| free.next().unwrap_or_default(), str::to_owned)).collect()
}

/// The same in a format that lists entities beside its triples and gives types there alone: mentions with the same `key` have
/// one type, that of the first of them. Others are counted.
pub(super) fn listed<'a, K: Hash + Eq>(
    sentence: &'a Sentence,
    key: impl Fn(&'a Mention) -> K,
    lost: &mut UnsupportedCounts,
) -> Vec<&'a Mention> {
    let mut first = HashMap::new();
    let mut list = Vec::new();
    let mut changed = 0;
    for mention in ends(&sentence.triples) {
        let entity_type = &mention.entity_type;
        match first.entry(key(mention)) {
            Entry::Occupied(known) => changed += usize::from(*known.get() != entity_type),
            Entry::Vacant(free) => {
                free.insert(entity_type);
                list.push(mention);
            }
        }
    }
    lost.note(Unsupported::EntityType, changed, sentence);
    list.extend(&sentence.entities);
    list
}

/// Takes the entities that triples join from a list, and returns the others. If types stand in the list alone, the mentions of
/// triples get that of the first entity with their surface and place.
pub(super) fn join(triples: &mut [Triple], listed: Vec<Mention>, types_in_list: bool) -> Vec<Mention> {
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
    unjoined(listed, joined)
}
