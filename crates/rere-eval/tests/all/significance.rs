//! Intervals and tests: examples by hand, comparisons with all draws, and properties.

use proptest::prelude::*;
use rere_eval::{
    Counts, Interval, Score, SignificanceError, Spread, Verdict, approximate_randomisation, bootstrap, compare,
    paired_bootstrap,
};

fn counts(given: &[(usize, usize, usize)]) -> Vec<Counts> {
    given.iter().map(|&(true_positives, predicted, gold)| Counts { true_positives, predicted, gold }).collect()
}

fn f1(counts: impl IntoIterator<Item = Counts>) -> f64 {
    Score::from_counts(counts.into_iter().sum()).f1
}

#[test]
fn equal_sentences_have_no_width() {
    let found = bootstrap(&counts(&[(1, 2, 4); 30]), 100, 1, 0.95).expect("intervals");
    assert_eq!(found.score.counts, Counts { true_positives: 30, predicted: 60, gold: 120 });
    let point = |value| Interval { low: value, high: value };
    assert_eq!((found.precision, found.recall, found.f1), (point(0.5), point(0.25), point(2.0 / 6.0)));
}

#[test]
fn equal_systems_do_not_differ() {
    let a = counts(&[(1, 1, 1), (0, 2, 1), (2, 3, 3), (0, 0, 0)]);
    let paired = paired_bootstrap(&a, &a, 500, 1, 0.95).expect("a difference");
    assert_eq!((paired.difference, paired.interval), (0.0, Interval { low: 0.0, high: 0.0 }));
    assert_eq!((paired.other_sign, paired.p_value), (1.0, 1.0));
    assert_eq!(approximate_randomisation(&a, &a, 500, 1), Ok(1.0));
    assert_eq!(compare(&a, &a, 500, 1, 0.05).expect("a comparison").verdict, Verdict::NoDifference);
}

const A: [(usize, usize, usize); 5] = [(2, 2, 2), (1, 2, 1), (0, 1, 1), (1, 1, 3), (2, 4, 2)];
const B: [(usize, usize, usize); 5] = [(1, 2, 2), (1, 3, 1), (1, 1, 1), (0, 2, 3), (1, 3, 2)];

#[test]
fn draws_as_all_draws() {
    // All 5^5 draws of five sentences, against 200,000 of them.
    let (a, b) = (counts(&A), counts(&B));
    let drawn = |mut number: usize| {
        std::array::from_fn::<usize, 5, _>(|_| {
            let index = number % 5;
            number /= 5;
            index
        })
    };
    let mut differences: Vec<f64> = (0..5usize.pow(5))
        .map(drawn)
        .map(|indices| f1(indices.map(|index| a[index])) - f1(indices.map(|index| b[index])))
        .collect();
    let difference = f1(a.iter().copied()) - f1(b.iter().copied());
    assert!(difference > 0.0);
    let share = |hit: &dyn Fn(f64) -> bool| differences.iter().filter(|&&d| hit(d)).count() as f64 / 3125.0;
    let found = paired_bootstrap(&a, &b, 200_000, 3, 0.8).expect("a difference");
    assert_eq!(found.difference, difference);
    // Five standard deviations of a share of 200,000 draws are at most 0.0056.
    let (other_sign, twice) = (share(&|d| d <= 0.0), share(&|d| d >= 2.0 * difference - 1e-12));
    assert!((found.other_sign - other_sign).abs() < 0.0056, "{} {other_sign}", found.other_sign);
    assert!((found.p_value - twice).abs() < 0.0056, "{} {twice}", found.p_value);
    assert!(0.01 < other_sign && 0.01 < twice);
    // The ends are near the quantiles of all draws.
    differences.sort_unstable_by(f64::total_cmp);
    let around = |share: f64| {
        differences[(3125.0 * (share - 0.006)) as usize]..=differences[(3125.0 * (share + 0.006)) as usize]
    };
    assert!(around(0.1).contains(&found.interval.low), "{}", found.interval);
    assert!(around(0.9).contains(&found.interval.high), "{}", found.interval);
}

