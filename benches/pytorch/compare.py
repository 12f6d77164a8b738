"""Times `rere` and the PyTorch baselines beside this file in turns, and prints medians, ratios and peak memory.

    python compare.py extract --rere target/release/rere --model MODEL --data test.json
    python compare.py latency --model MODEL --data test.json
    python compare.py train --rere target/release/rere --encoder minilm --data train.jsonl
    python compare.py families --rere target/release/rere --encoder FAMILIES --data train.jsonl --test test.json

Runs with the Python that has torch (see extract.py and train.py), and for `latency`, which times calls of one sentence,
the package rere. `rere` is built with the feature tch and finds its libtorch by LD_LIBRARY_PATH, which the baselines do
not see. `families` does both with each encoder in a folder (see families.py), on --data and --test. Each contender runs
once a round, on all of --threads threads; seconds are those of the work without loading. Memory is the whole process's,
loading included.
"""

import argparse
import contextlib
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
TRAINING = """
data.train = {data}
encoder.pretrained = {encoder}
rere.relation = {{ epochs = 1, batch = {batch}, loss.name = "bce"{frozen[0]} }}
rere.entity = {{ epochs = 1, batch = {batch}, loss.name = "bce"{frozen[1]} }}
"""
HEADS = """
data.train = {data}
encoder.pretrained = {encoder}
rere.at_least_one = false
rere.relation = {{ epochs = 5, learning_rate = 1e-2, frozen_layers = 6 }}
rere.entity = {{ epochs = 5, learning_rate = 1e-2, frozen_layers = 6 }}
decode.overlap = true
"""


