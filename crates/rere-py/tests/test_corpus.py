"""Corpora, labels, scores, facts and training."""

import json
import os
import pickle
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from conftest import SETTINGS, SMALL

import rere


def test_sentences_survive_writing_and_reading(tmp_path: Path, sentences: list[rere.Sentence]) -> None:
    ada = rere.Mention("Ada", 2, 5, type="PERSON", entity="Q7259")
    born = rere.Triple(ada, "born in", rere.Mention("London", 18, 24), score=0.75)
    odd = rere.Sentence(
        "😀 Ada was born in London",
        [born],
        id="a",
        entities=[rere.Mention("Ada")],
        negatives=[born],
        extra={"page": {"n": 3}},
    )
    for name in ["a.jsonl", "a.jsonl.gz", "a.parquet"]:
        rere.write(tmp_path / name, [odd, *sentences])
        with pytest.warns(rere.RereWarning, match="1 pairs are labelled as without a relation"):
            assert rere.read(tmp_path / name) == [odd, *sentences], name


def test_reading_warns_and_raises(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"text": "Ada was born", "triples": [{"subject": {"text": "Ada", "start": 0, "end": 9}}]}\n')
    with pytest.raises(rere.RereError, match=r"corpus.jsonl, line 1"):
        rere.read(path)
    with pytest.raises(rere.RereError, match=r"nothing\.jsonl"):
        rere.read(tmp_path / "nothing.jsonl")
    with pytest.raises(rere.RereError, match="format"):
        rere.read(path, format="word")
    with pytest.raises(rere.RereError, match="expected offsets in one of"):
        rere.read(path, offsets="bytes")
    with pytest.warns(rere.RereWarning, match="1"):
        rere.write(
            tmp_path / "a.txt",
            [rere.Sentence("Ada", [rere.Triple(rere.Mention("Ada"), "r", rere.Mention("Ada"))])],
            "text",
        )
    with pytest.raises(TypeError, match=r"expected a rere\.Sentence, found str"):
        rere.write(tmp_path / "b.jsonl", ["Ada"])  # type: ignore[list-item]
    with pytest.raises(rere.RereError, match=r"offsets 0\.\.99"):
        rere.write(tmp_path / "c.jsonl", [rere.Sentence("Ada", entities=[rere.Mention("Ada", 0, 99)])])


def test_scores_of_known_values(sentences: list[rere.Sentence]) -> None:
    def of(*triples: tuple[str, str, str]) -> list[rere.Triple]:
        return [rere.Triple(rere.Mention(s), r, rere.Mention(o)) for s, r, o in triples]

    gold = [rere.Sentence("Ada Lovelace left London", of(("Ada Lovelace", "left", "London"))), rere.Sentence("x")]
    predicted = [of(("Ada", "left", "London")), of(("x", "is", "x"))]
    exact, partial = (rere.evaluate(gold, predicted, match) for match in ("exact", "partial"))
    assert (exact.f1, exact.gold, exact.predicted) == (0, 1, 2)
    assert (partial.precision, partial.recall) == (0.5, 1.0)
    assert str(partial) == "precision 0.5000, recall 1.0000, F1 0.6667"
    assert partial.by_relation["left"].f1 == 1.0
    with pytest.raises(ValueError, match="for each of 2 sentences, found 1"):
        rere.evaluate(gold, predicted[:1])
    with pytest.raises(rere.RereError):
        rere.evaluate(gold, gold[:1])
    with pytest.raises(rere.RereError, match="match"):
        rere.evaluate(gold, predicted, "fuzzy")

    perfect = rere.evaluate(SMALL / "test.jsonl", sentences)
    assert perfect.f1 == 1
    none = [rere.Sentence(s.text, [], s.id) for s in sentences]
    found = rere.compare(sentences, sentences, none, rounds=200)
    assert found.verdict == "a-better" and found.difference == 1 and found.interval == (1, 1)


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kb") / "kb.tsv"
    path.write_text("Ada\tborn in\tLondon\nAlan\tborn in\tLondon\n")
    return path


def test_labels_of_a_knowledge_base(kb: Path) -> None:
    (sentence,) = rere.align(["Ada left London ."], kb)
    assert [str(triple) for triple in sentence.triples] == ["Ada | born in | London"]
    aligner = rere.Aligner(kb)
    assert aligner.relations == ["born in"] and "2 triples" in aligner.report
    table = pa.table({"id": [1, 2, 3], "text": ["Ada left London .", None, "Bob ."]})
    rows = pa.table(pickle.loads(pickle.dumps(aligner)).extract_arrow(table))["triples"].to_pylist()
    assert rows[0][0]["subject"]["text"] == "Ada" and rows[1:] == [None, []]
    with pytest.raises(rere.RereError, match=r"missing\.tsv"):
        rere.Aligner("missing.tsv")
    with pytest.raises(rere.RereError):
        rere.Aligner(kb, ambiguous="first")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="where it is made"):
        rere.align([], aligner, fold=True)


