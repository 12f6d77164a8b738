//! Tests of the PRGC decoder.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_core::{Probability, TokenSpan};
use rere_decode::{
    Correspondence, CorrespondenceScores, CorrespondenceScratch, DecodeError, PointerScores, RelationThresholds, Scale,
    SpanRule, TokenTriple,
};

use crate::table::{
    CASES, Table, decode, draw_kind, draw_scale, draw_threshold, draw_thresholds, ordered, probability,
};

fn span(start: usize, end: usize) -> TokenSpan {
    TokenSpan::new(start, end)
}

/// Pointers and correspondences of a sentence.
struct Sentence {
    pointers: Table,
    correspondences: Table,
}

impl Sentence {
    fn zeros(tokens: usize) -> Self {
        Self { pointers: Table::zeros(tokens, 4), correspondences: Table::zeros(tokens, tokens) }
    }

    /// Marks a span of a role, 0 for a subject and 1 for an object.
    fn mark(&mut self, role: usize, first: usize, last: usize, score: f32) {
        self.pointers.set(first, 2 * role, score);
        self.pointers.set(last, 2 * role + 1, score);
    }

    fn scores(&self, relation: usize) -> CorrespondenceScores<'_> {
        let Table { values, rows, scale, .. } = &self.pointers;
        let pointers = PointerScores::on_scale(values, *rows, *scale).expect("pointers").for_relation(relation);
        CorrespondenceScores::new(pointers, self.correspondences.scores()).expect("a table for these tokens")
    }
}

fn half() -> Correspondence {
    Correspondence::new(probability(0.5), probability(0.5))
}

fn found(decoder: &Correspondence, sentence: &Sentence) -> Vec<(TokenSpan, TokenSpan, f32)> {
    let triples = decode(decoder, sentence.scores(0), &mut CorrespondenceScratch::default());
    triples.into_iter().map(|triple| (triple.subject, triple.object, triple.score)).collect()
}

#[test]
fn correspondences_choose_the_pairs() {
    let mut sentence = Sentence::zeros(6);
    for (role, first, last) in [(0, 0, 1), (0, 4, 4), (1, 2, 2), (1, 5, 5)] {
        sentence.mark(role, first, last, 0.9);
    }
    assert_eq!(found(&half(), &sentence), []);
    // Each subject with the further object, which nearest pairing cannot express.
    sentence.correspondences.set(0, 5, 0.8);
    sentence.correspondences.set(4, 2, 0.7);
    assert_eq!(found(&half(), &sentence), [(span(0, 2), span(5, 6), 0.8), (span(4, 5), span(2, 3), 0.7)]);
    // The table is directed, and only first tokens count.
    sentence.correspondences.set(2, 0, 0.9);
    sentence.correspondences.set(1, 2, 0.9);
    assert_eq!(found(&half(), &sentence).len(), 2);
}

#[test]
fn every_score_is_needed_and_limits_the_triple() {
    let scores = |which: usize, score: f32| {
        let mut sentence = Sentence::zeros(4);
        sentence.mark(0, 0, 1, 0.9);
        sentence.mark(1, 2, 3, 0.9);
        sentence.correspondences.set(0, 2, 0.9);
        match which {
            0 => sentence.pointers.set(0, 0, score),
            1 => sentence.pointers.set(1, 1, score),
            2 => sentence.pointers.set(2, 2, score),
            3 => sentence.pointers.set(3, 3, score),
            _ => sentence.correspondences.set(0, 2, score),
        }
        found(&half(), &sentence)
    };
    for which in 0..5 {
        assert_eq!(scores(which, 0.5), [(span(0, 2), span(2, 4), 0.5)]);
        assert_eq!(scores(which, 0.499), []);
    }
}

#[test]
fn spans_follow_their_rule_and_limit() {
    let mut sentence = Sentence::zeros(5);
    sentence.mark(0, 0, 2, 0.9);
    sentence.pointers.set(1, 1, 0.6);
    sentence.mark(1, 4, 4, 0.9);
    sentence.correspondences.set(0, 4, 0.9);
    let subject = |decoder: Correspondence| found(&decoder, &sentence).first().map(|&(subject, ..)| subject);
    assert_eq!(subject(half()), Some(span(0, 2)));
    assert_eq!(subject(half().with_spans(SpanRule::BestEnd)), Some(span(0, 3)));
    assert_eq!(subject(half().with_longest(2)), Some(span(0, 2)));
    assert_eq!(subject(half().with_longest(1)), None);
}

