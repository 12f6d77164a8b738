//! Tests of novel tagging.

use proptest::prelude::*;
use rere_core::TokenSpan;
use rere_decode::{DecodeError, RelationThresholds, Scale, TableScores, TagScores, Tags, TagsScratch, TokenTriple};

use crate::common::cases;
use crate::table::{Table, decode, ordered, probability};

const NAMES: [&str; 17] =
    ["O", "B1", "I1", "E1", "S1", "B2", "I2", "E2", "S2", "b1", "i1", "e1", "s1", "b2", "i2", "e2", "s2"];

fn span(start: usize, end: usize) -> TokenSpan {
    TokenSpan::new(start, end)
}

/// A table of tags by name, each with its probability: capitals for relation 0, small letters for relation 1.
fn tagged(tags: &[(&str, f32)]) -> Table {
    let mut table = Table::zeros(tags.len(), NAMES.len());
    for (token, (name, score)) in tags.iter().enumerate() {
        table.set(token, NAMES.iter().position(|known| known == name).expect(name), *score);
    }
    table
}

fn found(thresholds: impl Into<RelationThresholds>, table: &Table) -> Vec<TokenTriple> {
    let scores = TagScores::new(table.scores()).expect("columns of tags");
    decode(&Tags::new(thresholds), scores, &mut TagsScratch::default())
}

/// Start and end of a half-open span.
type Ends = (usize, usize);

/// Returns relation, subject and object of the triples that a sequence of tags gives.
fn triples(tags: &str) -> Vec<(usize, Ends, Ends)> {
    let tags: Vec<_> = tags.split(' ').map(|tag| (tag, 1.0)).collect();
    let found = found(probability(0.5), &tagged(&tags));
    let ends = |span: TokenSpan| (span.start, span.end);
    found.iter().map(|triple| (triple.relation, ends(triple.subject), ends(triple.object))).collect()
}

/// Figure 2 of the paper: "The United States President Trump will visit the Apple Inc founded by Steven Paul Jobs".
#[test]
fn the_sentence_of_the_paper() {
    let tags = "O B1 E1 O S2 O O O b1 e1 O O b2 i2 e2";
    assert_eq!(triples(tags), [(0, (1, 3), (4, 5)), (1, (8, 10), (12, 15))]);
}

#[test]
fn entities_are_whole_runs_of_one_relation_and_role() {
    // An object at token 0, and after it tags that may make a subject.
    for (tags, end) in [
        ("S1", Some(2)),
        ("B1 E1", Some(3)),
        ("B1 I1 I1 E1", Some(5)),
        ("B1", None),
        ("E1", None),
        ("I1 E1", None),
        ("B1 I1", None),
        ("B1 O E1", None),
        ("B1 b1 E1", None),
        ("B1 E2", None),
        ("B1 e1", None),
        ("B1 I2 E1", None),
        ("B1 i1 E1", None),
    ] {
        let expected: Vec<_> = end.map(|end| (0, (1, end), (0, 1))).into_iter().collect();
        assert_eq!(triples(&format!("S2 {tags}")), expected, "{tags}");
    }
    // A new entity starts before the previous one ends.
    assert_eq!(triples("S2 B1 B1 E1"), [(0, (2, 4), (0, 1))]);
    assert_eq!(triples("S2 B1 S1 E1"), [(0, (2, 3), (0, 1))]);
    // Entities one after the other.
    assert_eq!(triples("B1 E1 B1 E1 S2 S2"), [(0, (0, 2), (4, 5)), (0, (2, 4), (4, 5)), (0, (2, 4), (5, 6))]);
}

#[test]
fn each_entity_is_joined_with_the_nearest_of_the_other_role() {
    // The object before the subject is nearer; the one after it is joined from its own side.
    assert_eq!(triples("S2 S1 O S2"), [(0, (1, 2), (0, 1)), (0, (1, 2), (3, 4))]);
    // If two are equally near, the pair with the subject first is made, from either side.
    assert_eq!(triples("S2 O S1 O S2 S1"), [(0, (2, 3), (0, 1)), (0, (2, 3), (4, 5)), (0, (5, 6), (4, 5))]);
    assert_eq!(triples("S1 S2 S1"), [(0, (0, 1), (1, 2)), (0, (2, 3), (1, 2))]);
    assert_eq!(triples("S1 O S2 O S1 S2"), [(0, (0, 1), (2, 3)), (0, (4, 5), (5, 6))]);
    // Distances go from the last token of one entity to the first of the other.
    assert_eq!(triples("S1 O O B2 I2 I2 E2 O S1 S2"), [(0, (0, 1), (3, 7)), (0, (8, 9), (3, 7)), (0, (8, 9), (9, 10))]);
    // Relations are independent, and one role alone makes no triples.
    assert_eq!(triples("S1 s2 S2 s1"), [(0, (0, 1), (2, 3)), (1, (3, 4), (1, 2))]);
    assert_eq!(triples("S1 S1 s2 b2 e2"), []);
}

