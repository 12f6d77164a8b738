//! Tests of the CasRel decoder.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_core::{Probability, TokenSpan};
use rere_decode::{
    CasRel, CasRelScores, CasRelScratch, DecodeError, RelationThresholds, Scale, ScoredSpan, TableScores, TokenTriple,
};

use crate::table::{
    CASES, Table, decode, draw_kind, draw_scale, draw_threshold, draw_thresholds, ordered, probability,
};

use crate::common::cases;

fn span(start: usize, end: usize) -> TokenSpan {
    TokenSpan::new(start, end)
}

fn subjects(casrel: &CasRel, table: &Table) -> Vec<(TokenSpan, f32)> {
    let mut found = Vec::new();
    casrel.subjects(table.scores(), &mut CasRelScratch::default(), &mut found).expect("two columns");
    found.iter().map(|subject| (subject.span, subject.score.get())).collect()
}

/// A table with marks, as (token, column, score).
fn marks(tokens: usize, columns: usize, marks: &[(usize, usize, f32)]) -> Table {
    let mut table = Table::zeros(tokens, columns);
    marks.iter().for_each(|&(token, column, score)| table.set(token, column, score));
    table
}

fn half() -> CasRel {
    CasRel::new(probability(0.5), probability(0.5))
}

#[test]
fn a_head_takes_the_nearest_tail_at_or_after_it() {
    let (head, tail) = (0, 1);
    for (marked, expected) in [
        (vec![(1, head, 0.9), (3, tail, 0.8)], vec![(span(1, 4), 0.8)]),
        (vec![(2, head, 0.6), (2, tail, 0.8)], vec![(span(2, 3), 0.6)]),
        // The nearest, not the best.
        (vec![(0, head, 0.9), (1, tail, 0.5), (2, tail, 1.0)], vec![(span(0, 2), 0.5)]),
        // Two heads share a tail.
        (vec![(0, head, 0.9), (1, head, 0.7), (3, tail, 0.8)], vec![(span(0, 4), 0.8), (span(1, 4), 0.7)]),
        (vec![(3, head, 0.9), (2, tail, 0.9)], vec![]),
        (vec![(3, head, 0.9)], vec![]),
        (vec![(3, tail, 0.9)], vec![]),
        // A score at the threshold counts, one under it does not.
        (vec![(0, head, 0.5), (1, tail, 0.499), (4, tail, 0.5)], vec![(span(0, 5), 0.5)]),
    ] {
        assert_eq!(subjects(&half(), &marks(5, 2, &marked)), expected, "{marked:?}");
    }
}

#[test]
fn relations_do_not_share_tails() {
    // After the head of relation 0 at token 1, the nearest tail is one of relation 1.
    let table = marks(5, 4, &[(1, 0, 0.9), (0, 1, 0.9), (2, 3, 0.9), (2, 2, 0.6), (3, 1, 0.7)]);
    let subject = ScoredSpan { span: span(4, 5), score: probability(0.65) };
    let input = [(subject, table.scores())];
    let found = decode(&half(), CasRelScores::new(&input).expect("good"), &mut CasRelScratch::default());
    let triple = |relation, object, score| TokenTriple { relation, subject: span(4, 5), object, score };
    // The subject's score limits the triple's score.
    assert_eq!(found, [triple(0, span(1, 4), 0.65), triple(1, span(2, 3), 0.6)]);
}

#[test]
fn a_subject_is_not_its_own_object() {
    let table = marks(3, 2, &[(1, 0, 0.9), (1, 1, 0.9), (2, 0, 0.9), (2, 1, 0.9)]);
    for (subject, objects) in [(span(1, 2), vec![span(2, 3)]), (span(1, 3), vec![span(1, 2), span(2, 3)])] {
        let input = [(ScoredSpan { span: subject, score: probability(1.0) }, table.scores())];
        let found = decode(&half(), CasRelScores::new(&input).expect("good"), &mut CasRelScratch::default());
        assert_eq!(found.iter().map(|triple| triple.object).collect::<Vec<_>>(), objects);
    }
}

#[test]
fn a_repeated_subject_gives_the_better_triples() {
    let low = marks(2, 2, &[(0, 0, 0.6), (0, 1, 0.6)]);
    let high = marks(2, 2, &[(0, 0, 0.8), (0, 1, 0.8)]);
    let subject = |score| ScoredSpan { span: span(1, 2), score: probability(score) };
    for input in [
        [(subject(0.9), low.scores()), (subject(0.9), high.scores())],
        [(subject(0.8), high.scores()), (subject(0.7), high.scores())],
    ] {
        let found = decode(&half(), CasRelScores::new(&input).expect("good"), &mut CasRelScratch::default());
        assert_eq!(found, [TokenTriple { relation: 0, subject: span(1, 2), object: span(0, 1), score: 0.8 }]);
    }
}