#[test]
fn exchanges_as_all_exchanges() {
    let (a, b) = (counts(&A), counts(&B));
    let difference = |exchanged: u32| {
        let pick = |from: &[Counts], other: &[Counts]| {
            f1((0..5).map(|at| if exchanged >> at & 1 == 1 { other[at] } else { from[at] }))
        };
        pick(&a, &b) - pick(&b, &a)
    };
    let hits = (0..32).filter(|&exchanged| difference(exchanged).abs() >= difference(0).abs() - 1e-12).count();
    assert!((4..28).contains(&hits), "{hits} of 32");
    let p = approximate_randomisation(&a, &b, 200_000, 3).expect("a p-value");
    assert!((p - hits as f64 / 32.0).abs() < 0.0056, "{p}, {hits} of 32");
}

#[test]
fn p_is_never_zero() {
    let (a, b) = (counts(&[(1, 1, 1); 60]), counts(&[(0, 1, 1); 60]));
    assert_eq!(approximate_randomisation(&a, &b, 99, 1), Ok(0.01));
    let paired = paired_bootstrap(&a, &b, 99, 1, 0.95).expect("a difference");
    assert_eq!((paired.difference, paired.other_sign, paired.p_value), (1.0, 0.0, 0.01));
    // Too few rounds to show a difference.
    assert_eq!(compare(&a, &b, 99, 1, 0.05).expect("a comparison").verdict, Verdict::ABetter);
    assert_eq!(compare(&a, &b, 9, 1, 0.05).expect("a comparison").verdict, Verdict::NoDifference);
}

#[test]
fn an_interval_contains_its_ends() {
    let interval = Interval { low: 0.25, high: 0.5 };
    for (value, inside) in [(0.25, true), (0.375, true), (0.5, true), (0.2, false), (0.6, false)] {
        assert_eq!(interval.contains(value), inside, "{value}");
    }
}

#[test]
fn a_comparison_at_its_level() {
    let (a, b) = (counts(&A).repeat(20), counts(&B).repeat(20));
    for alpha in [0.01, 0.2, 0.5] {
        let paired = paired_bootstrap(&a, &b, 500, 4, 1.0 - alpha).expect("a difference");
        assert_eq!(compare(&a, &b, 500, 4, alpha).expect("a comparison").interval, paired.interval);
    }
    // A p-value equal to the level is enough.
    let (a, b) = (counts(&[(1, 1, 1); 60]), counts(&[(0, 1, 1); 60]));
    assert_eq!(compare(&a, &b, 99, 1, 0.01).expect("a comparison").verdict, Verdict::ABetter);
}

/// A single round can draw a difference of 0, or one in favour of the worse system.
#[test]
fn only_the_better_system_is_named_the_winner() {
    let a = counts(&[(1, 1, 1), (1, 1, 1), (1, 1, 1), (1, 1, 1), (0, 1, 1)]);
    let b = counts(&[(0, 1, 1), (0, 1, 1), (0, 1, 1), (1, 1, 1), (1, 1, 1)]);
    for seed in 0..500 {
        for (a, b, winner) in [(&a, &b, Verdict::ABetter), (&b, &a, Verdict::BBetter)] {
            let found = compare(a, b, 1, seed, 0.9).expect("a comparison");
            let drawn = if winner == Verdict::ABetter { found.interval.low } else { -found.interval.high };
            let is_named = drawn > 0.0 && found.p_value <= 0.9;
            let expected = if is_named { winner } else { Verdict::NoDifference };
            assert_eq!(found.verdict, expected, "seed {seed}: {found}");
        }
    }
}

#[test]
fn no_difference_is_no_evidence() {
    // Each system is better in half of the sentences.
    let (a, b) = (counts(&[(1, 1, 1), (0, 1, 1)]).repeat(10), counts(&[(0, 1, 1), (1, 1, 1)]).repeat(10));
    let paired = paired_bootstrap(&a, &b, 200, 1, 0.95).expect("a difference");
    assert_eq!((paired.difference, paired.other_sign, paired.p_value), (0.0, 1.0, 1.0));
    assert!(paired.interval.low < 0.0 && 0.0 < paired.interval.high);
}

