"""CasRel (Wei et al., ACL 2020) in float64 PyTorch: logits and a short training, which another program must reproduce.

    python3 casrel.py casrel.safetensors

Needs torch 2.9 (made with 2.9.1), safetensors, numpy. Written from the paper's formulas, not from any program. They are
numbered here by counting those that the paper displays (T_j: the triples of sentence x_j; R: all relations):

    1-3    prod_j prod_{s in T_j} p(s|x_j) prod_{r in T_j|s} p_r(o|s,x_j) prod_{r in R \\ T_j|s} p_r(o_null|s,x_j)
    4-5    h_0 = S W_s + W_p, h_a = Trans(h_{a-1})                         BERT; x_i is token i of the last h
    6-7    p_i^{start_s} = sigmoid(W_start x_i + b_start), and so p_i^{end_s}
    8      p_theta(s|x) = prod_t prod_i (p_i^t)^[y_i^t = 1] (1 - p_i^t)^[y_i^t = 0]     t: start_s, end_s; i: 1 to L
    9-10   p_i^{start_o} = sigmoid(W^r_start (x_i + v_sub) + b^r_start), and so p_i^{end_o}
    11     p_phi_r(o|s,x): as 8, t: start_o, end_o; all y are 0 for o_null
    12     J = sum_j [sum_s log p_theta(s|x_j) + sum_{r in T_j|s} log p_phi_r(o|s,x_j)
                      + sum_{r in R \\ T_j|s} log p_phi_r(o_null|s,x_j)]

Keys of the file. Batch b = 0, 1, 2 has B = 4 rows of N tokens with padding; R = 5; H = 16. float32 unless said:

- Initial weights, from which the float64 model starts: a BertModel without pooler under its Hugging Face names
  (vocabulary 40, H, 2 layers, 2 heads, intermediate 32, 32 positions, 2 token types), `weight` as [out, in];
  `subject.weight` [2, H] and `subject.bias` [2], rows start, end; `object.weight` [2R, H] and `object.bias` [2R], row
  2r the start and row 2r + 1 the end of relation r.
- `b{b}.ids`, `b{b}.attention`, `b{b}.counts`: int64 [B, N]. [CLS] is 2, tokens 4 to 39, [SEP] 3, padding 0; attention
  is 0 for padding alone, counts is 1 for the tokens alone: only they enter the loss. Token types are all 0.
- `b{b}.subject`: int64 [B, 2], first and last position in the row of the subject that the object taggers are given, or
  -1, -1 where the sentence has no triple: v_sub is 0 there, and the sentence is left out of the object loss.
- `b{b}.subject_targets` [B, N, 2]: starts and ends of all subjects; `b{b}.object_targets` [B, N, R, 2]: of the objects
  of that one subject.
- `b{b}.subject_logits` [B, N, 2], `b{b}.object_logits` [B, N, R, 2]: with the initial weights, before the sigmoid, for
  all positions (those of padding too, which change nothing else).
- `losses` [20]: of step k on batch k % 3, before its update. `final.b0.subject_logits`, `final.b0.object_logits`: of
  batch 0 after all steps.

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

SEED = 12
VOCABULARY, HIDDEN, LAYERS, HEADS, INTERMEDIATE, POSITIONS, TOKEN_TYPES = 40, 16, 2, 2, 32, 32, 2
RELATIONS = 5
CLS, SEP, FIRST_TOKEN = 2, 3, 4
STEPS = 20

Span = tuple[int, int]  # first and last token, counted from 0 in the sentence
Weights = dict[str, Tensor]
Batch = dict[str, Tensor]


class Sentence(NamedTuple):
    tokens: int
    subject: Span | None  # that the object taggers are given
    triples: tuple[tuple[Span, int, Span], ...]  # subject, relation, object


BATCHES = (
    (
        Sentence(9, (0, 2), (((0, 2), 0, (5, 5)), ((0, 2), 0, (7, 8)), ((5, 5), 3, (7, 8)))),
        Sentence(5, (1, 1), (((1, 1), 2, (3, 4)),)),
        Sentence(12, None, ()),
        Sentence(17, (10, 13), (((2, 3), 1, (6, 6)), ((10, 13), 4, (2, 3)), ((10, 13), 1, (15, 16)))),
    ),
    (  # the first has two relations between the same entities
        Sentence(20, (4, 4), (((4, 4), 0, (9, 11)), ((4, 4), 2, (9, 11)), ((14, 18), 3, (4, 4)))),
        Sentence(7, None, ()),
        Sentence(14, (6, 7), (((0, 0), 1, (13, 13)), ((6, 7), 1, (13, 13)), ((6, 7), 1, (0, 0)), ((6, 7), 3, (2, 4)))),
        Sentence(10, (5, 9), (((5, 9), 4, (0, 3)),)),
    ),
    (  # the second has two subjects with one start, and an object within its subject
        Sentence(6, (2, 2), (((0, 1), 2, (2, 2)), ((0, 1), 2, (4, 5)), ((2, 2), 0, (4, 5)))),
        Sentence(18, (3, 8), (((3, 5), 0, (12, 12)), ((3, 8), 4, (12, 12)), ((3, 8), 1, (4, 5)))),
        Sentence(13, (7, 8), (((7, 8), 0, (0, 0)), ((7, 8), 2, (1, 4)), ((7, 8), 3, (1, 4)), ((11, 12), 3, (0, 0)))),
        Sentence(8, None, ()),
    ),
)

# Model ----------------------------------------------------------------------------------------------------------------


def dense(w: Weights, name: str, x: Tensor) -> Tensor:
    return linear(x, w[f"{name}.weight"], w[f"{name}.bias"])  # W x + b of Eq. 5 to 10


def norm(w: Weights, name: str, x: Tensor) -> Tensor:
    return layer_norm(x, [HIDDEN], w[f"{name}.weight"], w[f"{name}.bias"], eps=1e-12)  # within Eq. 4 and 5 (BERT)


def transformer(w: Weights, name: str, x: Tensor, mask: Tensor) -> Tensor:
    """Trans of Eq. 5: a post-norm BERT layer."""

    def split(part: str) -> Tensor:
        return dense(w, f"{name}.attention.self.{part}", x).unflatten(-1, (HEADS, -1)).transpose(1, 2)  # Eq. 5: heads

    scores = split("query") @ split("key").transpose(-1, -2) / math.sqrt(HIDDEN // HEADS)  # Eq. 5: Q K^T / sqrt(d)
    context = softmax(scores + mask, dim=-1) @ split("value")  # Eq. 5: attention, none of it to padding
    context = context.transpose(1, 2).flatten(2)  # Eq. 5: heads side by side
    x = norm(w, f"{name}.attention.output.LayerNorm", x + dense(w, f"{name}.attention.output.dense", context))  # Eq. 5
    inner = gelu(dense(w, f"{name}.intermediate.dense", x))  # Eq. 5: feed-forward, exact GELU
    return norm(w, f"{name}.output.LayerNorm", x + dense(w, f"{name}.output.dense", inner))  # Eq. 5


def encode(w: Weights, batch: Batch) -> Tensor:
    x = w["embeddings.word_embeddings.weight"][batch["ids"]]  # Eq. 4: S W_s
    x = x + w["embeddings.position_embeddings.weight"][: x.shape[1]]  # Eq. 4: + W_p
    x = x + w["embeddings.token_type_embeddings.weight"][0]  # of BERT; not in Eq. 4 (the same everywhere)
    x = norm(w, "embeddings.LayerNorm", x)  # of BERT; not in Eq. 4
    mask = (1 - batch["attention"].to(x.dtype))[:, None, None] * torch.finfo(x.dtype).min  # Eq. 5, for the padding
    for layer in range(LAYERS):
        x = transformer(w, f"encoder.layer.{layer}", x, mask)  # Eq. 5
    return x


def forward(w: Weights, batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits of the subject taggers [B, N, 2] and of the object taggers [B, N, R, 2]."""
    x = encode(w, batch)  # Eq. 4 and 5
    subject_logits = dense(w, "subject", x)  # Eq. 6 and 7, before the sigmoid
    first, last = batch["subject"].unsqueeze(-1).unbind(1)  # [B, 1] each; the k-th subject of Eq. 9 and 10
    position = torch.arange(x.shape[1])  # i of Eq. 9 and 10
    inside = ((first <= position) & (position <= last)).to(x.dtype)  # [B, N]; tokens of v_sub of Eq. 9 and 10
    subject = torch.einsum("bn,bnh->bh", inside, x) / inside.sum(1, keepdim=True).clamp(min=1)  # v_sub of Eq. 9 and 10
    object_logits = dense(w, "object", x + subject.unsqueeze(1))  # Eq. 9 and 10, before the sigmoid
    return subject_logits, object_logits.unflatten(-1, (RELATIONS, 2))  # Eq. 9 and 10: start, end of each r


