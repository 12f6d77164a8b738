//! Tests of the TPLinker decoder.

use std::collections::HashMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_core::{Probability, TokenSpan};
use rere_decode::{
    DecodeError, HandshakeCell, HandshakeScores, RelationThresholds, Scale, TableScores, TokenTriple, TpLinker,
    TpLinkerScratch, handshake_row, handshake_rows,
};

use crate::table::{CASES, Kind, Table, decode, draw_kind, draw_scale, draw_threshold, draw_thresholds, probability};

use crate::common::cases;

fn span(start: usize, end: usize) -> TokenSpan {
    TokenSpan::new(start, end)
}

/// The row of each pair of tokens.
fn rows(tokens: usize) -> HashMap<(usize, usize), usize> {
    (0..tokens).flat_map(|i| (i..tokens).map(move |j| (i, j))).enumerate().map(|(row, pair)| (pair, row)).collect()
}

/// A table with the cells (i, j, column, score).
fn cells(tokens: usize, relations: usize, cells: &[(usize, usize, usize, f32)]) -> Table {
    let rows = rows(tokens);
    let mut table = Table::zeros(rows.len(), 1 + 4 * relations);
    cells.iter().for_each(|&(i, j, column, score)| table.set(rows[&(i, j)], column, score));
    table
}

fn half() -> TpLinker {
    TpLinker::new(probability(0.5), probability(0.5))
}

fn found(tpl: &TpLinker, table: &Table, tokens: usize) -> Vec<TokenTriple> {
    let scores = HandshakeScores::new(table.scores(), tokens).expect("a table of this shape");
    decode(tpl, scores, &mut TpLinkerScratch::default())
}

#[test]
fn rows_are_counted_pair_by_pair() {
    for tokens in 0..30 {
        let rows = rows(tokens);
        assert_eq!(handshake_rows(tokens), Some(rows.len()));
        for i in 0..tokens + 2 {
            for j in 0..tokens + 2 {
                assert_eq!(handshake_row(i, j, tokens), rows.get(&(i, j)).copied(), "{i} {j} {tokens}");
            }
        }
    }
    // The largest number of tokens whose rows a usize counts.
    let most = (1usize << 32) - 1;
    assert_eq!(handshake_rows(most), Some((1usize << 31) * most));
    assert_eq!(handshake_row(most - 1, most - 1, most), Some((1usize << 31) * most - 1));
    for tokens in [usize::MAX, usize::MAX - 1, 1 << 40] {
        assert_eq!(handshake_rows(tokens), None);
        assert_eq!(handshake_row(0, 0, tokens), None);
    }
    assert_eq!(handshake_row(usize::MAX, usize::MAX, usize::MAX), None);
}

#[test]
fn links_have_directions() {
    let spans = [(0, 1, 0, 0.9), (3, 4, 0, 0.8)];
    let (first, second) = (span(0, 2), span(3, 5));
    for (head, tail, expected) in [
        (1, 3, vec![(first, second)]), // SH-OH, ST-OT
        (2, 4, vec![(second, first)]), // OH-SH, OT-ST
        (1, 4, vec![]),
        (2, 3, vec![]),
    ] {
        let links = [(0, 3, head, 0.7), (1, 4, tail, 0.6)];
        let table = cells(5, 2, &[spans, links].concat());
        let triples = found(&half(), &table, 5);
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(subject, object)| TokenTriple { relation: 0, subject, object, score: 0.6 })
            .collect();
        assert_eq!(triples, expected);
        // The second relation gives the same; heads and tails of two relations give nothing.
        let moved = links.map(|(i, j, column, score)| (i, j, column + 4, score));
        let triples = found(&half(), &cells(5, 2, &[spans, moved].concat()), 5);
        assert!(triples.iter().all(|triple| triple.relation == 1));
        assert_eq!(triples.len(), expected.len());
        assert_eq!(found(&half(), &cells(5, 2, &[spans, [links[0], moved[1]]].concat()), 5), []);
    }
}

