//! Tests of tables of scores and of thresholds of relations, and random tables for the tests of decoders.

use ndarray::{Array2, ShapeBuilder};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_core::Probability;
use rere_decode::{
    CandidateScores, DecodeError, Decoder, PairClassification, RelationThresholds, Scale, TableScores, TokenTriple,
};

use crate::common::cases;

pub fn probability(value: f32) -> Probability {
    Probability::new(value).expect("a probability")
}

/// Number of cases of random tests. An interpreter takes ten seconds for one.
pub const CASES: usize = if cfg!(miri) { 20 } else { cases(100_000) };

/// The distribution of the scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Dense,
    Sparse,
    Equal,
    Levels,
}

/// A table that owns its scores.
#[derive(Debug, Clone)]
pub struct Table {
    pub values: Vec<f32>,
    pub rows: usize,
    pub columns: usize,
    pub scale: Scale,
}

impl Table {
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { values: vec![0.0; rows * columns], rows, columns, scale: Scale::Probability }
    }

    pub fn draw(rng: &mut ChaCha8Rng, kind: Kind, scale: Scale, rows: usize, columns: usize) -> Self {
        let equal = rng.random::<f32>();
        let score = |rng: &mut ChaCha8Rng| {
            let p = match kind {
                Kind::Dense => rng.random::<f32>(),
                Kind::Sparse => rng.random::<f32>().powi(16),
                Kind::Equal => equal,
                Kind::Levels => rng.random_range(0..=4) as f32 / 4.0,
            };
            // The levels 0 and 1 become infinite.
            if scale == Scale::Logit { (p / (1.0 - p)).ln() } else { p }
        };
        Self { values: (0..rows * columns).map(|_| score(rng)).collect(), rows, columns, scale }
    }

    pub fn set(&mut self, row: usize, column: usize, value: f32) {
        self.values[row * self.columns + column] = value;
    }

    pub fn scores(&self) -> TableScores<'_> {
        TableScores::new(&self.values, self.rows, self.columns, self.scale).expect("good scores")
    }

    /// Returns the probability of a cell if its score is at or over the threshold, and `None` if it is not or if there
    /// is no threshold.
    pub fn over(&self, row: usize, column: usize, threshold: Option<Probability>) -> Option<f32> {
        let score = self.values[row * self.columns + column];
        threshold.filter(|&t| score >= self.scale.threshold(t)).map(|_| self.scale.probability(score))
    }
}

pub fn draw_kind(rng: &mut ChaCha8Rng) -> Kind {
    [Kind::Dense, Kind::Sparse, Kind::Sparse, Kind::Equal, Kind::Levels][rng.random_range(0..5)]
}

pub fn draw_scale(rng: &mut ChaCha8Rng) -> Scale {
    if rng.random() { Scale::Probability } else { Scale::Logit }
}

pub fn draw_threshold(rng: &mut ChaCha8Rng) -> Probability {
    probability([0.0, 0.25, 0.5, 0.5, 0.75, 0.95, 1.0][rng.random_range(0..7)])
}

/// One threshold, or a list that may be shorter or longer than the list of relations.
pub fn draw_thresholds(rng: &mut ChaCha8Rng, relations: usize) -> RelationThresholds {
    if rng.random() {
        draw_threshold(rng).into()
    } else {
        let length = rng.random_range(0..=relations + 1);
        (0..length).map(|_| draw_threshold(rng)).collect::<Vec<_>>().into()
    }
}

/// Sorts triples as decoders promise, and keeps the best of equal ones.
pub fn ordered(triples: Vec<TokenTriple>) -> Vec<TokenTriple> {
    let key = |t: &TokenTriple| (t.relation, t.subject, t.object);
    let mut once: Vec<TokenTriple> = Vec::new();
    for triple in triples {
        match once.iter_mut().find(|other| key(other) == key(&triple)) {
            Some(other) => other.score = other.score.max(triple.score),
            None => once.push(triple),
        }
    }
    once.sort_by(|a, b| b.score.total_cmp(&a.score).then(key(a).cmp(&key(b))));
    once
}

