"""TPLinker (Wang et al., COLING 2020) in float64 PyTorch: logits and a training, which another program must reproduce.

    python3 tplinker.py tplinker.safetensors

Needs torch 2.9 (made with 2.9.1), safetensors, numpy. Written from the paper's formulas, not from any program; "here"
names what differs from the paper, and is the form of the authors' later TPLinker-plus. The equations are numbered by
counting those that the paper displays (h_i: the last hidden state of token i, i = 1 to N):

    E1-E2  h_0 = S W_s + W_p, h_a = Trans(h_{a-1})                         BERT; the paper displays no equation of it
    1      h_{i,j} = tanh(W_h [h_i; h_j] + b_h), j >= i
    2      P(y_{i,j}) = softmax(W_o h_{i,j} + b_o)                         over the tags 0, 1, 2 of each sequence
               here: sigmoid(W_o h_{i,j} + b_o), a label for tag 1 and one for tag 2 of each sequence; 0 is neither
    3      link(w_i, w_j) = argmax_l P(y_{i,j} = l)                        here: each label with P > 1/2; not used below
    4      L_link = -1/N sum_{i=1}^N sum_{j>=i} sum_{* in E, H, T} log P(y_{i,j}^* = l^*)
               E: entity head to entity tail; H: subject head to object head, T: subject tail to object tail, of each
               relation (two labels each here, and one of E)

In 4 the sum and N are of a whole batch here, not of one sentence.

Keys of the file. Batch b = 0, 1, 2 has B = 4 rows of T + 2 positions: [CLS], the sentence, [SEP], padding; R = 5;
H = 16. Positions i, j = 0 to T - 1 are those of the row from 1 on (in shorter rows [SEP] and padding too). The
C = T (T + 1) / 2 cells are (0, 0), (0, 1) to (0, T - 1), (1, 1) to (T - 1, T - 1). float32 unless said:

- Initial weights, from which the float64 model starts: a BertModel without pooler under its Hugging Face names
  (vocabulary 40, H, 2 layers, 2 heads, intermediate 32, 32 positions, 2 token types), `weight` as [out, in];
  `cell.weight` [H, 2H] and `cell.bias` [H], W_h and b_h; `output.weight` [1 + 4R, H] and `output.bias` [1 + 4R], W_o
  and b_o. Column 0 of cell (i, j): i and j are first and last token of an entity; column 1 + 4r: first tokens of a
  subject and an object of relation r; 2 + 4r: of an object and a subject; 3 + 4r: last tokens of a subject and an
  object; 4 + 4r: of an object and a subject. If i = j, a link is in column 1 + 4r or 3 + 4r.
- `b{b}.ids`, `b{b}.attention`, `b{b}.counts`: int64 [B, T + 2]. [CLS] is 2, tokens 4 to 39, [SEP] 3, padding 0;
  attention is 0 for padding alone, counts is 1 for the tokens alone: only their cells enter the loss. Token
  types are all 0.
- `b{b}.triples`: int64 [number of triples, 6]: row, first and last token of the subject, relation, first and last token
  of the object.
- `b{b}.targets` [B, C, 1 + 4R].
- `b{b}.logits` [B, C, 1 + 4R]: with the initial weights, before the sigmoid, for all cells.
- `losses` [20]: of step k on batch k % 3, before its update. `final.b0.logits`: of batch 0 after all steps.

Training: AdamW, rate 2e-3, betas 0.9 and 0.999, eps 1e-6, weight decay 0.01 (0 for biases and norms), gradients scaled
by min(1, 1 / (their global norm + 1e-12)), no dropout.
"""

import math
import sys
from typing import NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, logsigmoid, softmax

SEED = 14
VOCABULARY, HIDDEN, LAYERS, HEADS, INTERMEDIATE, POSITIONS, TOKEN_TYPES = 40, 16, 2, 2, 32, 32, 2
RELATIONS = 5
LABELS = 1 + 4 * RELATIONS
CLS, SEP, FIRST_TOKEN = 2, 3, 4
STEPS = 20

Span = tuple[int, int]  # first and last token, counted from 0 in the sentence
Weights = dict[str, Tensor]
Batch = dict[str, Tensor]


class Sentence(NamedTuple):
    tokens: int
    triples: tuple[tuple[Span, int, Span], ...]  # subject, relation, object