#[test]
fn every_cell_is_needed_and_limits_the_score() {
    let all = [(0, 1, 0, 0.9), (3, 4, 0, 0.9), (0, 3, 1, 0.9), (1, 4, 3, 0.9)];
    for cell in 0..4 {
        let mut some = all;
        some[cell].3 = 0.5;
        let triples = found(&half(), &cells(5, 1, &some), 5);
        assert_eq!(triples, [TokenTriple { relation: 0, subject: span(0, 2), object: span(3, 5), score: 0.5 }]);
        some[cell].3 = 0.499;
        assert_eq!(found(&half(), &cells(5, 1, &some), 5), []);
    }
}

/// Subject and object share their first or last token, and one contains the other.
#[test]
fn spans_may_overlap() {
    // 0..3 contains 0..1: the heads are at the same token, and the object's tail comes first.
    for head in [1, 2] {
        let table = cells(3, 1, &[(0, 2, 0, 0.9), (0, 0, 0, 0.9), (0, 0, head, 0.8), (0, 2, 4, 0.7)]);
        let triple = TokenTriple { relation: 0, subject: span(0, 3), object: span(0, 1), score: 0.7 };
        assert_eq!(found(&half(), &table, 3), [triple]);
    }
    // The tails are at the same token, so two labels mean the same: the higher one counts, and the triple is found
    // once.
    for (a, b) in [(0.6, 0.8), (0.8, 0.6), (0.8, 0.0)] {
        let table = cells(3, 1, &[(0, 2, 0, 0.9), (2, 2, 0, 0.9), (0, 2, 1, 0.9), (2, 2, 3, a), (2, 2, 4, b)]);
        let triple = TokenTriple { relation: 0, subject: span(0, 3), object: span(2, 3), score: 0.8 };
        assert_eq!(found(&half(), &table, 3), [triple]);
    }
    for (a, b) in [(0.6, 0.8), (0.8, 0.6), (0.0, 0.8)] {
        let table = cells(3, 1, &[(0, 2, 0, 0.9), (0, 0, 0, 0.9), (0, 0, 1, a), (0, 0, 2, b), (0, 2, 3, 0.9)]);
        let triple = TokenTriple { relation: 0, subject: span(0, 1), object: span(0, 3), score: 0.8 };
        assert_eq!(found(&half(), &table, 3), [triple]);
    }
}

#[test]
fn a_span_is_not_joined_with_itself() {
    let one = [(1, 1, 0, 0.9), (1, 1, 1, 0.9), (1, 1, 2, 0.9), (1, 1, 3, 0.9), (1, 1, 4, 0.9)];
    assert_eq!(found(&half(), &cells(2, 1, &one), 2), []);
    assert_eq!(found(&half(), &cells(2, 1, &[(0, 1, 0, 0.9), (0, 0, 1, 0.9), (1, 1, 3, 0.9)]), 2), []);
}

/// A link of heads joins all spans that start there; links of tails select among them.
#[test]
fn tails_choose_among_spans_of_one_head() {
    let spans = [(0, 0, 0, 0.9), (0, 1, 0, 0.9), (2, 2, 0, 0.9), (2, 3, 0, 0.9), (0, 2, 1, 0.9)];
    let pairs = |tails: &[(usize, usize, usize, f32)]| {
        let triples = found(&half(), &cells(4, 1, &[&spans, tails].concat()), 4);
        triples.iter().map(|triple| (triple.subject.end, triple.object.end)).collect::<Vec<_>>()
    };
    assert_eq!(pairs(&[]), []);
    assert_eq!(pairs(&[(0, 3, 3, 0.9)]), [(1, 4)]);
    assert_eq!(pairs(&[(0, 3, 3, 0.9), (1, 2, 3, 0.9)]), [(1, 4), (2, 3)]);
    let all = [(0, 2, 3, 0.9), (0, 3, 3, 0.9), (1, 2, 3, 0.9), (1, 3, 3, 0.9)];
    assert_eq!(pairs(&all), [(1, 3), (1, 4), (2, 3), (2, 4)]);
}