/// Returns the triples that a decoder appends.
pub fn decode<D: Decoder>(decoder: &D, input: D::Input<'_>, scratch: &mut D::Scratch) -> Vec<TokenTriple> {
    let span = rere_core::TokenSpan::new(0, 1);
    let before = TokenTriple { relation: 0, subject: span, object: span, score: 0.125 };
    let mut found = vec![before];
    decoder.decode(input, scratch, &mut found);
    assert_eq!(found.remove(0), before, "earlier triples stay");
    found
}

#[test]
fn a_table_has_rows_times_columns() {
    let size = |values: usize, rows, columns| {
        let expected = DecodeError::TableSize { values, rows, columns };
        for scale in [Scale::Probability, Scale::Logit] {
            let error = TableScores::new(&vec![0.5; values], rows, columns, scale).expect_err("a wrong number");
            assert_eq!(error, expected);
        }
    };
    for (values, rows, columns) in [(5, 2, 3), (7, 2, 3), (0, 1, 1), (1, 0, 1), (1, 1, 0), (6, 6, 0)] {
        size(values, rows, columns);
    }
    // Products that would wrap around to the number of values.
    size(0, usize::MAX, usize::MAX);
    size(1, usize::MAX, usize::MAX);
    size(0, usize::MAX, 2);
    size(0, 1 << (usize::BITS / 2), 1 << (usize::BITS / 2));
    for (rows, columns) in [(0, 0), (0, 5), (5, 0), (usize::MAX, 0), (0, usize::MAX)] {
        let table = TableScores::new(&[], rows, columns, Scale::Logit).expect("an empty table");
        assert_eq!((table.rows(), table.columns(), table.values()), (rows, columns, &[][..]));
    }
}

#[test]
fn a_score_is_of_its_scale() {
    for bad in [-0.1, 1.0 + f32::EPSILON, 7.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
        // At the end of a table that is longer than any block.
        for (rows, row, column) in [(2, 0, 1), (2, 1, 2), (50, 49, 2), (50, 17, 0)] {
            let mut table = Table::zeros(rows, 3);
            table.set(row, column, bad);
            let error = TableScores::new(&table.values, rows, 3, Scale::Probability).expect_err("not a probability");
            assert!(
                matches!(error, DecodeError::NotATableScore { row: r, column: c, value, .. }
                    if (r, c, value.to_bits()) == (row, column, bad.to_bits())),
                "{error}"
            );
            let as_logits = TableScores::new(&table.values, rows, 3, Scale::Logit);
            assert_eq!(as_logits.is_err(), bad.is_nan());
        }
    }
}

#[test]
fn an_array_is_a_table() {
    let array = Array2::from_shape_fn((3, 2), |(row, column)| (row * 2 + column) as f32 / 8.0);
    let table = TableScores::from_array(array.view(), Scale::Probability).expect("an array");
    assert_eq!((table.rows(), table.columns()), (3, 2));
    assert_eq!(table.values(), [0.0, 0.125, 0.25, 0.375, 0.5, 0.625]);
    let columns_first = Array2::<f32>::zeros((3, 2).f());
    let error = TableScores::from_array(columns_first.view(), Scale::Probability).expect_err("column by column");
    assert_eq!(error, DecodeError::Layout { shape: vec![3, 2] });
}

#[test]
fn a_relation_has_its_threshold() {
    let [low, high] = [0.25, 0.75].map(probability);
    let all = RelationThresholds::from(low);
    assert_eq!([0, 1, usize::MAX].map(|relation| all.get(relation)), [Some(low); 3]);
    for each in [RelationThresholds::from(vec![low, high]), RelationThresholds::from(&[low, high][..])] {
        assert_eq!([0, 1, 2, usize::MAX].map(|relation| each.get(relation)), [Some(low), Some(high), None, None]);
    }
    assert_eq!(RelationThresholds::from(Vec::new()).get(0), None);
}

