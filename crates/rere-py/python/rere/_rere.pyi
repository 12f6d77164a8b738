"""The native module, which the package wraps. Sentences are JSON of the rere format here."""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, final

from .extractor import CallOptions, Columns

__all__ = [
    "Aligner",
    "ArrowTable",
    "Model",
    "RereError",
    "__version__",
    "compare",
    "corpus_files",
    "evaluate",
    "facts",
    "read",
    "train",
    "write",
]
__version__: str

class RereError(Exception):
    """An input, a file or a model that cannot be used. The message says what, where, and what to do."""

@final
class ArrowTable:
    """A table that other libraries take: ``pyarrow.table(t)``, ``polars.DataFrame(t)``,
    ``pandas.DataFrame.from_arrow(t)``."""

    @property
    def column_names(self) -> list[str]:
        """Names of the columns."""
    @property
    def metadata(self) -> dict[str, str]:
        """What the table says of its origin: ``rere.system``, ``rere.version`` and ``rere.model``, the digest of
        the model."""
    def __len__(self) -> int:
        """Number of rows."""
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Model:
    system_name: str
    digest: str | None
    relations: list[str]
    def __new__(
        cls, path: str | PathLike[str], device: str, precision: str, threads: int | None, batch_tokens: int
    ) -> Model: ...
    def extract(self, texts: Sequence[str | None], call: CallOptions) -> str: ...
    def extract_sentences(self, json: str, from_mentions: bool, call: CallOptions) -> str: ...
    def extract_arrow(self, data: Any, columns: Columns, call: CallOptions) -> ArrowTable: ...

@final
class Aligner:
    report: str
    relations: list[str]
    def __new__(
        cls,
        knowledge_base: str | PathLike[str],
        entities: str | PathLike[str] | None,
        relation_map: str | PathLike[str] | None,
        language: str,
        ambiguous: str,
        min_name: int | None,
        fold: bool,
        hide: float,
        hide_seed: int,
    ) -> Aligner: ...
    def align_sentences(self, json: str) -> str: ...
    def extract(self, texts: Sequence[str | None], call: CallOptions) -> str: ...
    def extract_arrow(self, data: Any, columns: Columns, call: CallOptions) -> ArrowTable: ...

def read(
    path: str | PathLike[str],
    format: str | None,
    offsets: str,
    negative_labels: Sequence[str] | None,
    split: str,
    language: str,
) -> tuple[str, str | None]: ...
def write(path: str | PathLike[str], json: str, format: str | None) -> str | None: ...
def evaluate(gold: str, predicted: str, matcher: str) -> str: ...
def compare(gold: str, a: str, b: str, matcher: str, rounds: int, seed: int, alpha: float) -> str: ...
def facts(
    json: str,
    knowledge_base: Aligner | None,
    evidence: int,
    functional: Sequence[str],
    min_score: float,
    outputs: Sequence[str | PathLike[str]],
) -> str: ...
def corpus_files(
    settings: str, folder: str | PathLike[str]
) -> tuple[str | PathLike[str] | None, str | PathLike[str] | None]: ...
def train(
    settings: str,
    folder: str | PathLike[str],
    output: str | PathLike[str],
    train: str,
    dev: str,
    device: str,
    resume: bool,
    overwrite: bool,
    on_event: Callable[[str], None],
    find_encoder: Callable[[str | PathLike[str]], str],
) -> str: ...