#[test]
fn relations_and_entities_have_their_thresholds() {
    let links = |relation: usize| [(0, 1, 1 + 4 * relation, 0.7), (0, 1, 3 + 4 * relation, 0.7)];
    let table = cells(2, 3, &[vec![(0, 0, 0, 0.6), (1, 1, 0, 0.6)], [links(0), links(1), links(2)].concat()].concat());
    let relations = |entities: f32, thresholds: RelationThresholds| {
        let triples = found(&TpLinker::new(probability(entities), thresholds), &table, 2);
        triples.iter().map(|triple| triple.relation).collect::<Vec<usize>>()
    };
    assert_eq!(relations(0.6, probability(0.7).into()), [0, 1, 2]);
    assert!(relations(0.61, probability(0.7).into()).is_empty());
    assert_eq!(relations(0.6, vec![probability(0.8), probability(0.7)].into()), [1]);
    assert_eq!(relations(0.6, vec![probability(0.1), probability(0.9), probability(0.7)].into()), [0, 2]);
    assert!(relations(0.6, Vec::new().into()).is_empty());
}

#[test]
fn bad_input_is_an_error() {
    for columns in [0, 2, 3, 4, 6, 8] {
        let table = Table::zeros(3, columns);
        let error = HandshakeScores::new(table.scores(), 2).expect_err("not 1 + 4R");
        assert!(matches!(error, DecodeError::TableColumns { columns: c, .. } if c == columns), "{error}");
    }
    for (rows, tokens) in [(0, 1), (1, 0), (2, 2), (4, 2), (3, 3), (3, usize::MAX), (0, usize::MAX), (1, 1 << 33)] {
        let table = Table::zeros(rows, 5);
        let error = HandshakeScores::new(table.scores(), tokens).expect_err("another number of tokens");
        assert_eq!(error, DecodeError::HandshakeRows { rows, tokens });
    }
    for bad in [f32::NAN, f32::INFINITY, -0.5] {
        let mut values = [0.0; 15];
        values[7] = bad;
        let error = TableScores::new(&values, 3, 5, Scale::Probability).expect_err("not a probability");
        assert!(matches!(error, DecodeError::NotATableScore { row: 1, column: 2, .. }), "{error}");
    }
}

#[test]
fn empty_input_gives_no_triples() {
    for columns in [1, 5, usize::MAX - 2] {
        let empty = TableScores::new(&[], 0, columns, Scale::Logit).expect("no tokens");
        let empty = HandshakeScores::new(empty, 0).expect("no tokens");
        assert_eq!((empty.tokens(), decode(&half(), empty, &mut TpLinkerScratch::default())), (0, vec![]));
    }
    // Entities without relations.
    let table = Table { values: vec![1.0; 6], rows: 6, columns: 1, scale: Scale::Probability };
    assert_eq!(found(&half(), &table, 3), []);
}

/// Section 3.1, as written: all entities with all others, for each relation.
fn naive(table: &Table, tokens: usize, entities: Probability, links: &RelationThresholds) -> Vec<TokenTriple> {
    let rows = rows(tokens);
    let mut spans = Vec::new();
    for first in 0..tokens {
        for last in first..tokens {
            spans.extend(table.over(rows[&(first, last)], 0, Some(entities)).map(|score| (first, last, score)));
        }
    }
    // A link of the subject's token with the object's: in column `forward` if the subject's comes first, and in the
    // next one if the object's does.
    let link = |subject: usize, object: usize, forward: usize, threshold: Option<Probability>| {
        let ahead = rows.get(&(subject, object)).and_then(|&row| table.over(row, forward, threshold));
        let back = rows.get(&(object, subject)).and_then(|&row| table.over(row, forward + 1, threshold));
        match (ahead, back) {
            (Some(ahead), Some(back)) => Some(ahead.max(back)),
            (ahead, back) => ahead.or(back),
        }
    };
    let mut triples = Vec::new();
    for relation in 0..(table.columns - 1) / 4 {
        let threshold = links.get(relation);
        for &(subject_first, subject_last, subject) in &spans {
            for &(object_first, object_last, object) in &spans {
                let Some(heads) = link(subject_first, object_first, 1 + 4 * relation, threshold) else { continue };
                let Some(tails) = link(subject_last, object_last, 3 + 4 * relation, threshold) else { continue };
                if (subject_first, subject_last) != (object_first, object_last) {
                    triples.push(TokenTriple {
                        relation,
                        subject: span(subject_first, subject_last + 1),
                        object: span(object_first, object_last + 1),
                        score: subject.min(object).min(heads.min(tails)),
                    });
                }
            }
        }
    }
    let key = |t: &TokenTriple| (t.relation, t.subject, t.object);
    triples.sort_by(|a, b| b.score.total_cmp(&a.score).then(key(a).cmp(&key(b))));
    triples
}