/// Tables of one block, of several and of parts of one have one score over the threshold, at each position in turn.
#[test]
fn no_score_is_skipped() {
    let decoder = PairClassification::new(probability(0.5));
    let mut scratch = Default::default();
    for (rows, columns) in [(1, 1), (31, 1), (32, 1), (33, 1), (11, 3), (32, 3), (13, 5), (2, 64), (1, 97)] {
        let spans: Vec<_> =
            (0..rows).map(|i| (rere_core::TokenSpan::new(i, i + 1), rere_core::TokenSpan::new(i, i + 2))).collect();
        for at in 0..rows * columns {
            let mut table = Table::zeros(rows, columns);
            table.set(at / columns, at % columns, 0.5);
            let scores = CandidateScores::new(&spans, table.scores()).expect("a row for each pair");
            let found = decode(&decoder, scores, &mut scratch);
            let [triple] = found[..] else { panic!("{found:?}") };
            assert_eq!((triple.subject, triple.relation), (spans[at / columns].0, at % columns));
        }
    }
}

#[test]
fn random_tables_are_valid_on_both_scales() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..cases(1000) {
        let (kind, scale) = (draw_kind(&mut rng), draw_scale(&mut rng));
        let table = Table::draw(&mut rng, kind, scale, 5, 4);
        assert_eq!(table.scores().values(), table.values);
    }
}

/// The first run grows the memory, the second one allocates nothing.
#[test]
fn nothing_is_allocated_once_memory_has_grown() {
    use allocation_counter::measure;
    use rere_core::TokenSpan;
    use rere_decode::{CasRel, CasRelScores, HandshakeScores, ScoredSpan, TagScores, Tags, TpLinker, handshake_rows};

    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let sentences: Vec<(usize, [Table; 5])> = (1..9)
        .map(|tokens| {
            let (kind, scale) = (draw_kind(&mut rng), draw_scale(&mut rng));
            let handshakes = handshake_rows(tokens).expect("few");
            let shapes = [(tokens, 2), (tokens, 6), (handshakes, 13), (tokens * tokens, 3), (tokens, 25)];
            (tokens, shapes.map(|(rows, columns)| Table::draw(&mut rng, kind, scale, rows, columns)))
        })
        .collect();
    let subject = ScoredSpan { span: TokenSpan::new(0, 1), score: probability(0.9) };
    let pairs = |tokens: usize| {
        let span = |i: usize| TokenSpan::new(i, i + 1);
        (0..tokens * tokens).map(|i| (span(i / tokens), span(i % tokens))).collect::<Vec<_>>()
    };
    let pairs: Vec<_> = sentences.iter().map(|(tokens, _)| pairs(*tokens)).collect();
    let each: Vec<_> = [0.4, 0.5, 0.6].map(probability).to_vec();

    let casrel = CasRel::new(probability(0.3), each.clone());
    let tplinker = TpLinker::new(probability(0.3), each.clone());
    let classification = PairClassification::new(each);
    let tags = Tags::new(probability(0.0));
    let (mut cascade, mut handshakes, mut candidates, mut entities) = Default::default();
    let (mut subjects, mut found) = (Vec::new(), Vec::new());
    let mut all = || {
        let mut triples = [0; 4];
        for ((tokens, [heads_and_tails, objects, links, relations, tagged]), pairs) in sentences.iter().zip(&pairs) {
            subjects.clear();
            casrel.subjects(heads_and_tails.scores(), &mut cascade, &mut subjects).expect("two columns");
            let input = [(subject, objects.scores()), (subject, objects.scores())];
            found.clear();
            casrel.decode(CasRelScores::new(&input).expect("good"), &mut cascade, &mut found);
            triples[0] += found.len();
            found.clear();
            let input = HandshakeScores::new(links.scores(), *tokens).expect("good");
            tplinker.decode(input, &mut handshakes, &mut found);
            triples[1] += found.len();
            found.clear();
            let input = CandidateScores::new(pairs, relations.scores()).expect("good");
            classification.decode(input, &mut candidates, &mut found);
            triples[2] += found.len();
            found.clear();
            tags.decode(TagScores::new(tagged.scores()).expect("good"), &mut entities, &mut found);
            triples[3] += found.len();
        }
        assert!(triples.iter().all(|&triples| triples > 0), "{triples:?}");
    };
    assert!(measure(&mut all).count_total > 0, "the counter counts");
    assert_eq!(measure(all).count_total, 0);
}
