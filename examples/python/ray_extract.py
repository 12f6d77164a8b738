"""Extracts triples from Parquet files with Ray Data, with one model per worker.

    pip install rere 'ray[data]'
    python ray_extract.py MODEL IN OUT --workers 2 --threads 1

IN is a file or a folder with the columns `id` and `text`, OUT a new folder of Parquet files with `id` and
`triples`. Ray shows the progress, and repeats the work of a worker that fails. On a cluster, start it with `ray job
submit`; MODEL, IN and OUT must then be on storage that all nodes can read.
"""

import argparse
import os
import time

import pyarrow as pa
import ray

import rere


class Extract:
    """A worker."""

    def __init__(self, model: str, threads: int) -> None:
        self.extractor = rere.Extractor.load(model, threads=threads)

    def __call__(self, batch: pa.Table) -> pa.Table:
        return pa.table(self.extractor.extract_arrow(batch, text="text", id="id", split=False))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "input", "output"):
        parser.add_argument(name)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="threads per worker: workers x threads = cores")
    parser.add_argument("--blocks", type=int, help="parts of a small input; Ray divides a large one itself")
    arguments = parser.parse_args()

    if "RAY_ADDRESS" in os.environ:
        ray.init()
    else:
        # Reading and writing wait for a core that no worker has. They need little of it.
        ray.init(num_cpus=arguments.workers * arguments.threads + 1)
    started = time.monotonic()
    rows = ray.data.read_parquet(arguments.input).select_columns(["id", "text"])
    if arguments.blocks:
        rows = rows.repartition(arguments.blocks)
    found = rows.map_batches(
        Extract,
        fn_constructor_args=(arguments.model, arguments.threads),
        batch_format="pyarrow",
        batch_size=1024,
        compute=ray.data.ActorPoolStrategy(size=arguments.workers),
        num_cpus=arguments.threads,
    )
    found.write_parquet(arguments.output)
    print(f"{time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
