"""Scores predictions by a plain writing of the definitions of the field, which shares nothing with the Rust code.

usage: evaluate.py GOLD PRED [MATCH ...]
Both files are JSON lines as `rere extract` writes them, in the same order. Prints JSON: for each matcher (exact and partial, if none
is named) the right, predicted and gold triples, and the seconds that counting took and that all took. See ../benches/eval.rs
and check_evaluate.py, which run it.
"""

import json
import sys
import time


def word(surface, at):
    words = surface.split()
    return words[at] if words else ""


# What is compared of a mention.
PARTS = {
    "exact": lambda mention: mention["text"].strip(),
    "partial": lambda mention: word(mention["text"], 0),
    "last-word": lambda mention: word(mention["text"], -1),
    "begin": lambda mention: mention["start"],
    "boundaries": lambda mention: (mention["start"], mention["end"]),
    "strict": lambda mention: (mention["start"], mention["end"], mention["type"]),
}


def count(gold, predicted, match):
    part = PARTS[match]
    gold, predicted = (
        [(part(triple["subject"]), triple["relation"], part(triple["object"])) for triple in side]
        for side in (gold, predicted)
    )
    if match != "begin":
        gold, predicted = set(gold), set(predicted)
        return len(gold & predicted), len(predicted), len(gold)
    # HRL's: each gold triple takes one prediction that is not taken, and repeated ones count.
    right = 0
    free = list(predicted)
    for triple in gold:
        if triple in free:
            free.remove(triple)
            right += 1
    return right, len(predicted), len(gold)


def evaluate(gold_path, predicted_path, matches):
    counts = {match: [0, 0, 0] for match in matches}
    counting = 0.0
    begin = time.perf_counter()
    with open(gold_path, encoding="utf-8") as gold_file, open(predicted_path, encoding="utf-8") as predicted_file:
        for gold_line, predicted_line in zip(gold_file, predicted_file, strict=True):
            gold, predicted = json.loads(gold_line), json.loads(predicted_line)
            if (gold["text"], gold.get("id")) != (predicted["text"], predicted.get("id")):
                raise SystemExit("the files have different sentences")
            started = time.perf_counter()
            for match in matches:
                sums = counts[match]
                for at, number in enumerate(count(gold["triples"], predicted["triples"], match)):
                    sums[at] += number
            counting += time.perf_counter() - started
    return {"counts": counts, "counting": counting, "all": time.perf_counter() - begin}


if __name__ == "__main__":
    print(json.dumps(evaluate(sys.argv[1], sys.argv[2], sys.argv[3:] or ["exact", "partial"])))