def run(command: list[object], python: bool, threads: int) -> tuple[str, float]:
    """What a command prints, and its peak memory in MiB."""
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
    if python:
        environment.pop("LD_LIBRARY_PATH", None)
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen([str(part) for part in command], stdout=output, stderr=output, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        output.seek(0)
        printed = output.read()
    if status:
        sys.exit(f"{command} failed:\n{printed}")
    return printed, usage.ru_maxrss / 1024


def number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if not found:
        sys.exit(f"no {pattern} in:\n{text}")
    return float(found[1])


def table(contenders: dict[str, Callable[[], tuple[dict[str, float], float]]], args: argparse.Namespace, unit: str, digits: int = 1) -> None:
    """Runs contenders in turns. The first one is what the others are compared with."""
    if args.only:
        contenders = {name: contenders[name] for name in args.only}
    results = {name: [] for name in contenders}
    for _ in range(args.rounds):
        for name, contend in contenders.items():
            results[name].append(contend())
    base = results[next(iter(results))]
    for name, runs in results.items():
        for stage in runs[0][0]:
            rates = [rate[stage] for rate, _ in runs]
            ratios = sorted(rate[stage] / other[stage] for (rate, _), (other, _) in zip(runs, base))
            shown = " ".join(f"{rate:.{digits}f}" for rate in rates)
            spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            peak = max(memory for _, memory in runs)
            print(f"{name:22} {stage:9} {statistics.median(rates):8.{digits}f} {unit} {spread:22} {peak:6.0f} MiB   [{shown}]")


def describe_machine() -> None:
    """Prints the processor, what it has for matrix products, and what the rivals use of it, as far as they tell."""
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        info = ""
    name = re.search(r"model name\s*: (.*)", info)
    flags = re.search(r"flags\s*: (.*)", info)
    wanted = ("avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
    features = [flag for flag in wanted if flags and flag in flags[1].split()]
    print(f"processor: {name[1] if name else platform.machine()}; {' '.join(features)}")
    code = "import torch; print('PyTorch', torch.__version__, 'with', torch.backends.cpu.get_cpu_capability())"
    print(run([sys.executable, "-c", code], True, 1)[0].strip())
    with contextlib.suppress(ImportError):  # Only some comparisons need it.
        import onnxruntime

        print(f"onnxruntime {onnxruntime.__version__} (its kernels cannot be seen)")
    sys.stdout.flush()


def extraction(args: argparse.Namespace) -> None:
    def rere(*options: str):
        def contend():
            command = [args.rere, "extract", "--model", args.model, args.data, "-o", os.devnull, *options]
            printed, memory = run(command, False, args.threads)
            counts.add(number(r"(\d+) triples", printed))
            sentences = number(r"(\d+) sentences", printed)
            return {"": sentences / number(r"in ([\d.]+) s", printed)}, memory

        return contend

    def python(*options: str):
        def contend():
            command = [sys.executable, HERE / "extract.py", "--model", args.model, "--data", args.data]
            encoder = ["--encoder", args.encoder] if args.encoder else []
            printed, memory = run([*command, *encoder, "--threads", args.threads, *options], True, args.threads)
            counts.add(number(r"triples +(\d+)", printed))
            return {"": number(r"sentences +(\d+)", printed) / number(r"seconds +([\d.]+)", printed)}, memory

        return contend

    counts: set[float] = set()
    contenders = {
        "PyTorch": python(),
        "PyTorch, bf16": python("--bf16"),
        "onnxruntime": python("--onnx", "f32"),
        "onnxruntime, int8": python("--onnx", "int8"),
        "rere, flex": rere("--device", "flex"),
        "rere, flex, int8": rere("--device", "flex", "--precision", "int8"),
        "rere, libtorch": rere("--device", "libtorch"),
        "rere, libtorch, bf16": rere("--device", "libtorch", "--precision", "bf16"),
    }
    if args.encoder:  # Only BERT is exported.
        contenders = {name: contenders[name] for name in ("PyTorch", "rere, flex", "rere, libtorch")}
    table(contenders, args, "sentences/s")
    print("triples:", ", ".join(f"{count:.0f}" for count in sorted(counts)))


def latency(args: argparse.Namespace) -> None:
    def call(program: str, *options: str):
        def contend():
            command = [sys.executable, HERE / program, "--model", args.model, "--data", args.data]
            printed, memory = run([*command, "--threads", args.threads, *options], True, args.threads)
            return {"": 1 / number(r"ms a call +([\d.]+)", printed)}, memory

        return contend

    contenders = {
        "PyTorch": call("extract.py", "--single"),
        "PyTorch, bf16": call("extract.py", "--single", "--bf16"),
        "onnxruntime": call("extract.py", "--single", "--onnx", "f32"),
        "onnxruntime, int8": call("extract.py", "--single", "--onnx", "int8"),
        "rere, flex": call("single.py"),
        "rere, flex, int8": call("single.py", "--precision", "int8"),
    }
    table(contenders, args, "calls/ms", 4)


def training(args: argparse.Namespace) -> None:
    def rere(device: str):
        def contend():
            with tempfile.TemporaryDirectory() as folder:
                config = Path(folder) / "train.toml"
                paths = {name: repr(str(path.absolute())) for name, path in (("data", args.data), ("encoder", args.encoder))}
                frozen = [f", frozen_layers = {layers}" for layers in args.frozen] if args.frozen else ["", ""]
                config.write_text(TRAINING.format(**paths, batch=args.batch, frozen=frozen), encoding="utf-8")
                command = [args.rere, "train", "--config", config, "--out", Path(folder) / "model", "--device", device]
                printed, memory = run(command, False, args.threads)
            relation, entity = (float(rate) for rate in re.findall(r"([\d.]+) tokens/s", printed))
            return {"relation": relation, "entity": entity}, memory

        return contend

    def python():
        command = [sys.executable, HERE / "train.py", "--encoder", args.encoder, "--data", args.data]
        frozen = ["--frozen", *args.frozen] if args.frozen else []
        printed, memory = run([*command, "--batch", args.batch, "--threads", args.threads, *frozen], True, args.threads)
        return {stage: number(rf"{stage}: .* ([\d.]+) tokens/s", printed) for stage in ("relation", "entity")}, memory

    table({"PyTorch": python, "rere, flex": rere("flex"), "rere, libtorch": rere("libtorch")}, args, "tokens/s")


def families(args: argparse.Namespace) -> None:
    for encoder in sorted(args.encoder.iterdir()):
        print(f"-- {encoder.name}", flush=True)
        training(argparse.Namespace(**vars(args) | {"encoder": encoder}))
        with tempfile.TemporaryDirectory() as folder:
            # Only the heads are trained, so that the baseline can take the encoder's own weights.
            config, model = Path(folder) / "train.toml", Path(folder) / "model"
            paths = {"data": repr(str(args.data.absolute())), "encoder": repr(str(encoder.absolute()))}
            config.write_text(HEADS.format(**paths), encoding="utf-8")
            run([args.rere, "train", "--config", config, "--out", model], False, args.threads)
            run([args.rere, "tune", "--model", model, "--detect", 0.15, "--decode", 0.15, "--triple", 0], False, args.threads)
            extraction(argparse.Namespace(**vars(args) | {"encoder": encoder, "model": model, "data": args.test}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["extract", "latency", "train", "families"])
    parser.add_argument("--rere", type=Path, help="the command; for all but latency")
    parser.add_argument("--model", type=Path, help="for extract and latency")
    parser.add_argument("--encoder", type=Path, help="for train; for families, a folder of encoders")
    parser.add_argument("--test", type=Path, help="for families")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--frozen", type=int, nargs=2, help="for train: frozen layers of the relation and the entity stage")
    parser.add_argument("--batch", type=int, default=32, help="for train")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these contenders; the first is the base")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    compare, needed = {
        "extract": (extraction, ["rere", "model"]),
        "latency": (latency, ["model"]),
        "train": (training, ["rere", "encoder"]),
        "families": (families, ["rere", "encoder", "test"]),
    }[args.what]
    for name in needed:
        if getattr(args, name) is None:
            parser.error(f"{args.what} needs --{name}")
    describe_machine()
    compare(args)


if __name__ == "__main__":
    main()