def tagger_loss(logits: Tensor, targets: Tensor, counted: Tensor) -> Tensor:
    """The mean over the counted tokens, summed over the taggers. Logits and targets are [B, N, taggers]."""
    nll = -targets * logsigmoid(logits) - (1 - targets) * logsigmoid(-logits)  # Eq. 8 and 11: -log of a factor
    return (nll * counted.unsqueeze(-1)).sum() / counted.sum()  # Eq. 8 and 11: -log of the products, by token


def loss_of(w: Weights, batch: Batch) -> Tensor:
    subject_logits, object_logits = forward(w, batch)  # Eq. 4 to 7, 9 and 10
    counts = batch["counts"].to(subject_logits.dtype)  # i = 1 .. L of Eq. 8 and 11
    with_subject = counts * (batch["subject"][:, :1] >= 0)  # Eq. 12: its sums over r are for an s in T_j
    subject_loss = tagger_loss(subject_logits, batch["subject_targets"], counts)  # Eq. 12: first term (Eq. 8)
    object_logits, targets = object_logits.flatten(2), batch["object_targets"].flatten(2)  # Eq. 12: all r of R
    object_loss = tagger_loss(object_logits, targets, with_subject)  # Eq. 12: second and third term (Eq. 11)
    return subject_loss + object_loss  # Eq. 12: -J, by token


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
    shapes |= {"subject": (2, HIDDEN), "object": (2 * RELATIONS, HIDDEN)}

    weights = {}
    for name, shape in shapes.items():
        mean, deviation = (1.0, 0.1) if name.endswith("LayerNorm") else (0.0, 0.3)
        weights[f"{name}.weight"] = mean + deviation * torch.randn(shape, generator=generator)
        if not name.endswith("_embeddings"):
            weights[f"{name}.bias"] = 0.1 * torch.randn(shape[0], generator=generator)
    return weights


