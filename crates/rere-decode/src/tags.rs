//! Novel tagging: one tag for each token.

use rere_core::TokenSpan;

use crate::{
    DecodeError, Decoder, ExpectedColumns, RelationThresholds, Scale, TableScores, TokenTriple, triple::best_first,
};

/// Tags of a relation and role, in this order: first, inside, last and single token.
const POSITIONS: usize = 4;
const FIRST: usize = 0;
const INSIDE: usize = 1;
const LAST: usize = 2;
/// Roles of a relation; the tags of its subject come first.
const SUBJECT: usize = 0;
const ROLES: usize = 2;

/// The decoder of novel tagging (Zheng et al. 2017, Section 3).
///
/// The best tag of each token gives its position in an entity, and the relation and role of that entity. The columns of
/// a table ([`TagScores`]) are the tags. Column 0 is O, for a token of no entity. Relation `r` has:
///
/// | tag | subject (role 1) | object (role 2) |
/// |---|---|---|
/// | B, the first of several tokens | 1 + 8r | 5 + 8r |
/// | I, a token inside | 2 + 8r | 6 + 8r |
/// | E, the last of several tokens | 3 + 8r | 7 + 8r |
/// | S, a single token | 4 + 8r | 8 + 8r |
///
/// **Entities.** The tag of a token is the one with the highest score; of equal ones the first. A token with S is an
/// entity. So is a run of B, any number of I, and E of one relation and role. Other tags make no entity.
///
/// **Triples.** In each relation every entity, subject or object, is joined with the nearest one of the other role. The
/// distance is the number of tokens from the last one of the first entity to the first one of the second. If two are
/// equally near, the entity is joined with the one that puts the subject first. A pair that both sides make counts
/// once.
///
/// **Scores.** The score of a triple is the lowest probability of the tags of its tokens. A triple is kept if its score
/// is at or over the threshold of its relation. The threshold only filters triples: entities and pairs do not depend on
/// it.
///
/// **Time** is proportional to the number of scores, plus the time to sort the triples.
///
/// ```
/// use rere_core::{Probability, TokenSpan};
/// use rere_decode::{Decoder, Scale, TableScores, TagScores, Tags};
///
/// #[rustfmt::skip]
/// let probabilities = [
///     // O, subject B, I, E, S, object B, I, E, S
///     0.1,  0.8, 0.0, 0.0, 0.1,  0.0, 0.0, 0.0, 0.0, // Ada
///     0.2,  0.1, 0.0, 0.7, 0.0,  0.0, 0.0, 0.0, 0.0, // Lovelace
///     0.9,  0.0, 0.1, 0.0, 0.0,  0.0, 0.0, 0.0, 0.0, // in
///     0.3,  0.0, 0.0, 0.0, 0.1,  0.0, 0.0, 0.0, 0.6, // London
/// ];
/// let table = TableScores::new(&probabilities, 4, 1 + 8, Scale::Probability)?;
/// let mut found = Vec::new();
/// Tags::new(Probability::new(0.5)?).decode(TagScores::new(table)?, &mut Default::default(), &mut found);
/// assert_eq!(found.len(), 1);
/// assert_eq!((found[0].subject, found[0].object), (TokenSpan::new(0, 2), TokenSpan::new(3, 4)));
/// assert_eq!(found[0].score, 0.6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Tags {
    thresholds: RelationThresholds,
}

/// Checked tag scores of the tokens of a sentence, for [`Tags`].
#[derive(Debug, Clone, Copy)]
pub struct TagScores<'a> {
    table: TableScores<'a>,
}

impl<'a> TagScores<'a> {
    /// Checks a table `[tokens, 1 + 8 * relations]`. See [`Tags`] for the columns.
    ///
    /// The scores of a row belong together. The sum of probabilities is not checked. [`Scale::Logit`] here means the
    /// logits of a softmax over the row, not of one sigmoid for each.
    ///
    /// # Errors
    /// Returns [`DecodeError::TableColumns`] if the number of columns is not 1 more than a multiple of 8.
    pub fn new(table: TableScores<'a>) -> Result<Self, DecodeError> {
        if table.columns() % (ROLES * POSITIONS) != 1 {
            let expected = ExpectedColumns::Tags;
            return Err(DecodeError::TableColumns { columns: table.columns(), expected });
        }
        Ok(Self { table })
    }

    /// Returns the table of scores.
    pub const fn table(self) -> TableScores<'a> {
        self.table
    }
}

/// A run of tokens with the tags of one relation and role.
#[derive(Debug, Clone, Copy)]
struct Entity {
    relation: usize,
    role: usize,
    first: usize,
    last: usize,
    /// Lowest probability of its tags.
    score: f32,
    /// Entity that it is joined with, as a position in the entities of the relation.
    partner: Option<usize>,
}

