//! The matcher that compares entities, whichever mention names them.

use rere_core::{Mention, Sentence, Triple};

use super::surface::trimmed;
use super::{AnyMentionKey, TripleMatcher};
use crate::MissingField;

/// Compares relation, subject entity and object entity, whichever mentions name the entities.
///
/// This is DocRED's usual measure (Yao et al. 2019): a triple is correct if its head entity, its tail entity and its
/// relation are. DocRED's code compares numbers of entities. Here a prediction names mentions, so a system need not
/// know the gold entities. Ign F1, the measure of the same code without the triples of the training set, is not
/// computed; [`by_seen_pairs`](crate::by_seen_pairs) scores the pairs of entities in the training set separately.
///
/// # Entities
///
/// Gold mentions of a sentence with the same [`Mention::entity`] are one entity. The entity of a gold mention without
/// an id is its surface, without surrounding white space. So on a corpus without ids this matcher equals
/// [`Exact`](super::Exact), whatever ids the predictions have. Triples with different mentions of the same entities
/// count once on either side.
///
/// # Meaning of a predicted mention
///
/// Gold mentions are those of the gold sentence's triples, negatives and entities. A predicted mention means the entity
/// of the gold mention with the same span. If it has no span, or no gold mention has that span, it means the entity of
/// the gold mention with the same surface, without surrounding white space. If there is none either, its entity is its
/// surface, and no gold triple has it.
///
/// Several gold entities can have a mention with that span or surface, such as two cities called Paris. Then the triple
/// is correct if any of its readings is a gold triple. It still counts once and matches at most one gold triple. The
/// matcher takes one reading of a triple: preferably a gold one, then the one that agrees most with the triple's own
/// [`Mention::entity`], then the first in the order of the ids. It reads each triple by itself, so a triple keeps its
/// reading if a threshold removes others. Two ambiguous triples can thus get the same gold reading and count once,
/// although a second gold triple would fit too.
///
/// An id in a prediction only chooses between readings: it never makes a wrong triple correct or a correct one wrong.
/// So it can be the id of the gold file or the number of a cluster that the system found.
///
/// ```
/// use rere_eval::{Counts, Entity, Exact, Mention, Sentence, Triple, count};
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
    /// [`AnyMentionKey::Entity`], or [`AnyMentionKey::Surface`] for a mention without an id.
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
        let same_relation = gold.triples.iter().filter(|known| known.relation == *relation);
        let gold_reading = same_relation
            .map(|known| (entity(&known.subject), entity(&known.object)))
            .filter(|(known_subject, known_object)| subjects.contains(known_subject) && objects.contains(known_object))
            .min_by_key(|&(known_subject, known_object)| {
                let differences =
                    usize::from(entity(subject) != known_subject) + usize::from(entity(object) != known_object);
                (differences, known_subject, known_object)
            });
        let (subject, object) =
            gold_reading.unwrap_or_else(|| (preferred(subject, &subjects), preferred(object, &objects)));
        Ok((subject, relation, object))
    }
}

/// Returns the entity of a mention by its own fields.
fn entity(mention: &Mention) -> AnyMentionKey<'_> {
    mention.entity.as_deref().map_or_else(|| AnyMentionKey::Surface(trimmed(&mention.text)), AnyMentionKey::Entity)
}

/// Lists the entities that a predicted mention can mean, in order; none if no gold mention has its span or its surface.
fn readings<'a>(mention: &Mention, gold: &'a Sentence) -> Vec<AnyMentionKey<'a>> {
    let mentions = || {
        gold.triples
            .iter()
            .flat_map(Triple::mentions)
            .chain(gold.negatives.iter().flat_map(Triple::mentions))
            .chain(&gold.entities)
    };
    let mut readings = Vec::new();
    if mention.span.is_some() {
        readings.extend(mentions().filter(|known| known.span == mention.span).map(entity));
    }
    if readings.is_empty() {
        let surface = trimmed(&mention.text);
        readings.extend(mentions().filter(|known| trimmed(&known.text) == surface).map(entity));
    }
    // A document can have a mention hundreds of times, and each gold triple is looked up among the readings.
    readings.sort_unstable();
    readings.dedup();
    readings
}

/// Returns the preferred reading of a single mention: its own id if that is one, else the first.
fn preferred<'a>(mention: &'a Mention, readings: &[AnyMentionKey<'a>]) -> AnyMentionKey<'a> {
    let own = readings.iter().find(|&&reading| reading == entity(mention));
    own.or(readings.first()).copied().unwrap_or(AnyMentionKey::Surface(trimmed(&mention.text)))
}