def test_facts_of_a_corpus(kb: Path, tmp_path: Path) -> None:
    def stating(text: str, subject: str, score: float) -> rere.Sentence:
        return rere.Sentence(text, [rere.Triple(rere.Mention(subject), "born in", rere.Mention("London"), score)])

    predicted = [
        stating("Ada was born in London .", "Ada", 0.75),
        stating("London is where Ada was born .", "Ada", 0.5),
        stating("Bob was born in London .", "Bob", 0.5),
    ]
    facts = rere.facts(predicted, rere.Aligner(kb), outputs=[tmp_path / "facts.tsv"])
    # 1 - (1 - 0.75)(1 - 0.5)
    assert [(f.subject.name, f.status, f.score, f.sentences) for f in facts] == [
        ("Ada", "known", 0.875, 2),
        ("Bob", "new", 0.5, 1),
    ]
    assert facts[0].evidence[0].text.startswith("Ada was")
    assert (tmp_path / "facts.tsv").read_text().count("\n") == 3
    predicted[0].triples = [rere.Triple(rere.Mention("Ada"), "born in", rere.Mention("London"))]
    with pytest.raises(rere.RereError, match="score"):
        rere.facts(predicted)


def test_events_and_the_end_of_training(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    corpus = rere.read(SMALL / "train.jsonl")[:80]
    record = rere.train(SETTINGS, tmp_path / "model", train=corpus, dev=corpus, on_event=events.append)
    assert {"started", "step", "epoch"} <= {event["event"] for event in events}
    assert len(record["stages"]) == 2
    json.dumps(record)

    class Stop(Exception):
        pass

    def stop(event: dict[str, Any]) -> None:
        if event["event"] == "epoch":
            raise Stop

    with pytest.raises(Stop):
        rere.train(SETTINGS, tmp_path / "stopped", train=corpus, dev=corpus, on_event=stop)
    with pytest.raises(rere.RereError, match="resume"):
        rere.train(SETTINGS, tmp_path / "stopped", train=corpus, dev=corpus)
    # A resumed run ends with the same model.
    rere.train(SETTINGS, tmp_path / "stopped", train=corpus, dev=corpus, resume=True)
    digests = [rere.Extractor.load(tmp_path / name).digest for name in ("model", "stopped")]
    assert digests[0] == digests[1]

    def interrupt(event: dict[str, Any]) -> None:
        if event["event"] == "epoch":
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        rere.train(SETTINGS, tmp_path / "interrupted", train=corpus, dev=corpus, on_event=interrupt)


def test_settings_files(tmp_path: Path) -> None:
    settings = tmp_path / "rere.toml"
    with pytest.raises(rere.RereError, match=r"rere\.toml: No such file"):
        rere.train(settings, tmp_path / "model")
    settings.write_text('[encoder]\nrandom = { model_type = "bilstm", embedding_size = 4, direction_size = 4 }\n')
    with pytest.raises(rere.RereError, match="there are no training sentences"):
        rere.train(settings, tmp_path / "model")
    settings.write_text('[encoder]\npretrained = "no-such-encoder"\n')
    with pytest.raises(rere.RereError, match="no-such-encoder"):
        rere.train(settings, tmp_path / "model", train=SMALL / "dev.jsonl")
    with pytest.raises(rere.RereError, match="epoch"):
        rere.train({"rere": {"relation": {"epoch": 1}}}, tmp_path / "model", train=SMALL / "dev.jsonl")
    with pytest.raises(rere.RereError, match="empty path"):
        rere.train(SETTINGS, "", train=SMALL / "dev.jsonl")
    with pytest.raises(rere.RereError):
        rere.train({**SETTINGS, "data": {"train": str(SMALL / "dev.jsonl")}}, tmp_path / "model", train=[])


def test_settings_of_other_types(tmp_path: Path) -> None:
    corpus = tmp_path / "é 😀.jsonl"
    rere.write(corpus, rere.read(SMALL / "dev.jsonl")[:30])
    epochs = {"epochs": np.int64(1), "batch": 8, "learning_rate": np.float32(0.01)}
    settings = {
        "encoder": SETTINGS["encoder"],
        "data": {"train": corpus},
        "rere": {"relation": epochs, "entity": epochs},
    }
    assert len(rere.train(settings, tmp_path / "model")["stages"]) == 2
    with pytest.raises(TypeError, match="found set"):
        rere.train({"data": {"train"}}, tmp_path / "model")


def test_what_is_no_list(kb: Path, sentences: list[rere.Sentence]) -> None:
    for call in [
        lambda: rere.facts([], functional="born_in"),
        lambda: rere.facts([], outputs="facts.tsv"),
    ]:
        with pytest.raises(TypeError, match="expected a list for"):
            call()
    for wrong in [[tuple()], [1], [None]]:
        with pytest.raises(TypeError, match="expected a Sentence or a list of triples at 0"):
            rere.evaluate(sentences[:1], wrong)  # type: ignore[arg-type]
    with pytest.raises(rere.RereError, match="lone surrogate at 1"):
        rere.align(["a\ud800"], kb)
    with pytest.raises(rere.RereError, match="from 0 to 1"):
        rere.facts([], min_score=float("nan"))