#[test]
fn each_relation_has_its_threshold() {
    let table = Table { values: vec![0.7; 6], rows: 1, columns: 6, scale: Scale::Probability };
    let mut rest = Table::zeros(2, 6);
    rest.values[..6].copy_from_slice(&table.values);
    let input = [(ScoredSpan { span: span(1, 2), score: probability(1.0) }, rest.scores())];
    let input = CasRelScores::new(&input).expect("good");
    for (thresholds, relations) in [
        (RelationThresholds::from(probability(0.7)), vec![0, 1, 2]),
        (vec![probability(0.8), probability(0.7)].into(), vec![1]),
        (vec![probability(0.0), probability(0.8), probability(0.1)].into(), vec![0, 2]),
        (Vec::new().into(), vec![]),
    ] {
        let found = decode(&CasRel::new(probability(0.5), thresholds), input, &mut CasRelScratch::default());
        let mut found: Vec<_> = found.iter().filter(|t| t.score == 0.7).map(|triple| triple.relation).collect();
        found.sort_unstable();
        assert_eq!(found, relations);
    }
}

/// Excluded relations are not found, even with infinite logits.
#[test]
fn infinite_logits_are_certain() {
    let logits = [f32::INFINITY; 4];
    let objects = TableScores::new(&logits, 1, 4, Scale::Logit).expect("logits");
    let longer = [f32::NEG_INFINITY; 4].into_iter().chain(logits).collect::<Vec<_>>();
    let objects_of_two = TableScores::new(&longer, 2, 4, Scale::Logit).expect("logits");
    let subject = ScoredSpan { span: span(0, 1), score: probability(1.0) };
    let casrel = CasRel::new(probability(0.5), vec![probability(1.0)]);
    let mut scratch = CasRelScratch::default();
    let only = [(subject, objects)];
    assert_eq!(decode(&casrel, CasRelScores::new(&only).expect("good"), &mut scratch), []);
    let two = [(subject, objects_of_two)];
    let found = decode(&casrel, CasRelScores::new(&two).expect("good"), &mut scratch);
    assert_eq!(found, [TokenTriple { relation: 0, subject: span(0, 1), object: span(1, 2), score: 1.0 }]);
}

#[test]
fn bad_input_is_an_error() {
    let scratch = &mut CasRelScratch::default();
    for columns in [0, 1, 3, 4, usize::MAX] {
        let values = vec![0.5; if columns < 9 { columns } else { 0 }];
        let table = TableScores::new(&values, usize::from(columns < 9), columns, Scale::Logit).expect("a table");
        let mut found = Vec::new();
        let error = half().subjects(table, scratch, &mut found).expect_err("not two columns");
        assert!(matches!(error, DecodeError::TableColumns { columns: c, .. } if c == columns), "{error}");
    }
    let subject = |start, end| ScoredSpan { span: span(start, end), score: probability(0.5) };
    let (two, three) = (Table::zeros(2, 4), Table::zeros(2, 3));
    let odd = [(subject(0, 1), three.scores())];
    assert!(matches!(CasRelScores::new(&odd), Err(DecodeError::TableColumns { columns: 3, .. })));
    for (start, end) in [(0, 0), (1, 0), (0, 3), (2, 3), (2, 2), (0, usize::MAX), (usize::MAX, usize::MAX)] {
        let input = [(subject(0, 2), two.scores()), (subject(start, end), two.scores())];
        let error = CasRelScores::new(&input).expect_err("outside");
        assert_eq!(error, DecodeError::SubjectSpan { subject: 1, span: span(start, end), tokens: 2 });
    }
    let mut logits = two.clone();
    logits.scale = Scale::Logit;
    for other in [&Table::zeros(3, 4), &Table::zeros(2, 2), &Table::zeros(4, 2), &logits] {
        let input = [(subject(0, 1), two.scores()), (subject(1, 2), two.scores()), (subject(0, 1), other.scores())];
        assert_eq!(CasRelScores::new(&input).expect_err("differs"), DecodeError::SubjectTable { subject: 2 });
    }
}

#[test]
fn empty_input_gives_no_triples() {
    let scratch = &mut CasRelScratch::default();
    let mut found = Vec::new();
    let empty = TableScores::new(&[], 0, 2, Scale::Logit).expect("no tokens");
    half().subjects(empty, scratch, &mut found).expect("no tokens");
    assert_eq!(found, []);
    assert_eq!(decode(&half(), CasRelScores::new(&[]).expect("no subjects"), scratch), []);
    // Without relations a table may have any number of rows.
    for tokens in [1, usize::MAX] {
        let none = TableScores::new(&[], tokens, 0, Scale::Logit).expect("no relations");
        let input = [(ScoredSpan { span: span(0, 1), score: Probability::default() }, none)];
        assert_eq!(decode(&half(), CasRelScores::new(&input).expect("no relations"), scratch), []);
    }
    // Without tokens a table may have any number of columns, but no subject fits.
    let none = TableScores::new(&[], 0, usize::MAX - 1, Scale::Logit).expect("no tokens");
    let input = [(ScoredSpan { span: span(0, 1), score: Probability::default() }, none)];
    assert!(matches!(CasRelScores::new(&input), Err(DecodeError::SubjectSpan { .. })));
}

