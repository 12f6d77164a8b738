//! Curves and tests against scikit-learn and scipy: `tests/reference/curves.py` made the numbers.

use rere_eval::{
    Counts, Interval, Score, approximate_randomisation, average_precision, bootstrap, calibration, paired_bootstrap,
    precision_recall_curve,
};
use serde_json::Value;

fn recorded() -> Value {
    serde_json::from_str(include_str!("../reference/curves.json")).expect("recorded cases")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(|number| number.as_f64().expect("a number")).collect()
}

fn items(case: &Value) -> Vec<(f32, bool)> {
    let item =
        |item: &Value| (item[0].as_f64().expect("a score") as f32, item[1].as_bool().expect("whether it is correct"));
    case["items"].as_array().expect("an array").iter().map(item).collect()
}

fn assert_equal(what: &str, found: Vec<f64>, expected: &Value) {
    let expected = numbers(expected);
    let close = found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 1e-12);
    assert!(found.len() == expected.len() && close, "{what}: {found:?} is not {expected:?}");
}

#[test]
fn curves_as_scikit_learn() {
    for case in recorded()["curves"].as_array().expect("cases") {
        let (name, items) = (&case["name"], items(case));
        let missed = case["missed"].as_u64().expect("a number") as usize;
        let gold = items.iter().filter(|(_, correct)| *correct).count() + missed;
        let curve = precision_recall_curve(items, gold);
        let column = |measure: fn(&Score) -> f64| curve.iter().map(|point| measure(&point.score)).collect();
        let thresholds = curve.iter().map(|point| f64::from(point.threshold.get())).collect();
        assert_equal(&format!("{name} thresholds"), thresholds, &case["thresholds"]);
        assert_equal(&format!("{name} precision"), column(|score| score.precision), &case["precision"]);
        assert_equal(&format!("{name} recall"), column(|score| score.recall), &case["recall"]);
        assert_equal(&format!("{name} F1"), column(|score| score.f1), &case["f1"]);
        let expected = case["average_precision"].as_f64().expect("a number");
        assert!((average_precision(&curve) - expected).abs() < 1e-12, "{name}: {expected}");
    }
}

#[test]
fn calibration_as_scikit_learn() {
    for (at, case) in recorded()["calibrations"].as_array().expect("cases").iter().enumerate() {
        let found = calibration(items(case), case["bins"].as_u64().expect("a number") as usize);
        let means = found.bins.iter().map(|bin| bin.mean_score).collect();
        assert_equal(&format!("case {at} mean score"), means, &case["mean_score"]);
        let shares = found.bins.iter().map(|bin| bin.precision).collect();
        assert_equal(&format!("case {at} share correct"), shares, &case["share_right"]);
        let expected = case["expected_error"].as_f64().expect("a number");
        assert!((found.expected_error - expected).abs() < 1e-12, "case {at}: {expected}");
    }
}

fn system(case: &Value, name: &str) -> Vec<Counts> {
    let counts = |sentence: &Value| {
        let at = |index: usize| sentence[index].as_u64().expect("a count") as usize;
        Counts { true_positives: at(0), predicted: at(1), gold: at(2) }
    };
    case[name].as_array().expect("sentences").iter().map(counts).collect()
}

#[test]
fn significance_as_scipy() {
    let case = &recorded()["significance"];
    let (a, b) = (system(case, "a"), system(case, "b"));
    let near = |what: &str, found: Interval| {
        let expected = numbers(&case["bootstrap"][what]);
        // Both draw 50,000 rounds. An end changes by 0.0002 to 0.0003 between seeds.
        let apart = (found.low - expected[0]).abs().max((found.high - expected[1]).abs());
        assert!(apart < 0.0015, "{what}: {found} is not {expected:?}");
    };
    let found = bootstrap(&a, 50_000, 4, 0.95).expect("intervals");
    near("precision", found.precision);
    near("recall", found.recall);
    near("f1", found.f1);
    near("difference", paired_bootstrap(&a, &b, 50_000, 4, 0.95).expect("a difference").interval);

    // A share of 50,000 rounds has a standard deviation of at most 0.0022.
    let close = |p: Result<f64, _>, expected: &str| {
        let (p, expected) = (p.expect("a p-value"), case[expected].as_f64().expect("a number"));
        assert!((p - expected).abs() < 0.01, "{p} is not {expected}");
    };
    close(approximate_randomisation(&a, &b, 50_000, 4), "p_value");
    let few = case["few"].as_u64().expect("a number") as usize;
    close(approximate_randomisation(&a[..few], &b[..few], 50_000, 4), "exact_p_value");
}
