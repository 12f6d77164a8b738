"""A pipeline with one encoder in float64 PyTorch: logits and a short training, which another program must reproduce.

    python3 pair.py pair.safetensors

Needs torch 2.9 (made with 2.9.1), safetensors, numpy. First it finds the mentions, then the relations of each pair of
them. No single paper describes it: the mention pointers are those of CasRel's subject taggers (Wei et al., ACL 2020),
the representation of a pair is that of SpERT (Eberts and Ulges, ECAI 2020), with means in place of max-pooling, a
hidden layer, and no width embeddings. Written from formulas, not from any program; the numbers are of this file (h_t:
the last hidden state of token t, t = 1 to n):

    1      h_0 = S W_s + W_p, h_a = Trans(h_{a-1})                         BERT; CasRel, Eq. 4 and 5
    2      p_t^start = sigmoid(W_start h_t + b_start), and so p_t^end      CasRel, Eq. 6 and 7, of any mention
    3      e(m) = mean of h_t over the tokens t of mention m               SpERT: their maximum
    4      c(s, o) = mean of h_t over the tokens t between s and o         SpERT: their maximum
               0 if there are none or s and o share a token
    5      x(s, o) = [e(s); c(s, o); e(o)]                                 SpERT
    6      p(r | s, o) = sigmoid(W_2 tanh(W_1 x(s, o) + b_1) + b_2)        SpERT: sigmoid(W x + b)
    7      L_mention = -1/n sum_t sum_{k in start, end} [y_t^k log p_t^k + (1 - y_t^k) log(1 - p_t^k)]
    8      L_pair = -1/P sum_{(s, o)} sum_r [y_r log p(r | s, o) + (1 - y_r) log(1 - p(r | s, o))]    s != o; P pairs
    9      L = L_mention + L_pair                                          SpERT: L = L^s + L^r

In 7 and 8 n and P are of a whole batch.

Keys of the file. Batch b = 0, 1, 2 has B = 4 rows of T + 2 positions: [CLS], the sentence, [SEP], padding; R = 5;
H = 16. Positions t = 0 to T - 1 are those of the row from 1 on (in shorter rows [SEP] and padding too). The gold
mentions of a sentence are the subjects and objects of its triples. float32 unless said:

- Initial weights, from which the float64 model starts: a BertModel without pooler under its Hugging Face names
  (vocabulary 40, H, 2 layers, 2 heads, intermediate 32, 32 positions, 2 token types), `weight` as [out, in];
  `mention` [2, H], rows start, end; `pair_hidden` [H, 3H], W_1; `pair` [R, H], W_2; all with `bias`.
- `b{b}.ids`, `b{b}.attention`, `b{b}.counts`: int64 [B, T + 2]. [CLS] is 2, tokens 4 to 39, [SEP] 3, padding 0;
  attention is 0 for padding alone, counts is 1 for the tokens alone: only they enter L_mention. Token types are all 0.
- `b{b}.triples`: int64 [number of triples, 6]: row, first and last token of the subject, relation, first and last token
  of the object.
- `b{b}.pairs`: int64 [P, 5]: row, first and last token of the subject, first and last token of the object: all ordered
  pairs of two gold mentions of a sentence, in the order of these numbers.
- `b{b}.mention_targets` [B, T, 2], of all gold mentions; `b{b}.pair_targets` [P, R].
- `b{b}.mention_logits` [B, T, 2], `b{b}.pair_logits` [P, R]: with the initial weights, before the sigmoid, for all
  positions.
- `losses` [20]: of step k on batch k % 3, before its update. `final.b0.mention_logits`, `final.b0.pair_logits`: of
  batch 0 after all steps.

Training: AdamW, rate 2e-3, betas 0.9 and 0.999, eps 1e-6, weight decay 0.01 (0 for biases and norms), gradients scaled
by min(1, 1 / (their global norm + 1e-12)), no dropout.
"""

import itertools
import math
import sys
from typing import NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, logsigmoid, softmax

SEED = 15
VOCABULARY, HIDDEN, LAYERS, HEADS, INTERMEDIATE, POSITIONS, TOKEN_TYPES = 40, 16, 2, 2, 32, 32, 2
RELATIONS = 5
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
    return linear(x, w[f"{name}.weight"], w[f"{name}.bias"])  # W x + b of Eq. 1, 2 and 6


def norm(w: Weights, name: str, x: Tensor) -> Tensor:
    return layer_norm(x, [HIDDEN], w[f"{name}.weight"], w[f"{name}.bias"], eps=1e-12)  # within Eq. 1 (BERT)


