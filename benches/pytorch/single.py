"""Times calls of the package rere with one sentence, as extract.py --single does for its rivals.

    python single.py --model MODEL --data test.json --threads 2 --precision int8
"""

import argparse
import statistics
import time
from pathlib import Path

import rere
from train import read_sentences


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="f32")
    args = parser.parse_args()

    extractor = rere.Extractor.load(args.model, precision=args.precision, threads=args.threads)
    texts = [sentence["text"] for sentence in read_sentences(args.data)]
    calls = []
    for text in texts[:10] + texts:
        begin = time.perf_counter()
        extractor.extract([text])
        calls.append(1000 * (time.perf_counter() - begin))
    print(f"ms a call  {statistics.median(calls[10:]):.3f}")


if __name__ == "__main__":
    main()
