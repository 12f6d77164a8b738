//! What constraints leave over, against the definition on seeded triples.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_core::{Probability, TokenSpan};
use rere_decode::{
    Constrained, Decoder, Nearest, PointerScores, RelationThresholds, TokenTriple, Typed, merge_windows,
};

use crate::common::cases;

/// A decoder that finds what it is given.
struct Given;

impl Decoder for Given {
    type Input<'a> = &'a [TokenTriple];
    type Scratch = ();

    fn decode(&self, input: &[TokenTriple], (): &mut (), found: &mut Vec<TokenTriple>) {
        found.extend_from_slice(input);
    }
}

/// Triples in the order that a decoder gives.
fn draw(rng: &mut ChaCha8Rng) -> Vec<TokenTriple> {
    let mut triples: Vec<TokenTriple> = Vec::new();
    for _ in 0..rng.random_range(0..30) {
        let mut span = || {
            let start = rng.random_range(0..6);
            TokenSpan::new(start, start + rng.random_range(1..4))
        };
        let (subject, object) = (span(), span());
        let triple = TokenTriple { relation: rng.random_range(0..3), subject, object, score: rng.random() };
        let known = |other: &TokenTriple| {
            (other.relation, other.subject, other.object) == (triple.relation, triple.subject, triple.object)
        };
        if subject != object && !triples.iter().any(known) {
            triples.push(triple);
        }
    }
    triples.sort_by(|a, b| b.score.total_cmp(&a.score));
    triples
}

fn decode<'a, D: Decoder>(decoder: &D, input: D::Input<'a>) -> Vec<TokenTriple> {
    // What stands there already is left alone.
    let before = TokenTriple { relation: 9, subject: TokenSpan::new(0, 90), object: TokenSpan::new(1, 90), score: 0.0 };
    let mut found = vec![before];
    decoder.decode(input, &mut D::Scratch::default(), &mut found);
    assert_eq!(found.remove(0), before);
    found
}

#[test]
fn the_best_that_may_be_stay() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..cases(5_000) {
        let triples = draw(&mut rng);
        let (longest, most) = (rng.random_range(0..4), rng.random_range(0..8));
        let decoder = Constrained::new(Given).with_longest(longest).with_most(most).one_to_one(|relation| relation < 2);
        let mut expected: Vec<TokenTriple> = Vec::new();
        for triple in &triples {
            let taken = expected.iter().any(|other| {
                triple.relation < 2
                    && other.relation == triple.relation
                    && (other.subject == triple.subject || other.object == triple.object)
            });
            if !taken && triple.subject.len() <= longest && triple.object.len() <= longest {
                expected.push(*triple);
            }
        }
        expected.truncate(most);
        assert_eq!(decode(&decoder, &triples), expected);
        assert_eq!(decode(&Constrained::new(Given), &triples), triples, "no constraint");
    }
}

#[test]
fn types_have_to_go_together_where_they_are_known() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let decoder = Typed::new(Given, |relation, subject, object| (relation + subject + object) % 2 == 0);
    for _ in 0..cases(5_000) {
        let triples = draw(&mut rng);
        let mut types: Vec<(TokenSpan, usize)> = Vec::new();
        for triple in &triples {
            for span in [triple.subject, triple.object] {
                if rng.random_bool(0.7) && !types.iter().any(|known| known.0 == span) {
                    types.push((span, rng.random_range(0..2)));
                }
            }
        }
        types.sort();
        let type_of = |span| types.iter().find(|known| known.0 == span).map(|known| known.1);
        let mut expected = triples.clone();
        expected.retain(|triple| match (type_of(triple.subject), type_of(triple.object)) {
            (Some(subject), Some(object)) => (triple.relation + subject + object) % 2 == 0,
            _ => true,
        });
        assert_eq!(decode(&decoder, (&triples[..], &types[..])), expected);
    }
}

#[test]
fn a_relation_has_its_own_threshold() {
    let scores = PointerScores::new(&[0.6, 0.6, 0.0, 0.0, 0.0, 0.0, 0.6, 0.6], 2).expect("scores");
    let levels = [0.5, 0.7].map(|level| Probability::new(level).expect("a probability"));
    let nearest = Nearest::new(RelationThresholds::from(&levels[..]));
    let found = |relation| decode(&nearest, scores.for_relation(relation)).len();
    assert_eq!([found(0), found(1), found(2)], [1, 0, 0]);
}

/// What a window sees of a text, moved by its place, is what was seen of the text, where every triple is in a window.
#[test]
fn windows_give_the_whole_back() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..cases(2_000) {
        let mut triples = draw(&mut rng);
        // Spans reach to token 8 at most; windows of 8 tokens from 0 and from 1 hold all but what has both ends.
        triples.retain(|triple| {
            let first = triple.subject.start.min(triple.object.start);
            let last = triple.subject.end.max(triple.object.end);
            !(first == 0 && last == 9)
        });
        let window = |from: usize| -> Vec<TokenTriple> {
            let inside = |span: TokenSpan| span.start >= from && span.end <= from + 8;
            let moved = |span: TokenSpan| TokenSpan::new(span.start - from, span.end - from);
            let seen = triples.iter().filter(|triple| inside(triple.subject) && inside(triple.object));
            seen.map(|t| TokenTriple { subject: moved(t.subject), object: moved(t.object), ..*t }).collect()
        };
        let (first, second) = (window(0), window(1));
        let mut found = Vec::new();
        merge_windows([(0, &first[..]), (1, &second[..])], &mut found);
        triples.sort_by(|a, b| b.score.total_cmp(&a.score));
        assert_eq!(found, triples);
    }
    let mut found = Vec::new();
    merge_windows([(usize::MAX, &draw(&mut rng)[..])], &mut found);
}
