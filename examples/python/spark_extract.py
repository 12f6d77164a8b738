"""Extracts triples from Parquet files with Spark, with one model per Python worker.

    pip install rere pyspark pyarrow
    spark-submit --master 'local[2]' spark_extract.py MODEL IN OUT --threads 1

IN is a file or a folder with the columns `id` and `text`, OUT a new folder of Parquet files with `id`, `triples`,
and `model`, the digest of the model. Spark shows the progress. On a cluster it repeats the work of a worker that
fails; on one machine it does so with the master `local[2,4]`, up to 4 times. MODEL, IN and OUT must be on storage
that all nodes can read. Set PYSPARK_PYTHON to the interpreter that has the packages, unless it is the `python3` of
all nodes.
"""

import argparse
import time
from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.functions import lit

import rere

MENTION = "struct<text: string, start: bigint, end: bigint, type: string, entity: string>"
TRIPLES = f"triples array<struct<subject: {MENTION}, relation: string, object: {MENTION}, score: float>>"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "input", "output"):
        parser.add_argument(name)
    parser.add_argument("--threads", type=int, default=1, help="threads per worker; set spark.task.cpus to the same")
    parser.add_argument("--partitions", type=int, help="parts of a small input; Spark divides a large one itself")
    arguments = parser.parse_args()

    # It is sent to the workers as its path and settings. Each loads the model once.
    extractor = rere.Extractor.load(arguments.model, threads=arguments.threads)

    def extract(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from pa.table(extractor.extract_arrow(batch, text="text", id="id", split=False)).to_batches()

    spark = SparkSession.builder.appName("rere").getOrCreate()
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 1024)
    started = time.monotonic()
    rows = spark.read.parquet(arguments.input).select("id", "text")
    if arguments.partitions:
        rows = rows.repartition(arguments.partitions)
    id_type = rows.schema["id"].dataType.simpleString()
    found = rows.mapInArrow(extract, f"id {id_type}, {TRIPLES}").withColumn("model", lit(extractor.digest))
    found.write.parquet(arguments.output)
    print(f"{time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