#[test]
fn the_score_is_the_lowest_of_the_tags() {
    let tags =
        [("B1", 0.9), ("I1", 0.8), ("E1", 0.7), ("O", 0.1), ("B2", 0.95), ("E2", 0.85), ("s1", 0.6), ("s2", 0.5)];
    let table = tagged(&tags);
    let all = [
        TokenTriple { relation: 0, subject: span(0, 3), object: span(4, 6), score: 0.7 },
        TokenTriple { relation: 1, subject: span(6, 7), object: span(7, 8), score: 0.5 },
    ];
    assert_eq!(found(probability(0.5), &table), all);
    assert_eq!(found(probability(0.6), &table), all[..1]);
    assert_eq!(found(vec![probability(0.8), probability(0.1)], &table), all[1..]);
    assert_eq!(found(vec![probability(0.1)], &table), all[..1]);
    assert_eq!(found(Vec::new(), &table), []);
    for (token, least) in [(0, 0.31), (1, 0.32), (2, 0.33), (4, 0.34), (5, 0.35)] {
        let mut tags = tags;
        tags[token].1 = least;
        assert_eq!(found(probability(0.0), &tagged(&tags))[1].score, least);
    }
}

#[test]
fn logits_are_those_of_a_softmax() {
    let mut values = vec![0.0; 2 * 9];
    (values[4], values[9 + 8]) = (2.0, 3.0);
    let table = Table { values, rows: 2, columns: 9, scale: Scale::Logit };
    let [triple] = found(probability(0.4), &table)[..] else { panic!("one triple") };
    let expected = 2f32.exp() / (2f32.exp() + 8.0);
    assert!((triple.score - expected).abs() < 1e-6, "{} {expected}", triple.score);
    assert_eq!(found(probability(0.5), &table), []);

    // Infinite logits: one certain tag, then two equally certain ones.
    for (other, score) in [(f32::NEG_INFINITY, 1.0), (1e30, 1.0), (f32::INFINITY, 0.5)] {
        let mut values = vec![f32::NEG_INFINITY; 2 * 9];
        (values[4], values[5], values[9 + 8]) = (f32::INFINITY, other, f32::INFINITY);
        let table = Table { values, rows: 2, columns: 9, scale: Scale::Logit };
        assert_eq!(found(probability(0.0), &table)[0].score, score);
    }
}

#[test]
fn of_equal_scores_the_first_tag_counts() {
    let found_with = |values: Vec<f32>| {
        let mut table = Table { rows: 2, columns: 9, values, scale: Scale::Probability };
        table.values.resize(18, 0.0);
        table.set(1, 8, 0.9);
        found(probability(0.0), &table).len()
    };
    assert_eq!(found_with(vec![0.5, 0.0, 0.0, 0.0, 0.5]), 0);
    assert_eq!(found_with(vec![0.0, 0.5, 0.0, 0.0, 0.5]), 0);
    assert_eq!(found_with(vec![0.0, 0.0, 0.0, 0.0, 0.5, 0.5]), 1);
}

#[test]
fn bad_input_is_an_error() {
    for columns in [0, 2, 5, 8, 10, 16] {
        let table = Table::zeros(3, columns);
        let error = TagScores::new(table.scores()).expect_err("not 1 + 8R");
        assert!(matches!(error, DecodeError::TableColumns { columns: c, .. } if c == columns), "{error}");
    }
    for bad in [f32::NAN, f32::INFINITY, -0.5] {
        let mut values = [0.0; 27];
        values[11] = bad;
        let error = TableScores::new(&values, 3, 9, Scale::Probability).expect_err("not a probability");
        assert!(matches!(error, DecodeError::NotATableScore { row: 1, column: 2, .. }), "{error}");
    }
}

#[test]
fn empty_input_gives_no_triples() {
    for columns in [1, 9, usize::MAX - 6] {
        let empty = TableScores::new(&[], 0, columns, Scale::Logit).expect("no tokens");
        let empty = TagScores::new(empty).expect("1 + 8R");
        assert_eq!(decode(&Tags::new(probability(0.0)), empty, &mut TagsScratch::default()), []);
    }
    // No relation, then equal scores.
    for columns in [1, 9] {
        assert_eq!(found(probability(0.0), &Table::zeros(3, columns)), []);
    }
}

