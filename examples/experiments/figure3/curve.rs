//! Distances between precision-recall curves.

use rere_eval::CurvePoint;

/// How two curves differ over the recall that both reach. Precision and recall are shares from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Mean of the precision of A minus that of B.
    pub mean: f64,
    /// Mean of the absolute difference of precision: the distance of the curves.
    pub distance: f64,
    /// Share of the common recall at which the precision of A is higher.
    pub above: f64,
}

/// Compares two curves as steps: at each recall, the precision of the first point that reaches it, as the area under the curve sums
/// them. The means are over recall, from 0 to the lower one of the highest recalls, so that they do not depend on the points of the
/// curves. Returns `None` if one of the curves finds nothing.
pub fn difference(a: &[CurvePoint], b: &[CurvePoint]) -> Option<Difference> {
    let (a, b) = (steps(a), steps(b));
    let end = a.last()?.0.min(b.last()?.0);
    let (mut sum, mut distance, mut above) = (0.0, 0.0, 0.0);
    let (mut in_a, mut in_b, mut from) = (a.iter().peekable(), b.iter().peekable(), 0.0);
    while let (Some(&&(end_a, precision_a)), Some(&&(end_b, precision_b))) = (in_a.peek(), in_b.peek()) {
        let to = end_a.min(end_b);
        let (width, higher) = (to - from, precision_a - precision_b);
        sum += width * higher;
        distance += width * higher.abs();
        above += if higher > 0.0 { width } else { 0.0 };
        in_a.next_if(|(end, _)| *end == to);
        in_b.next_if(|(end, _)| *end == to);
        from = to;
    }
    Some(Difference { mean: sum / end, distance: distance / end, above: above / end })
}

/// Returns the recall at the end of each step, and its precision.
fn steps(curve: &[CurvePoint]) -> Vec<(f64, f64)> {
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for CurvePoint { score, .. } in curve {
        if score.recall > steps.last().map_or(0.0, |(recall, _)| *recall) {
            steps.push((score.recall, score.precision));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use rere_eval::precision_recall_curve;

    use super::*;

    /// A curve of 4 gold triples from the best score down: whether each is correct.
    fn curve(correct: &[bool]) -> Vec<CurvePoint> {
        let score = |at: usize| 1.0 - at as f32 / 10.0;
        precision_recall_curve(correct.iter().enumerate().map(|(at, correct)| (score(at), *correct)), 4)
    }

    #[test]
    fn distances_have_the_values_that_are_computed_by_hand() {
        // Precision 1, 1, 3/4 in the first three quarters of recall, and 1/2, 2/3 in the first two.
        let (a, b) = (curve(&[true, true, false, true]), curve(&[false, true, true]));
        let Some(Difference { mean, distance, above }) = difference(&a, &b) else { panic!("both find something") };
        let expected = (1.0 - 0.5 + 1.0 - 2.0 / 3.0) / 2.0;
        assert!((mean - expected).abs() < 1e-12 && (distance - expected).abs() < 1e-12 && above == 1.0);
        let back = difference(&b, &a).expect("a difference");
        assert!((back.mean + expected).abs() < 1e-12 && (back.distance - expected).abs() < 1e-12 && back.above == 0.0);

        // Curves that cross: 1, 2/3 and 1/2, 2/3, 3/4.
        let (a, b) = (curve(&[true, false, true]), curve(&[false, true, true, true]));
        let crossed = difference(&a, &b).expect("a difference");
        assert!((crossed.mean - 0.25).abs() < 1e-12 && (crossed.distance - 0.25).abs() < 1e-12 && crossed.above == 0.5);
        assert_eq!(difference(&a, &a), Some(Difference { mean: 0.0, distance: 0.0, above: 0.0 }));
        assert_eq!(difference(&a, &curve(&[false])), None);
        assert_eq!(difference(&a, &[]), None);
    }
}
