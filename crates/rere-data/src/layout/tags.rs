//! Labels of novel tagging: one tag per token (Zheng et al. 2017).

use rere_core::TokenSpan;

use super::LocatedTriple;

/// Number of tags per relation and role: first, inside, last and single token.
const POSITIONS: usize = 4;
/// Number of tags per relation: those of a subject, then those of an object.
const TAGS_PER_RELATION: usize = 2 * POSITIONS;

/// Tags of a sentence's tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TagLabels {
    /// The tag of each token: see [`tag_labels`].
    pub tags: Vec<usize>,
    /// Positions of the triples that the tags do not express, sorted.
    pub left_out: Vec<usize>,
}

/// Returns the number of tags for a number of relations, 1 + 8 · relations.
pub const fn tag_count(relations: usize) -> usize {
    1 + TAGS_PER_RELATION * relations
}

/// Returns the tag of each token of a sentence.
///
/// Tag 0 is O, for a token outside entities. The tags of relation `r` are:
///
/// | tag | subject (role 1) | object (role 2) |
/// |---|---|---|
/// | B, the first of several tokens | 1 + 8r | 5 + 8r |
/// | I, a token inside | 2 + 8r | 6 + 8r |
/// | E, the last of several tokens | 3 + 8r | 7 + 8r |
/// | S, a single token | 4 + 8r | 8 + 8r |
///
/// A token has one tag. Triples are tagged in their order, each at its nearest spans that do not overlap; the first of
/// equally near ones. A triple is left out if a token of these spans has another tag already, if all its spans overlap,
/// or if they do not lie in the sentence.
///
/// # Limits
/// Tags cannot express
/// - a triple that is left out, most often because it shares an entity with a triple of another relation, or in another
///   role;
/// - which subject and object belong together if a relation has several. Decoding joins each with its nearest
///   counterpart;
/// - more than one span of an entity.
pub fn tag_labels(triples: &[LocatedTriple], tokens: usize) -> TagLabels {
    let mut labels = TagLabels { tags: vec![0; tokens], left_out: Vec::new() };
    for (position, triple) in triples.iter().enumerate() {
        let subject_tags = 1 + TAGS_PER_RELATION * triple.relation;
        let is_set = nearest_spans(triple, tokens).is_some_and(|(subject, object)| {
            let new_tags = || tags_of(subject, subject_tags).chain(tags_of(object, subject_tags + POSITIONS));
            let is_free = new_tags().all(|(token, tag)| labels.tags[token] == 0 || labels.tags[token] == tag);
            if is_free {
                new_tags().for_each(|(token, tag)| labels.tags[token] = tag);
            }
            is_free
        });
        if !is_set {
            labels.left_out.push(position);
        }
    }
    labels
}

/// Returns the spans of subject and object that do not overlap and have the fewest tokens between them.
fn nearest_spans(triple: &LocatedTriple, tokens: usize) -> Option<(TokenSpan, TokenSpan)> {
    let fits = |span: &&TokenSpan| !span.is_empty() && span.end <= tokens;
    let subjects = triple.subjects.iter().filter(fits);
    let pairs = subjects.flat_map(|&subject| triple.objects.iter().filter(fits).map(move |&object| (subject, object)));
    let apart = pairs.filter(|&(subject, object)| !subject.overlaps(object));
    apart.min_by_key(|(subject, object)| {
        object.start.saturating_sub(subject.end).max(subject.start.saturating_sub(object.end))
    })
}

/// Returns the tokens and tags of an entity; `first` is the tag B of its relation and role.
fn tags_of(span: TokenSpan, first: usize) -> impl Iterator<Item = (usize, usize)> {
    (span.start..span.end).map(move |token| {
        let tag = match (token == span.start, token + 1 == span.end) {
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
        let spans = |ends: &[(usize, usize)]| ends.iter().map(|&(start, end)| TokenSpan::new(start, end)).collect();
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
    fn the_nearest_spans_are_tagged() {
        // The nearest pair that does not overlap.
        let labels = tag_labels(&[triple(0, &[(0, 1), (5, 6)], &[(3, 4), (5, 7)])], 8);
        assert_eq!(labels.tags, [0, 0, 0, 8, 0, 4, 0, 0]);
        // Equally near: the first.
        let labels = tag_labels(&[triple(0, &[(2, 3)], &[(0, 1), (4, 5)])], 5);
        assert_eq!(labels.tags, [8, 0, 4, 0, 0]);
    }

    #[test]
    fn spans_that_overlap_or_lie_outside_are_left_out() {
        let triples =
            [triple(0, &[(0, 2)], &[(1, 3), (0, 2)]), triple(0, &[(0, 1)], &[(3, 5)]), triple(0, &[(0, 0)], &[(3, 4)])];
        assert_eq!(tag_labels(&triples, 4), TagLabels { tags: vec![0; 4], left_out: vec![0, 1, 2] });
    }
}
