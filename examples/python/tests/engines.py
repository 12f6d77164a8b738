"""Runs the same extraction with the command, the wheel, Ray, Spark and shards."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow.parquet as pq

import rere

EXAMPLES = Path(__file__).parents[1]
RERE = os.environ.get("RERE_COMMAND", "rere")
"""The command rere."""

Rows = dict[str, list[rere.Triple]]
"""Triples by the id of the row."""


def command(model: Path, source: Path, output: Path, threads: int, parts: int) -> Iterable[list[str]]:
    yield [RERE, "extract", "--model", str(model), str(source), "--output", str(output / "found.parquet")]


def shards(model: Path, source: Path, output: Path, workers: int, parts: int) -> Iterable[list[str]]:
    for worker in range(workers):
        shard = f"{worker + 1}/{workers}"
        yield [RERE, "extract", "--shard", shard, "--model", str(model), str(source), "--output", str(output)]


def ray(model: Path, source: Path, output: Path, workers: int, parts: int) -> Iterable[list[str]]:
    script = [sys.executable, str(EXAMPLES / "ray_extract.py"), str(model), str(source), str(output)]
    yield [*script, "--workers", str(workers), "--threads", "1", "--blocks", str(parts)]


def spark(model: Path, source: Path, output: Path, workers: int, parts: int) -> Iterable[list[str]]:
    submit = [str(Path(sys.executable).with_name("spark-submit")), "--master", f"local[{workers},4]"]
    script = [*submit, str(EXAMPLES / "spark_extract.py"), str(model), str(source), str(output)]
    yield [*script, "--threads", "1", "--partitions", str(parts)]


ENGINES: dict[str, Callable[[Path, Path, Path, int, int], Iterable[list[str]]]] = {
    "command": command,
    "shards": shards,
    "ray": ray,
    "spark": spark,
}

WORKERS = {"ray": "ray::MapWorker(MapBatches(Extract))", "spark": "pyspark.daemon", "shards": "extract --shard"}
"""What the names of worker processes contain."""


def start(
    engine: str, model: Path, source: Path, output: Path, workers: int = 2, parts: int = 16
) -> list[subprocess.Popen[str]]:
    """Starts the processes of an engine: one, or one per shard."""
    threads = {"command": workers, "shards": 1}.get(engine)
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "RAY_DATA_DISABLE_PROGRESS_BARS": "1"}
    if threads is not None:
        environment["RAYON_NUM_THREADS"] = str(threads)
    output.parent.mkdir(parents=True, exist_ok=True)
    if engine == "command":
        output.mkdir(exist_ok=True)
    calls = ENGINES[engine](model, source, output, workers, parts)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return [subprocess.Popen(call, env=environment, **pipes) for call in calls]  # type: ignore[call-overload]


def finish(processes: list[subprocess.Popen[str]]) -> str:
    """Waits for the processes, and returns what they printed. All must succeed."""
    printed = [process.communicate(timeout=900)[0] for process in processes]
    for process, text in zip(processes, printed, strict=True):
        assert process.returncode == 0, text
    return "\n".join(printed)


def read(output: Path) -> Rows:
    """Reads the rows of a folder. No id may occur twice."""
    files = sorted(path for path in output.rglob("*.parquet") if not path.name.startswith((".", "_")))
    rows: Rows = {}
    for path in files:
        for row in pq.read_table(path, columns=["id", "triples"]).to_pylist():
            assert row["id"] not in rows, f"{row['id']} twice"
            rows[row["id"]] = [
                rere.Triple(rere.Mention(**t["subject"]), t["relation"], rere.Mention(**t["object"]), t["score"])
                for t in row["triples"]
            ]
    return rows


def children(of: int) -> list[int]:
    """Returns the processes below a process."""
    parents: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may have spaces.
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(status.parent.name))
    below = parents.get(of, [])
    return below + [grandchild for child in below for grandchild in children(child)]


def kill_worker(engine: str, processes: list[subprocess.Popen[str]], output: Path) -> None:
    """Kills a worker after the first file of output is there."""
    deadline = time.monotonic() + 300
    while not any(is_output(path) for path in output.rglob("*.parquet")):
        assert time.monotonic() < deadline, "there is no output"
        assert any(process.poll() is None for process in processes), finish(processes)
        time.sleep(0.02)
    own = [pid for process in processes for pid in [process.pid, *children(process.pid)]]
    workers = [pid for pid in own if WORKERS[engine] in title(pid) and (engine != "spark" or not children(pid))]
    assert workers, "no worker is left to kill"
    os.kill(workers[-1], signal.SIGKILL)


def is_output(path: Path) -> bool:
    """Whether this is a complete file. Spark writes the files of a task into a hidden folder."""
    return path.stat().st_size > 0 and not path.name.startswith((".", "_tmp"))


def title(pid: int) -> str:
    """Returns the command line of a process, or what it calls itself."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def memory(pid: int) -> float:
    """Returns the memory of a process in MiB, without what it shares with others, such as Ray's objects. 0 if it has
    ended.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("RssAnon"))
