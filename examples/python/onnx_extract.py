"""Extracts triples with a model that `rere export` has written, in onnxruntime.

    pip install onnxruntime tokenizers numpy
    python onnx_extract.py MODEL < sentences.txt > triples.jsonl

Each line is a sentence. Each line of the output has its text and its triples, the best first; offsets are code points.
Systems: rere with nearest pairing, and prgc. A sentence that is longer than the model reads is an error: `rere extract`
reads it in windows, which this program leaves out.
"""

import json
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from onnxruntime import InferenceSession, SessionOptions
from tokenizers import Tokenizer

Span = tuple[int, int, float]  # first token, last token, score
Pair = tuple[Span, Span, float]  # subject, object, score
ROWS = 16  # of a batch
SENTENCES = 256  # read at a time


class Extractor:
    def __init__(self, folder: Path, threads: int = 0) -> None:
        self.settings = json.loads((folder / "decoding.json").read_text("utf-8"))
        if self.settings.get("pairing", "nearest") != "nearest":
            raise ValueError(f"{folder}: expected the pairing nearest, found {self.settings['pairing']}")
        thresholds = [relation["threshold"] for relation in self.settings["relations"]]
        self.least = [np.inf if threshold is None else threshold for threshold in thresholds]  # score of a triple
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.encode_special_tokens = True  # [SEP] in a text is text
        options = SessionOptions()
        options.intra_op_num_threads = threads
        self.relation, self.entity = (
            InferenceSession(folder / name, options) for name in ("relation.onnx", "entity.onnx")
        )

    def extract(self, texts: list[str]) -> list[list[dict]]:
        """Returns the triples of each text, the best first."""
        encodings = self.tokenizer.encode_batch(texts, add_special_tokens=False)
        most = self.settings["max_text_tokens"]
        for text, encoding in zip(texts, encodings):
            if len(encoding) > most:
                raise ValueError(f"expected at most {most} tokens, found {len(encoding)}: {text[:60]}")
        find = {"rere": self.rere, "prgc": self.prgc}[self.settings["system"]]
        found: list[list[tuple]] = [[] for _ in texts]
        numbers = [number for number, encoding in enumerate(encodings) if encoding.ids]  # a blank text has no tokens
        for at, label, probability, pairs in find([encodings[number].ids for number in numbers]):
            number = numbers[at]
            for subject, other, score in pairs:
                ends = (mention(texts[number], encodings[number].offsets, span) for span in (subject, other))
                found[number].append((-float(probability * score), label, *ends))
        return [self.triples(text, sorted(items)) for text, items in zip(texts, found)]

    def rere(self, texts: list[list[int]]) -> Iterator[tuple[int, int, float, list[Pair]]]:
        """Yields text, label and probability of each detected relation, with its pairs of subject and object."""
        cls, sep, decode = (self.settings[name] for name in ("cls", "sep", "decode"))
        detected = self.run(self.relation, [[cls, *ids, sep] for ids in texts])
        jobs = [(number, *relation) for number, (logits,) in detected for relation in self.detected(logits)]
        queries = [self.settings["relations"][label]["query"] for _, label, _ in jobs]
        rows = [[cls, *query, sep, *texts[number], sep] for query, (number, _, _) in zip(queries, jobs)]
        for job, (logits,) in self.run(self.entity, rows, [len(query) + 2 for query in queries]):
            scores = sigmoid(logits[len(queries[job]) + 2 : len(rows[job]) - 1])
            pairs = nearest(scores, decode, self.longest)
            if not pairs and self.settings["at_least_one"]:
                pairs = best(scores, decode, self.longest)
            yield *jobs[job], pairs

    def prgc(self, texts: list[list[int]]) -> Iterator[tuple[int, int, float, list[Pair]]]:
        """Does the same for PRGC: subject and object are a pair if their first tokens correspond."""
        cls, sep, decode = (self.settings[name] for name in ("cls", "sep", "decode"))
        for number, (logits, states) in self.run(self.relation, [[cls, *ids, sep] for ids in texts]):
            relations = self.detected(logits)
            if not relations:
                continue
            labels = np.array([label for label, _ in relations])
            inputs = {"states": states[None, 1 : len(texts[number]) + 1], "rows": 0 * labels, "labels": labels}
            pointers, [table] = map(sigmoid, self.entity.run(["pointers", "correspondences"], inputs))
            for (label, probability), scores in zip(relations, pointers):
                subjects, objects = (spans(scores[:, role], decode, self.longest) for role in (SUBJECT, OBJECT))
                pairs = ((a, b, min(a[2], b[2], table[a[0], b[0]])) for a in subjects for b in objects)
                yield number, label, probability, [pair for pair in pairs if pair[2] >= decode]

    def run(self, network: InferenceSession, rows: list[list[int]], segments: list[int] | None = None) -> Iterator:
        """Yields the number of each row and its outputs. `segments` has the first position of segment 1 in each row."""
        order = sorted(range(len(rows)), key=lambda number: len(rows[number]))
        for batch in (order[first : first + ROWS] for first in range(0, len(order), ROWS)):
            shape = len(batch), len(rows[batch[-1]])
            inputs = {name: np.zeros(shape, np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}
            inputs["input_ids"][:] = self.settings["pad"]
            for at, number in enumerate(batch):
                length = len(rows[number])
                inputs["input_ids"][at, :length] = rows[number]
                inputs["attention_mask"][at, :length] = 1
                inputs["token_type_ids"][at, segments[number] if segments else length : length] = 1
            outputs = network.run(None, {port.name: inputs[port.name] for port in network.get_inputs()})
            yield from zip(batch, zip(*outputs))

    def detected(self, logits: np.ndarray) -> list[tuple[int, float]]:
        """Returns labels and probabilities of the detected relations. No triple scores more than its relation."""
        probabilities = sigmoid(logits)
        labels = np.argsort(-probabilities, kind="stable")[: self.settings.get("most_relations")]
        least = np.maximum(self.least, self.settings["detect"])
        return [(int(label), probabilities[label]) for label in labels if probabilities[label] >= least[label]]

    @property
    def longest(self) -> int:
        return self.settings["constraints"].get("longest", sys.maxsize)

    def triples(self, text: str, found: list[tuple]) -> list[dict]:
        """Applies thresholds and constraints to triples, the best first."""
        constraints = self.settings["constraints"]
        kept: list[dict] = []
        taken: set[tuple] = set()
        for score, label, subject, other in found:
            relation = self.settings["relations"][label]["name"]
            overlap = subject[0] < other[1] and other[0] < subject[1]
            if -score < self.least[label] or subject == other or (overlap and not constraints["overlap"]):
                continue
            names = [text[start:end] for start, end in (subject, other)]
            keys = {(label, *names)}
            if relation in constraints.get("one_to_one", []):
                keys |= {(label, "subject", names[0]), (label, "object", names[1])}
            if all(names) and not keys & taken:
                taken |= keys
                subject, other = ({"text": text[a:b], "start": a, "end": b} for a, b in (subject, other))
                kept.append({"subject": subject, "relation": relation, "object": other, "score": -score})
        return kept[: constraints.get("most")]


SUBJECT, OBJECT = slice(0, 2), slice(2, 4)  # columns of starts and ends


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0, -logits))


