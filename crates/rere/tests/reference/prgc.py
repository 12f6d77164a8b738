"""PRGC (Zheng et al., ACL 2021) in float64 PyTorch: logits and a short training, which another program must reproduce.

    python3 prgc.py prgc.safetensors

Needs torch 2.9 (made with 2.9.1), safetensors, numpy. Written from the paper's formulas, not from any program; "here"
names what differs from the paper. The equations are numbered by counting those that the paper displays (h_i: the last
hidden state of token i, i = 1 to n):

    E1-E2  h_0 = S W_s + W_p, h_a = Trans(h_{a-1})                         BERT; the paper displays no equation of it
    1      h_avg = avgpool(h), P_rel = sigmoid(W_r h_avg + b_r)            here: over [CLS] and [SEP] too
    2      P_i^sub = softmax(W_sub (h_i + u_r) + b_sub) over B, I, O for each potential relation r, and so P_i^obj
               here: P_i = sigmoid(W_2 relu(W_1 [h_i; u_r] + b_1) + b_2), for start_sub, end_sub, start_obj, end_obj
    3      P_{i,j} = sigmoid(W_g [h_i; h_j] + b_g)                         i: first token of a subject, j: of an object
               here: sigmoid(W_4 relu(W_3 [h_i; h_j] + b_3) + b_4)
    4      L_rel = -1/n_r sum_r [y_r log P_rel,r + (1 - y_r) log(1 - P_rel,r)]
    5      L_seq = -1/(2 n n_pot) sum_{t in sub, obj} sum_r sum_i log P_{i,r}^t(y)     r: the n_pot potential relations
               here: the log of a start and of an end in place of that of one tag
    6      L_global = -1/n^2 sum_i sum_j [y_{i,j} log P_{i,j} + (1 - y_{i,j}) log(1 - P_{i,j})]
    7      L_total = alpha L_rel + beta L_seq + gamma L_global

In 4 to 7 the sums are of a whole batch here, and in place of the divisors of 4 to 6 and the weights of 7, their sum is
divided by the number of tokens of the batch.

Keys of the file. Batch b = 0, 1, 2 has B = 4 rows of T + 2 positions: [CLS], the sentence, [SEP], padding; R = 5;
H = 16. Positions t, i, j = 0 to T - 1 are those of the row from 1 on (in shorter rows [SEP] and padding too). The K
examples of a batch are the pairs of a sentence and a gold relation, in this order. float32 unless said:

- Initial weights, from which the float64 model starts: a BertModel without pooler under its Hugging Face names
  (vocabulary 40, H, 2 layers, 2 heads, intermediate 32, 32 positions, 2 token types), `weight` as [out, in];
  `relation` [R, H], W_r; `embedding.weight` [R, H], u_r; `pointer_hidden` [H/2, 2H], W_1; `pointer` [4, H/2], W_2, rows
  subject start, subject end, object start, object end; `pair_hidden` [H/2, 2H], W_3; `pair` [1, H/2], W_4; all but
  `embedding` with `bias`.
- `b{b}.ids`, `b{b}.attention`, `b{b}.counts`: int64 [B, T + 2]. [CLS] is 2, tokens 4 to 39, [SEP] 3, padding 0;
  attention is 0 for padding alone, counts is 1 for the tokens alone: only they enter L_seq and L_global. Token
  types are all 0.
- `b{b}.triples`: int64 [number of triples, 6]: row, first and last token of the subject, relation, first and last token
  of the object.
- `b{b}.examples`: int64 [K, 2]: row, relation.
- `b{b}.relation_targets` [B, R]; `b{b}.pointer_targets` [K, T, 4], of all triples with the example's relation;
  `b{b}.pair_targets` [B, T, T], of all triples: i of the subject, then j of the object.
- `b{b}.relation_logits` [B, R], `b{b}.pointer_logits` [K, T, 4], `b{b}.pair_logits` [B, T, T]: with the initial
  weights, before the sigmoid, for all positions.
- `losses` [20]: of step k on batch k % 3, before its update. `final.b0.relation_logits`, `final.b0.pointer_logits`,
  `final.b0.pair_logits`: of batch 0 after all steps.

Training: AdamW, rate 2e-3, betas 0.9 and 0.999, eps 1e-6, weight decay 0.01 (0 for biases and norms), gradients scaled
by min(1, 1 / (their global norm + 1e-12)), no dropout.
"""

import math
import sys
from typing import NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, logsigmoid, relu, softmax

