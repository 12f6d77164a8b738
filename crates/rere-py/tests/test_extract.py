"""Extraction from texts, sentences and Arrow tables."""

import json
import multiprocessing
import os
import pickle
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import rere
from datasets import Dataset


@pytest.fixture(scope="module")
def texts(sentences: list[rere.Sentence]) -> list[str]:
    return [sentence.text for sentence in sentences[:60]]


def test_triples_have_offsets_in_code_points(extractor: rere.Extractor, texts: list[str]) -> None:
    # A character of two UTF-16 units and four bytes, and one of two bytes.
    for before in ["", "😀 é "]:
        found = extractor.extract([before + text for text in texts], split=False)
        triples = [(before + text, triple) for text, of_text in zip(texts, found, strict=True) for triple in of_text]
        assert len(triples) > 20
        for text, triple in triples:
            assert triple.score is not None and 0 <= triple.score <= 1
            for mention in (triple.subject, triple.object):
                assert text[mention.start : mention.end] == mention.text


def test_the_score_on_the_test_set(extractor: rere.Extractor, sentences: list[rere.Sentence]) -> None:
    found = extractor.extract_sentences(sentences)
    score = rere.evaluate(sentences, found)
    assert score.f1 > 0.5
    assert score == rere.evaluate(sentences, [sentence.triples for sentence in found])
    # The same by hand.
    keys = [{(str(t.subject), t.relation, str(t.object)) for t in s.triples} for s in sentences]
    predicted = [{(str(t.subject), t.relation, str(t.object)) for t in s.triples} for s in found]
    correct = sum(len(a & b) for a, b in zip(keys, predicted, strict=True))
    assert (score.true_positives, score.predicted, score.gold) == (
        correct,
        sum(map(len, predicted)),
        sum(map(len, keys)),
    )
    assert sum(part.true_positives for part in score.by_relation.values()) == correct


def test_options_of_a_call(extractor: rere.Extractor, texts: list[str]) -> None:
    every = [t for of_text in extractor.extract(texts) for t in of_text]
    relation = every[0].relation
    chosen = [t for of_text in extractor.extract(texts, relations=[relation], min_score=0.9) for t in of_text]
    assert chosen == [t for t in every if t.relation == relation and (t.score or 0) >= 0.9]
    assert relation in extractor.relations


def test_texts_of_several_sentences_are_split(extractor: rere.Extractor, texts: list[str]) -> None:
    one_by_one = extractor.extract(texts[:20], split=False)
    (together,) = extractor.extract([" ".join(texts[:20])])
    counts = {str(t.subject) + t.relation + str(t.object) for t in together}
    expected = {str(t.subject) + t.relation + str(t.object) for of_text in one_by_one for t in of_text}
    assert len(counts & expected) >= 0.9 * len(expected)


def test_mentions_of_sentences(extractor: rere.Extractor, sentences: list[rere.Sentence]) -> None:
    found = extractor.extract_sentences(sentences[:100], from_mentions=True)
    for gold, sentence in zip(sentences, found, strict=False):
        known = {m.text for t in gold.triples for m in (t.subject, t.object)} | {m.text for m in gold.entities}
        assert all({t.subject.text, t.object.text} <= known for t in sentence.triples)
        assert (sentence.id, sentence.text) == (gold.id, gold.text)


def as_lists(table: Any) -> list[dict[str, Any]]:
    return pa.table(table).to_pylist()


def test_tables_of_all_libraries(extractor: rere.Extractor, texts: list[str]) -> None:
    ids = list(range(len(texts)))
    table = pa.table({"id": ids, "text": texts, "page": [str(i) for i in ids]})
    expected = [
        {"id": at, "triples": [{**plain(t)} for t in of_text]}
        for at, of_text in zip(ids, extractor.extract(texts), strict=True)
    ]
    found = extractor.extract_arrow(table)
    assert found.column_names == ["id", "triples"] and len(found) == len(texts)
    assert found.metadata["rere.model"] == extractor.digest
    assert pa.schema(found).metadata[b"rere.model"].decode() == extractor.digest
    assert rounded(as_lists(found)) == rounded(expected)
    text = table["text"]
    kinds = [text.cast(pa.large_string()), text.cast(pa.string_view()), text.dictionary_encode()]
    inputs: list[Any] = [table.set_column(1, "text", kind) for kind in kinds]
    inputs += [pl.DataFrame(table), table.to_pandas(), table.to_batches()[0], Dataset(table).with_format("arrow")[:]]
    inputs += [
        pa.Table.from_batches(table.to_batches(max_chunksize=7)),
        pa.RecordBatchReader.from_batches(table.schema, table.to_batches()),
    ]
    for data in inputs:
        assert rounded(as_lists(extractor.extract_arrow(data))) == rounded(expected), type(data)
    # Other libraries take the result.
    assert pl.DataFrame(found)["triples"].list.len().to_list() == [len(row["triples"]) for row in expected]
    assert list(pd.DataFrame.from_arrow(found)["id"]) == ids