def spans(scores: np.ndarray, least: float, longest: int) -> list[Span]:
    """Returns each start with the nearest end at or after it."""
    starts, ends = (np.flatnonzero(column >= least) for column in scores.T)
    found = [(int(start), int(end)) for start in starts for end in ends[ends >= start][:1]]
    return [(a, b, float(min(scores[a, 0], scores[b, 1]))) for a, b in found if b - a < longest]


def distance(a: Span, b: Span) -> int:
    return max(a[0] - b[1], b[0] - a[1], 0)


def nearest(scores: np.ndarray, least: float, longest: int) -> list[Pair]:
    """Pairs each subject with the nearest object, and each object with the last subject before it."""
    subjects, objects = (spans(scores[:, role], least, longest) for role in (SUBJECT, OBJECT))
    pairs: set[tuple[Span, Span]] = set()
    for a in subjects:
        others = [b for b in objects if b[:2] != a[:2]]
        pairs.update((a, b) for b in sorted(others, key=lambda b: (distance(a, b), b[0] < a[0]))[:1])
    for b in objects:
        pairs.update([(a, b) for a in subjects if a[0] < b[0]][-1:])
    return [(a, b, min(a[2], b[2])) for a, b in pairs]


def best(scores: np.ndarray, least: float, longest: int) -> list[Pair]:
    """Returns the best pair at the highest threshold under `least` that gives any."""
    levels = scores[(scores > 0) & (scores < least) & (scores <= scores.max(0).min())]

    def order(pair):
        return (-pair[2], distance(*pair[:2]), pair[0][0], -pair[0][1], pair[1][0], -pair[1][1])

    for level in np.unique(levels)[::-1]:
        if pairs := nearest(scores, level, longest):
            return [min(pairs, key=order)]
    return []


def mention(text: str, offsets: list[tuple[int, int]], span: Span) -> tuple[int, int]:
    """Returns start and end of a span, without white space at its ends, with marks that the tokenizer drops."""
    start, end = offsets[span[0]][0], offsets[span[1]][1]
    start, end = end - len(text[start:end].lstrip()), start + len(text[start:end].rstrip())
    while start < end < len(text) and unicodedata.category(text[end]).startswith("M"):
        end += 1
    return start, end


def main() -> None:
    extractor = Extractor(Path(sys.argv[1]))
    lines = [line.rstrip("\r\n") for line in sys.stdin]
    for first in range(0, len(lines), SENTENCES):
        texts = lines[first : first + SENTENCES]
        for text, triples in zip(texts, extractor.extract(texts), strict=True):
            print(json.dumps({"text": text, "triples": triples}, ensure_ascii=False))


if __name__ == "__main__":
    main()