#[test]
fn a_span_is_not_joined_with_itself() {
    let mut sentence = Sentence::zeros(2);
    for role in [0, 1] {
        sentence.mark(role, 0, 0, 0.9);
    }
    sentence.correspondences.set(0, 0, 0.9);
    assert_eq!(found(&half(), &sentence), []);
    // Two spans with the same first token are joined.
    sentence.pointers.set(0, 3, 0.0);
    sentence.pointers.set(1, 3, 0.9);
    assert_eq!(found(&half(), &sentence), [(span(0, 1), span(0, 2), 0.9)]);
}

#[test]
fn bad_input_is_an_error() {
    let pointers = [0.0; 8];
    let pointers = PointerScores::new(&pointers, 2).expect("pointers");
    for (rows, columns) in [(1, 2), (2, 1), (3, 3), (0, 0)] {
        let table = Table::zeros(rows, columns);
        let error = CorrespondenceScores::new(pointers, table.scores()).expect_err("another number of tokens");
        assert_eq!(error, DecodeError::CorrespondenceTable { rows, columns, tokens: 2 });
    }
    assert_eq!(found(&half(), &Sentence::zeros(0)), []);
}

/// The definition: every span of a subject with every span of an object.
fn naive(
    Sentence { pointers, correspondences }: &Sentence,
    relation: usize,
    thresholds: &RelationThresholds,
    least: Probability,
) -> Vec<TokenTriple> {
    let threshold = thresholds.get(relation);
    let spans = |role: usize| -> Vec<(usize, usize, f32)> {
        let starts = (0..pointers.rows).filter_map(|token| Some((token, pointers.over(token, 2 * role, threshold)?)));
        let nearest_end = |(first, start): (usize, f32)| {
            let mut ends =
                (first..pointers.rows).filter_map(|last| Some((last, pointers.over(last, 2 * role + 1, threshold)?)));
            ends.next().map(|(last, end)| (first, last, start.min(end)))
        };
        starts.filter_map(nearest_end).collect()
    };
    let mut triples = Vec::new();
    for &(subject_first, subject_last, subject) in &spans(0) {
        for &(object_first, object_last, object) in &spans(1) {
            let Some(pair) = correspondences.over(subject_first, object_first, Some(least)) else { continue };
            if (subject_first, subject_last) != (object_first, object_last) {
                triples.push(TokenTriple {
                    relation,
                    subject: span(subject_first, subject_last + 1),
                    object: span(object_first, object_last + 1),
                    score: subject.min(object).min(pair),
                });
            }
        }
    }
    ordered(triples)
}

#[test]
fn the_decoder_follows_its_definition() {
    let mut rng = ChaCha8Rng::seed_from_u64(35);
    let mut scratch = CorrespondenceScratch::default();
    let mut triples = 0;
    for case in 0..CASES {
        let (kind, scale, tokens) = (draw_kind(&mut rng), draw_scale(&mut rng), rng.random_range(1..=16));
        let mut sentence = Sentence {
            pointers: Table::draw(&mut rng, kind, scale, tokens, 4),
            correspondences: Table::draw(&mut rng, kind, scale, tokens, tokens),
        };
        let high = if scale == Scale::Logit { 4.0 } else { 0.98 };
        for _ in 0..rng.random_range(0..4) {
            let [subject, object] = [(); 2].map(|()| rng.random_range(0..tokens));
            sentence.mark(0, subject, subject, high);
            sentence.mark(1, object, object, high);
            sentence.correspondences.set(subject, object, high);
        }
        let (thresholds, least) = (draw_thresholds(&mut rng, 3), draw_threshold(&mut rng));
        let relation = rng.random_range(0..3);
        let found = decode(&Correspondence::new(thresholds.clone(), least), sentence.scores(relation), &mut scratch);
        assert_eq!(found, naive(&sentence, relation, &thresholds, least), "case {case}: {thresholds:?} {least}");
        triples += found.len();
    }
    assert!(triples > CASES, "{triples} triples");
}
