"""All engines find the same triples, and lose no row if a worker is killed.

Needs the command `rere` (RERE_COMMAND), and the packages rere, ray[data], pyspark and pyarrow.
"""

import subprocess
from collections import Counter
from pathlib import Path
from statistics import linear_regression
from time import monotonic, sleep

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engines import ENGINES, RERE, WORKERS, Rows, children, finish, kill_worker, memory, read, start, title

import rere

SMALL = Path(__file__).parents[3] / "datasets" / "small"

BILSTM = {"model_type": "bilstm", "embedding_size": 64, "direction_size": 64, "layers": 1}

ONE_LAYER = {
    "model_type": "bert",
    "vocab_size": 0,
    "hidden_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 128,
    "max_position_embeddings": 128,
}

SETTINGS = {
    "rere": {
        "relation": {"epochs": 3, "batch": 8, "learning_rate": 1e-2, "loss": {"name": "bce"}},
        "entity": {"epochs": 3, "batch": 8, "learning_rate": 1e-2},
    },
}

TOLERANCE = 1e-5
"""Batches differ between engines, and with them the last digits of scores."""


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "small"
    settings = {**SETTINGS, "encoder": {"random": BILSTM}}
    rere.train(settings, folder, train=SMALL / "train.jsonl", dev=SMALL / "dev.jsonl")
    return folder


def make_source(folder: Path, rows: int) -> Path:
    """Writes the test set, repeated under new ids, into five files: more than workers."""
    texts = [sentence.text for sentence in rere.read(SMALL / "test.jsonl")]
    folder.mkdir(parents=True)
    for part in range(5):
        ids = [f"s{at}" for at in range(rows) if at % 5 == part]
        table = pa.table({"id": ids, "text": [texts[int(id[1:]) % len(texts)] for id in ids]})
        pq.write_table(table, folder / f"part-{part}.parquet")
    return folder


def rows_of(engine: str, model: Path, source: Path, output: Path) -> Rows:
    if engine == "command":
        # It reads one file.
        table = pa.concat_tables(pq.read_table(path) for path in sorted(source.iterdir()))
        source = output.with_suffix(".parquet")
        pq.write_table(table, source)
    finish(start(engine, model, source, output))
    return read(output)


def differences(a: Rows, b: Rows, threshold: float) -> int:
    """Returns the number of triples that only one has because their score is within the tolerance of the threshold."""
    assert a.keys() == b.keys()
    near = 0
    for id in a:
        scores = [{(t.subject, t.relation, t.object): t.score for t in rows[id]} for rows in (a, b)]
        for triple in scores[0].keys() | scores[1].keys():
            found = [of[triple] for of in scores if triple in of]
            if len(found) == 2:
                assert abs((found[0] or 0) - (found[1] or 0)) <= TOLERANCE, (id, triple)
            else:
                assert abs((found[0] or 0) - threshold) <= TOLERANCE, (id, triple, found)
                near += 1
    return near


def test_all_engines_find_the_same(model: Path, tmp_path: Path) -> None:
    source = make_source(tmp_path / "source", 3000)
    extractor = rere.Extractor.load(model, threads=2)
    table = pa.concat_tables(pq.read_table(path) for path in sorted(source.iterdir()))
    pq.write_table(pa.table(extractor.extract_arrow(table, split=False)), tmp_path / "wheel.parquet")
    (tmp_path / "wheel").mkdir()
    (tmp_path / "wheel.parquet").rename(tmp_path / "wheel" / "found.parquet")
    expected = read(tmp_path / "wheel")
    assert len(expected) == 3000 and sum(map(len, expected.values())) > 1000
    threshold = min(t.score or 0 for triples in expected.values() for t in triples)
    for engine in ENGINES:
        found = rows_of(engine, model, source, tmp_path / engine)
        print(engine, Counter(map(len, found.values())), "near the threshold:", differences(expected, found, threshold))


@pytest.mark.parametrize("time", range(3))
@pytest.mark.parametrize("engine", ["ray", "spark", "shards"])
def test_a_killed_worker_loses_nothing(engine: str, time: int, model: Path, tmp_path: Path) -> None:
    rows = 30_000
    source = make_source(tmp_path / "source", rows)
    output = tmp_path / "out"
    processes = start(engine, model, source, output)
    kill_worker(engine, processes, output)
    if engine == "shards":
        # A scheduler starts the shard again.
        codes = [process.wait(timeout=300) for process in processes]
        assert any(code != 0 for code in codes), "the worker ended before it was killed"
        processes = start(engine, model, source, output)
    finish(processes)
    assert set(read(output)) == {f"s{at}" for at in range(rows)}
    if engine == "shards":
        subprocess.run([RERE, "manifest", str(source), "--output", str(output)], check=True)


def test_the_memory_of_workers_does_not_grow(tmp_path: Path) -> None:
    settings = {**SETTINGS, "encoder": {"random": ONE_LAYER}, "training": {"max_tokens": 128}}
    rere.train(settings, tmp_path / "model", train=SMALL / "train.jsonl", dev=SMALL / "dev.jsonl")
    source = make_source(tmp_path / "source", 200_000)
    processes = start("ray", tmp_path / "model", source, tmp_path / "out", parts=64)
    # Seconds and MiB of each worker.
    samples: dict[int, list[tuple[float, float]]] = {}
    began = monotonic()
    while all(process.poll() is None for process in processes):
        for pid in children(processes[0].pid):
            if WORKERS["ray"] in title(pid):
                samples.setdefault(pid, []).append((monotonic() - began, memory(pid)))
        sleep(0.25)
    finish(processes)
    assert len(read(tmp_path / "out")) == 200_000
    assert len(samples) == 2
    for pid, of_worker in samples.items():
        # The last sample may be of a process that ends; the first ones are of one that loads the model.
        steady = of_worker[len(of_worker) // 3 : -4]
        seconds = steady[-1][0] - steady[0][0]
        slope = linear_regression(*zip(*steady, strict=True)).slope
        print(f"worker {pid}: {steady[0][1]:.1f} MiB, {steady[-1][1]:.1f} MiB after {seconds:.0f} s, {slope:.4f} MiB/s")
        assert slope * seconds < 0.02 * steady[0][1]
