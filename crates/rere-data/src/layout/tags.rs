//! One tag for each token (novel tagging, Zheng et al. 2017).

use rere_core::TokenSpan;

use super::LocatedTriple;

/// Tags of the relation and role: first, inside, last and single token.
const POSITIONS: usize = 4;
/// Tags of a relation: those of a subject, then those of an object.
const OF_RELATION: usize = 2 * POSITIONS;

/// The tags of a sentence's tokens, and the triples that they do not express.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagLabels {
    /// The tag of each token: see [`tag_labels`].
    pub tags: Vec<usize>,
    /// Positions of the triples that are left out, in order.
    pub left_out: Vec<usize>,
}

/// Number of tags for that many relations, 1 + 8 · relations.
pub const fn tag_count(relations: usize) -> usize {
    1 + OF_RELATION * relations
}

/// The tag of each token of a sentence.
///
/// Tag 0 is O, for a token of no entity. The tags of relation `r` are:
///
/// | tag | subject (role 1) | object (role 2) |
/// |---|---|---|
/// | B, the first of several tokens | 1 + 8r | 5 + 8r |
/// | I, a token inside | 2 + 8r | 6 + 8r |
/// | E, the last of several tokens | 3 + 8r | 7 + 8r |
/// | S, a single token | 4 + 8r | 8 + 8r |
///
/// A token has one tag. So the triples are taken in their order, each with the two of its places that are nearest to each other
/// and do not overlap, of equally near ones the first. A triple is left out if a token of these places has another tag already, if
/// all its places overlap, or if they do not lie in the sentence.
///
/// # What tags cannot express
/// - A triple that is left out, above all one that shares an entity with a triple of another relation, or in another role.
/// - Which subject and object belong together if a relation has several: decoding joins each with its nearest counterpart.
/// - More than one place of an entity.
pub fn tag_labels(triples: &[LocatedTriple], tokens: usize) -> TagLabels {
    let mut labels = TagLabels { tags: vec![0; tokens], left_out: Vec::new() };
    for (position, triple) in triples.iter().enumerate() {
        let subject_tags = 1 + OF_RELATION * triple.relation;
        let is_set = nearest_places(triple, tokens).is_some_and(|(subject, object)| {
            let new = || tags_of(subject, subject_tags).chain(tags_of(object, subject_tags + POSITIONS));
            let is_free = new().all(|(token, tag)| labels.tags[token] == 0 || labels.tags[token] == tag);
            if is_free {
                new().for_each(|(token, tag)| labels.tags[token] = tag);
            }
            is_free
        });
        if !is_set {
            labels.left_out.push(position);
        }
    }
    labels
}

/// Places of the subject and of the object with the fewest tokens between them, that do not overlap.
fn nearest_places(triple: &LocatedTriple, tokens: usize) -> Option<(TokenSpan, TokenSpan)> {
    let fits = |place: &&TokenSpan| !place.is_empty() && place.end <= tokens;
    let subjects = triple.subjects.iter().filter(fits);
    let pairs = subjects.flat_map(|&subject| triple.objects.iter().filter(fits).map(move |&object| (subject, object)));
    let apart = pairs.filter(|&(subject, object)| !subject.overlaps(object));
    apart.min_by_key(|(subject, object)| {
        object.start.saturating_sub(subject.end).max(subject.start.saturating_sub(object.end))
    })
}

/// Tokens and tags of an entity; `first` is the tag B of its relation and role.
fn tags_of(place: TokenSpan, first: usize) -> impl Iterator<Item = (usize, usize)> {
    (place.start..place.end).map(move |token| {
        let tag = match (token == place.start, token + 1 == place.end) {
            (true, false) => first,
            (false, false) => first + 1,
            (false, true) => first + 2,
            (true, true) => first + 3,
        };
        (token, tag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triple(relation: usize, subjects: &[(usize, usize)], objects: &[(usize, usize)]) -> LocatedTriple {
        let spans = |places: &[(usize, usize)]| places.iter().map(|&(start, end)| TokenSpan::new(start, end)).collect();
        LocatedTriple { relation, subjects: spans(subjects), objects: spans(objects) }
    }

    #[test]
    fn a_token_has_one_tag() {
        let triples = [
            triple(0, &[(0, 3)], &[(4, 5)]),
            triple(1, &[(7, 8)], &[(4, 5)]), // the object has a tag of relation 0
            triple(0, &[(0, 3)], &[(5, 7)]), // a shared subject
            triple(0, &[(5, 7)], &[(8, 9)]), // the subject is an object above
            triple(1, &[(8, 9)], &[(7, 8)]),
        ];
        let labels = tag_labels(&triples, 10);
        assert_eq!(labels.tags, [1, 2, 3, 0, 8, 5, 7, 16, 12, 0]);
        assert_eq!(labels.left_out, [1, 3]);
        assert!(labels.tags.iter().all(|&tag| tag < tag_count(2)));
        assert_eq!(tag_labels(&[], 2), TagLabels { tags: vec![0, 0], left_out: vec![] });
    }

    #[test]
    fn the_nearest_places_are_tagged() {
        // Nearer than the other two, and not overlapping.
        let labels = tag_labels(&[triple(0, &[(0, 1), (5, 6)], &[(3, 4), (5, 7)])], 8);
        assert_eq!(labels.tags, [0, 0, 0, 8, 0, 4, 0, 0]);
        // Equally near: the first.
        let labels = tag_labels(&[triple(0, &[(2, 3)], &[(0, 1), (4, 5)])], 5);
        assert_eq!(labels.tags, [8, 0, 4, 0, 0]);
    }

    #[test]
    fn places_that_overlap_or_lie_outside_are_left_out() {
        let triples =
            [triple(0, &[(0, 2)], &[(1, 3), (0, 2)]), triple(0, &[(0, 1)], &[(3, 5)]), triple(0, &[(0, 0)], &[(3, 4)])];
        assert_eq!(tag_labels(&triples, 4), TagLabels { tags: vec![0; 4], left_out: vec![0, 1, 2] });
    }
}
