"""Extracts triples from Parquet files with Daft, with one model per worker.

    pip install rere daft pyarrow
    python daft_extract.py MODEL IN OUT --workers 2 --threads 1

IN is a file or a folder with the columns `id` and `text`, OUT a folder of Parquet files with `id` and `triples`. Set
DAFT_RUNNER=ray to run on a cluster of Ray.
"""

import argparse
import time

import daft
import pyarrow as pa
from daft import DataType

import rere

NUMBER, STRING = DataType.int64(), DataType.string()
MENTION = DataType.struct({"text": STRING, "start": NUMBER, "end": NUMBER, "type": STRING, "entity": STRING})
TRIPLE = DataType.struct({"subject": MENTION, "relation": STRING, "object": MENTION, "score": DataType.float32()})


class Extract:
    """A worker."""

    def __init__(self, model: str, threads: int) -> None:
        self.extractor = rere.Extractor.load(model, threads=threads)

    @daft.method.batch(return_dtype=DataType.list(TRIPLE), batch_size=256)
    def triples(self, text: daft.Series) -> pa.Array:
        table = pa.table({"text": text.to_arrow()})
        return pa.table(self.extractor.extract_arrow(table, id=None, split=False))["triples"].combine_chunks()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "input", "output"):
        parser.add_argument(name)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="threads per worker: workers x threads = cores")
    arguments = parser.parse_args()

    started = time.monotonic()
    worker = daft.cls(Extract, max_concurrency=arguments.workers, use_process=True)
    rows = daft.read_parquet(arguments.input)
    triples = worker(arguments.model, arguments.threads).triples(rows["text"])
    rows.select("id", triples.alias("triples")).write_parquet(arguments.output)
    print(f"{time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
