"""Compares the triples that `examples/python/onnx_extract.py` finds in onnxruntime with those of `rere extract`.

    python .ci/onnx_triples.py RERE FOLDER

RERE is the command; FOLDER gets models that are trained on datasets/small, and what they find there. Needs onnx,
onnxruntime, tokenizers and numpy.
"""

import json
import pathlib
import subprocess
import sys

import onnx

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples" / "python"))
from onnx_extract import Extractor  # noqa: E402

SMALL = ROOT / "datasets" / "small"
TOLERANCE = 1e-4
BERT = """random = { model_type = "MODEL_TYPE", hidden_size = 64, num_hidden_layers = 2, num_attention_heads = 4,
intermediate_size = 128, max_position_embeddings = 130, pad_token_id = 0 }"""
RATES = "batch = 8\nlearning_rate = 1e-3\n"
STAGES = {
    "rere": f"[rere.relation]\nepochs = 3\n{RATES}[rere.entity]\nepochs = 3\n{RATES}",
    "prgc": f"[prgc.network]\nepochs = 6\n{RATES}",
}
# The encoders differ in segments, positions and biases. Their graphs are compared one by one in crates/rere-model.
ENCODERS = {"rere": ["bert", "mpnet"], "prgc": ["roberta"]}

# Texts without tokens, marks that the tokenizer drops, joined characters, white space, and names of special tokens.
ODD = [
    "",
    " \t",
    "Jose\u0301 Mu\u0308ller works for Cafe\u0301 Noir in Kellstad .",
    "\U0001f469\u200d\U0001f680 Ada lives in \u5317\u4eac , \U0001f469\u200d\U0001f680 .",
    "  Ada  works for   Silverlode Foods  in Vennhaven .",
    "[SEP] works for [CLS] in Vennhaven .",
]

Triple = tuple[int, int, str, int, int]


def keyed(triples: list[dict]) -> dict[Triple, float]:
    """Scores by offsets and relation."""
    ends = lambda triple: (triple["subject"], triple["object"])
    key = lambda subject, other, relation: (subject["start"], subject["end"], relation, other["start"], other["end"])
    return {key(*ends(triple), triple["relation"]): triple["score"] for triple in triples}


def same(a: dict[Triple, float], b: dict[Triple, float]) -> bool:
    return a.keys() == b.keys() and all(abs(a[key] - b[key]) <= TOLERANCE for key in a)


def shifted(folder: pathlib.Path, shift: float) -> Extractor:
    """A reader whose thresholds are all higher."""
    extractor = Extractor(folder)
    for name in ("detect", "decode"):
        extractor.settings[name] += shift
    extractor.least = [least + shift for least in extractor.least]
    return extractor


def check(rere: str, folder: pathlib.Path, name: str, system: str, encoder: str) -> None:
    """Trains a model, and compares its triples at two thresholds of pointers."""
    settings, model = folder / f"{name}.toml", folder / name
    settings.write_text(
        f'system = "{system}"\n[data]\ntrain = "{SMALL}/train.jsonl"\ndev = "{SMALL}/dev.jsonl"\n'
        f"[encoder]\n{BERT.replace('MODEL_TYPE', encoder)}\n{STAGES[system]}[training]\nmax_tokens = 128\n"
    )
    run(rere, "train", "--config", settings, "--out", model)
    for decode in (0.2, 0.8):
        # With low thresholds there are many triples. With a high one of pointers, at_least_one decides.
        run(rere, "tune", "--model", model, "--detect", 0.05, "--decode", decode, "--triple", 0.02)
        compare(rere, folder, model, decode)


def run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


def compare(rere: str, folder: pathlib.Path, model: pathlib.Path, decode: float) -> None:
    name = f"{model.name}-{decode}"
    exported = folder / f"{name}-onnx"
    run(rere, "export", "--model", model, "--onnx", exported)
    for file in ("relation.onnx", "entity.onnx"):
        onnx.checker.check_model(str(exported / file), full_check=True)
    texts, predicted = folder / "texts.txt", folder / f"{name}.jsonl"
    run(rere, "convert", "--to", "text", SMALL / "test.jsonl", texts)
    with texts.open("a", encoding="utf-8") as out:
        out.write("".join(text + "\n" for text in ODD))
    run(rere, "extract", "--split", "none", "--model", model, texts, "-o", predicted)
    lines = texts.read_text("utf-8").split("\n")[:-1]
    expected = [json.loads(line)["triples"] for line in predicted.read_text("utf-8").splitlines()]
    assert len(lines) == len(expected), f"{len(lines)} texts, {len(expected)} lines of output"
    found, *others = (shifted(exported, shift).extract(lines) for shift in (0, -TOLERANCE, TOLERANCE))

    number = sum(map(len, expected))
    assert number > 200, f"{name}: only {number} triples say too little"
    differences = near = 0
    worst = 0.0
    for at, text in enumerate(lines):
        for triple in found[at]:
            for end in (triple["subject"], triple["object"]):
                assert text[end["start"] : end["end"]] == end["text"], f"{name}: {text}: {end}"
        scores = [triple["score"] for triple in found[at]]
        assert scores == sorted(scores, reverse=True), f"{name}: {text}: not the best first"
        ours, theirs = keyed(found[at]), keyed(expected[at])
        if same(ours, theirs):
            worst = max([worst, *(abs(ours[key] - theirs[key]) for key in ours)])
        elif any(same(keyed(other[at]), theirs) for other in others):
            near += 1
        else:
            differences += 1
            print(f"{name}: {text}\n  expected {expected[at]}\n  found    {found[at]}")
    print(
        f"{name}: {number} triples in {len(lines)} sentences; the scores differ by at most {worst:.1e}; "
        f"{near} sentences have a score within {TOLERANCE} of a threshold, and differ"
    )
    assert not differences, f"{name}: {differences} sentences differ"


def main() -> None:
    rere, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for system, encoders in ENCODERS.items():
        for encoder in encoders:
            check(rere, folder, f"{system}-{encoder}", system, encoder)


if __name__ == "__main__":
    main()
