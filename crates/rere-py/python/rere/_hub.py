"""Models and encoders by their name on the Hugging Face hub."""

from __future__ import annotations

import re
from os import PathLike, fsdecode
from pathlib import Path

from ._rere import RereError

_NAME = re.compile(r"(?P<model>\w[\w.-]*(/\w[\w.-]*)?)(@(?P<revision>[\w./-]+))?", re.ASCII)
_MODEL = ("config.json", "tokenizer.json", "training.json", "*/model.safetensors")
_ENCODER = (
    *("config.json", "model.safetensors", "model.safetensors.index.json", "model-*.safetensors", "pytorch_model.bin"),
    *("tokenizer.json", "tokenizer_config.json", "added_tokens.json", "special_tokens_map.json"),
    *("vocab.txt", "vocab.json", "merges.txt", "spm.model", "sentencepiece.bpe.model"),
)


def model(path: str | PathLike[str]) -> str:
    """Returns the folder of a trained model: ``path`` if it exists or cannot be a name, else that of the cache."""
    name = _NAME.fullmatch(fsdecode(path))
    if Path(fsdecode(path)).exists() or name is None or "/" not in name["model"]:
        return fsdecode(path)
    return _download(name, _MODEL)


def encoder(path: str | PathLike[str]) -> str:
    """Returns the folder of a pretrained encoder, as :func:`model` does. Names may have no owner."""
    name = _NAME.fullmatch(fsdecode(path))
    return fsdecode(path) if Path(fsdecode(path)).exists() or name is None else _download(name, _ENCODER)


def _download(name: re.Match[str], files: tuple[str, ...]) -> str:
    problem = f"{name[0]} is not found, and as a name on the hub it cannot be used"
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise RereError(f"{problem}: the package huggingface-hub is not installed (pip install 'rere[hub]')") from None
    try:
        return str(snapshot_download(name["model"], revision=name["revision"], allow_patterns=list(files)))
    except Exception as error:  # Each release of the package has other exceptions.
        raise RereError(f"{problem}: {error}") from error