def plain(triple: rere.Triple) -> dict[str, Any]:
    subject, object = vars(triple.subject), vars(triple.object)
    return {"subject": subject, "relation": triple.relation, "object": object, "score": triple.score}


def rounded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Batches differ from call to call, so that scores differ in the last digits."""
    triples = [
        None if r["triples"] is None else [{**t, "score": round(t["score"], 4)} for t in r["triples"]] for r in rows
    ]
    return [{**row, "triples": of_row} for row, of_row in zip(rows, triples, strict=True)]


def test_kept_columns_are_not_copied(extractor: rere.Extractor) -> None:
    table = pa.table({"id": ["a", "b"], "text": ["Ada was born in London .", None]})
    found = pa.table(extractor.extract_arrow(table, keep=["text"]))
    data = [t["text"].chunk(0).buffers()[2].address for t in (table, found)]
    assert data[0] == data[1]
    assert found["triples"].null_count == 1 and found["triples"][1].as_py() is None


def test_empty_tables_and_nulls(extractor: rere.Extractor) -> None:
    table = pa.table({"id": pa.array([], pa.int64()), "text": pa.array([], pa.string())})
    assert pa.table(extractor.extract_arrow(table)).num_rows == 0
    assert (
        pa.table(
            extractor.extract_arrow(pa.RecordBatch.from_pydict({"id": [], "text": pa.array([], pa.string())}))
        ).num_rows
        == 0
    )
    for column in [pa.nulls(3), pa.nulls(3, pa.string()), pa.nulls(3, pa.dictionary(pa.int8(), pa.string()))]:
        found = pa.table(extractor.extract_arrow(pa.table({"text": column}), id=None))
        assert found.column_names == ["triples"] and found["triples"].null_count == 3
    assert extractor.extract([None, ""]) == [None, []]
    assert extractor.extract([]) == []


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (
            lambda e: e.extract_arrow(pa.table({"id": [1], "body": ["a"]})),
            rere.RereError,
            'expected a column "text", found id, body',
        ),
        (lambda e: e.extract_arrow(pa.table({"text": ["a"]})), rere.RereError, 'expected a column "id", found text'),
        (
            lambda e: e.extract_arrow(pa.table({"text": [1], "id": [1]})),
            rere.RereError,
            'expected strings in the column "text", found Int64',
        ),
        (
            lambda e: e.extract_arrow([{"text": "a"}]),
            TypeError,
            "expected a table with the Arrow PyCapsule interface.*found list",
        ),
        (lambda e: e.extract_arrow(pa.array(["a"])), TypeError, "expected a table .* found pyarrow.lib.StringArray"),
        (
            lambda e: e.extract_arrow(pa.table({"text": ["a"], "triples": [1]}), id="triples"),
            rere.RereError,
            "cannot be kept",
        ),
        (lambda e: e.extract("Ada"), TypeError, r"write \['Ada'\]"),
        (lambda e: e.extract([b"Ada"]), TypeError, "expected texts, found bytes at 0"),
        (lambda e: e.extract([rere.Sentence("Ada")]), TypeError, "use extract_sentences"),
        (
            lambda e: e.extract(["a"], relations=["bornIn"]),
            rere.RereError,
            'expected one of the system\'s relations .* found "bornIn"',
        ),
        (lambda e: e.extract(["a"], relations="born_in"), TypeError, r"write \['born_in'\]"),
        (lambda e: e.extract(["a"], min_score=2), rere.RereError, "expected a number from 0 to 1, found 2"),
        (lambda e: rere.Extractor.load("missing", threads=0), rere.RereError, "from 1 to 1024 threads"),
        (lambda e: rere.Extractor.load("missing", batch_tokens=0), rere.RereError, "batch_tokens"),
        (lambda e: rere.Extractor.load("missing"), rere.RereError, "missing: there is no such model folder"),
        (lambda e: rere.Extractor.load("model", device="gpu"), rere.RereError, 'device "gpu": unknown'),
        (lambda e: rere.Extractor.load("model", precision="f8"), rere.RereError, 'precision "f8"'),
    ],
)
def test_bad_input(extractor: rere.Extractor, call: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        call(extractor)


def test_precisions(extractor: rere.Extractor, model: Path, texts: list[str]) -> None:
    # No faster one has a known cost.
    automatic = rere.Extractor.load(model, precision="auto", threads=2)
    assert automatic.extract(texts) == extractor.extract(texts)
    with pytest.raises(rere.RereError, match="an LSTM supports f32 only"):
        rere.Extractor.load(model, precision="int8")


def test_a_name_on_the_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(rere.RereError, match="owner/name is not found, and as a name on the hub it cannot be used"):
        rere.Extractor.load("owner/name")


def test_pickling_loads_again(extractor: rere.Extractor, texts: list[str]) -> None:
    copy = pickle.loads(pickle.dumps(extractor))
    assert copy.digest == extractor.digest and repr(copy) == repr(extractor)
    assert pickle.loads(pickle.dumps(extractor)) is copy, "a process loads it once"
    assert copy.extract(texts) == extractor.extract(texts)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(extractor.extract, (texts,)) == extractor.extract(texts)


def test_a_forked_process_gets_an_error_and_does_not_hang(
    extractor: rere.Extractor, model: Path, tmp_path: Path, sentences: list[rere.Sentence]
) -> None:
    (tmp_path / "kb.tsv").write_text("Ada\tborn in\tLondon\n")
    aligner = rere.Aligner(tmp_path / "kb.tsv")
    CALLS.update(
        extract=lambda: extractor.extract(["a"]),
        load=lambda: rere.Extractor.load(model, threads=1),
        unpickle=lambda: pickle.loads(pickle.dumps(extractor)).extract(["a"]),
        align=lambda: aligner.align(["Ada"]),
        evaluate=lambda: rere.evaluate(sentences, sentences),
        facts=lambda: rere.facts([]),
    )
    with multiprocessing.get_context("fork").Pool(1) as pool:
        for name in CALLS:
            assert "forked" in pool.apply_async(call_here, (name,)).get(timeout=60), name


CALLS: dict[str, Callable[[], object]] = {}


def call_here(name: str) -> str:
    try:
        return str(CALLS[name]())
    except rere.RereError as error:
        return str(error)


def test_strings_of_other_libraries_are_checked(extractor: rere.Extractor) -> None:
    for damaged in [b"\xf0\x9f", b"\xe2", b"\xff\xfe born in London \xe2"]:
        text = pa.array([b"fine", damaged]).cast(pa.string(), safe=False)
        for column in [text, text.dictionary_encode(), text.cast(pa.large_string(), safe=False)]:
            with pytest.raises(rere.RereError, match='the column "text" is damaged'):
                extractor.extract_arrow(pa.table({"id": [1, 2], "text": column}))


def test_the_index_of_pandas_does_not_come_back_wrong(extractor: rere.Extractor) -> None:
    frame = pd.DataFrame({"id": [1, 2], "text": ["a", "b"]}, index=["k0", "k1"])
    found = pa.table(extractor.extract_arrow(frame))
    assert b"pandas" not in (found.schema.metadata or {})


def test_errors_of_a_reader_keep_their_words(extractor: rere.Extractor) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"id": [1], "text": ["a"]})
        raise ValueError("my reader broke")

    schema = pa.schema({"id": pa.int64(), "text": pa.string()})
    with pytest.raises(rere.RereError, match="my reader broke"):
        extractor.extract_arrow(pa.RecordBatchReader.from_batches(schema, batches()))


def test_a_pickled_extractor_is_never_another_model(model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(model, copy)
    pickled = pickle.dumps(rere.Extractor.load(copy))
    settings = json.loads((copy / "config.json").read_text())
    settings["thresholds"]["detect"] = 0.123
    (copy / "config.json").write_text(json.dumps(settings))
    with pytest.raises(rere.RereError, match="has another model"):
        pickle.loads(pickled)
    assert pickle.loads(pickle.dumps(rere.Extractor.load(copy))).digest == rere.Extractor.load(copy).digest


def test_the_lock_is_released(extractor: rere.Extractor, texts: list[str]) -> None:
    """Another thread runs while texts are extracted from."""
    ticks, done = [0], threading.Event()

    def count() -> None:
        while not done.is_set():
            ticks[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    before = ticks[0]
    extractor.extract(texts * 20, split=False)
    done.set()
    thread.join()
    assert ticks[0] > before + 10


def test_ctrl_c_stops(extractor: rere.Extractor, texts: list[str]) -> None:
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        extractor.extract(texts * 10_000, split=False)
