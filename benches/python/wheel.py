"""Times the wheel against the command, and Ray and Spark against one process.

usage: wheel.py {command,engines} --rere RERE --model MODEL --texts FILE [--rows N] [--rounds N] [--engines NAMES]

RERE is the command, FILE has sentences in any known format; they are repeated to N rows. All use two threads: one
process with two, or two workers with one each. Rounds in turns; loading the model is not counted, and starting an
engine is measured with an input of two rows.

command   the command, the wheel with a list of texts, the wheel with an Arrow table; what the table costs
engines   the wheel in one process, and NAMES of ray, spark and shards
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import rere

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "python" / "tests"))
import engines

THREADS = 2
PARTS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["command", "engines"])
    for name in ("rere", "model", "texts"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--engines", default="ray,spark")
    arguments = parser.parse_args()
    texts = [sentence.text for sentence in rere.read(arguments.texts)]
    table = pa.table(
        {
            "id": [f"s{at}" for at in range(arguments.rows)],
            "text": [texts[at % len(texts)] for at in range(arguments.rows)],
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        measure = against_command if arguments.what == "command" else against_engines
        times = measure(arguments, table, Path(folder))
    baseline = next(iter(times.values()))
    print(f"{arguments.rows} rows, {arguments.rounds} rounds")
    for name, of_name in times.items():
        ratios = sorted(a / b for a, b in zip(baseline, of_name, strict=True))
        spread = f"{statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"
        print(f"{name:28} {statistics.median(of_name):8.2f} s  speed against the first {spread}")


Times = dict[str, list[float]]


def rounds(number: int, runs: dict[str, Callable[[], float]]) -> Times:
    times: Times = {name: [] for name in runs}
    for _ in range(number):
        for name, run in runs.items():
            times[name].append(run())
    return times


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def against_command(arguments: argparse.Namespace, table: pa.Table, folder: Path) -> Times:
    pq.write_table(table, folder / "texts.parquet")
    extractor = rere.Extractor.load(arguments.model, threads=THREADS)
    texts = table["text"].to_pylist()

    def command() -> float:
        call = [
            arguments.rere,
            "extract",
            "--model",
            arguments.model,
            folder / "texts.parquet",
            "-o",
            folder / "out.jsonl",
        ]
        environment = {**os.environ, "RAYON_NUM_THREADS": str(THREADS)}
        done = subprocess.run(call, env=environment, capture_output=True, text=True, check=True)
        found = re.search(r"triples in ([\d.]+) s", done.stderr)
        assert found, done.stderr
        return float(found[1])

    runs = {
        "command": command,
        "wheel, list of texts": lambda: seconds(lambda: extractor.extract(texts, split=False)),
        "wheel, Arrow table": lambda: seconds(lambda: extractor.extract_arrow(table, split=False)),
    }
    times = rounds(arguments.rounds, runs)
    # The same rows through a knowledge base with the same triples per row at most: all but the network.
    (folder / "kb.tsv").write_text("a\tr\tof\nthe\tr\tof\nthe\tr\tin\n")
    aligner = rere.Aligner(folder / "kb.tsv", min_name=1)
    share = min(seconds(lambda: aligner.extract_arrow(table, split=False)) for _ in range(5))
    triples = sum(map(len, pa.table(aligner.extract_arrow(table, split=False))["triples"].to_pylist()))
    found = sum(map(len, pa.table(extractor.extract_arrow(table, split=False))["triples"].to_pylist()))
    print(f"table in and out, with {triples} triples by names (the model finds {found}): {share:.3f} s")
    return times


def against_engines(arguments: argparse.Namespace, table: pa.Table, folder: Path) -> Times:
    for name, rows in [("all", table), ("two", table.slice(0, 2))]:
        (folder / name).mkdir()
        for part in range(PARTS):
            own = [at for at in range(rows.num_rows) if at % PARTS == part]
            pq.write_table(rows.take(pa.array(own, pa.int64())), folder / name / f"part-{part}.parquet")
    engines.RERE = str(arguments.rere)
    extractor = rere.Extractor.load(arguments.model, threads=THREADS)

    def engine(name: str, source: str) -> float:
        output = Path(tempfile.mkdtemp(dir=folder)) / "out"
        return seconds(
            lambda: engines.finish(engines.start(name, arguments.model, folder / source, output, THREADS, PARTS))
        )

    start_up = {name: statistics.median(engine(name, "two") for _ in range(3)) for name in arguments.engines.split(",")}
    for name, of_name in start_up.items():
        print(f"{name}: {of_name:.1f} s to start, load the model and write two rows")
    runs: dict[str, Callable[[], float]] = {
        "one process, 2 threads": lambda: seconds(lambda: extractor.extract_arrow(table, split=False))
    }
    for name, of_name in start_up.items():
        runs[f"{name}, 2 workers"] = lambda name=name, of_name=of_name: engine(name, "all") - of_name
    return rounds(arguments.rounds, runs)


if __name__ == "__main__":
    main()