BATCHES = (
    (
        Sentence(9, (((0, 2), 0, (5, 5)), ((0, 2), 0, (7, 8)), ((5, 5), 3, (7, 8)))),
        Sentence(5, (((3, 4), 2, (1, 1)),)),
        Sentence(7, ()),
        Sentence(12, (((2, 3), 1, (6, 6)), ((9, 11), 4, (2, 3)), ((9, 11), 1, (6, 6)))),
    ),
    (  # the first has two relations between the same entities, one of them in both directions
        Sentence(11, (((4, 4), 0, (6, 8)), ((4, 4), 2, (6, 8)), ((6, 8), 2, (4, 4)), ((10, 10), 3, (4, 4)))),
        Sentence(6, (((0, 0), 3, (1, 1)),)),
        Sentence(10, (((0, 0), 1, (9, 9)), ((5, 6), 1, (9, 9)), ((5, 6), 1, (0, 0)), ((5, 6), 3, (2, 4)))),
        Sentence(8, (((4, 7), 4, (0, 3)),)),
    ),
    (  # the second has entities within each other: with the same first token, with the same last token, and neither
        Sentence(6, (((0, 1), 2, (2, 2)), ((0, 1), 2, (4, 5)), ((2, 2), 4, (4, 5)))),
        Sentence(13, (((3, 5), 0, (11, 11)), ((3, 8), 1, (3, 5)), ((7, 8), 1, (3, 8)), ((3, 8), 4, (5, 6)))),
        Sentence(12, (((7, 8), 0, (0, 0)), ((7, 8), 2, (1, 4)), ((7, 8), 3, (1, 4)), ((10, 11), 3, (0, 0)))),
        Sentence(1, ()),
    ),
)

# Model ----------------------------------------------------------------------------------------------------------------


def dense(w: Weights, name: str, x: Tensor) -> Tensor:
    return linear(x, w[f"{name}.weight"], w[f"{name}.bias"])  # W x + b of Eq. E2, 1 and 2


def norm(w: Weights, name: str, x: Tensor) -> Tensor:
    return layer_norm(x, [HIDDEN], w[f"{name}.weight"], w[f"{name}.bias"], eps=1e-12)  # within Eq. E1 and E2 (BERT)


def transformer(w: Weights, name: str, x: Tensor, mask: Tensor) -> Tensor:
    """Trans of Eq. E2: a post-norm BERT layer."""

    def split(part: str) -> Tensor:
        return dense(w, f"{name}.attention.self.{part}", x).unflatten(-1, (HEADS, -1)).transpose(1, 2)  # Eq. E2: heads

    scores = split("query") @ split("key").transpose(-1, -2) / math.sqrt(HIDDEN // HEADS)  # Eq. E2: Q K^T / sqrt(d)
    context = softmax(scores + mask, dim=-1) @ split("value")  # Eq. E2: attention, none of it to padding
    context = context.transpose(1, 2).flatten(2)  # Eq. E2: heads side by side
    x = norm(w, f"{name}.attention.output.LayerNorm", x + dense(w, f"{name}.attention.output.dense", context))  # Eq. E2
    inner = gelu(dense(w, f"{name}.intermediate.dense", x))  # Eq. E2: feed-forward, exact GELU
    return norm(w, f"{name}.output.LayerNorm", x + dense(w, f"{name}.output.dense", inner))  # Eq. E2


def encode(w: Weights, batch: Batch) -> Tensor:
    x = w["embeddings.word_embeddings.weight"][batch["ids"]]  # Eq. E1: S W_s
    x = x + w["embeddings.position_embeddings.weight"][: x.shape[1]]  # Eq. E1: + W_p
    x = x + w["embeddings.token_type_embeddings.weight"][0]  # of BERT; not in Eq. E1 (the same everywhere)
    x = norm(w, "embeddings.LayerNorm", x)  # of BERT; not in Eq. E1
    mask = (1 - batch["attention"].to(x.dtype))[:, None, None] * torch.finfo(x.dtype).min  # Eq. E2, for the padding
    for layer in range(LAYERS):
        x = transformer(w, f"encoder.layer.{layer}", x, mask)  # Eq. E2
    return x


def forward(w: Weights, batch: Batch) -> dict[str, Tensor]:
    """Logits [B, C, 1 + 4R]."""
    tokens = encode(w, batch)[:, 1:-1]  # [B, T, H]; Eq. E1 and E2
    i, j = torch.triu_indices(tokens.shape[1], tokens.shape[1])  # [C] each; j >= i of Eq. 1
    cell = dense(w, "cell", torch.cat([tokens[:, i], tokens[:, j]], dim=-1)).tanh()  # Eq. 1
    return dict(logits=dense(w, "output", cell))  # Eq. 2, before the sigmoid


def loss_of(w: Weights, batch: Batch) -> Tensor:
    logits, targets = forward(w, batch)["logits"], batch["targets"]  # Eq. E1 to 2
    nll = -targets * logsigmoid(logits) - (1 - targets) * logsigmoid(-logits)  # Eq. 4: -log of a P
    counts = batch["counts"][:, 1:-1].to(nll.dtype)  # [B, T]; the N tokens of Eq. 4
    _, j = torch.triu_indices(counts.shape[1], counts.shape[1])  # Eq. 4: i and j are tokens if j is one
    return (nll * counts[:, j].unsqueeze(-1)).sum() / counts.sum()  # Eq. 4: sums over i, j and *, by token


# Weights and data -----------------------------------------------------------------------------------------------------


def initial_weights(generator: torch.Generator) -> Weights:
    """Drawn wide, so that errors show. Rounded to float32."""
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings": (VOCABULARY, HIDDEN),
        "embeddings.position_embeddings": (POSITIONS, HIDDEN),
        "embeddings.token_type_embeddings": (TOKEN_TYPES, HIDDEN),
        "embeddings.LayerNorm": (HIDDEN,),
    }
    for layer in (f"encoder.layer.{layer}" for layer in range(LAYERS)):
        for part in ("query", "key", "value"):
            shapes[f"{layer}.attention.self.{part}"] = (HIDDEN, HIDDEN)
        shapes[f"{layer}.attention.output.dense"] = (HIDDEN, HIDDEN)
        shapes[f"{layer}.attention.output.LayerNorm"] = (HIDDEN,)
        shapes[f"{layer}.intermediate.dense"] = (INTERMEDIATE, HIDDEN)
        shapes[f"{layer}.output.dense"] = (HIDDEN, INTERMEDIATE)
        shapes[f"{layer}.output.LayerNorm"] = (HIDDEN,)
    shapes |= {"cell": (HIDDEN, 2 * HIDDEN), "output": (LABELS, HIDDEN)}

    weights = {}
    for name, shape in shapes.items():
        mean, deviation = (1.0, 0.1) if name.endswith("LayerNorm") else (0.0, 0.3)
        weights[f"{name}.weight"] = mean + deviation * torch.randn(shape, generator=generator)
        if not name.endswith("_embeddings"):
            weights[f"{name}.bias"] = 0.1 * torch.randn(shape[0], generator=generator)
    return weights


