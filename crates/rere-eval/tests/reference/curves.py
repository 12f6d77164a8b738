"""Writes curves.json: curves, calibration and significance from scikit-learn, scipy and numpy.

    python curves.py --out curves.json

Needs scikit-learn 1.9 and scipy 1.17. An independent source for rere_eval's curves and tests, not written from the Rust
code. Writes `{"curves", "calibrations", "significance"}`:

- `curves`: cases `{"name", "items", "missed", "thresholds", "precision", "recall", "f1", "average_precision"}`.
  `items` are `[score, correct]`; `missed` is the number of gold triples that are not items. Points go from the highest
  threshold to the lowest. Precision is that of precision_recall_curve. Recall and average_precision are those of
  precision_recall_curve and average_precision_score, times (correct items / gold triples). F1 is f1_score with the
  missed triples as positives that are never predicted.
- `calibrations`: cases `{"items", "bins", "mean_score", "share_right", "expected_error"}` by calibration_curve with
  the strategy uniform; the error weights its bins by numpy's digitize.
- `significance`: `{"a", "b", "bootstrap", "p_value", "exact_p_value", "few"}`. `a` and `b` are
  `[true positives, predicted, gold]` of each sentence; `bootstrap` has the 95 % percentile intervals of
  scipy.stats.bootstrap for precision, recall and F1 of `a`, and for the difference a - b of F1; `p_value` is that of
  scipy.stats.permutation_test for the difference on all sentences, `exact_p_value` the one on the first `few`, with all
  exchanges.

Scores are multiples of 1/1024 or float32, so that both sides read the same numbers.
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve

SEED = 21
ROUNDS = 50_000
FEW = 14


def curve(name, scores, right, missed):
    precision, recall, thresholds = precision_recall_curve(right, scores)
    # The last point of scikit-learn has no threshold.
    precision, recall, thresholds = precision[-2::-1], recall[-2::-1], thresholds[::-1]
    found = int(right.sum())
    share = found / (found + missed) if found else 0.0
    truth = np.concatenate([right, np.ones(missed, int)])
    kept = [np.concatenate([scores >= t, np.zeros(missed, bool)]).astype(int) for t in thresholds]
    return {
        "name": name,
        "items": items(scores, right),
        "missed": missed,
        "thresholds": thresholds.tolist(),
        "precision": precision.tolist(),
        "recall": (recall * share if found else recall * 0.0).tolist(),
        "f1": [f1_score(truth, k, zero_division=0.0) for k in kept],
        "average_precision": average_precision_score(right, scores) * share,
    }


def calibration(scores, right, bins):
    share, mean = calibration_curve(right, scores, n_bins=bins, strategy="uniform")
    edges = np.linspace(0, 1, bins + 1)
    counts = np.bincount(np.digitize(scores, edges[1:-1], right=True), minlength=bins)
    counts = counts[counts > 0]
    return {
        "items": items(scores, right),
        "bins": bins,
        "mean_score": mean.tolist(),
        "share_right": share.tolist(),
        "expected_error": float((counts * np.abs(mean - share)).sum() / counts.sum()),
    }


def items(scores, right):
    return [[float(s), bool(r)] for s, r in zip(scores, right)]


def systems(rng, sentences):
    """Two systems; the first finds a little more. Gold triples and difficulty are shared, so that they are paired."""
    gold = rng.integers(1, 4, sentences)
    hard = rng.random(sentences)

    def system(skill):
        right = rng.binomial(gold, skill * (1 - 0.6 * hard))
        return np.stack([right, right + rng.poisson(0.5, sentences), gold], axis=1)

    return system(0.80), system(0.74)


def f1(right, predicted, gold, axis=-1):
    return 2 * right.sum(axis) / (predicted.sum(axis) + gold.sum(axis))


def intervals(a, b):
    def of(statistic, columns):
        result = stats.bootstrap(
            columns, statistic, paired=True, vectorized=True, n_resamples=ROUNDS, batch=1000,
            confidence_level=0.95, method="percentile", rng=np.random.default_rng(SEED),
        )  # fmt: skip
        return [float(result.confidence_interval.low), float(result.confidence_interval.high)]

    right, predicted, gold = a.T
    return {
        "precision": of(lambda r, p, axis: r.sum(axis) / p.sum(axis), (right, predicted)),
        "recall": of(lambda r, g, axis: r.sum(axis) / g.sum(axis), (right, gold)),
        "f1": of(f1, (right, predicted, gold)),
        "difference": of(
            lambda ra, pa, rb, pb, g, axis: f1(ra, pa, g, axis) - f1(rb, pb, g, axis),
            (right, predicted, b[:, 0], b[:, 1], gold),
        ),
    }


def p_value(a, b, rounds):
    """Exchanges the counts of a sentence. They are packed into one number because the test exchanges single numbers."""
    gold = a[:, 2].sum()

    def pack(counts):
        return counts[:, 0] * 1000 + counts[:, 1]

    def statistic(x, y, axis):
        def system(packed):
            return 2 * (packed // 1000).sum(axis) / ((packed % 1000).sum(axis) + gold)

        # Rounded, because equal differences must tie.
        return np.round(np.abs(system(x) - system(y)), 12)

    result = stats.permutation_test(
        (pack(a), pack(b)), statistic, permutation_type="samples", vectorized=True, n_resamples=rounds, batch=1000,
        alternative="greater", rng=np.random.default_rng(SEED),
    )  # fmt: skip
    return float(result.pvalue)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    warnings.filterwarnings("ignore", message="No positive class found")
    rng = np.random.default_rng(SEED)

    def scored(count, levels, sharp):
        """Scores that increase with the share of correct items; many are equal if there are few levels."""
        scores = np.float32(rng.integers(0, levels + 1, count) / levels)
        return scores.astype(float), (rng.random(count) < scores**sharp).astype(int)

    curves = [
        curve("ties", np.array([0.75, 0.5, 0.5, 0.5, 0.25]), np.array([1, 1, 0, 1, 0]), 2),
        curve("all equal", np.full(4, 0.5), np.array([0, 1, 0, 1]), 0),
        curve("nothing right", np.array([0.5, 0.25]), np.array([0, 0]), 3),
        curve("all right", np.array([1.0, 0.5, 0.0]), np.array([1, 1, 1]), 0),
        curve("one item", np.array([0.5]), np.array([1]), 1),
        curve("few levels", *scored(200, 16, 1.0), 30),
        curve("many levels", *scored(300, 1024, 2.0), 0),
        curve("tenths", *scored(150, 10, 1.0), 25),
    ]
    calibrations = [
        calibration(*scored(300, 1024, 2.0), 10),
        calibration(*scored(300, 16, 1.0), 8),
        calibration(*scored(40, 1024, 0.5), 15),
        calibration(*scored(200, 10, 1.0), 10),
        calibration(np.array([0.0, 0.5, 0.5, 1.0]), np.array([0, 1, 1, 1]), 2),
        calibration(np.array([0.25, 0.75]), np.array([0, 1]), 1),
    ]
    a, b = systems(rng, 369)
    significance = {
        "a": a.tolist(),
        "b": b.tolist(),
        "bootstrap": intervals(a, b),
        "p_value": p_value(a, b, ROUNDS),
        "few": FEW,
        "exact_p_value": p_value(a[:FEW], b[:FEW], np.inf),
    }
    whole = {"curves": curves, "calibrations": calibrations, "significance": significance}
    out.write_text(json.dumps(whole) + "\n")


if __name__ == "__main__":
    main()