def transformer(w: Weights, name: str, x: Tensor, mask: Tensor) -> Tensor:
    """Trans of Eq. 1: a post-norm BERT layer."""

    def split(part: str) -> Tensor:
        return dense(w, f"{name}.attention.self.{part}", x).unflatten(-1, (HEADS, -1)).transpose(1, 2)  # Eq. 1: heads

    scores = split("query") @ split("key").transpose(-1, -2) / math.sqrt(HIDDEN // HEADS)  # Eq. 1: Q K^T / sqrt(d)
    context = softmax(scores + mask, dim=-1) @ split("value")  # Eq. 1: attention, none of it to padding
    context = context.transpose(1, 2).flatten(2)  # Eq. 1: heads side by side
    x = norm(w, f"{name}.attention.output.LayerNorm", x + dense(w, f"{name}.attention.output.dense", context))  # Eq. 1
    inner = gelu(dense(w, f"{name}.intermediate.dense", x))  # Eq. 1: feed-forward, exact GELU
    return norm(w, f"{name}.output.LayerNorm", x + dense(w, f"{name}.output.dense", inner))  # Eq. 1


def encode(w: Weights, batch: Batch) -> Tensor:
    x = w["embeddings.word_embeddings.weight"][batch["ids"]]  # Eq. 1: S W_s
    x = x + w["embeddings.position_embeddings.weight"][: x.shape[1]]  # Eq. 1: + W_p
    x = x + w["embeddings.token_type_embeddings.weight"][0]  # of BERT; not in Eq. 1 (the same everywhere)
    x = norm(w, "embeddings.LayerNorm", x)  # of BERT; not in Eq. 1
    mask = (1 - batch["attention"].to(x.dtype))[:, None, None] * torch.finfo(x.dtype).min  # Eq. 1, for the padding
    for layer in range(LAYERS):
        x = transformer(w, f"encoder.layer.{layer}", x, mask)  # Eq. 1
    return x


def mean_of(tokens: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """The mean of the tokens [P, T, H] from the first to the last, or 0 if there are none."""
    position = torch.arange(tokens.shape[1])  # all t
    first, last = first.unsqueeze(1), last.unsqueeze(1)  # [P, 1] each; of the t of Eq. 3 and 4
    inside = ((first <= position) & (position <= last)).to(tokens.dtype)  # [P, T]; the t of Eq. 3 and 4
    return torch.einsum("pt,pth->ph", inside, tokens) / inside.sum(1, keepdim=True).clamp(min=1)  # Eq. 3 and 4


def forward(w: Weights, batch: Batch) -> dict[str, Tensor]:
    """Logits of the mentions [B, T, 2] and of the pairs [P, R]."""
    tokens = encode(w, batch)[:, 1:-1]  # [B, T, H]; Eq. 1
    mention_logits = dense(w, "mention", tokens)  # Eq. 2, before the sigmoid
    row, subject_first, subject_last, object_first, object_last = batch["pairs"].unbind(1)  # (s, o) of Eq. 4 to 6
    tokens = tokens[row]  # [P, T, H]; h_t of Eq. 3 and 4
    subject_mean = mean_of(tokens, subject_first, subject_last)  # Eq. 3: e(s)
    object_mean = mean_of(tokens, object_first, object_last)  # Eq. 3: e(o)
    after = torch.minimum(subject_last, object_last) + 1  # Eq. 4: first t between s and o
    before = torch.maximum(subject_first, object_first) - 1  # Eq. 4: last t between them; < after if there are none
    context = mean_of(tokens, after, before)  # Eq. 4: c(s, o)
    x = torch.cat([subject_mean, context, object_mean], dim=-1)  # Eq. 5
    return dict(mention_logits=mention_logits, pair_logits=dense(w, "pair", dense(w, "pair_hidden", x).tanh()))  # Eq. 6


def nll(logits: Tensor, targets: Tensor) -> Tensor:
    return -targets * logsigmoid(logits) - (1 - targets) * logsigmoid(-logits)  # Eq. 7 and 8: -log of a factor


def loss_of(w: Weights, batch: Batch) -> Tensor:
    logits = forward(w, batch)  # Eq. 1 to 6
    counts = batch["counts"][:, 1:-1].to(logits["mention_logits"].dtype)  # [B, T]; t = 1 to n of Eq. 7
    mention = nll(logits["mention_logits"], batch["mention_targets"]).sum(-1)  # Eq. 7: sum over start and end
    mention_loss = (mention * counts).sum() / counts.sum()  # Eq. 7: L_mention
    pair_loss = nll(logits["pair_logits"], batch["pair_targets"]).sum(-1).mean()  # Eq. 8: L_pair
    return mention_loss + pair_loss  # Eq. 9: L


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
    shapes |= {"mention": (2, HIDDEN), "pair_hidden": (HIDDEN, 3 * HIDDEN), "pair": (RELATIONS, HIDDEN)}

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
    pairs, pair_targets, mention_targets = [], [], torch.zeros(rows, longest, 2)
    for row, sentence in enumerate(sentences):
        end = sentence.tokens + 1
        ids[row, 0], ids[row, end] = CLS, SEP
        ids[row, 1:end] = torch.randint(FIRST_TOKEN, VOCABULARY, (sentence.tokens,), generator=generator)
        attention[row, : end + 1] = 1
        counts[row, 1:end] = 1
        triples += [(row, *of, relation, *to) for of, relation, to in sentence.triples]
        mentions = sorted({span for of, _, to in sentence.triples for span in (of, to)})
        for first, last in mentions:
            mention_targets[row, first, 0] = mention_targets[row, last, 1] = 1
        for of, to in itertools.permutations(mentions, 2):
            pairs.append((row, *of, *to))
            pair_targets.append([float((of, relation, to) in sentence.triples) for relation in range(RELATIONS)])
    batch = dict(ids=ids, attention=attention, counts=counts, triples=torch.tensor(triples), pairs=torch.tensor(pairs))
    return batch | dict(mention_targets=mention_targets, pair_targets=torch.tensor(pair_targets))


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
        loss = loss_of(w, batches[step % len(batches)])  # Eq. 9
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