def batch_of(sentences: tuple[Sentence, ...], generator: torch.Generator) -> Batch:
    rows, longest = len(sentences), max(sentence.tokens for sentence in sentences)
    ids, attention, counts = torch.zeros(3, rows, longest + 2, dtype=torch.int64)
    triples = []
    cells = {(i, j): cell for cell, (i, j) in enumerate(torch.triu_indices(longest, longest).T.tolist())}
    targets = torch.zeros(rows, len(cells), LABELS)
    for row, sentence in enumerate(sentences):
        end = sentence.tokens + 1
        ids[row, 0], ids[row, end] = CLS, SEP
        ids[row, 1:end] = torch.randint(FIRST_TOKEN, VOCABULARY, (sentence.tokens,), generator=generator)
        attention[row, : end + 1] = 1
        counts[row, 1:end] = 1
        for of, relation, to in sentence.triples:
            triples.append((row, *of, relation, *to))
            targets[row, [cells[of], cells[to]], 0] = 1
            for side, (i, j) in enumerate(zip(of, to, strict=True)):  # first tokens, last tokens
                targets[row, cells[min(i, j), max(i, j)], 1 + 4 * relation + 2 * side + (i > j)] = 1
    return dict(ids=ids, attention=attention, counts=counts, triples=torch.tensor(triples), targets=targets)


# Training -------------------------------------------------------------------------------------------------------------


def train(w: Weights, batches: list[Batch]) -> Tensor:
    """Changes the weights. Returns the losses."""
    plain = [name for name in w if name.endswith(".bias") or "LayerNorm" in name]
    groups = [
        {"params": [w[name] for name in w if name not in plain], "weight_decay": 0.01},
        {"params": [w[name] for name in plain], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=2e-3, betas=(0.9, 0.999), eps=1e-6)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(w, batches[step % len(batches)])  # Eq. 4
        loss.backward()
        length = torch.stack([weight.grad.square().sum() for weight in w.values()]).sum().sqrt().item()
        for weight in w.values():
            weight.grad *= min(1.0, 1.0 / (length + 1e-12))
        optimizer.step()
        losses.append(loss.item())
        print(f"step {step:2}: loss {losses[-1]:.6f}, gradient norm {length:.4f}")
    return torch.tensor(losses, dtype=torch.float64)


def double(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(SEED)
    initial = initial_weights(generator)
    batches = [batch_of(sentences, generator) for sentences in BATCHES]
    weights = {name: weight.requires_grad_() for name, weight in double(initial).items()}

    tensors = dict(initial)
    for number, batch in enumerate(batches):
        with torch.no_grad():
            logits = forward(weights, batch)
        tensors |= {f"b{number}.{name}": tensor for name, tensor in (batch | logits).items()}
    tensors["losses"] = train(weights, [double(batch) for batch in batches])
    with torch.no_grad():
        tensors |= {f"final.b0.{name}": tensor for name, tensor in forward(weights, batches[0]).items()}

    stored = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    save_file({name: tensor.contiguous() for name, tensor in stored.items()}, sys.argv[1])


if __name__ == "__main__":
    main()
