"""Extraction with trained models, and labelling with knowledge bases."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from functools import cache, partial
from os import PathLike
from typing import Any, Literal, TypeAlias, TypedDict, overload

from . import _hub, _rere
from .records import Sentence, Triple, check_list, check_text, sentence_from, sentences_to_json, triples_from

Path: TypeAlias = str | PathLike[str]


class Columns(TypedDict):
    """Names of columns of an Arrow table."""

    text: str
    id: str | None
    keep: Sequence[str]


class CallOptions(TypedDict):
    """Options of a call. ``split`` is the language of texts that are split into sentences."""

    relations: Sequence[str] | None
    min_score: float | None
    split: str | None


class _Finder:
    """What finds triples in texts."""

    _native: _rere.Model | _rere.Aligner

    @property
    def relations(self) -> list[str]:
        """Names of the relations that can be found."""
        return self._native.relations

    @overload
    def extract(
        self,
        inputs: Iterable[str],
        *,
        relations: Sequence[str] | None = None,
        min_score: float | None = None,
        split: bool = True,
        language: str = "en",
    ) -> list[list[Triple]]: ...
    @overload
    def extract(
        self,
        inputs: Iterable[str | None],
        *,
        relations: Sequence[str] | None = None,
        min_score: float | None = None,
        split: bool = True,
        language: str = "en",
    ) -> list[list[Triple] | None]: ...
    def extract(
        self,
        inputs: Iterable[str | None],
        *,
        relations: Sequence[str] | None = None,
        min_score: float | None = None,
        split: bool = True,
        language: str = "en",
    ) -> Any:
        """Returns the triples of each text, the best first; ``None`` for ``None``.

        Args:
            inputs: the texts.
            relations: names of the relations to find; all if ``None``.
            min_score: lowest score of a triple, in place of the model's own.
            split: whether texts are split into sentences first. A triple never spans two sentences.
            language: ISO 639 code of the texts, whose abbreviations do not end a sentence.
        """
        found = self._native.extract(_texts(inputs), _call(relations, min_score, split, language))
        return [None if records is None else triples_from(records) for records in json.loads(found)]

    def extract_arrow(
        self,
        data: Any,
        text: str = "text",
        id: str | None = "id",
        *,
        keep: Sequence[str] = (),
        relations: Sequence[str] | None = None,
        min_score: float | None = None,
        split: bool = True,
        language: str = "en",
    ) -> _rere.ArrowTable:
        """Returns a table with the columns ``id`` and ``triples``, a row per row of ``data``. Texts are not copied.

        ``triples`` is a list of structures with the fields of :class:`Triple`, null if the text is null. The
        metadata of the table names the digest of the model.

        Args:
            data: a table or a batch with the Arrow PyCapsule interface, such as one of pyarrow, polars, or pandas
                2.2 or later.
            text: the column of texts: strings of any kind, dictionary-encoded or not.
            id: a column that the result has too, to join by; ``None`` for none.
            keep: further columns that the result has too.
            relations, min_score, split, language: as of :meth:`extract`.
        """
        check_list(keep, "keep")
        columns: Columns = {"text": text, "id": id, "keep": list(keep)}
        return self._native.extract_arrow(data, columns, _call(relations, min_score, split, language))


class Extractor(_Finder):
    """A trained model. Threads can share it.

    It pickles as its path and settings. A process that gets it loads the model, once however often it gets it.
    """

    _native: _rere.Model

    def __init__(self, native: _rere.Model, settings: dict[str, Any]) -> None:
        self._native = native
        self._settings = settings

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        device: str = "flex",
        precision: Literal["f32", "bf16", "f16", "int8", "auto"] | str = "f32",
        threads: int | None = None,
        batch_tokens: int = 1024,
    ) -> Extractor:
        """Loads a model folder, or a model of the Hugging Face hub by ``OWNER/NAME``.

        Args:
            path: the folder or the name. Names need the package ``huggingface-hub``.
            device: ``flex`` (CPU), or what else the wheel was built with, such as ``libtorch:cuda:0``.
            precision: number type of weights and activations. ``int8`` is the fastest on CPUs; ``auto`` takes the
                fastest whose cost ``rere tune --precision`` has measured.
            threads: threads of this model; all cores if ``None``. Workers that share a machine need fewer.
            batch_tokens: batch size in tokens, with padding. A GPU needs a larger one.
        """
        settings = {"device": device, "precision": precision, "threads": threads, "batch_tokens": batch_tokens}
        folder = _hub.model(path)
        native = _rere.Model(folder, device, precision, threads, batch_tokens)
        # Other processes may work in another folder.
        is_name = folder != os.fsdecode(path)
        return cls(native, {"path": os.fsdecode(path) if is_name else os.path.abspath(folder), **settings})

    def __reduce__(self) -> tuple[Any, ...]:
        return _load_once, (self.digest, *sorted(self._settings.items()))

    def __repr__(self) -> str:
        return f"<rere.Extractor {self.system} from {self._settings['path']!r}, {len(self.relations)} relations>"

    @property
    def system(self) -> str:
        """Name of the system, such as ``rere``."""
        return self._native.system_name

    @property
    def digest(self) -> str | None:
        """Digest of the model. Models with the same digest find the same triples, except for rounding."""
        return self._native.digest

    def extract_sentences(
        self,
        sentences: Iterable[Sentence],
        *,
        from_mentions: bool = False,
        relations: Sequence[str] | None = None,
        min_score: float | None = None,
    ) -> list[Sentence]:
        """Returns the sentences with the found triples in place of their own.

        Args:
            sentences: the sentences, which are not split.
            from_mentions: whether subjects and objects are chosen only from the entities and the mentions of the
                triples.
            relations, min_score: as of :meth:`extract`.
        """
        sentences = list(sentences)
        call = _call(relations, min_score, split=False, language="")
        found = json.loads(self._native.extract_sentences(sentences_to_json(sentences), from_mentions, call))
        return [
            Sentence(s.text, triples_from(records), s.id, s.entities, s.negatives, s.extra)
            for s, records in zip(sentences, found, strict=True)
        ]


class Aligner(_Finder):
    """Distant supervision: two entities that a text names get the relations that they have in a knowledge base.

    Args:
        knowledge_base: a table (TSV or CSV) of subject, relation and object, N-Triples or Turtle.
        entities: a table of ids and names, or RDF with labels; without it, the triples have names in place of ids.
        relation_map: a JSON object with names of relations for those of the knowledge base.
        language: language of the names in RDF.
        ambiguous: names that several entities share: ``keep``, ``skip`` or ``frequent``.
        min_name: shortest name to find, in characters.
        fold: also find names that differ in case, white space, accents and kinds of quotes and dashes.
        hide, hide_seed: share of the facts to hide, to evaluate with them later.
    """

    _native: _rere.Aligner

    def __init__(
        self,
        knowledge_base: Path,
        *,
        entities: Path | None = None,
        relation_map: Path | None = None,
        language: str = "en",
        ambiguous: Literal["keep", "skip", "frequent"] = "keep",
        min_name: int | None = None,
        fold: bool = False,
        hide: float = 0.0,
        hide_seed: int = 1,
    ) -> None:
        self._options: dict[str, Any] = {
            "knowledge_base": knowledge_base,
            "entities": entities,
            "relation_map": relation_map,
            "language": language,
            "ambiguous": ambiguous,
            "min_name": min_name,
            "fold": fold,
            "hide": hide,
            "hide_seed": hide_seed,
        }
        self._native = _rere.Aligner(**self._options)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), **self._options), ()

    def __repr__(self) -> str:
        return f"<rere.Aligner {self.report}>"

    @property
    def report(self) -> str:
        """What was read, and what could not be used."""
        return self._native.report

    def align(self, sentences: Iterable[Sentence | str]) -> list[Sentence]:
        """Returns the sentences with the triples of the knowledge base in place of their own."""
        check_list(sentences, "sentences")
        given = [Sentence(s) if isinstance(s, str) else s for s in sentences]
        return [sentence_from(record) for record in json.loads(self._native.align_sentences(sentences_to_json(given)))]


@cache
def _load_once(digest: str | None, *settings: tuple[str, Any]) -> Extractor:
    extractor = Extractor.load(**dict(settings))
    if extractor.digest != digest:
        path = dict(settings)["path"]
        raise _rere.RereError(f"{path} has another model than the pickled extractor: load it again and send it anew")
    return extractor


def _texts(inputs: Iterable[str | None]) -> list[str | None]:
    check_list(inputs, "texts")
    texts = list(inputs)
    for at, text in enumerate(texts):
        if not isinstance(text, str | None):
            hint = "; use extract_sentences" if isinstance(text, Sentence) else ""
            raise TypeError(f"expected texts, found {type(text).__name__} at {at}{hint}")
        if text is not None and not text.isascii():
            check_text(text, f"text {at}")
    return texts


def _call(relations: Sequence[str] | None, min_score: float | None, split: bool, language: str) -> CallOptions:
    check_list(relations, "relations")
    names = None if relations is None else list(relations)
    return {"relations": names, "min_score": min_score, "split": language if split else None}