SEED = 13
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
    return linear(x, w[f"{name}.weight"], w[f"{name}.bias"])  # W x + b of Eq. E2 and 1 to 3


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
    """Logits of the relations [B, R], the pointers [K, T, 4] and the pairs [B, T, T]."""
    x = encode(w, batch)  # Eq. E1 and E2
    inside = batch["attention"].to(x.dtype)  # [B, T + 2]; what Eq. 1 averages
    average = torch.einsum("bn,bnh->bh", inside, x) / inside.sum(1, keepdim=True)  # Eq. 1: h_avg
    relation_logits = dense(w, "relation", average)  # Eq. 1, before the sigmoid

    tokens = x[:, 1:-1]  # [B, T, H]; h_i of Eq. 2 and 3
    row, relation = batch["examples"].unbind(1)  # r of Eq. 2: the gold relations
    embedding = w["embedding.weight"][relation].unsqueeze(1).expand_as(tokens[row])  # Eq. 2: u_r, for each i
    inner = relu(dense(w, "pointer_hidden", torch.cat([tokens[row], embedding], dim=-1)))  # Eq. 2, here with W_1, b_1
    pointer_logits = dense(w, "pointer", inner)  # Eq. 2, before the sigmoid; here with W_2, b_2

    i, j = torch.broadcast_tensors(tokens.unsqueeze(2), tokens.unsqueeze(1))  # [B, T, T, H] each; h_i, h_j of Eq. 3
    inner = relu(dense(w, "pair_hidden", torch.cat([i, j], dim=-1)))  # Eq. 3, here with W_3, b_3
    pair_logits = dense(w, "pair", inner).squeeze(-1)  # Eq. 3, before the sigmoid; here with W_4, b_4
    return dict(relation_logits=relation_logits, pointer_logits=pointer_logits, pair_logits=pair_logits)


def nll(logits: Tensor, targets: Tensor) -> Tensor:
    return -targets * logsigmoid(logits) - (1 - targets) * logsigmoid(-logits)  # Eq. 4 to 6: -log of a factor


def loss_of(w: Weights, batch: Batch) -> Tensor:
    logits = forward(w, batch)  # Eq. E1 to 3
    parts = ("relation", "pointer", "pair")  # of Eq. 4, 5 and 6
    relation, pointer, pair = (nll(logits[f"{part}_logits"], batch[f"{part}_targets"]) for part in parts)  # Eq. 4 to 6
    counts = batch["counts"][:, 1:-1].to(pair.dtype)  # [B, T]; i = 1 to n of Eq. 5 and 6
    relation_loss = relation.sum()  # Eq. 4: L_rel, times n_r
    of_example = counts[batch["examples"][:, 0]]  # [K, T]; all r and i of Eq. 5
    sequence_loss = (pointer.sum(-1) * of_example).sum()  # Eq. 5: L_seq, times 2 n n_pot
    of_pair = counts.unsqueeze(2) * counts.unsqueeze(1)  # [B, T, T]; all i and j of Eq. 6
    global_loss = (pair * of_pair).sum()  # Eq. 6: L_global, times n^2
    return (relation_loss + sequence_loss + global_loss) / counts.sum()  # Eq. 7: L_total, by token


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
    half = HIDDEN // 2
    shapes |= {"relation": (RELATIONS, HIDDEN), "embedding": (RELATIONS, HIDDEN)}
    shapes |= {"pointer_hidden": (half, 2 * HIDDEN), "pointer": (4, half)}
    shapes |= {"pair_hidden": (half, 2 * HIDDEN), "pair": (1, half)}

    weights = {}
    for name, shape in shapes.items():
        mean, deviation = (1.0, 0.1) if name.endswith("LayerNorm") else (0.0, 0.3)
        weights[f"{name}.weight"] = mean + deviation * torch.randn(shape, generator=generator)
        if not name.endswith(("_embeddings", "embedding")):
            weights[f"{name}.bias"] = 0.1 * torch.randn(shape[0], generator=generator)
    return weights


def batch_of(sentences: tuple[Sentence, ...], generator: torch.Generator) -> Batch:
    rows, longest = len(sentences), max(sentence.tokens for sentence in sentences)
    ids, attention, counts = torch.zeros(3, rows, longest + 2, dtype=torch.int64)
    triples = []
    examples, pointer_targets = [], []
    relation_targets, pair_targets = torch.zeros(rows, RELATIONS), torch.zeros(rows, longest, longest)
    for row, sentence in enumerate(sentences):
        end = sentence.tokens + 1
        ids[row, 0], ids[row, end] = CLS, SEP
        ids[row, 1:end] = torch.randint(FIRST_TOKEN, VOCABULARY, (sentence.tokens,), generator=generator)
        attention[row, : end + 1] = 1
        counts[row, 1:end] = 1
        for of, relation, to in sentence.triples:
            triples.append((row, *of, relation, *to))
            relation_targets[row, relation] = 1
            pair_targets[row, of[0], to[0]] = 1
        for example in sorted({relation for _, relation, _ in sentence.triples}):
            examples.append((row, example))
            pointer_targets.append(torch.zeros(longest, 4))
            for of, relation, to in sentence.triples:
                if relation == example:
                    for pointer, token in enumerate(of + to):
                        pointer_targets[-1][token, pointer] = 1
    batch = dict(ids=ids, attention=attention, counts=counts, triples=torch.tensor(triples))
    batch |= dict(examples=torch.tensor(examples), relation_targets=relation_targets)
    return batch | dict(pointer_targets=torch.stack(pointer_targets), pair_targets=pair_targets)


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
        loss = loss_of(w, batches[step % len(batches)])  # Eq. 7
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