#[test]
fn false_positives_alone_make_a_difference() {
    // Of the 256 ways to exchange them, 2 make a difference as large.
    let p = approximate_randomisation(&counts(&[(1, 1, 1); 8]), &counts(&[(1, 2, 1); 8]), 10_000, 7);
    assert!((p.expect("a p-value") - 2.0 / 256.0).abs() < 0.004);
}

#[test]
fn a_verdict_in_words() {
    let words = [Verdict::ABetter, Verdict::BBetter, Verdict::NoDifference].map(|verdict| verdict.to_string());
    assert_eq!(words, ["A is better", "B is better", "no difference"]);
}

#[test]
fn a_comparison_in_words() {
    let (a, b) = (counts(&[(1, 1, 1); 60]), counts(&[(0, 1, 1); 60]));
    let words = compare(&b, &a, 99, 1, 0.05).expect("a comparison").to_string();
    assert_eq!(
        words,
        "F1 0.0000 and 1.0000, difference -1.0000 [-1.0000, -1.0000], p = 0.0100: B is better at level 0.05"
    );
    let json = serde_json::to_value(compare(&a, &b, 99, 1, 0.05).expect("a comparison")).expect("JSON");
    assert_eq!(json["verdict"], "a-better");
}

#[test]
fn spread_by_hand() {
    assert_eq!(Spread::of(&[]), None);
    let single = Spread::of(&[0.5]).expect("a run");
    assert_eq!((single.runs, single.mean, single.deviation), (1, 0.5, None));
    // Squares 9 + 1 + 1 + 9 over 3.
    let spread = Spread::of(&[1.0, 3.0, 5.0, 7.0]).expect("runs");
    assert_eq!((spread.mean, spread.deviation), (4.0, Some((20.0f64 / 3.0).sqrt())));
    assert_eq!(Spread::of(&[1.0, 3.0]).expect("runs").deviation, Some(2.0f64.sqrt()));
    assert_eq!(single.to_string(), "0.5000 in 1 run");
}

#[test]
fn unusable_input_is_an_error() {
    let a = counts(&A);
    assert_eq!(bootstrap(&[], 10, 1, 0.95), Err(SignificanceError::NoSentences));
    assert_eq!(paired_bootstrap(&[], &[], 10, 1, 0.95), Err(SignificanceError::NoSentences));
    assert_eq!(approximate_randomisation(&[], &[], 10, 1), Err(SignificanceError::NoSentences));
    assert_eq!(bootstrap(&a, 0, 1, 0.95), Err(SignificanceError::NoRounds));
    assert_eq!(paired_bootstrap(&a, &a, 0, 1, 0.95), Err(SignificanceError::NoRounds));
    assert_eq!(approximate_randomisation(&a, &a, 0, 1), Err(SignificanceError::NoRounds));
    for level in [0.0, 1.0, -0.5, 95.0, f64::INFINITY] {
        assert_eq!(bootstrap(&a, 10, 1, level), Err(SignificanceError::Level(level)));
        assert_eq!(compare(&a, &a, 10, 1, level), Err(SignificanceError::Level(level)));
    }
    assert!(matches!(paired_bootstrap(&a, &a, 10, 1, f64::NAN), Err(SignificanceError::Level(_))));
    assert_eq!(approximate_randomisation(&a, &a[1..], 10, 1), Err(SignificanceError::LengthsDiffer { a: 5, b: 4 }));
    let mut b = a.clone();
    b[2].gold += 1;
    assert_eq!(compare(&b, &a, 10, 1, 0.05), Err(SignificanceError::GoldDiffers { position: 3, a: 2, b: 1 }));
    for large in [usize::MAX, u32::MAX as usize, u32::MAX as usize / 2 + 1] {
        let a = [Counts { predicted: large, ..Counts::default() }; 2];
        let error = SignificanceError::TooLarge { sentences: 2, count: large };
        assert_eq!(bootstrap(&a, 10, 1, 0.95), Err(error));
        assert_eq!(paired_bootstrap(&a, &a, 10, 1, 0.95), Err(error));
        assert_eq!(approximate_randomisation(&a, &a, 10, 1), Err(error));
    }
    let both = [Counts { predicted: usize::MAX, gold: 1, true_positives: 0 }; 2];
    let error = SignificanceError::TooLarge { sentences: 2, count: usize::MAX };
    assert_eq!(approximate_randomisation(&both, &both, 10, 1), Err(error));
    let largest = [Counts { predicted: u32::MAX as usize / 2, ..Counts::default() }; 2];
    assert!(bootstrap(&largest, 10, 1, 0.95).is_ok());
}

