//! The mentions of triples, of pairs without a relation, and of lists.

use std::collections::HashSet;

use rere_core::{Mention, Triple};

/// Adds the mentions of pairs without a relation to the entities, except for those that are entities or in a triple
/// already.
pub(crate) fn list_mentions(entities: &mut Vec<Mention>, negatives: &[Triple], triples: &[Triple]) {
    if negatives.is_empty() {
        return;
    }
    let mut known: HashSet<Mention> = triples.iter().flat_map(Triple::mentions).chain(&*entities).cloned().collect();
    entities
        .extend(negatives.iter().flat_map(Triple::mentions).filter(|&mention| known.insert(mention.clone())).cloned());
}

/// Returns a mention without the id of its entity, which annotation tools assign anew in each task.
pub(crate) fn without_entity(mention: &Mention) -> Mention {
    let mut mention = mention.clone();
    mention.entity = None;
    mention
}
