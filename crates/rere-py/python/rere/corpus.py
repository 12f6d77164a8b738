"""Corpora, scores and facts."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any, Literal, TypeAlias

from . import _rere
from .extractor import Aligner
from .records import (
    Comparison,
    Entity,
    Evaluation,
    Fact,
    Score,
    Sentence,
    Triple,
    check_list,
    sentence_from,
    sentences_to_json,
)

Corpus: TypeAlias = str | PathLike[str] | Iterable[Sentence]
"""A file in any known format, or sentences."""

Predictions: TypeAlias = str | PathLike[str] | Iterable[Sentence] | Iterable[list[Triple]]
"""A corpus, or the lists of triples of the gold sentences."""


class RereWarning(UserWarning):
    """What of a file was left out."""


def read(
    path: str | PathLike[str],
    *,
    format: str | None = None,
    offsets: Literal["code-points", "utf16"] | str = "code-points",
    negative_labels: Sequence[str] | None = None,
    split: Literal["text", "all", "none"] = "text",
    language: str = "en",
) -> list[Sentence]:
    """Reads a corpus in any known format. Warns of what is left out.

    Args:
        path: the file or folder, compressed (``.gz``, ``.zst``) or not.
        format: the format, if the content does not show it.
        offsets: unit of offsets in the file.
        negative_labels: labels of pairs without a relation, in place of the usual ones.
        split: which texts are split into sentences: lines of plain text, all, or none.
        language: ISO 639 code of the texts.
    """
    text, report = _rere.read(path, format, offsets, negative_labels, split, language)
    if report is not None:
        warnings.warn(report, RereWarning, stacklevel=2)
    return [sentence_from(record) for record in json.loads(text)]


def write(path: str | PathLike[str], sentences: Iterable[Sentence], format: str | None = None) -> None:
    """Writes a corpus; the file appears when it is complete. Warns of what the format cannot hold.

    Args:
        path: the file.
        sentences: the sentences.
        format: ``None`` for Parquet if ``path`` ends in ``.parquet``, else for the rere format (JSON lines).
    """
    report = _rere.write(path, sentences_to_json(sentences), format)
    if report is not None:
        warnings.warn(report, RereWarning, stacklevel=2)


def evaluate(gold: Corpus, predicted: Predictions, match: str = "exact") -> Evaluation:
    """Scores predictions against gold triples.

    Args:
        gold: the gold sentences.
        predicted: the same sentences with predicted triples, or what :meth:`Extractor.extract` returns for their
            texts.
        match: when two triples are equal: ``exact``, ``partial``, ``strict`` and others, as of ``rere evaluate``.
    """
    sentences = sentences_of(gold)
    text = _rere.evaluate(sentences_to_json(sentences), _predicted(sentences, predicted), match)
    scores = json.loads(text)
    by_relation = {relation: Score(**score) for relation, score in scores["by_relation"].items()}
    return Evaluation(**scores["all"], by_relation=by_relation)


def compare(
    gold: Corpus,
    a: Predictions,
    b: Predictions,
    match: str = "exact",
    *,
    rounds: int = 10_000,
    seed: int = 1,
    alpha: float = 0.05,
) -> Comparison:
    """Tests whether one of two systems has a better F1, by the paired bootstrap and approximate randomisation."""
    sentences = sentences_of(gold)
    first, second = _predicted(sentences, a), _predicted(sentences, b)
    found = json.loads(_rere.compare(sentences_to_json(sentences), first, second, match, rounds, seed, alpha))
    interval = found.pop("interval")
    bounds = (interval["low"], interval["high"]) if isinstance(interval, dict) else tuple(interval)
    return Comparison(**{**found, "a": Score(**found["a"]), "b": Score(**found["b"]), "interval": bounds})


def align(
    sentences: Corpus | Iterable[str],
    knowledge_base: Aligner | str | PathLike[str],
    **options: Any,
) -> list[Sentence]:
    """Labels sentences, texts or a file with a knowledge base. ``options`` are those of :class:`Aligner`."""
    aligner = knowledge_base if isinstance(knowledge_base, Aligner) else Aligner(knowledge_base, **options)
    if isinstance(knowledge_base, Aligner) and options:
        raise TypeError("the options belong to the Aligner: pass them where it is made")
    return aligner.align(read(sentences) if isinstance(sentences, str | PathLike) else sentences)


def facts(
    predicted: Corpus,
    knowledge_base: Aligner | str | PathLike[str] | None = None,
    *,
    evidence: int = 3,
    functional: Sequence[str] = (),
    min_score: float = 0.0,
    outputs: Sequence[str | PathLike[str]] = (),
) -> list[Fact]:
    """Joins the triples of a corpus to facts, by decreasing score. All triples need scores.

    Args:
        predicted: sentences with predicted triples.
        knowledge_base: tells known facts from new ones, and gives entities their ids.
        evidence: number of sentences to keep per fact.
        functional: relations with at most one object per subject; other objects become conflicts.
        min_score: lowest score of a fact.
        outputs: files to write, by extension: ``.tsv``, ``.csv``, ``.jsonl``, ``.parquet``, ``.nt``, ``.ttl``,
            ``.neo4j``.
    """
    check_list(functional, "functional")
    check_list(outputs, "outputs")
    if isinstance(knowledge_base, str | PathLike):
        knowledge_base = Aligner(knowledge_base)
    native = None if knowledge_base is None else knowledge_base._native
    given = sentences_to_json(sentences_of(predicted))
    found = json.loads(_rere.facts(given, native, evidence, list(functional), min_score, list(outputs)))
    return [_fact(record) for record in found]


def _fact(record: dict[str, Any]) -> Fact:
    subject, object = (Entity(record[role]["name"], tuple(record[role]["ids"])) for role in ("subject", "object"))
    evidence = tuple(sentence_from(sentence) for sentence in record["evidence"])
    conflicts = tuple(record["conflicts"])
    return Fact(**{**record, "subject": subject, "object": object, "conflicts": conflicts, "evidence": evidence})


def sentences_of(corpus: Corpus) -> list[Sentence]:
    """Returns the sentences of a file, or what was given in its place."""
    return read(corpus) if isinstance(corpus, str | PathLike) else list(corpus)


def _predicted(gold: list[Sentence], predicted: Predictions) -> str:
    if isinstance(predicted, str | PathLike):
        return sentences_to_json(read(predicted))
    given: list[Any] = list(predicted)
    for at, item in enumerate(given):
        if not isinstance(item, Sentence | list):
            raise TypeError(f"expected a Sentence or a list of triples at {at}, found {type(item).__name__}")
    if any(isinstance(item, list) for item in given) and len(given) != len(gold):
        raise ValueError(f"expected a list of triples for each of {len(gold)} sentences, found {len(given)}")
    return sentences_to_json(
        item if isinstance(item, Sentence) else Sentence(gold[at].text, item, gold[at].id)
        for at, item in enumerate(given)
    )
