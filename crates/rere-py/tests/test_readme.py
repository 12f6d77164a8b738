"""The Python lines of the README run as they stand."""

import re
from pathlib import Path

import pytest
from conftest import SMALL

import rere

README = Path(__file__).parents[1] / "README.md"

SETTINGS = """
[encoder.random]
model_type = "bilstm"
embedding_size = 64
direction_size = 64
layers = 1
[data]
train = "corpus.jsonl"
[rere.relation]
epochs = 2
batch = 8
learning_rate = 1e-2
[rere.entity]
epochs = 2
batch = 8
learning_rate = 1e-2
"""


def test_the_lines_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = rere.read(SMALL / "train.jsonl")
    for name, sentences in [("corpus.jsonl", corpus), ("test.jsonl", rere.read(SMALL / "test.jsonl"))]:
        rere.write(tmp_path / name, sentences)
    triples = {(t.subject.text, t.relation, t.object.text) for sentence in corpus for t in sentence.triples}
    (tmp_path / "kb.tsv").write_text("".join("\t".join(triple) + "\n" for triple in sorted(triples)))
    (tmp_path / "rere.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    lines = "\n".join(re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL))
    names: dict[str, object] = {}
    exec(compile(lines, str(README), "exec"), names)
    assert len(names["found"]) == 2  # type: ignore[arg-type]
    assert (tmp_path / "facts.ttl").exists() and (tmp_path / "train.jsonl").exists()
