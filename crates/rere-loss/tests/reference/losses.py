"""Values and gradients of the `group` cPU loss and of BCE in float64 PyTorch: what the Rust losses must reproduce.

    python losses.py --out losses.json

Needs torch 2.9. Writes an array of cases `{"name", "mu", "gamma", "logits", "targets", "mask", "group", "bce"}`: the
first three tensors are [groups, elements], targets and mask of 0 and 1 (mask 1 = the element counts); `group` and `bce`
are `{"value", "gradient"}`, the gradient with respect to the logits. Logits are multiples of 1/64, exact in float32.
Masked elements have logits and targets too, which must change nothing.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

SEED = 20


class Case(NamedTuple):
    name: str
    shape: tuple[int, int]
    mu: float
    gamma: float = 0.04
    scale: float = 2.0  # deviation of the logits
    positives: float = 0.2  # share of the elements whose target is 1
    unmasked: float = 1.0  # share of the elements that count
    saturated: bool = False  # all logits are +-30
    masked_groups: tuple[int, ...] = ()  # groups of which no element counts


CASES = (
    Case("one group", (1, 8), mu=0.1),
    Case("one element a group", (6, 1), mu=0.1, positives=0.5),
    Case("relations of sentences", (4, 12), mu=0.0867, positives=0.1),
    Case("pointers of sentences, masked", (8, 40), mu=0.0088, positives=0.03, unmasked=0.7),
    Case("masked", (5, 9), mu=0.05, positives=0.4, unmasked=0.5),
    Case("group fully masked", (4, 6), mu=0.05, positives=0.4, unmasked=0.8, masked_groups=(1,)),
    Case("no positives", (3, 7), mu=0.05, positives=0.0),
    Case("all positives", (3, 7), mu=0.05, positives=1.0),
    Case("small mu, large gamma", (3, 10), mu=0.001, gamma=0.9),
    Case("scores under mu", (3, 10), mu=0.9, gamma=0.5),
    Case("wide logits", (4, 6), mu=0.02, scale=12.0, positives=0.5),
    Case("saturated logits", (8, 3), mu=0.05, positives=0.5, saturated=True),
    Case("saturated logits, small mu, masked", (8, 4), mu=0.001, positives=0.3, unmasked=0.6, saturated=True),
)


def cpu_group(logits: Tensor, targets: Tensor, mask: Tensor, mu: float, gamma: float) -> Tensor:
    """Collective PU loss (Eq. 7 to 9), E taken apart over the positives and over the rest of each group."""
    scores = torch.sigmoid(logits)
    losses = []
    for group in mask.any(dim=1).nonzero().flatten():
        positives = scores[group][targets[group] & mask[group]]
        rest = scores[group][~targets[group] & mask[group]]
        loss = scores.new_zeros(())
        if len(positives) > 0:
            loss = loss - gamma * torch.log(positives.mean())
        if len(rest) > 0:
            loss = loss - torch.log(1 - (rest.mean() - mu).abs())
        losses.append(loss)
    return torch.stack(losses).mean()


def bce(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Binary cross-entropy, the mean over all elements that count."""
    return binary_cross_entropy_with_logits(logits[mask], targets[mask].double())


def value_and_gradient(loss: Callable[[Tensor], Tensor], logits: Tensor) -> dict[str, object]:
    logits = logits.clone().requires_grad_()
    value = loss(logits)
    (gradient,) = torch.autograd.grad(value, logits)
    return {"value": value.item(), "gradient": gradient.tolist()}


def record(case: Case, generator: torch.Generator) -> dict[str, object]:
    normal = torch.randn(case.shape, generator=generator, dtype=torch.float64)
    logits = 30 * normal.sign() if case.saturated else (64 * case.scale * normal).round() / 64
    targets = torch.rand(case.shape, generator=generator) < case.positives
    mask = torch.rand(case.shape, generator=generator) < case.unmasked
    mask[list(case.masked_groups)] = False
    return {
        "name": case.name,
        "mu": case.mu,
        "gamma": case.gamma,
        "logits": logits.tolist(),
        "targets": targets.long().tolist(),
        "mask": mask.long().tolist(),
        "group": value_and_gradient(lambda x: cpu_group(x, targets, mask, case.mu, case.gamma), logits),
        "bce": value_and_gradient(lambda x: bce(x, targets, mask), logits),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()

    generator = torch.Generator().manual_seed(SEED)
    lines = ",\n".join(json.dumps(record(case, generator)) for case in CASES)
    args.out.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{args.out}: {len(CASES)} cases, {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