#[test]
fn threads_do_not_matter() {
    let a = counts(&A).repeat(40);
    let b = counts(&B).repeat(40);
    let all = || (bootstrap(&a, 300, 5, 0.9), paired_bootstrap(&a, &b, 300, 5, 0.9), compare(&a, &b, 300, 5, 0.1));
    let with = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(all);
    let one = with(1);
    for threads in [2, 3, 8] {
        assert_eq!(with(threads), one, "{threads} threads");
    }
    assert_ne!(bootstrap(&a, 300, 6, 0.9), one.0);
}

fn systems() -> impl Strategy<Value = (Vec<Counts>, Vec<Counts>)> {
    let sentence = (0usize..3, 0usize..3, 0usize..3, 0usize..3, 0usize..3);
    prop::collection::vec(sentence, 1..150).prop_map(|sentences| {
        let system = |true_positives: usize, wrong, gold: usize| {
            let true_positives = true_positives.min(gold);
            Counts { true_positives, predicted: true_positives + wrong, gold }
        };
        sentences.into_iter().map(|(a, b, x, y, gold)| (system(a, x, gold), system(b, y, gold))).unzip()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn systems_can_be_exchanged((a, b) in systems(), seed: u64) {
        let (given, exchanged) = (compare(&a, &b, 200, seed, 0.1), compare(&b, &a, 200, seed, 0.1));
        let (given, exchanged) = (given.expect("a comparison"), exchanged.expect("a comparison"));
        prop_assert_eq!(given.difference, -exchanged.difference);
        prop_assert_eq!(given.p_value, exchanged.p_value);
        prop_assert!((given.interval.low + exchanged.interval.high).abs() < 1e-12);
        let expected = match given.verdict {
            Verdict::ABetter => Verdict::BBetter,
            Verdict::BBetter => Verdict::ABetter,
            Verdict::NoDifference => Verdict::NoDifference,
        };
        prop_assert_eq!(exchanged.verdict, expected);
    }

    #[test]
    fn a_winner_is_outside_the_noise((a, b) in systems(), seed: u64) {
        let found = compare(&a, &b, 200, seed, 0.1).expect("a comparison");
        prop_assert!(found.interval.low <= found.interval.high);
        prop_assert!(0.0 < found.p_value && found.p_value <= 1.0);
        if found.verdict != Verdict::NoDifference {
            prop_assert!(found.p_value <= 0.1 && !found.interval.contains(0.0));
            prop_assert_eq!(found.verdict == Verdict::ABetter, found.a.f1 > found.b.f1);
        }
    }

    #[test]
    fn measures_are_shares((a, _) in systems(), seed: u64, level in 0.01..0.99f64) {
        let narrow = bootstrap(&a, 100, seed, level).expect("intervals");
        let wide = bootstrap(&a, 100, seed, 0.99).expect("intervals");
        for (narrow, wide) in
            [(narrow.precision, wide.precision), (narrow.recall, wide.recall), (narrow.f1, wide.f1)]
        {
            prop_assert!(0.0 <= wide.low && wide.low <= narrow.low && narrow.low <= narrow.high);
            prop_assert!(narrow.high <= wide.high && wide.high <= 1.0);
        }
    }
}
