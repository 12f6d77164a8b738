"""Sentences and triples."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ._rere import RereError


@dataclass(frozen=True)
class Mention:
    """A subject, an object or another entity in a text.

    ``start`` and ``end`` are half-open and count Unicode code points, so that ``text[start:end]`` is the mention.
    """

    text: str
    start: int | None = None
    end: int | None = None
    type: str | None = None
    entity: str | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Triple:
    """A relation between two mentions. ``score`` is from 0 to 1; gold triples have none."""

    subject: Mention
    relation: str
    object: Mention
    score: float | None = None

    def __str__(self) -> str:
        score = "" if self.score is None else f" ({self.score:.2f})"
        return f"{self.subject} | {self.relation} | {self.object}{score}"


@dataclass
class Sentence:
    """A text with its gold or predicted triples.

    ``entities`` are mentions that are in no triple, ``negatives`` pairs that the source labels as without a
    relation, and ``extra`` has the other fields of the source.
    """

    text: str
    triples: list[Triple] = field(default_factory=list)
    id: str | None = None
    entities: list[Mention] = field(default_factory=list)
    negatives: list[Triple] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Score:
    """Micro precision, recall and F1, from 0 to 1, with the counts that they come from."""

    precision: float
    recall: float
    f1: float
    true_positives: int
    predicted: int
    gold: int

    def __str__(self) -> str:
        return f"precision {self.precision:.4f}, recall {self.recall:.4f}, F1 {self.f1:.4f}"


@dataclass(frozen=True)
class Evaluation(Score):
    """The score of all triples, and of those of each relation."""

    by_relation: dict[str, Score] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """Whether one of two systems has a better F1.

    ``difference`` is F1 of ``a`` minus F1 of ``b``, ``interval`` its confidence interval by the paired bootstrap,
    ``p_value`` that of approximate randomisation. ``verdict`` is ``"a-better"``, ``"b-better"`` or
    ``"no-difference"``.
    """

    a: Score
    b: Score
    difference: float
    interval: tuple[float, float]
    p_value: float
    alpha: float
    verdict: str


@dataclass(frozen=True)
class Entity:
    """Subject or object of a fact: its name, and its ids in the knowledge base (several if the name is ambiguous)."""

    name: str
    ids: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Fact:
    """The triples of a corpus with the same subject, relation and object.

    ``score`` is the probability that at least one sentence states the fact, ``best`` the best score of a sentence.
    ``status`` is ``"known"``, ``"new"`` or ``"hidden"`` with a knowledge base, else ``None``. ``evidence`` has the
    best sentences.
    """

    subject: Entity
    relation: str
    object: Entity
    score: float
    best: float
    sentences: int
    documents: int
    status: str | None
    conflicts: tuple[str, ...]
    evidence: tuple[Sentence, ...] = field(compare=False)

    def __str__(self) -> str:
        return f"{self.subject} | {self.relation} | {self.object} ({self.score:.2f}, {self.sentences} sentences)"


# Conversion to and from JSON of the rere format, which the native module takes and returns.


def triples_from(records: Iterable[Mapping[str, Any]]) -> list[Triple]:
    return [
        Triple(Mention(**record["subject"]), record["relation"], Mention(**record["object"]), record.get("score"))
        for record in records
    ]


def sentence_from(record: Mapping[str, Any]) -> Sentence:
    known = {"id", "text", "triples", "entities", "negatives"}
    return Sentence(
        text=record["text"],
        triples=triples_from(record.get("triples", ())),
        id=record.get("id"),
        entities=[Mention(**mention) for mention in record.get("entities", ())],
        negatives=triples_from(record.get("negatives", ())),
        extra={name: value for name, value in record.items() if name not in known},
    )


def sentences_to_json(sentences: Iterable[Sentence]) -> str:
    return json.dumps([_record(sentence) for sentence in sentences], ensure_ascii=False)


def _record(sentence: Sentence) -> dict[str, Any]:
    if not isinstance(sentence, Sentence):
        raise TypeError(f"expected a rere.Sentence, found {type(sentence).__name__}")
    check_text(sentence.text, f"the sentence {sentence.id or sentence.text[:40]!r}")
    return {
        **sentence.extra,
        "id": sentence.id,
        "text": sentence.text,
        "triples": [_triple(triple) for triple in sentence.triples],
        "entities": [vars(mention) for mention in sentence.entities],
        "negatives": [_triple(triple) for triple in sentence.negatives],
    }


def _triple(triple: Triple) -> dict[str, Any]:
    record: dict[str, Any] = {
        "subject": vars(triple.subject),
        "relation": triple.relation,
        "object": vars(triple.object),
    }
    return record if triple.score is None else {**record, "score": triple.score}


def check_text(text: str, name: str) -> None:
    """Raises an error if a text has a lone surrogate, which no encoding can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RereError(f"{name} has a lone surrogate at {error.start}: remove or replace it") from None


def check_list(value: object, name: str) -> None:
    """Raises an error for a string where a list of strings is meant."""
    if isinstance(value, str):
        raise TypeError(f"expected a list for {name}, found a text: write [{value!r}]")
