"""Writes cross_product.json: cases of the cross-product pairing, from a plain implementation of its six steps.

It checks rere_decode::CrossProduct, and was written from the description of the steps, not from the Rust code. Run
`python3 cross_product.py` in this folder. It needs only the standard library, and its output is always the same.
"""

import json
import random
import struct

TOP, FLOOR, SPAN = 40, 0.1, 40
TITLE_END, LIST_MARK, COMMAS = "\u300b", "\u3001", ("\uff0c", ",")


def f32(x):
    """The nearest single-precision number, which is the input of the Rust code."""
    return struct.unpack("f", struct.pack("f", x))[0]


def entities(text, tokens, starts, ends):
    """{string: (score, position)} of one role."""

    def best(scores):  # step 1
        order = sorted(range(len(scores)), key=lambda i: -scores[i])[:TOP]
        return [i for i in order if not scores[i] < FLOOR]

    score, occurrences = {}, {}

    def add(string, at, share):  # step 4
        score[string] = score.get(string, 0.0) + share
        occurrences.setdefault(string, []).append((-share, at))

    def strip(string, at):
        return string.strip(), at + len(string) - len(string.lstrip())

    for i in best(starts):  # steps 2 and 3
        for j in best(ends):
            if j < i or j - i + 1 > SPAN:
                continue
            string, at = strip(text[tokens[i][0] : tokens[j][1]], tokens[i][0])
            product = starts[i] * ends[j]
            if TITLE_END in string:
                continue
            parts = string.split(LIST_MARK)
            if len(parts) > 2 and not any(comma in string for comma in COMMAS):
                for part in parts:
                    add(*strip(part, at), product / len(parts))
                    at += len(part) + len(LIST_MARK)
            else:
                add(string, at, product)

    order = sorted(score, key=len)  # step 5; dict and sort keep the order of first appearance
    discarded = set()
    for x in order:
        inside = [y for y in order if len(y) < len(x) and y in x and y not in discarded]
        a = sum(score[y] for y in inside)
        length = sum(len(y) for y in inside)
        if length > 0:
            a *= min(1, len(x) / length)
        if a > score[x]:
            discarded.add(x)
        else:
            discarded.update(inside)

    kept = sorted((x for x in order if x not in discarded), key=lambda x: -score[x])[:TOP]  # step 6
    return {x: (score[x], min(occurrences[x])[1]) for x in kept if x and not score[x] < FLOOR}


def pairs(text, tokens, scores, threshold):
    """[subject, its position, object, its position, score], positions in code points."""
    columns = [[f32(row[k]) for row in scores] for k in range(4)]
    subjects = entities(text, tokens, columns[0], columns[1])
    objects = entities(text, tokens, columns[2], columns[3])
    found = []
    for s, (s_score, s_at) in subjects.items():
        for o, (o_score, o_at) in objects.items():
            if s != o and f32(min(s_score, o_score)) >= f32(threshold):
                found.append([s, s_at, o, o_at, min(s_score, o_score)])
    return sorted(found)


WORDS = {
    "english": ("Ada Bob New York City , of the Paul Ada Ada New St. O'Neill caf\u00e9 \U0001f680".split(), " "),
    "chinese": (list("\u5317\u4eac\u5e02\u5f20\u4e09\u674e\u56db\u300a\u300b\u3001\u3001\u3001\uff0c\u6c34"), ""),
    "list": (list("\u7532\u4e59\u4e19\u3001\u3001 ,"), ""),
    "nested": (["a", "aa", "ab", "b", "ba"], ""),
}
# From a column (even: starts, odd: ends) to a score.
SCORES = {
    "equal": lambda rng, column: rng.choice([0, 0, 0, 0.5, 1]),  # ties everywhere
    "coarse": lambda rng, column: rng.choice([0, 0, 0, 0.1, 0.2, 0.5, 0.8, 0.9]),
    "fine": lambda rng, column: round(rng.random() ** 3, 3),
    "peaked": lambda rng, column: round(rng.choice([0.02, 0.02, 0.02, 1]) * rng.uniform(0.4, 1), 3),
    "few ends": lambda rng, column: round(rng.uniform(0.1, 1), 3) if column % 2 == 0 or rng.random() < 0.04 else 0,
    "few starts": lambda rng, column: round(rng.uniform(0.1, 1), 3) if column % 2 == 1 or rng.random() < 0.04 else 0,
}


def case(rng, kind, levels, n, threshold):
    words, gap = WORDS[kind]
    text, tokens = rng.choice(["", " "]), []
    for _ in range(n):
        word = rng.choice(words)
        tokens.append([len(text), len(text) + len(word)])
        text += word + gap
    scores = [[SCORES[levels](rng, column) for column in range(4)] for _ in range(n)]
    # The text is stored, so positions and lengths are enough.
    found = [[s_at, len(s), o_at, len(o), score] for s, s_at, o, o_at, score in pairs(text, tokens, scores, threshold)]
    return {"text": text, "tokens": tokens, "scores": scores, "threshold": threshold, "pairs": found}


def main():
    rng = random.Random(0)
    cases = [
        case(rng, kind, levels, rng.randrange(2, 16), rng.choice([0, 0, 0.1, 0.3, 0.5]))
        for kind in WORDS
        for levels in ("equal", "coarse", "fine", "peaked")
        for _ in range(119)
    ]
    # More than 40 starts, ends and tokens.
    cases += [
        case(rng, kind, levels, 60, 0)
        for kind in WORDS
        for levels in ("few ends", "few starts", "peaked")
        for _ in range(8)
    ]
    with open("cross_product.json", "w", encoding="utf-8") as file:
        lines = (json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
        file.write("[\n" + ",\n".join(lines) + "\n]\n")
    print(len(cases), "cases,", sum(len(c["pairs"]) for c in cases), "pairs")


if __name__ == "__main__":
    main()
