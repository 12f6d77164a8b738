//! Tests of constraints and windows against their definitions, on seeded triples.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_core::{Probability, TokenSpan};
use rere_decode::{
    Constrained, Decoder, Nearest, PointerScores, RelationThresholds, TokenTriple, Typed, merge_windows,
};

use crate::common::cases;

/// A decoder that returns its input.
struct Identity;

impl Decoder for Identity {
    type Input<'a> = &'a [TokenTriple];
    type Scratch = ();

    fn decode(&self, input: &[TokenTriple], (): &mut (), found: &mut Vec<TokenTriple>) {
        found.extend_from_slice(input);
    }
}

/// Triples, sorted as by a decoder.
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
    // Triples that were found before must stay.
    let before = TokenTriple { relation: 9, subject: TokenSpan::new(0, 90), object: TokenSpan::new(1, 90), score: 0.0 };
    let mut found = vec![before];
    decoder.decode(input, &mut D::Scratch::default(), &mut found);
    assert_eq!(found.remove(0), before);
    found
}

#[test]
fn the_best_allowed_triples_are_kept() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..cases(5_000) {
        let triples = draw(&mut rng);
        let (longest, most) = (rng.random_range(0..4), rng.random_range(0..8));
        let decoder =
            Constrained::new(Identity).with_longest(longest).with_most(most).one_to_one(|relation| relation < 2);
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
        assert_eq!(decode(&Constrained::new(Identity), &triples), triples, "no constraint");
    }
}

#[test]
fn known_types_must_go_together() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let decoder = Typed::new(Identity, |relation, subject, object| (relation + subject + object) % 2 == 0);
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

/// If each triple lies in a window, merging the windows gives all triples of the text.
#[test]
fn merged_windows_give_all_triples() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..cases(2_000) {
        let mut triples = draw(&mut rng);
        // Spans end at 8 at most, so windows of 7 tokens from 0 and from 1 hold all triples but those from 0 to 8.
        triples.retain(|triple| {
            let first = triple.subject.start.min(triple.object.start);
            let last = triple.subject.end.max(triple.object.end);
            !(first == 0 && last == 8)
        });
        let window = |from: usize| -> Vec<TokenTriple> {
            let inside = |span: TokenSpan| span.start >= from && span.end <= from + 7;
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