/// The definition, as written: all runs of tokens that could be an entity, and all pairs of them.
fn naive(table: &Table, thresholds: &RelationThresholds) -> Vec<TokenTriple> {
    let row = |token: usize| &table.values[token * table.columns..(token + 1) * table.columns];
    let tag = |token: usize| {
        let best = row(token).iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row(token).iter().position(|&score| score == best).expect("a row")
    };
    let score = |token: usize| {
        let best = row(token)[tag(token)];
        match table.scale {
            Scale::Probability => best,
            Scale::Logit => {
                let sum: f64 = row(token).iter().map(|&score| f64::from(score).exp()).sum();
                (f64::from(best).exp() / sum) as f32
            }
        }
    };
    let mut triples = Vec::new();
    for relation in 0..table.columns / 8 {
        let Some(threshold) = thresholds.get(relation) else { continue };
        let entities = |role: usize| {
            let first = 1 + 8 * relation + 4 * role;
            let mut spans = Vec::new();
            for start in 0..table.rows {
                for end in start + 1..=table.rows {
                    let tags: Vec<_> = (start..end).map(tag).collect();
                    let whole = match tags[..] {
                        [only] => only == first + 3,
                        [b, ref inside @ .., e] => {
                            (b, e) == (first, first + 2) && inside.iter().all(|&tag| tag == first + 1)
                        }
                        [] => false,
                    };
                    if whole {
                        let least = (start..end).map(score).fold(1.0, f32::min);
                        spans.push((span(start, end), least));
                    }
                }
            }
            spans
        };
        let (subjects, objects) = (entities(0), entities(1));
        // At equal distance the pair with the subject first.
        let distance = |subject: TokenSpan, object: TokenSpan| {
            let ahead = object.start.saturating_sub(subject.end - 1);
            let back = subject.start.saturating_sub(object.end - 1);
            (ahead.max(back), subject > object)
        };
        let mut push = |(subject, a): (TokenSpan, f32), (object, b): (TokenSpan, f32)| {
            let score = a.min(b);
            if score >= threshold.get() {
                triples.push(TokenTriple { relation, subject, object, score });
            }
        };
        for &subject in &subjects {
            let nearest = objects.iter().min_by_key(|object| distance(subject.0, object.0));
            nearest.into_iter().for_each(|&object| push(subject, object));
        }
        for &object in &objects {
            let nearest = subjects.iter().min_by_key(|subject| distance(subject.0, object.0));
            nearest.into_iter().for_each(|&subject| push(subject, object));
        }
    }
    ordered(triples)
}

/// Tables with tags of whole entities and some other tags between them. The score of the tag is usually the best.
fn any_table() -> impl Strategy<Value = Table> {
    (1usize..=3, any::<bool>()).prop_flat_map(|(relations, logits)| {
        let columns = 1 + 8 * relations;
        let entity = (0..2 * relations, 1usize..=4).prop_map(|(label, length)| match length {
            1 => vec![4 + 4 * label],
            _ => {
                let inside = vec![2 + 4 * label; length - 2];
                [vec![1 + 4 * label], inside, vec![3 + 4 * label]].concat()
            }
        });
        let run = prop_oneof![4 => entity, 1 => (0..columns).prop_map(|tag| vec![tag]), 2 => Just(vec![0])];
        let tags = prop::collection::vec(run, 0..8).prop_map(|runs| runs.concat());
        tags.prop_flat_map(move |tags| {
            let level = prop::sample::select(vec![0.0, 0.1, 0.25, 0.25, 0.5, 0.75]);
            let rows = prop::collection::vec(prop::collection::vec(level, columns), tags.len());
            let ahead = prop::collection::vec(prop::sample::select(vec![0.5, 0.75, 0.8, 0.9, 1.0]), tags.len());
            (rows, ahead).prop_map(move |(rows, ahead)| {
                let mut table = Table::zeros(tags.len(), columns);
                table.values = rows.concat();
                for (token, (&tag, &score)) in tags.iter().zip(&ahead).enumerate() {
                    table.set(token, tag, score);
                }
                if logits {
                    table.values.iter_mut().for_each(|score| *score = 8.0 * *score - 4.0);
                    table.scale = Scale::Logit;
                }
                table
            })
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(20_000) as u32))]

    #[test]
    fn the_decoder_follows_its_definition(table in any_table(), low in 0usize..4) {
        let thresholds: RelationThresholds = match low {
            0 => probability(0.0).into(),
            1 => probability(0.5123).into(),
            _ => [0.0, 0.7123].map(probability)[..low - 1].to_vec().into(),
        };
        let (found, expected) = (found(thresholds.clone(), &table), naive(&table, &thresholds));
        prop_assert_eq!(&found, &ordered(found.clone()));
        prop_assert_eq!(found.len(), expected.len(), "{:?} {:?}", found, expected);
        for triple in &expected {
            let same = |other: &&TokenTriple| {
                (other.relation, other.subject, other.object) == (triple.relation, triple.subject, triple.object)
            };
            let Some(other) = found.iter().find(same) else { panic!("{triple:?} is not among {found:?}") };
            prop_assert!((other.score - triple.score).abs() < 1e-6, "{triple:?} {other:?}");
        }
    }
}
