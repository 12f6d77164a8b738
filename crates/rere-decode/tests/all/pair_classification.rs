//! Tests of pair classification.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_core::TokenSpan;
use rere_decode::{
    CandidateScores, DecodeError, PairClassification, PairClassificationScratch, RelationThresholds, Role, Scale,
    TableScores, TokenTriple,
};

use crate::table::{CASES, Table, decode, draw_kind, draw_scale, draw_thresholds, ordered, probability};

use crate::common::cases;

fn span(start: usize, end: usize) -> TokenSpan {
    TokenSpan::new(start, end)
}

fn found(
    thresholds: impl Into<RelationThresholds>,
    pairs: &[(TokenSpan, TokenSpan)],
    table: &Table,
) -> Vec<TokenTriple> {
    let scores = CandidateScores::new(pairs, table.scores()).expect("a row for each pair");
    decode(&PairClassification::new(thresholds), scores, &mut PairClassificationScratch::default())
}

#[test]
fn scores_at_or_over_the_threshold_are_triples() {
    let (a, b, c) = (span(0, 2), span(3, 4), span(1, 4));
    let pairs = [(a, b), (b, a), (a, c)];
    let values = vec![0.5, 0.4, 0.9, 0.9, 0.499, 1.0];
    let table = Table { values, rows: 3, columns: 2, scale: Scale::Probability };
    let triple = |relation, (subject, object), score| TokenTriple { relation, subject, object, score };
    // Best first; equal scores by relation, then in the order of the text.
    let all = [
        triple(1, pairs[2], 1.0),
        triple(0, pairs[1], 0.9),
        triple(1, pairs[1], 0.9),
        triple(0, pairs[0], 0.5),
        triple(0, pairs[2], 0.499),
    ];
    assert_eq!(found(probability(0.5), &pairs, &table), all[..4]);
    assert_eq!(found(vec![probability(0.45), probability(0.95)], &pairs, &table), [all[0], all[1], all[3], all[4]]);
    assert_eq!(found(vec![probability(0.5)], &pairs, &table), [all[1], all[3]]);
    assert_eq!(found(Vec::new(), &pairs, &table), []);
}

#[test]
fn a_span_is_not_paired_with_itself() {
    let pairs = [(span(0, 2), span(0, 2)), (span(0, 2), span(0, 1))];
    let table = Table { values: vec![1.0; 2], rows: 2, columns: 1, scale: Scale::Probability };
    let triples = found(probability(0.5), &pairs, &table);
    assert_eq!(triples, [TokenTriple { relation: 0, subject: span(0, 2), object: span(0, 1), score: 1.0 }]);
}

#[test]
fn a_repeated_pair_gives_the_better_triples() {
    let pairs = [(span(0, 1), span(1, 2)); 3];
    let table = Table { values: vec![0.6, 0.9, 0.8, 0.7, 0.1, 0.2], rows: 3, columns: 2, scale: Scale::Probability };
    let triples = found(probability(0.5), &pairs, &table);
    assert_eq!(triples.iter().map(|triple| (triple.relation, triple.score)).collect::<Vec<_>>(), [(1, 0.9), (0, 0.8)]);
}

#[test]
fn bad_input_is_an_error() {
    let pair = (span(0, 1), span(1, 2));
    for (rows, pairs) in [(0, 1), (1, 0), (3, 2)] {
        let table = Table::zeros(rows, 2);
        let error = CandidateScores::new(&vec![pair; pairs], table.scores()).expect_err("not a row for each");
        assert_eq!(error, DecodeError::PairRows { rows, pairs });
    }
    let none = TableScores::new(&[], usize::MAX, 0, Scale::Logit).expect("no relations");
    assert_eq!(
        CandidateScores::new(&[], none).expect_err("rows"),
        DecodeError::PairRows { rows: usize::MAX, pairs: 0 }
    );
    let table = Table::zeros(2, 1);
    for empty in [span(0, 0), span(3, 2), span(usize::MAX, 0)] {
        for (role, other) in [(Role::Subject, (empty, pair.1)), (Role::Object, (pair.0, empty))] {
            let error = CandidateScores::new(&[pair, other], table.scores()).expect_err("no tokens");
            assert_eq!(error, DecodeError::EmptySpan { pair: 1, role, span: empty });
        }
    }
}

#[test]
fn empty_input_gives_no_triples() {
    for columns in [0, 1, usize::MAX] {
        let table = TableScores::new(&[], 0, columns, Scale::Logit).expect("no pairs");
        let scores = CandidateScores::new(&[], table).expect("no pairs");
        let decoder = PairClassification::new(probability(0.0));
        assert_eq!(decode(&decoder, scores, &mut PairClassificationScratch::default()), []);
    }
    assert_eq!(found(probability(0.0), &[(span(0, 1), span(1, 2))], &Table::zeros(1, 0)), []);
}

#[test]
fn the_decoder_follows_its_definition() {
    let mut rng = ChaCha8Rng::seed_from_u64(30);
    let mut scratch = PairClassificationScratch::default();
    let mut triples = 0;
    for case in 0..CASES {
        let (tokens, relations) = (rng.random_range(1..=24), rng.random_range(1..=5));
        let mut draw = || {
            let start = rng.random_range(0..tokens);
            span(start, rng.random_range(start..tokens) + 1)
        };
        let spans = [draw(), draw(), draw(), draw()];
        let pairs: Vec<_> = (0..rng.random_range(0..24))
            .map(|_| (spans[rng.random_range(0..4)], spans[rng.random_range(0..4)]))
            .collect();
        let (kind, scale) = (draw_kind(&mut rng), draw_scale(&mut rng));
        let table = Table::draw(&mut rng, kind, scale, pairs.len(), relations);
        let thresholds = draw_thresholds(&mut rng, relations);
        let scores = CandidateScores::new(&pairs, table.scores()).expect("a row for each pair");
        let found = decode(&PairClassification::new(thresholds.clone()), scores, &mut scratch);
        let mut expected = Vec::new();
        for (row, &(subject, object)) in pairs.iter().enumerate() {
            for relation in 0..relations {
                if let Some(score) = table.over(row, relation, thresholds.get(relation))
                    && subject != object
                {
                    expected.push(TokenTriple { relation, subject, object, score });
                }
            }
        }
        assert_eq!(found, ordered(expected), "case {case}: {pairs:?} {thresholds:?} {table:?}");
        triples += found.len();
    }
    assert!(triples > 3 * CASES, "{triples} triples");
}

#[test]
fn perfect_scores_give_the_gold_triples() {
    let mut rng = ChaCha8Rng::seed_from_u64(35);
    for _ in 0..cases(2_000) {
        let (gold, _, relations) = crate::tplinker::draw_gold(&mut rng, true);
        let entities: Vec<_> = gold.iter().flat_map(|&(_, subject, object)| [subject, object]).collect();
        let pairs: Vec<_> = entities.iter().flat_map(|&a| entities.iter().map(move |&b| (a, b))).collect();
        let mut table = Table::zeros(pairs.len(), relations);
        for (row, &(subject, object)) in pairs.iter().enumerate() {
            for relation in 0..relations {
                table.set(row, relation, f32::from(u8::from(gold.contains(&(relation, subject, object)))));
            }
        }
        let found = found(probability(0.5), &pairs, &table);
        let found: Vec<_> = found.iter().map(|triple| (triple.relation, triple.subject, triple.object)).collect();
        assert_eq!(found, gold);
    }
}