/// Section 3.2, as written: for each head over the threshold, the first tail from there on that is over it.
fn naive_spans(table: &Table, relation: usize, threshold: Option<Probability>) -> Vec<(TokenSpan, f32)> {
    let mut spans = Vec::new();
    for first in 0..table.rows {
        let Some(head) = table.over(first, 2 * relation, threshold) else { continue };
        for last in first..table.rows {
            if let Some(tail) = table.over(last, 2 * relation + 1, threshold) {
                spans.push((span(first, last + 1), if head < tail { head } else { tail }));
                break;
            }
        }
    }
    spans
}

#[test]
fn the_decoder_follows_its_definition() {
    let mut rng = ChaCha8Rng::seed_from_u64(32);
    let mut scratch = CasRelScratch::default();
    let (mut spans, mut triples) = (0, 0);
    for case in 0..CASES {
        let (tokens, relations) = (rng.random_range(1..=24), rng.random_range(1..=5));
        let (of_subjects, of_objects) = (draw_threshold(&mut rng), draw_thresholds(&mut rng, relations));
        let casrel = CasRel::new(of_subjects, of_objects.clone());
        let (kind, scale) = (draw_kind(&mut rng), draw_scale(&mut rng));

        let table = Table::draw(&mut rng, kind, scale, tokens, 2);
        let mut found = Vec::new();
        casrel.subjects(table.scores(), &mut scratch, &mut found).expect("two columns");
        let expected = naive_spans(&table, 0, Some(of_subjects));
        let pairs: Vec<_> = found.iter().map(|subject| (subject.span, subject.score.get())).collect();
        assert_eq!(pairs, expected, "case {case}: {of_subjects} {table:?}");
        spans += found.len();

        // Subjects of any kind, some twice.
        let mut subjects: Vec<ScoredSpan> = found.into_iter().take(3).collect();
        for _ in 0..rng.random_range(0..3) {
            let start = rng.random_range(0..tokens);
            let span = span(start, rng.random_range(start..tokens) + 1);
            subjects.push(ScoredSpan { span, score: probability(rng.random()) });
        }
        subjects.extend(subjects.first().copied().filter(|_| rng.random_bool(0.2)));
        let tables: Vec<Table> =
            subjects.iter().map(|_| Table::draw(&mut rng, kind, scale, tokens, 2 * relations)).collect();
        let input: Vec<_> = subjects.iter().copied().zip(tables.iter().map(Table::scores)).collect();
        let found = decode(&casrel, CasRelScores::new(&input).expect("good"), &mut scratch);
        let mut expected = Vec::new();
        for (subject, table) in subjects.iter().zip(&tables) {
            for relation in 0..relations {
                for (object, score) in naive_spans(table, relation, of_objects.get(relation)) {
                    let score = score.min(subject.score.get());
                    if object != subject.span {
                        expected.push(TokenTriple { relation, subject: subject.span, object, score });
                    }
                }
            }
        }
        assert_eq!(found, ordered(expected), "case {case}: {of_objects:?} {subjects:?} {tables:?}");
        triples += found.len();
    }
    assert!(spans > CASES && triples > 10 * CASES, "{spans} spans, {triples} triples");
}

/// Perfect scores of triples whose entities do not overlap are decoded to those triples.
#[test]
fn perfect_scores_give_the_gold_triples() {
    let mut rng = ChaCha8Rng::seed_from_u64(33);
    for _ in 0..cases(2_000) {
        let (gold, tokens, relations) = crate::tplinker::draw_gold(&mut rng, false);
        let mut marked = Table::zeros(tokens, 2);
        for (_, subject, _) in &gold {
            marked.set(subject.start, 0, 1.0);
            marked.set(subject.end - 1, 1, 1.0);
        }
        let mut found = Vec::new();
        half().subjects(marked.scores(), &mut CasRelScratch::default(), &mut found).expect("two columns");
        let tables: Vec<Table> = found
            .iter()
            .map(|subject| {
                let mut table = Table::zeros(tokens, 2 * relations);
                for &(relation, _, object) in gold.iter().filter(|gold| gold.1 == subject.span) {
                    table.set(object.start, 2 * relation, 1.0);
                    table.set(object.end - 1, 2 * relation + 1, 1.0);
                }
                table
            })
            .collect();
        let input: Vec<_> = found.into_iter().zip(tables.iter().map(Table::scores)).collect();
        let found = decode(&half(), CasRelScores::new(&input).expect("good"), &mut CasRelScratch::default());
        let found: Vec<_> = found.iter().map(|triple| (triple.relation, triple.subject, triple.object)).collect();
        assert_eq!(found, gold);
    }
}
