//! The mentions of triples, of pairs without a relation, and of lists.

use std::collections::HashSet;

use rere_core::{Mention, Triple};

/// The mentions of triples, as often as they are joined.
pub(crate) fn ends(triples: &[Triple]) -> impl Iterator<Item = &Mention> {
    triples.iter().flat_map(|triple| [&triple.subject, &triple.object])
}

/// Adds the mentions of pairs without a relation to the entities, if they are none and no triple joins them.
pub(crate) fn list_mentions(entities: &mut Vec<Mention>, negatives: &[Triple], triples: &[Triple]) {
    if negatives.is_empty() {
        return;
    }
    let mut known: HashSet<Mention> = ends(triples).chain(&*entities).cloned().collect();
    entities.extend(ends(negatives).filter(|&mention| known.insert(mention.clone())).cloned());
}

/// A mention without the id of its entity, which annotation tools give anew in each task.
pub(crate) fn without_entity(mention: &Mention) -> Mention {
    let mut mention = mention.clone();
    mention.entity = None;
    mention
}
