"""Training."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any

from . import _hub, _rere
from .corpus import Corpus, sentences_of
from .records import sentences_to_json


def train(
    config: str | PathLike[str] | Mapping[str, Any],
    output: str | PathLike[str] = "model",
    *,
    train: Corpus | None = None,
    dev: Corpus | None = None,
    device: str = "flex",
    resume: bool = False,
    overwrite: bool = False,
    on_event: Callable[[dict[str, Any]], object] | None = None,
) -> dict[str, Any]:
    """Trains a system, writes its model folder, and returns the record of the run.

    Ctrl-C and exceptions of ``on_event`` stop the run; ``resume=True`` then continues from the last checkpoint.

    Args:
        config: a settings file (TOML), or the settings as a dictionary. Relative paths are relative to the file, or
            to the working directory.
        output: the model folder.
        train, dev: sentences or files, in place of those that the settings name.
        device: as of :meth:`Extractor.load`.
        resume: whether to continue a stopped run in the folder.
        overwrite: whether to discard it. A finished model in the folder is replaced at the end of the run in any case.
        on_event: is called with each event: a dictionary whose ``event`` is ``step``, ``epoch``, ``warning`` and so
            on.
    """
    if isinstance(config, Mapping):
        settings, folder = _toml(config), Path()
    else:
        try:
            settings, folder = Path(config).read_text(encoding="utf-8"), Path(config).parent
        except OSError as error:
            raise _rere.RereError(f"{config}: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise _rere.RereError(f"{config}: expected UTF-8: {error}") from error
    if not str(output):
        raise _rere.RereError("expected a folder for the model, found an empty path")

    train_file, dev_file = _rere.corpus_files(settings, folder)
    train = train_file if train is None else train
    dev = (dev_file or ()) if dev is None else dev
    if train is None:
        raise _rere.RereError("there are no training sentences: pass train, or set data.train")

    def call(event: str) -> None:
        if on_event is not None:
            on_event(json.loads(event))

    train_json, dev_json = (sentences_to_json(sentences_of(corpus)) for corpus in (train, dev))
    arguments = (settings, folder, output, train_json, dev_json, device, resume, overwrite, call, _hub.encoder)
    return dict(json.loads(_rere.train(*arguments)))


def _toml(table: Mapping[str, Any]) -> str:
    """Writes settings as TOML, each key with an inline value."""
    return "".join(f"{_value(key)} = {_value(value)}\n" for key, value in table.items() if value is not None)


def _value(value: Any) -> str:
    match value:
        case Mapping():
            pairs = (f"{_value(key)} = {_value(inner)}" for key, inner in value.items() if inner is not None)
            return "{ " + ", ".join(pairs) + " }"
        case list() | tuple():
            return "[" + ", ".join(map(_value, value)) + "]"
        case bool():
            return str(value).lower()
        case Integral():
            return str(int(value))
        case Real():
            # As TOML: inf and nan, and a point or an exponent otherwise.
            return repr(float(value))
        case str() | PathLike():
            # Strings of JSON are strings of TOML, but for the escapes of surrogates.
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    raise TypeError(f"expected settings of texts, numbers, lists and dictionaries, found {type(value).__name__}")
