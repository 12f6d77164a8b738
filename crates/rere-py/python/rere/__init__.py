"""Relation extraction from distantly supervised text.

>>> import rere
>>> extractor = rere.Extractor.load("model")
>>> for triple in extractor.extract(["Ada Lovelace was born in London."])[0]:
...     print(triple)

- :class:`Extractor` extracts triples with a trained model, from texts or from Arrow tables.
- :class:`Aligner` labels texts with a knowledge base; :func:`align` does so once.
- :func:`train` trains a system.
- :func:`evaluate` and :func:`compare` score predictions.
- :func:`facts` joins the triples of a corpus to facts.
- :func:`read` and :func:`write` know about twenty formats.

Offsets count Unicode code points. Errors are :class:`RereError`, with the words of the command ``rere``.
"""

from ._rere import ArrowTable, RereError, __version__
from .corpus import RereWarning, align, compare, evaluate, facts, read, write
from .extractor import Aligner, Extractor
from .records import Comparison, Entity, Evaluation, Fact, Mention, Score, Sentence, Triple
from .training import train

__all__ = [
    "Aligner",
    "ArrowTable",
    "Comparison",
    "Entity",
    "Evaluation",
    "Extractor",
    "Fact",
    "Mention",
    "RereError",
    "RereWarning",
    "Score",
    "Sentence",
    "Triple",
    "__version__",
    "align",
    "compare",
    "evaluate",
    "facts",
    "read",
    "train",
    "write",
]
