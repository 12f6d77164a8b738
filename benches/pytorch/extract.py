"""RERE extraction in plain PyTorch: the baseline that the speed of `rere extract` is measured against.

    python extract.py --model MODEL --data test.json --threads 2 --repeat 5

Needs torch 2.9, transformers 4.57, tokenizers, safetensors, and for --onnx also onnx and onnxruntime. With --onnx int8,
onnxruntime quantises the encoders as its documentation recommends for transformers: dynamically, 8-bit weights. MODEL is a rere
model folder with nearest pairing and `at_least_one` false, --data a CasRel file (a JSON array or JSON lines). The encoder
is a BERT, or, if it was not trained further, that of --encoder, a Hugging Face folder. Runs on the CPU, in batches as `rere extract` fills them: of like length, as many inputs as fit in --batch-tokens.
With --single each sentence is a call of its own, and milliseconds a call are printed, after ten calls that are not counted.
Prints the sentences, the tokens that both encoders read (with [CLS] and [SEP], without padding), the median seconds of all
work after loading, tokens a second, the distinct triples, and the inputs that were cut to `max_tokens`.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Encoding, Tokenizer
from train import has_segments, load_encoder, read_sentences
from transformers import BertConfig, BertModel

# Tensor names of a rere model folder, and those of transformers.
EMBEDDINGS = {
    "word": "word_embeddings",
    "position": "position_embeddings",
    "token_type": "token_type_embeddings",
    "norm": "LayerNorm",
}
LAYER = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "output_norm": "output.LayerNorm",
}

Span = tuple[int, int]  # first and last token
Triple = tuple[str, str, str]  # subject, relation, object


class Extraction(NamedTuple):
    triples: list[set[Triple]]  # of each sentence
    tokens: int
    cut: int


class Network(torch.nn.Module):
    """An encoder and its head: the relation classifier or the entity extractor."""

    def __init__(self, config: dict, weights: Path, pretrained: Path | None) -> None:
        super().__init__()
        tensors = load_file(weights)
        if pretrained:
            self.encoder = load_encoder(pretrained)
        else:
            names = [name for name in tensors if name.startswith("encoder.")]
            self.encoder = BertModel(BertConfig(**config), add_pooling_layer=False)
            self.encoder.load_state_dict({transformers_name(name): tensors[name] for name in names})
        outputs, inputs = tensors["head.linear.weight"].shape
        self.head = torch.nn.Linear(inputs, outputs)
        self.head.load_state_dict({part: tensors[f"head.linear.{part}"] for part in ("weight", "bias")})
        self.session, self.bf16 = None, False
        self.eval()

    def use_onnx(self, precision: str, threads: int) -> None:
        """Runs the encoder in onnxruntime from now on."""
        import onnxruntime
        from onnxruntime.quantization import QuantType, quantize_dynamic

        example = torch.ones(2, 8, dtype=torch.int64)
        names = ["input_ids", "token_type_ids", "attention_mask"]
        axes = {name: {0: "rows", 1: "width"} for name in [*names, "hidden"]}
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/encoder.onnx"
            torch.onnx.export(
                Exported(self.encoder), (example,) * 3, path, input_names=names, output_names=["hidden"], dynamic_axes=axes, dynamo=False
            )
            if precision == "int8":
                exported, path = path, f"{folder}/int8.onnx"
                quantize_dynamic(exported, path, weight_type=QuantType.QInt8)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def batches(self, encodings: list[Encoding], tokens: int) -> Iterator[tuple[list[int], torch.Tensor]]:
        """The hidden states [rows, width, hidden] of each batch of like length, and the encodings they are of."""
        order = sorted(range(len(encodings)), key=lambda index: -len(encodings[index]))
        while order:
            width = len(encodings[order[0]])
            rows, order = order[: max(1, tokens // width)], order[max(1, tokens // width) :]
            ids, types, mask = np.zeros((3, len(rows), width), dtype=np.int64)
            for row, index in enumerate(rows):
                length = len(encodings[index])
                ids[row, :length] = encodings[index].ids
                types[row, :length] = encodings[index].type_ids
                mask[row, :length] = 1
            arrays = {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}
            if self.session:
                yield rows, torch.from_numpy(self.session.run(None, arrays)[0])
            else:
                if not has_segments(self.encoder):
                    del arrays["token_type_ids"]
                tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
                with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
                    hidden = self.encoder(**tensors).last_hidden_state
                yield rows, hidden.float()


class Exported(torch.nn.Module):
    """A BERT whose inputs have no names and whose output is a tensor, as the export wants them."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder.requires_grad_(False)

    def forward(self, ids: torch.Tensor, types: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.encoder(input_ids=ids, token_type_ids=types, attention_mask=mask).last_hidden_state


class Rere:
    """A loaded model folder."""

    def __init__(self, folder: Path, pretrained: Path | None) -> None:
        self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.relation = Network(self.config["encoder"], folder / "relation" / "model.safetensors", pretrained)
        self.entity = Network(self.config["encoder"], folder / "entity" / "model.safetensors", pretrained)

    @torch.inference_mode()
    def extract(self, texts: list[str], batch_tokens: int) -> Extraction:
        relations = self.config["relations"]
        self.tokenizer.enable_truncation(self.config["max_tokens"])
        sentences = self.tokenizer.encode_batch(texts)
        detected: list[tuple[int, int]] = []  # sentence, relation
        for rows, hidden in self.relation.batches(sentences, batch_tokens):
            scores = torch.sigmoid(self.relation.head(hidden[:, 0]))
            found = (scores > self.config["thresholds"]["detect"]).nonzero().tolist()
            detected += [(rows[row], relation) for row, relation in found]

        self.tokenizer.enable_truncation(self.config["max_tokens"], strategy="only_second")
        queries = self.tokenizer.encode_batch([(relations[r]["query"], texts[s]) for s, r in detected])
        triples: list[set[Triple]] = [set() for _ in texts]
        for rows, hidden in self.entity.batches(queries, batch_tokens):
            marks = (torch.sigmoid(self.entity.head(hidden)) >= self.config["thresholds"]["decode"]).numpy()
            for index, marked in zip(rows, marks):
                sentence, relation = detected[index]
                text, offsets, sequences = texts[sentence], queries[index].offsets, queries[index].sequence_ids
                inside = [token for token, sequence in enumerate(sequences) if sequence == 1]
                starts, ends = zip(*(offsets[token] for token in inside)) if inside else ((), ())
                for subject, object in nearest_pairs(marked[inside]):
                    surfaces = [text[starts[first] : ends[last]] for first, last in (subject, object)]
                    triples[sentence].add((surfaces[0], relations[relation]["name"], surfaces[1]))

        inputs = sentences + queries
        cut = sum(bool(encoding.overflowing) for encoding in inputs)
        return Extraction(triples, sum(map(len, inputs)), cut)


def transformers_name(name: str) -> str:
    """`encoder.layers.0.up.bias` to `encoder.layer.0.intermediate.dense.bias`."""
    match name.split("."):
        case ["encoder", "embeddings", part, tensor]:
            return f"embeddings.{EMBEDDINGS[part]}.{tensor}"
        case ["encoder", "layers", layer, part, tensor]:
            return f"encoder.layer.{layer}.{LAYER[part]}.{tensor}"
    raise ValueError(f"{name} is not a tensor of a rere encoder")


def spans(starts: np.ndarray, ends: np.ndarray) -> list[Span]:
    """Each marked start with the nearest marked end at or after it."""
    starts, ends = starts.nonzero()[0], ends.nonzero()[0]
    nearest = np.searchsorted(ends, starts)
    return [(int(start), int(ends[end])) for start, end in zip(starts, nearest) if end < len(ends)]


def nearest_pairs(marked: np.ndarray) -> set[tuple[Span, Span]]:
    """Each subject with its nearest object, each object with the last subject before it (Sec. 4.2)."""
    subjects, objects = spans(marked[:, 0], marked[:, 1]), spans(marked[:, 2], marked[:, 3])
    pairs = set()
    for subject in subjects:
        others = [object for object in objects if object != subject]
        if others:
            pairs.add((subject, min(others, key=lambda object: abs(object[0] - subject[0]))))
    for object in objects:
        before = [subject for subject in subjects if subject[0] <= object[0] and subject != object]
        if before:
            pairs.add((before[-1], object))
    return pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--encoder", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-tokens", type=int, default=1024)
    parser.add_argument("--onnx", choices=["f32", "int8"], help="run the encoders in onnxruntime")
    parser.add_argument("--bf16", action="store_true", help="run the encoders under autocast to bf16")
    parser.add_argument("--single", action="store_true", help="time calls of one sentence")
    parser.add_argument("--repeat", type=int, default=1, help="runs of which the median is printed")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    os.environ["RAYON_NUM_THREADS"] = str(args.threads)  # read by tokenizers at its first batch
    model, texts = Rere(args.model, args.encoder), [sentence["text"] for sentence in read_sentences(args.data)]

    if args.onnx:
        model.relation.use_onnx(args.onnx, args.threads)
        model.entity.use_onnx(args.onnx, args.threads)
    model.relation.bf16 = model.entity.bf16 = args.bf16

    if args.single:
        calls = []
        for text in texts[:10] + texts:
            begin = time.perf_counter()
            model.extract([text], args.batch_tokens)
            calls.append(1000 * (time.perf_counter() - begin))
        print(f"ms a call  {statistics.median(calls[10:]):.3f}")
        return

    seconds = []
    for _ in range(args.repeat):
        begin = time.perf_counter()
        result = model.extract(texts, args.batch_tokens)
        seconds.append(time.perf_counter() - begin)
    median = statistics.median(seconds)

    print(f"sentences  {len(texts)}")
    print(f"tokens     {result.tokens}")
    print(f"seconds    {median:.3f}")
    print(f"tokens/s   {result.tokens / median:.0f}")
    print(f"triples    {sum(map(len, result.triples))}")
    print(f"cut inputs {result.cut}")


if __name__ == "__main__":
    main()
