"""Joint extraction by tagging (Zheng et al., ACL 2017) in float64 PyTorch, which another program must reproduce.

    python3 novel_tagging.py novel_tagging.safetensors

Needs torch 2.9 (made with 2.9.1), safetensors, numpy. Writes logits and a short training. Written from the formulas of
the paper ("Joint extraction of entities and relations based on a novel tagging scheme"), not from any program; "here"
names what differs from it. The equations are numbered by counting those that the paper displays (t: a token, 1 to L_j
of sentence j; in 7 to 12 the paper marks what is of the decoder with (2), and writes h_t^(2) for s_t in 12):

    1-6    the BiLSTM that encodes the words; here in its place:
    E1-E2  h_0 = S W_s + W_p, h_a = Trans(h_{a-1})                         BERT; h_t is token t of the last h
    7      i_t = sigmoid(W_wi h_t + W_hi s_{t-1} + W_ti T_{t-1} + b_i)
    8      f_t = sigmoid(W_wf h_t + W_hf s_{t-1} + W_tf T_{t-1} + b_f)
    9      z_t = tanh(W_wc h_t + W_hc s_{t-1} + W_tc T_{t-1} + b_c)
    10     c_t = f_t c_{t-1} + i_t z_t
    11     o_t = sigmoid(W_wo h_t + W_ho s_{t-1} + W_co c_t + b_o)
    12     s_t = o_t tanh(c_t)
    13     T_t = W_ts s_t + b_ts
    14     y_t = W_y T_t + b_y
    15     p_t^i = exp(y_t^i) / sum_k exp(y_t^k)
    16     L = max sum_j sum_{t=1}^{L_j} [log p_t(y_t) I(O) + alpha log p_t(y_t) (1 - I(O))], y_t: the gold tag
               alpha = 10; here: -L is divided by the number of tokens of the batch
    17     I(O) = 1 if the gold tag is O, else 0

Keys of the file. Batch b = 0, 1, 2 has B = 4 rows of T + 2 positions: [CLS], the sentence, [SEP], padding; R = 5;
H = 16; G = 12 values of s_t and c_t; D = 10 values of T_t. Positions t = 0 to T - 1 are those of the row from 1 on (in
shorter rows [SEP] and padding too); s_t, c_t and T_t are 0 before the first. float32 unless said:

- Initial weights, from which the float64 model starts: a BertModel without pooler under its Hugging Face names
  (vocabulary 40, H, 2 layers, 2 heads, intermediate 32, 32 positions, 2 token types), `weight` as [out, in];
  `input.weight` [4G, H] and `input.bias` [4G], rows W_wi, W_wf, W_wc, W_wo; `state.weight` [4G, G], rows W_hi, W_hf,
  W_hc, W_ho; `tag.weight` [3G, D], rows W_ti, W_tf, W_tc; `cell.weight` [G, G], W_co; `embed.weight` [D, G] and
  `embed.bias` [D], W_ts and b_ts; `output.weight` [1 + 8R, D] and `output.bias` [1 + 8R], W_y and b_y.
- `b{b}.ids`, `b{b}.attention`, `b{b}.counts`: int64 [B, T + 2]. [CLS] is 2, tokens 4 to 39, [SEP] 3, padding 0;
  attention is 0 for padding alone, counts is 1 for the tokens alone: only they enter the loss. Token types are all 0.
- `b{b}.triples`: int64 [number of triples, 6]: row, first and last token of the subject, relation, first and last token
  of the object. No two entities share a token, and each is of one triple: a token has one tag.
- `b{b}.tags`: int64 [B, T]: O is 0, also if there is no token; of the subject of relation r, B (first of several
  tokens) is 1 + 8r, I (inner) 2 + 8r, E (last) 3 + 8r, S (single) 4 + 8r; of its object, 5 + 8r to 8 + 8r alike.
- `b{b}.logits` [B, T, 1 + 8R]: y_t with the initial weights, for all positions.
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
from torch.nn.functional import gelu, layer_norm, linear, log_softmax, softmax

SEED = 16
VOCABULARY, HIDDEN, LAYERS, HEADS, INTERMEDIATE, POSITIONS, TOKEN_TYPES = 40, 16, 2, 2, 32, 32, 2
RELATIONS = 5
STATE, EMBEDDING, TAGS = 12, 10, 1 + 8 * RELATIONS  # G, D, 1 + 8R
OUTSIDE, ALPHA = 0, 10.0
CLS, SEP, FIRST_TOKEN = 2, 3, 4
STEPS = 20

Span = tuple[int, int]  # first and last token, counted from 0 in the sentence
Weights = dict[str, Tensor]
Batch = dict[str, Tensor]


class Sentence(NamedTuple):
    tokens: int
    triples: tuple[tuple[Span, int, Span], ...]  # subject, relation, object


BATCHES = (
    (  # the last has two triples of one relation
        Sentence(9, (((0, 2), 0, (5, 5)), ((7, 8), 3, (6, 6)))),
        Sentence(5, (((3, 4), 2, (1, 1)),)),
        Sentence(7, ()),
        Sentence(12, (((2, 3), 1, (6, 6)), ((9, 11), 1, (0, 0)))),
    ),
    (
        Sentence(11, (((4, 4), 0, (6, 8)), ((9, 9), 0, (10, 10)), ((0, 1), 2, (2, 3)))),
        Sentence(6, (((0, 0), 3, (1, 1)),)),
        Sentence(10, (((5, 6), 1, (9, 9)), ((0, 0), 3, (2, 4)), ((7, 8), 4, (1, 1)))),
        Sentence(8, (((4, 7), 4, (0, 3)),)),
    ),
    (
        Sentence(6, (((0, 1), 2, (4, 5)),)),
        Sentence(13, (((3, 5), 0, (11, 11)), ((7, 8), 4, (0, 1)), ((12, 12), 2, (9, 10)))),
        Sentence(12, (((7, 8), 2, (0, 0)), ((10, 11), 3, (1, 4)))),
        Sentence(1, ()),
    ),
)

# Model ----------------------------------------------------------------------------------------------------------------


def dense(w: Weights, name: str, x: Tensor) -> Tensor:
    return linear(x, w[f"{name}.weight"], w[f"{name}.bias"])  # W x + b of Eq. E2, 7 to 9, 11, 13 and 14


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
    """Logits [B, T, 1 + 8R]."""
    x = dense(w, "input", encode(w, batch)[:, 1:-1])  # Eq. E1, E2; the terms of h_t and b of Eq. 7 to 9 and 11
    state, cell = x.new_zeros(2, len(x), STATE)  # s_0 of Eq. 7 to 9 and 11, c_0 of Eq. 10
    tag = x.new_zeros(len(x), EMBEDDING)  # T_0 of Eq. 7 to 9
    logits = []
    for term in x.unbind(1):  # t of Eq. 7 to 14
        of_input, of_forget, of_new, of_output = (term + linear(state, w["state.weight"])).chunk(4, 1)  # with s_{t-1}
        of_tag = linear(tag, w["tag.weight"]).chunk(3, 1)  # the terms of T_{t-1} of Eq. 7 to 9
        input_gate = (of_input + of_tag[0]).sigmoid()  # Eq. 7: i_t
        forget_gate = (of_forget + of_tag[1]).sigmoid()  # Eq. 8: f_t
        new = (of_new + of_tag[2]).tanh()  # Eq. 9: z_t
        cell = forget_gate * cell + input_gate * new  # Eq. 10: c_t
        output_gate = (of_output + linear(cell, w["cell.weight"])).sigmoid()  # Eq. 11: o_t
        state = output_gate * cell.tanh()  # Eq. 12: s_t
        tag = dense(w, "embed", state)  # Eq. 13: T_t
        logits.append(dense(w, "output", tag))  # Eq. 14: y_t
    return dict(logits=torch.stack(logits, dim=1))


def loss_of(w: Weights, batch: Batch) -> Tensor:
    logits, tags = forward(w, batch)["logits"], batch["tags"]  # Eq. E1 to 14
    log_p = log_softmax(logits, dim=-1).gather(2, tags.unsqueeze(2)).squeeze(2)  # [B, T]; Eq. 15, log of p of Eq. 16
    outside = (tags == OUTSIDE).to(log_p.dtype)  # Eq. 17: I(O)
    counts = batch["counts"][:, 1:-1]  # [B, T]; t = 1 to L_j of Eq. 16
    biased = log_p * outside + ALPHA * log_p * (1 - outside)  # Eq. 16: a term of the sums
    return -(biased * counts).sum() / counts.sum()  # Eq. 16: -L, by token


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
    shapes |= {"input": (4 * STATE, HIDDEN), "state": (4 * STATE, STATE), "tag": (3 * STATE, EMBEDDING)}
    shapes |= {"cell": (STATE, STATE), "embed": (EMBEDDING, STATE), "output": (TAGS, EMBEDDING)}

    weights = {}
    for name, shape in shapes.items():
        mean, deviation = (1.0, 0.1) if name.endswith("LayerNorm") else (0.0, 0.3)
        weights[f"{name}.weight"] = mean + deviation * torch.randn(shape, generator=generator)
        if not name.endswith(("_embeddings", "state", "tag", "cell")):
            weights[f"{name}.bias"] = 0.1 * torch.randn(shape[0], generator=generator)
    return weights


def batch_of(sentences: tuple[Sentence, ...], generator: torch.Generator) -> Batch:
    rows, longest = len(sentences), max(sentence.tokens for sentence in sentences)
    ids, attention, counts = torch.zeros(3, rows, longest + 2, dtype=torch.int64)
    triples = []
    tags = torch.full((rows, longest), OUTSIDE)
    for row, sentence in enumerate(sentences):
        end = sentence.tokens + 1
        ids[row, 0], ids[row, end] = CLS, SEP
        ids[row, 1:end] = torch.randint(FIRST_TOKEN, VOCABULARY, (sentence.tokens,), generator=generator)
        attention[row, : end + 1] = 1
        counts[row, 1:end] = 1
        for of, relation, to in sentence.triples:
            triples.append((row, *of, relation, *to))
            for (first, last), role in ((of, 0), (to, 4)):
                begin, inner, final, single = range(1 + 8 * relation + role, 5 + 8 * relation + role)
                tags[row, first : last + 1] = inner
                tags[row, first], tags[row, last] = (single, single) if first == last else (begin, final)
    return dict(ids=ids, attention=attention, counts=counts, triples=torch.tensor(triples), tags=tags)


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
        loss = loss_of(w, batches[step % len(batches)])  # minimising it maximises the sum of Eq. 16
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
