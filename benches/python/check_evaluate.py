"""Holds `rere evaluate` against independent scorers on the same files: evaluate.py for the counts of every matcher, scikit-learn for
precision, recall and F1, and for the area under the precision-recall curve. Fails where they differ.

usage: check_evaluate.py RERE GOLD PRED
RERE is the program. GOLD and PRED are JSON lines as `rere extract` writes them, with places, in the same order; where the
predictions have scores, average precision is compared too. Needs scikit-learn.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from evaluate import evaluate

MATCHES = ["exact", "partial", "last-word", "begin", "boundaries"]


def rere(program, gold, predicted, *options):
    matches = [argument for match in MATCHES for argument in ("--match", match)]
    command = [program, "evaluate", "--gold", gold, "--pred", predicted, "--json", *matches, *options]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["scores"]


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line)["triples"] for line in lines]


def key(triple):
    return triple["subject"]["text"].strip(), triple["relation"], triple["object"]["text"].strip()


def indicators(gold, predicted):
    """One item for each triple of either side of each sentence: whether it is gold, whether predicted, and its highest score."""
    is_gold, is_predicted, scores = [], [], []
    for gold_triples, predicted_triples in zip(gold, predicted, strict=True):
        gold_keys = {key(triple) for triple in gold_triples}
        best = {}
        for triple in predicted_triples:
            score = triple.get("score")
            best[key(triple)] = max(best.get(key(triple), 0.0), score) if score is not None else None
        for one in gold_keys | best.keys():
            is_gold.append(one in gold_keys)
            is_predicted.append(one in best)
            scores.append(best.get(one))
    return is_gold, is_predicted, scores


def main(program, gold_path, predicted_path):
    ours = {score["match"]: score for score in rere(program, gold_path, predicted_path)}
    theirs = evaluate(gold_path, predicted_path, MATCHES)["counts"]
    print(f"{'match':<12} {'right':>6} {'predicted':>9} {'gold':>6}")
    for match in MATCHES:
        counts = [ours[match][name] for name in ("right", "predicted", "gold")]
        print(f"{match:<12} {counts[0]:>6} {counts[1]:>9} {counts[2]:>6}")
        assert counts == theirs[match], (match, counts, theirs[match])

    gold, predicted = read(gold_path), read(predicted_path)
    is_gold, is_predicted, scores = indicators(gold, predicted)
    expected = precision_recall_fscore_support(is_gold, is_predicted, average="binary", zero_division=0)[:3]
    for name, value in zip(("precision", "recall", "f1"), expected):
        assert abs(ours["exact"][name] - value) < 1e-12, (name, ours["exact"][name], value)
    print(f"scikit-learn: precision {expected[0]:.4f}, recall {expected[1]:.4f}, F1 {expected[2]:.4f}")

    predicted_scores = [score for score, is_one in zip(scores, is_predicted) if is_one]
    if any(score is None for score in predicted_scores):
        print("no scores: average precision is not compared")
        return
    # scikit-learn divides by the gold triples that are scored, we by all.
    scored_gold = [value for value, is_one in zip(is_gold, is_predicted) if is_one]
    average = average_precision_score(scored_gold, predicted_scores) * sum(scored_gold) / sum(is_gold)
    with tempfile.TemporaryDirectory() as folder:
        rere(program, gold_path, predicted_path, "--plot", folder)
        picture = pathlib.Path(folder, "precision-recall.svg").read_text(encoding="utf-8")
    assert f"exact, average precision {average:.3f}" in picture, average
    print(f"scikit-learn: average precision {average:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
