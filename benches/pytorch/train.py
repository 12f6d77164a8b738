"""Training of RERE's two stages in plain PyTorch: the baseline that the speed of `rere train` is measured against.

    python train.py --encoder minilm --data train.jsonl --threads 2

Needs torch 2.9, transformers 4.57, tokenizers. --encoder is a Hugging Face folder, --data a CasRel file (a JSON array or
JSON lines). Trains each stage for one epoch on the CPU as `rere train` does with `loss = { name = "bce" }` and,
with --frozen, that many `frozen_layers` (of a BERT): batches of --batch inputs of like length, dropout, gradients clipped by their global
norm, AdamW (PyTorch's fused one). Prints a line for each stage: steps, tokens without padding, seconds of all steps,
tokens a second, last loss.
"""

import argparse
import json
import random
import time
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import Encoding, Tokenizer
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import AutoModel, PreTrainedModel

MAX_TOKENS = 128
RATE = 1e-4
POINTERS = 4


def read_sentences(path: Path) -> list[dict]:
    content = path.read_text(encoding="utf-8")
    if content.lstrip().startswith("["):
        return json.loads(content)
    return [json.loads(line) for line in content.split("\n") if line.strip()]


def load_encoder(folder: Path) -> PreTrainedModel:
    """An encoder without the layer that only its pre-training uses."""
    encoder = AutoModel.from_pretrained(folder)
    encoder.pooler = None
    return encoder


def has_segments(encoder: PreTrainedModel) -> bool:
    return getattr(encoder.config, "type_vocab_size", 0) > 1


class Example(NamedTuple):
    encoding: Encoding
    labels: torch.Tensor  # [relations], or [tokens, 4]
    counted: torch.Tensor | None  # tokens of the sentence, [tokens]


class Model(torch.nn.Module):
    """An encoder, and logits for each sentence or for each token."""

    def __init__(self, folder: Path, outputs: int, by_token: bool, frozen: int | None) -> None:
        super().__init__()
        self.encoder = load_encoder(folder)
        if frozen is not None:
            for part in (self.encoder.embeddings, *self.encoder.encoder.layer[:frozen]):
                part.requires_grad_(False)
        self.dropout = torch.nn.Dropout(0.1)
        self.head = torch.nn.Linear(self.encoder.config.hidden_size, outputs)
        self.by_token = by_token

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        hidden = self.encoder(**inputs).last_hidden_state
        return self.head(self.dropout(hidden if self.by_token else hidden[:, 0]))


def stack(rows: list[torch.Tensor]) -> torch.Tensor:
    """Rows of different length, filled up with 0."""
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def loss_of(model: Model, batch: list[Example]) -> torch.Tensor:
    columns = {"input_ids": "ids", "token_type_ids": "type_ids", "attention_mask": "attention_mask"}
    if not has_segments(model.encoder):
        del columns["token_type_ids"]
    inputs = {name: stack([torch.tensor(getattr(e.encoding, of)) for e in batch]) for name, of in columns.items()}
    logits = model(**inputs)
    labels = stack([example.labels for example in batch])
    if not model.by_token:
        return binary_cross_entropy_with_logits(logits, labels)
    counted = stack([example.counted for example in batch]).unsqueeze(-1).expand_as(logits)
    return (binary_cross_entropy_with_logits(logits, labels, reduction="none") * counted).sum() / counted.sum()


def batches(examples: list[Example], size: int) -> list[list[Example]]:
    """Inputs of like length together, in a random order: sorted within 50 batches at a time."""
    random.shuffle(examples)
    result = []
    for start in range(0, len(examples), 50 * size):
        pool = sorted(examples[start : start + 50 * size], key=lambda example: len(example.encoding))
        result += [pool[first : first + size] for first in range(0, len(pool), size)]
    random.shuffle(result)
    return result


def train(name: str, model: Model, examples: list[Example], batch_size: int) -> None:
    trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    decayed = [p for n, p in trained if not n.endswith("bias") and "norm" not in n.lower()]
    others = [p for n, p in trained if n.endswith("bias") or "norm" in n.lower()]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, eps=1e-6, fused=True)
    model.train()
    steps = batches(examples, batch_size)
    begin = time.perf_counter()
    for batch in steps:
        loss = loss_of(model, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for _, p in trained], 1.0)
        optimizer.step()
        last = loss.item()
    seconds = time.perf_counter() - begin
    tokens = sum(len(example.encoding) for example in examples)
    print(f"{name}: {len(steps)} steps, {tokens} tokens, {seconds:.2f} s, {tokens / seconds:.0f} tokens/s, loss {last:.4f}")


def pointer_labels(encoding: Encoding, text: str, triples: list[tuple[str, str]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Where subjects and objects start and end among the tokens, at their first place in the text."""
    labels, inside = torch.zeros(len(encoding), POINTERS), torch.zeros(len(encoding))
    for token, sequence in enumerate(encoding.sequence_ids):
        if sequence == 1:
            inside[token] = 1
            start, end = encoding.offsets[token]
            for pair in triples:
                for role, surface in enumerate(pair):
                    at = text.find(surface)
                    labels[token, 2 * role] += at == start
                    labels[token, 2 * role + 1] += at + len(surface) == end
    return labels.clamp(max=1), inside


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--frozen", type=int, nargs=2, default=[None, None], help="layers of the relation and entity stage")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    random.seed(1)
    tokenizer = Tokenizer.from_file(str(args.encoder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    sentences = read_sentences(args.data)
    names = sorted({triple[1] for sentence in sentences for triple in sentence["triple_list"]})

    relation, entity = [], []
    for sentence in sentences:
        text, triples = sentence["text"], sentence["triple_list"]
        own = {triple[1] for triple in triples}
        relation.append(Example(tokenizer.encode(text), torch.tensor([float(name in own) for name in names]), None))
        for name in sorted(own):
            encoding = tokenizer.encode(name.strip("/").replace("/", " ").replace("_", " "), text)
            pairs = [(subject, object) for subject, own_name, object in triples if own_name == name]
            entity.append(Example(encoding, *pointer_labels(encoding, text, pairs)))
    train("relation", Model(args.encoder, len(names), by_token=False, frozen=args.frozen[0]), relation, args.batch)
    train("entity", Model(args.encoder, POINTERS, by_token=True, frozen=args.frozen[1]), entity, args.batch)


if __name__ == "__main__":
    main()