/// The lowest threshold.
fn links_floor(links: &RelationThresholds, entities: Probability) -> Probability {
    (0..5).filter_map(|relation| links.get(relation)).fold(entities, Probability::min)
}

/// The cells of a table that are at or over a floor, on the scale of the scores.
fn sparse(table: &Table, tokens: usize, floor: f32) -> Vec<HandshakeCell> {
    let pairs = (0..tokens).flat_map(|i| (i..tokens).map(move |j| (i, j)));
    let rows = pairs.zip(table.values.chunks_exact(table.columns));
    let cells = rows.flat_map(|((i, j), row)| {
        let cells = row.iter().enumerate().filter(move |(_, score)| **score >= floor);
        cells.map(move |(column, &score)| HandshakeCell { i: i as u32, j: j as u32, column: column as u32, score })
    });
    cells.collect()
}

#[test]
fn bad_cells_are_errors() {
    let cell = |i, j, column, score| HandshakeCell { i, j, column, score };
    let check = |cells: &[HandshakeCell]| HandshakeScores::sparse(cells, Scale::Probability, 3, 1).map(|_| ());
    assert_eq!(check(&[]), Ok(()));
    assert_eq!(check(&[cell(0, 0, 0, 0.5), cell(0, 0, 4, 1.0), cell(0, 1, 0, 0.0), cell(2, 2, 4, 0.1)]), Ok(()));
    for (cells, bad) in [
        (vec![cell(1, 0, 0, 0.5)], 0),                     // i after j
        (vec![cell(0, 3, 0, 0.5)], 0),                     // past the last token
        (vec![cell(0, 0, 5, 0.5)], 0),                     // past the last column
        (vec![cell(0, 0, 0, f32::NAN)], 0),                // no score
        (vec![cell(0, 0, 0, 1.5)], 0),                     // no probability
        (vec![cell(0, 1, 0, 0.5), cell(0, 1, 0, 0.5)], 1), // twice
        (vec![cell(0, 1, 0, 0.5), cell(0, 0, 0, 0.5)], 1), // not sorted
    ] {
        let error = check(&cells).expect_err("a bad cell");
        assert!(matches!(error, DecodeError::HandshakeCell { number, .. } if number == bad), "{error}");
    }
    let error = check(&[cell(0, 3, 0, 0.5)]).expect_err("past the last token").to_string();
    assert_eq!(
        error,
        "cell 0: expected cells sorted by i, j and column, with i <= j < 3, column <= 4 and a probability from 0 to 1, \
         found i = 0, j = 3, column = 0, score = 0.5"
    );
    assert!(HandshakeScores::sparse(&[cell(0, 0, 0, 9.5)], Scale::Logit, 1, 0).is_ok());
}

/// The cells of a triple, as (i, j, column).
fn targets(relation: usize, subject: TokenSpan, object: TokenSpan) -> [(usize, usize, usize); 4] {
    let link = |subject: usize, object: usize, forward: usize| {
        if subject <= object { (subject, object, forward) } else { (object, subject, forward + 1) }
    };
    [
        (subject.start, subject.end - 1, 0),
        (object.start, object.end - 1, 0),
        link(subject.start, object.start, 1 + 4 * relation),
        link(subject.end - 1, object.end - 1, 3 + 4 * relation),
    ]
}

