//! The matcher that compares entities, whichever of their mentions is named.

use rere_core::{Mention, Sentence, Triple};

use super::surface::trimmed;
use super::{AnyMentionKey, TripleMatcher, joined};
use crate::MissingField;

/// Equal relation, subject entity and object entity, whichever of its mentions stands for an entity.
///
/// DocRED's usual measure (Yao et al. 2019): a triple is right if its head entity, its tail entity and its relation are.
/// DocRED's code compares numbers of entities; here a prediction names mentions, so that a system need not know the gold
/// entities. Ign F1, the measure of the same code that leaves out the triples of the training set, is not computed;
/// [`by_seen_pairs`](crate::by_seen_pairs) scores pairs of entities apart that the training set has.
///
/// # Entities
///
/// Gold mentions of a sentence with the same [`Mention::entity`] are one entity. A gold mention without such an id is an
/// entity by its surface, without white space around it. So on a corpus without ids this matcher equals
/// [`Exact`](super::Exact), whatever ids the predictions have. Triples that differ only in which mention of an entity they
/// name are one, on either side.
///
/// # What a predicted mention means
///
/// Gold mentions are those of the gold sentence's triples, negatives and entities. A predicted mention means the entity of
/// the gold mention with the same span. If it has no span, or no gold mention has that span, it means the entity of the
/// gold mention with the same surface, without white space around it. If there is none either, it is an entity by its
/// surface, and no gold triple has it.
///
/// Several gold entities may have a mention with that span or surface, such as two cities called Paris. Then the triple is
/// right if any of its readings is a gold triple. It still counts once, and makes at most one gold triple right. The matcher
/// takes one reading of a triple: a gold one if there is any, then the one that agrees most with the triple's own
/// [`Mention::entity`], then the first in the order of the ids. It reads each triple by itself, so that a triple keeps its
/// reading if a threshold removes others. Two ambiguous triples may thus get the same gold reading and count as one, although
/// a second gold triple would fit too.
///
/// An id in a prediction only chooses between readings: it never makes a wrong triple right or a right one wrong. So it may be
/// the gold file's id or the number of a cluster that the system made by itself.
///
/// ```
/// use rere_core::{Mention, Sentence, Triple};
/// use rere_eval::{Counts, Entity, Exact, count};
///
/// let mention = |text: &str, entity: &str| Mention::of(text).with_entity(entity);
/// let triple = Triple::new(mention("Brandt", "0"), "lives in", mention("Oslo", "1"));
/// let gold = Sentence::new("Ilse Brandt sings . Brandt lives in Oslo .")
///     .with_triples([triple])
///     .with_entities([mention("Ilse Brandt", "0")]);
/// let predicted = [Triple::of("Ilse Brandt", "lives in", "Oslo"), Triple::of("Brandt", "lives in", "Oslo")];
/// assert_eq!(count(&gold, &predicted, &Entity), Counts { true_positives: 1, predicted: 1, gold: 1 });
/// assert_eq!(count(&gold, &predicted, &Exact), Counts { true_positives: 1, predicted: 2, gold: 1 });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entity;

impl TripleMatcher for Entity {
    /// [`AnyMentionKey::Entity`], or [`AnyMentionKey::Surface`] of a mention without an id.
    type MentionKey<'a> = AnyMentionKey<'a>;

    fn mention_key<'a>(&self, mention: &'a Mention) -> Result<AnyMentionKey<'a>, MissingField> {
        Ok(entity(mention))
    }

    fn predicted_mention_key<'a>(
        &self,
        mention: &'a Mention,
        gold: &'a Sentence,
    ) -> Result<AnyMentionKey<'a>, MissingField> {
        Ok(preferred(mention, &readings(mention, gold)))
    }

    fn predicted_key<'a>(
        &self,
        triple: &'a Triple,
        gold: &'a Sentence,
    ) -> Result<(AnyMentionKey<'a>, &'a str, AnyMentionKey<'a>), MissingField> {
        let Triple { subject, relation, object, .. } = triple;
        let (subjects, objects) = (readings(subject, gold), readings(object, gold));
        let of_relation = gold.triples.iter().filter(|known| known.relation == *relation);
        let right = of_relation
            .map(|known| (entity(&known.subject), entity(&known.object)))
            .filter(|(known_subject, known_object)| subjects.contains(known_subject) && objects.contains(known_object))
            .min_by_key(|&(known_subject, known_object)| {
                let others =
                    usize::from(entity(subject) != known_subject) + usize::from(entity(object) != known_object);
                (others, known_subject, known_object)
            });
        let (subject, object) = right.unwrap_or_else(|| (preferred(subject, &subjects), preferred(object, &objects)));
        Ok((subject, relation, object))
    }
}

/// What a mention means by itself.
fn entity(mention: &Mention) -> AnyMentionKey<'_> {
    mention.entity.as_deref().map_or_else(|| AnyMentionKey::Surface(trimmed(&mention.text)), AnyMentionKey::Entity)
}

/// The entities that a predicted mention may mean, in order; none if no gold mention has its span or its surface.
fn readings<'a>(mention: &Mention, gold: &'a Sentence) -> Vec<AnyMentionKey<'a>> {
    let mentions = || joined(&gold.triples).chain(joined(&gold.negatives)).chain(&gold.entities);
    let mut readings = Vec::new();
    if mention.span.is_some() {
        readings.extend(mentions().filter(|known| known.span == mention.span).map(entity));
    }
    if readings.is_empty() {
        let surface = trimmed(&mention.text);
        readings.extend(mentions().filter(|known| trimmed(&known.text) == surface).map(entity));
    }
    // A document may have a mention hundreds of times, and each gold triple is looked up among the readings.
    readings.sort_unstable();
    readings.dedup();
    readings
}

/// The reading of a mention that is looked at alone: its own id if that is one, else the first.
fn preferred<'a>(mention: &'a Mention, readings: &[AnyMentionKey<'a>]) -> AnyMentionKey<'a> {
    let own = readings.iter().find(|&&reading| reading == entity(mention));
    own.or(readings.first()).copied().unwrap_or(AnyMentionKey::Surface(trimmed(&mention.text)))
}