def batch_of(sentences: tuple[Sentence, ...], generator: torch.Generator) -> Batch:
    rows, width = len(sentences), max(sentence.tokens for sentence in sentences) + 2
    ids, attention, counts = torch.zeros(3, rows, width, dtype=torch.int64)
    subject = torch.full((rows, 2), -1)
    subject_targets, object_targets = torch.zeros(rows, width, 2), torch.zeros(rows, width, RELATIONS, 2)
    for row, sentence in enumerate(sentences):
        end = sentence.tokens + 1
        ids[row, 0], ids[row, end] = CLS, SEP
        ids[row, 1:end] = torch.randint(FIRST_TOKEN, VOCABULARY, (sentence.tokens,), generator=generator)
        attention[row, : end + 1] = 1
        counts[row, 1:end] = 1
        if sentence.subject:
            subject[row] = torch.tensor(sentence.subject) + 1
        for of, relation, to in sentence.triples:
            for side in range(2):  # start, end
                subject_targets[row, of[side] + 1, side] = 1
                if of == sentence.subject:
                    object_targets[row, to[side] + 1, relation, side] = 1
    batch = dict(ids=ids, attention=attention, counts=counts, subject=subject)
    return batch | dict(subject_targets=subject_targets, object_targets=object_targets)


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
        loss = loss_of(w, batches[step % len(batches)])  # minimising it maximises J, Eq. 12
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
        tensors |= {f"b{number}.{name}": tensor for name, tensor in batch.items()}
        with torch.no_grad():
            tensors[f"b{number}.subject_logits"], tensors[f"b{number}.object_logits"] = forward(weights, batch)
    tensors["losses"] = train(weights, [double(batch) for batch in batches])
    with torch.no_grad():
        tensors["final.b0.subject_logits"], tensors["final.b0.object_logits"] = forward(weights, batches[0])

    stored = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    save_file({name: tensor.contiguous() for name, tensor in stored.items()}, sys.argv[1])


if __name__ == "__main__":
    main()