impl Entity {
    fn span(self) -> TokenSpan {
        TokenSpan::new(self.first, self.last + 1)
    }

    fn is_of(self, relation: usize, role: usize) -> bool {
        (self.relation, self.role) == (relation, role)
    }
}

/// Reusable memory of [`Tags`].
#[derive(Debug, Default)]
pub struct TagsScratch {
    entities: Vec<Entity>,
}

impl Tags {
    /// Creates a decoder with one threshold, or one for each relation.
    pub fn new(thresholds: impl Into<RelationThresholds>) -> Self {
        Self { thresholds: thresholds.into() }
    }
}

/// Replaces `entities` by those that the best tags make, in the order of the text.
fn collect_entities(table: TableScores<'_>, entities: &mut Vec<Entity>) {
    entities.clear();
    // An entity without its last token.
    let mut open: Option<Entity> = None;
    for (token, row) in table.values().chunks_exact(table.columns()).enumerate() {
        let (tag, score) = argmax(row);
        let Some(tag) = tag.checked_sub(1) else {
            open = None;
            continue;
        };
        let (position, label) = (tag % POSITIONS, tag / POSITIONS);
        let (relation, role) = (label / ROLES, label % ROLES);
        let score = probability(score, row, table.scale());
        let new = Entity { relation, role, first: token, last: token, score, partner: None };
        let longer = open.take().filter(|entity| entity.is_of(relation, role)).map(|entity| Entity {
            last: token,
            score: entity.score.min(score),
            ..entity
        });
        match position {
            FIRST => open = Some(new),
            INSIDE => open = longer,
            LAST => entities.extend(longer),
            _ => entities.push(new),
        }
    }
}

/// Returns the column with the highest score (of equal ones the first) and the score.
fn argmax(row: &[f32]) -> (usize, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (column, &score) in row.iter().enumerate() {
        if score > best.1 {
            best = (column, score);
        }
    }
    best
}

/// Converts the highest score of a row to a probability.
fn probability(best: f32, row: &[f32], scale: Scale) -> f32 {
    match scale {
        Scale::Probability => best,
        // The difference of two infinite logits is NaN.
        Scale::Logit => {
            1.0 / row.iter().map(|&score| if score == best { 1.0 } else { (score - best).exp() }).sum::<f32>()
        }
    }
}

/// Finds the partners of a relation's entities, which are in the order of the text and do not overlap.
///
/// Therefore the nearest one of the other role is the last one before an entity or the first one after it.
fn join_nearest(entities: &mut [Entity]) {
    let mut passed: [Option<usize>; ROLES] = [None; ROLES];
    for (at, entity) in entities.iter_mut().enumerate() {
        entity.partner = passed[1 - entity.role];
        passed[entity.role] = Some(at);
    }
    let mut passed: [Option<usize>; ROLES] = [None; ROLES];
    for at in (0..entities.len()).rev() {
        let entity = entities[at];
        entities[at].partner = match (entity.partner, passed[1 - entity.role]) {
            (Some(before), Some(after)) => {
                let back = entity.first - entities[before].last;
                let ahead = entities[after].first - entity.last;
                let is_ahead = ahead < back || (ahead == back && entity.role == SUBJECT);
                Some(if is_ahead { after } else { before })
            }
            (before, after) => before.or(after),
        };
        passed[entity.role] = Some(at);
    }
}

impl Decoder for Tags {
    type Input<'a> = TagScores<'a>;
    type Scratch = TagsScratch;

    fn decode(&self, scores: TagScores<'_>, scratch: &mut TagsScratch, found: &mut Vec<TokenTriple>) {
        let entities = &mut scratch.entities;
        collect_entities(scores.table, entities);
        entities.sort_unstable_by_key(|entity| (entity.relation, entity.first));
        let from = found.len();
        for entities in entities.chunk_by_mut(|a, b| a.relation == b.relation) {
            let relation = entities[0].relation;
            let Some(threshold) = self.thresholds.get(relation) else { continue };
            join_nearest(entities);
            for (at, &entity) in entities.iter().enumerate() {
                let Some(partner) = entity.partner else { continue };
                let (subject, object) = match entity.role {
                    SUBJECT => (entity, entities[partner]),
                    // The pair was made from the side of the subject.
                    _ if entities[partner].partner == Some(at) => continue,
                    _ => (entities[partner], entity),
                };
                let score = subject.score.min(object.score);
                if score >= threshold.get() {
                    found.push(TokenTriple { relation, subject: subject.span(), object: object.span(), score });
                }
            }
        }
        best_first(&mut found[from..]);
    }
}