#[test]
fn the_decoder_follows_its_definition() {
    let mut rng = ChaCha8Rng::seed_from_u64(31);
    let mut scratch = TpLinkerScratch::default();
    let mut triples = 0;
    for case in 0..CASES {
        let (kind, scale) = (draw_kind(&mut rng), draw_scale(&mut rng));
        // If most cells are over the threshold, nearly all pairs of spans are found.
        let tokens = rng.random_range(1..=if kind == Kind::Sparse { 24 } else { 5 });
        let relations = rng.random_range(0..=5);
        let rows = rows(tokens);
        let mut table = Table::draw(&mut rng, kind, scale, rows.len(), 1 + 4 * relations);
        if kind == Kind::Sparse && relations > 0 {
            for _ in 0..rng.random_range(0..6) {
                let mut span = || {
                    let start = rng.random_range(0..tokens);
                    span(start, rng.random_range(start..tokens) + 1)
                };
                let (subject, object) = (span(), span());
                for (i, j, column) in targets(rng.random_range(0..relations), subject, object) {
                    let p = 0.4 + 0.6 * rng.random::<f32>();
                    table.set(rows[&(i, j)], column, if scale == Scale::Logit { (p / (1.0 - p)).ln() } else { p });
                }
            }
        }
        let (entities, links) = (draw_threshold(&mut rng), draw_thresholds(&mut rng, relations));
        // The naive decoder is too slow for all spans of a long sentence.
        let entities = if kind == Kind::Sparse { entities.max(probability(0.25)) } else { entities };
        let scores = HandshakeScores::new(table.scores(), tokens).expect("a table of this shape");
        let found = decode(&TpLinker::new(entities, links.clone()), scores, &mut scratch);
        let expected = naive(&table, tokens, entities, &links);
        let floor = scale.threshold(links_floor(&links, entities));
        let sparse = sparse(&table, tokens, floor);
        let sparse = HandshakeScores::sparse(&sparse, scale, tokens, relations).expect("cells of this table");
        assert_eq!(decode(&TpLinker::new(entities, links.clone()), sparse, &mut scratch), expected, "case {case}");
        assert_eq!(found, expected, "case {case}: {tokens} {entities} {links:?} {table:?}");
        triples += found.len();
    }
    assert!(triples > 10 * CASES, "{triples} triples");
}

/// All cells of a longer sentence are over the threshold.
#[test]
fn all_pairs_of_all_spans() {
    let table = Table { values: vec![0.5; 55 * 5], rows: 55, columns: 5, scale: Scale::Probability };
    let triples = found(&half(), &table, 10);
    assert_eq!(triples.len(), 55 * 54);
    assert_eq!(triples, naive(&table, 10, probability(0.5), &probability(0.5).into()));
}

/// Sorted gold triples (relation, subject, object), with the numbers of tokens and relations.
pub fn draw_gold(rng: &mut ChaCha8Rng, overlapping: bool) -> (Vec<(usize, TokenSpan, TokenSpan)>, usize, usize) {
    let (tokens, relations) = (rng.random_range(2..=24), rng.random_range(1..=5));
    let mut entities: Vec<TokenSpan> = Vec::new();
    while entities.len() < 2 || rng.random_bool(0.7) {
        let start = rng.random_range(0..tokens);
        let entity = span(start, (start + rng.random_range(1..=4)).min(tokens));
        if overlapping || !entities.iter().any(|other| other.overlaps(entity)) {
            entities.push(entity);
        } else if entities.len() == 1 {
            // The first one may cover all tokens.
            entities.clear();
        }
    }
    let mut gold: Vec<_> = (0..rng.random_range(0..8))
        .map(|_| {
            let mut entity = || entities[rng.random_range(0..entities.len())];
            let (subject, object) = (entity(), entity());
            (rng.random_range(0..relations), subject, object)
        })
        .filter(|(_, subject, object)| subject != object)
        .collect();
    gold.sort_unstable();
    gold.dedup();
    (gold, tokens, relations)
}

/// Perfect scores of triples whose entities do not overlap are decoded to those triples. If entities overlap, there may
/// be more triples, because links do not name their entities, but none is lost.
#[test]
fn perfect_scores_give_the_gold_triples() {
    let mut rng = ChaCha8Rng::seed_from_u64(34);
    for overlapping in [false, true] {
        for _ in 0..cases(2_000) {
            let (gold, tokens, relations) = draw_gold(&mut rng, overlapping);
            let mut table = Table::zeros(handshake_rows(tokens).expect("few"), 1 + 4 * relations);
            for &(relation, subject, object) in &gold {
                for (i, j, column) in targets(relation, subject, object) {
                    table.set(handshake_row(i, j, tokens).expect("i <= j < tokens"), column, 1.0);
                }
            }
            let found = found(&half(), &table, tokens);
            let found: Vec<_> = found.iter().map(|triple| (triple.relation, triple.subject, triple.object)).collect();
            if overlapping {
                assert!(gold.iter().all(|triple| found.contains(triple)), "{gold:?} {found:?}");
            } else {
                assert_eq!(found, gold);
            }
        }
    }
}
