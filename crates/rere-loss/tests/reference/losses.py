"""Values and gradients of the losses in float64 PyTorch: the numbers that the Rust losses must reproduce.

    python losses.py --out losses.json

Needs torch 2.9. Written from the formulas of the papers named at each loss, not from the Rust code; gradients are those
of autograd. Writes an array of cases `{"name", "loss", "classes", "logits", "targets", "mask", "each", "mean",
"gradient"}`:

- `loss`: `{"name", ...settings}`. A setting is one number, or an array with one number for each of the `classes` (else
  null): group g then has class g % classes.
- `logits`, `targets`, `mask`: [groups, labels]. A label with mask 0 is masked and must change nothing. Logits and
  targets are multiples of 1/64, exact in float32.
- `each`: one number per group: the mean over the unmasked labels for bce, focal and asymmetric, and the loss of the
  group for the others. 0 if all labels are masked.
- `mean`: over all unmasked labels for bce, focal and asymmetric, and over all groups with an unmasked label for the
  others.
- `gradient`: of `mean` with respect to the logits, [groups, labels].
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

SEED = 21
SATURATED = 30.0
WILD = 10000.0


class Case(NamedTuple):
    loss: dict[str, Any]
    name: str
    shape: tuple[int, int]
    classes: int | None = None
    scale: float = 2.0  # deviation of the logits
    positives: float = 0.3  # share of the labels with target 1
    soft: bool = False  # targets are anything in [0, 1]
    unmasked: float = 1.0  # share of the labels that are not masked
    masked_groups: tuple[int, ...] = ()  # groups whose labels are all masked
    wild: bool = False  # logits of masked labels are +-10000
    saturated: bool = False  # all logits are +-30
    shift: tuple[float, float] = (0.0, 0.0)  # added in groups 0, 2, 4, ... to the logits of the positives, the others
    corrected: tuple[int, ...] = ()  # groups whose negative risk nnpu or ssr-pu corrects


def sigmoid(x: Tensor) -> Tensor:
    """torch.sigmoid with a gradient that keeps its digits if the score is nearly 1."""
    return torch.exp(logsigmoid(x))


# Losses of each label -------------------------------------------------------------------------------------------------
# All take the logits x and targets y of the unmasked labels of one group, [labels].


def bce(x: Tensor, y: Tensor, positive_weight: float) -> Tensor:
    """Binary cross-entropy."""
    return -positive_weight * y * logsigmoid(x) - (1 - y) * logsigmoid(-x)


def focal(x: Tensor, y: Tensor, gamma: float, alpha: float) -> Tensor:
    """Focal loss, alpha-balanced (Lin et al. 2017, Eq. 5)."""
    positive = torch.exp(gamma * logsigmoid(-x)) * logsigmoid(x)
    negative = torch.exp(gamma * logsigmoid(x)) * logsigmoid(-x)
    return -alpha * y * positive - (1 - alpha) * (1 - y) * negative


def asymmetric(x: Tensor, y: Tensor, gamma_positive: float, gamma_negative: float, margin: float) -> Tensor:
    """Asymmetric loss with shifted probabilities (Ridnik et al. 2021); the focus has a gradient too."""
    positive = torch.exp(gamma_positive * logsigmoid(-x)) * logsigmoid(x)
    if margin == 0:  # 1 - p of a large logit would round to 0
        negative = torch.exp(gamma_negative * logsigmoid(x)) * logsigmoid(-x)
    else:
        q = (sigmoid(x) - margin).clamp(min=0)
        negative = q**gamma_negative * torch.log1p(-q)
    return -y * positive - (1 - y) * negative


# Losses of a group ----------------------------------------------------------------------------------------------------


def dice(x: Tensor, y: Tensor, smoothing: float) -> Tensor:
    """Dice loss with squares in the denominator (Milletari et al. 2016; smoothing as in Li et al. 2020)."""
    p = sigmoid(x)
    return 1 - (2 * (p * y).sum() + smoothing) / ((p**2).sum() + (y**2).sum() + smoothing)


def log_mean_sigmoid(x: Tensor, weights: Tensor) -> Tensor:
    return torch.logsumexp(logsigmoid(x) + weights.log(), dim=0) - weights.sum().log()


def log_closeness(x: Tensor, weights: Tensor, mu: float) -> Tensor:
    """ln(1 - |m - mu|) of the weighted mean m of the scores; 1 - m is computed as the mean of 1 - score."""
    share = weights / weights.sum()
    mean = (share * sigmoid(x)).sum()
    assert (mean - mu).abs() > 1e-5, "no clear gradient"
    return torch.log(mu + (share * sigmoid(-x)).sum()) if mean > mu else torch.log(1 - mu + mean)


def cpu(x: Tensor, y: Tensor, variant: str, mu: float, gamma: float) -> Tensor:
    """Collective PU loss: `paper` is its Eq. 9; `group` takes separate means over positives and unlabelled."""
    everything, rest = torch.ones_like(y), 1 - y
    if variant == "paper":
        return -gamma * y.sum() * log_mean_sigmoid(x, everything) - rest.sum() * log_closeness(x, everything, mu)
    loss = x.new_zeros(())
    if y.sum() > 0:
        loss = loss - gamma * log_mean_sigmoid(x, y)
    if rest.sum() > 0:
        loss = loss - log_closeness(x, rest, mu)
    return loss


def surrogate_loss(z: Tensor, surrogate: str, margin: float) -> Tensor:
    match surrogate:
        case "sigmoid":
            return sigmoid(-z)
        case "logistic":
            return -logsigmoid(z)
        case "squared":
            return (z - margin) ** 2 / 4
    raise ValueError(surrogate)


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum() if weights.sum() > 0 else values.new_zeros(())


def upu_risks(
    x: Tensor, y: Tensor, prior: float, surrogate: str, margin: float, sampling: str
) -> tuple[Tensor, Tensor]:
    """Positive and negative risk (du Plessis et al. 2015; Kiryo et al. 2017, Eq. 2)."""
    as_positive, as_negative = surrogate_loss(x, surrogate, margin), surrogate_loss(-x, surrogate, margin)
    unlabelled = {"one-sample": torch.ones_like(y), "case-control": 1 - y}[sampling]
    positive = prior * weighted_mean(as_positive, y)
    negative = weighted_mean(as_negative, unlabelled) - prior * weighted_mean(as_negative, y)
    return positive, negative


def ssr_pu_risks(x: Tensor, y: Tensor, prior: float, labelled: float, margin: float) -> tuple[Tensor, Tensor]:
    """Positive and negative risk under a shifted prior (Wang et al. 2022, squared surrogate, weighted positives)."""
    as_positive, as_negative = surrogate_loss(x, "squared", margin), surrogate_loss(-x, "squared", margin)
    shifted = (prior - labelled) / (1 - labelled)
    factor = (1 - prior) / (1 - shifted)
    positive = prior * ((1 - prior) / prior) ** 0.5 * weighted_mean(as_positive, y)
    negative = factor * weighted_mean(as_negative, 1 - y) - shifted * factor * weighted_mean(as_negative, y)
    return positive, negative


def non_negative(positive: Tensor, negative: Tensor, beta: float, step_size: float) -> Tensor:
    """The authors' program for Kiryo et al. 2017: if corrected, the gradient is not that of the value."""
    if negative >= -beta:
        return positive + negative
    backward = -step_size * negative
    return (positive - beta).detach() + (backward - backward.detach())


def upu(x: Tensor, y: Tensor, **settings: Any) -> Tensor:
    return sum(upu_risks(x, y, **settings))


def nnpu(x: Tensor, y: Tensor, beta: float, step_size: float, **settings: Any) -> Tensor:
    return non_negative(*upu_risks(x, y, **settings), beta, step_size)


def ssr_pu(x: Tensor, y: Tensor, **settings: Any) -> Tensor:
    """Corrected by the rule of nnpu; the authors' program has its gradient, but returns -negative as the value."""
    return non_negative(*ssr_pu_risks(x, y, **settings), beta=0.0, step_size=1.0)


LABEL_LOSSES = {"bce": bce, "focal": focal, "asymmetric": asymmetric}
GROUP_LOSSES = {"dice": dice, "cpu": cpu, "upu": upu, "nnpu": nnpu, "ssr-pu": ssr_pu}


def is_corrected(x: Tensor, y: Tensor, name: str, settings: dict[str, Any]) -> bool:
    settings = dict(settings)
    beta = settings.pop("beta", 0.0)
    settings.pop("step_size", None)
    _, negative = {"nnpu": upu_risks, "ssr-pu": ssr_pu_risks}[name](x, y, **settings)
    assert (negative + beta).abs() > 1e-3, "float32 could decide otherwise"
    return bool(negative < -beta)


# Cases ----------------------------------------------------------------------------------------------------------------


def bce_with(positive_weight: float | list[float]) -> dict[str, Any]:
    return {"name": "bce", "positive_weight": positive_weight}


def focal_with(gamma: float, alpha: float = 0.25) -> dict[str, Any]:
    return {"name": "focal", "gamma": gamma, "alpha": alpha}


def asymmetric_with(gamma_positive: float, gamma_negative: float, margin: float) -> dict[str, Any]:
    return {
        "name": "asymmetric",
        "gamma_positive": gamma_positive,
        "gamma_negative": gamma_negative,
        "margin": margin,
    }


def dice_with(smoothing: float) -> dict[str, Any]:
    return {"name": "dice", "smoothing": smoothing}


def cpu_with(variant: str, mu: float | list[float], gamma: float = 0.04) -> dict[str, Any]:
    return {"name": "cpu", "variant": variant, "mu": mu, "gamma": gamma}


def upu_with(prior: float | list[float], surrogate: str, sampling: str, margin: float = 1.0) -> dict[str, Any]:
    return {"name": "upu", "prior": prior, "surrogate": surrogate, "margin": margin, "sampling": sampling}


def nnpu_with(
    prior: float | list[float],
    surrogate: str,
    sampling: str,
    margin: float = 1.0,
    beta: float = 0.0,
    step_size: float = 1.0,
) -> dict[str, Any]:
    risks = upu_with(prior, surrogate, sampling, margin)
    return risks | {"name": "nnpu", "beta": beta, "step_size": step_size}


def ssr_pu_with(prior: float | list[float], labelled: float | list[float], margin: float = 0.25) -> dict[str, Any]:
    return {"name": "ssr-pu", "prior": prior, "labelled": labelled, "margin": margin}


ONE, CONTROL = "one-sample", "case-control"

CASES = (
    Case(bce_with(1.0), "one group", (1, 8)),
    Case(bce_with(3.5), "one label a group", (6, 1), positives=0.5),
    Case(bce_with(1.0), "masked", (4, 12), unmasked=0.6),
    Case(
        bce_with([0.5, 1.0, 8.0, 20.0]), "weights of classes, masked", (8, 40), classes=4, positives=0.05, unmasked=0.7
    ),
    Case(bce_with(2.0), "group fully masked, wild", (4, 6), unmasked=0.7, masked_groups=(1,), wild=True),
    Case(bce_with(2.0), "no positives", (3, 7), positives=0.0),
    Case(bce_with(2.0), "all positives", (3, 7), positives=1.0),
    Case(bce_with([1.5, 0.25]), "soft targets, weights of classes", (4, 6), classes=2, soft=True),
    Case(bce_with(10.0), "wide logits", (4, 6), scale=12.0, positives=0.5),
    Case(bce_with(0.75), "saturated logits", (8, 3), positives=0.5, saturated=True),
    #
    Case(focal_with(2.0), "one group", (1, 8)),
    Case(focal_with(1.0, 0.75), "one label a group", (6, 1), positives=0.5),
    Case(focal_with(0.0, 0.5), "no focus", (4, 12)),
    Case(focal_with(2.0), "masked", (8, 40), positives=0.05, unmasked=0.7),
    Case(focal_with(0.5), "group fully masked, wild", (4, 6), unmasked=0.7, masked_groups=(0,), wild=True),
    Case(focal_with(2.0), "no positives", (3, 7), positives=0.0),
    Case(focal_with(1.0), "all positives", (3, 7), positives=1.0),
    Case(focal_with(2.0, 0.6), "soft targets", (4, 6), soft=True),
    Case(focal_with(0.5, 0.4), "wide logits", (4, 6), scale=12.0, positives=0.5),
    Case(focal_with(2.0), "saturated logits", (8, 3), positives=0.5, saturated=True),
    #
    Case(asymmetric_with(0.0, 4.0, 0.05), "one group", (1, 8)),
    Case(asymmetric_with(1.0, 4.0, 0.05), "one label a group", (6, 1), positives=0.5),
    Case(asymmetric_with(1.0, 4.0, 0.0), "no margin", (4, 12)),
    Case(asymmetric_with(1.0, 4.0, 0.05), "masked", (8, 40), positives=0.05, unmasked=0.7),
    Case(
        asymmetric_with(0.0, 0.0, 0.05),
        "no focus, fully masked, wild",
        (4, 6),
        unmasked=0.7,
        masked_groups=(3,),
        wild=True,
    ),
    Case(asymmetric_with(0.0, 1.0, 0.05), "no positives", (3, 7), positives=0.0),
    Case(asymmetric_with(2.0, 1.0, 0.0), "all positives", (3, 7), positives=1.0),
    Case(asymmetric_with(1.0, 1.0, 0.05), "soft targets", (4, 6), soft=True),
    Case(asymmetric_with(0.5, 1.0, 0.05), "wide logits", (4, 6), scale=12.0, positives=0.5),
    Case(asymmetric_with(0.0, 0.0, 0.0), "wide logits, nothing but bce", (4, 6), scale=12.0, positives=0.5),
    Case(asymmetric_with(1.0, 4.0, 0.0), "saturated logits, no margin", (8, 3), positives=0.5, saturated=True),
    Case(asymmetric_with(1.0, 4.0, 0.05), "saturated logits", (8, 3), positives=0.5, saturated=True),
    #
    Case(dice_with(1.0), "one group", (1, 8)),
    Case(dice_with(1.0), "one label a group", (6, 1), positives=0.5),
    Case(dice_with(0.5), "masked", (8, 40), positives=0.05, unmasked=0.7),
    Case(dice_with(1.0), "group fully masked, wild", (4, 12), unmasked=0.7, masked_groups=(2,), wild=True),
    Case(dice_with(0.125), "no positives", (3, 7), positives=0.0),
    Case(dice_with(1.0), "all positives", (3, 7), positives=1.0),
    Case(dice_with(2.0), "soft targets", (4, 6), soft=True),
    Case(dice_with(1.0), "wide logits", (4, 6), scale=12.0, positives=0.5),
    Case(dice_with(0.01), "saturated logits", (8, 3), positives=0.5, saturated=True),
    #
    Case(cpu_with("group", 0.1), "one group", (1, 8)),
    Case(cpu_with("group", 0.1), "one label a group", (6, 1), positives=0.5),
    Case(cpu_with("group", [0.0867, 0.3]), "mu of classes", (4, 12), classes=2, positives=0.1),
    Case(
        cpu_with("group", [0.001, 0.0088, 0.05, 0.2]),
        "mu of classes, masked",
        (8, 40),
        classes=4,
        positives=0.03,
        unmasked=0.7,
    ),
    Case(cpu_with("group", 0.05), "group fully masked, wild", (4, 6), unmasked=0.7, masked_groups=(1,), wild=True),
    Case(cpu_with("group", 0.05), "no positives", (3, 7), positives=0.0),
    Case(cpu_with("group", 0.05), "all positives", (3, 7), positives=1.0),
    Case(cpu_with("group", 0.15, 0.7), "soft targets", (4, 6), soft=True),
    Case(cpu_with("group", 0.9, 0.5), "scores under mu", (3, 10)),
    Case(cpu_with("group", 0.02), "wide logits", (4, 6), scale=12.0, positives=0.5),
    Case(cpu_with("group", 0.001), "saturated logits", (8, 3), positives=0.5, saturated=True),
    #
    Case(cpu_with("paper", 0.1), "one group", (1, 8)),
    Case(cpu_with("paper", 0.1, 0.5), "one label a group", (6, 1), positives=0.5),
    Case(cpu_with("paper", [0.0867, 0.3]), "mu of classes, masked", (4, 12), classes=2, unmasked=0.7),
    Case(cpu_with("paper", 0.0088), "masked", (8, 40), positives=0.03, unmasked=0.7),
    Case(cpu_with("paper", 0.05), "group fully masked, wild", (4, 6), unmasked=0.7, masked_groups=(1,), wild=True),
    Case(cpu_with("paper", 0.05), "no positives", (3, 7), positives=0.0),
    Case(cpu_with("paper", 0.05), "all positives", (3, 7), positives=1.0),
    Case(cpu_with("paper", 0.15, 0.7), "soft targets", (4, 6), soft=True),
    Case(cpu_with("paper", 0.9, 0.5), "scores under mu", (3, 10)),
    Case(cpu_with("paper", 0.02), "wide logits", (4, 6), scale=12.0, positives=0.5),
    Case(cpu_with("paper", 0.001), "saturated logits", (8, 3), positives=0.5, saturated=True),
    #
    Case(upu_with(0.3, "sigmoid", ONE), "sigmoid, one group", (1, 8)),
    Case(upu_with(0.3, "logistic", CONTROL), "logistic, one label a group", (6, 1), positives=0.5),
    Case(upu_with([0.1, 0.4], "squared", ONE), "squared, priors of classes", (4, 12), classes=2),
    Case(
        upu_with([0.02, 0.05, 0.1, 0.5], "sigmoid", CONTROL),
        "sigmoid, priors of classes, masked",
        (8, 40),
        classes=4,
        positives=0.05,
        unmasked=0.7,
    ),
    Case(
        upu_with(0.2, "squared", CONTROL, 0.25),
        "squared, fully masked, wild",
        (4, 6),
        unmasked=0.7,
        masked_groups=(1,),
        wild=True,
    ),
    Case(
        upu_with(0.2, "logistic", ONE),
        "logistic, fully masked, wild",
        (4, 6),
        unmasked=0.7,
        masked_groups=(2,),
        wild=True,
    ),
    Case(upu_with(0.2, "sigmoid", ONE), "sigmoid, no positives", (3, 7), positives=0.0),
    Case(upu_with(0.2, "logistic", CONTROL), "logistic, all positives", (3, 7), positives=1.0),
    Case(upu_with(0.4, "logistic", ONE), "logistic, soft targets", (4, 6), soft=True),
    Case(upu_with(0.4, "sigmoid", CONTROL), "sigmoid, soft targets", (4, 6), soft=True),
    Case(upu_with(0.1, "logistic", ONE), "logistic, wide logits", (4, 6), scale=12.0, positives=0.5),
    Case(upu_with(0.1, "sigmoid", CONTROL), "sigmoid, saturated logits", (8, 3), positives=0.5, saturated=True),
    #
    Case(nnpu_with(0.4, "sigmoid", ONE), "sigmoid, one group", (1, 8)),
    Case(
        nnpu_with(0.6, "sigmoid", ONE),
        "sigmoid, some corrected",
        (4, 12),
        scale=1.0,
        shift=(4.0, -4.0),
        corrected=(0, 2),
    ),
    Case(
        nnpu_with(0.6, "logistic", CONTROL, step_size=0.5),
        "logistic, some corrected",
        (4, 12),
        scale=1.0,
        shift=(3.0, -3.0),
        corrected=(0, 2),
    ),
    Case(
        nnpu_with(0.4, "squared", ONE, beta=0.05, step_size=2.0),
        "squared, some corrected",
        (6, 8),
        scale=0.5,
        shift=(3.0, -1.0),
        corrected=(2, 4),
    ),
    Case(
        nnpu_with([0.5, 0.3, 0.08], "sigmoid", CONTROL, beta=0.1),
        "sigmoid, priors of classes, some corrected, one spared by beta",
        (6, 5),
        classes=3,
        scale=1.0,
        positives=0.4,
        shift=(4.0, -4.0),
        corrected=(4,),
    ),
    Case(
        nnpu_with([0.5, 0.05, 0.3, 0.02], "sigmoid", CONTROL, step_size=0.75),
        "sigmoid, priors of classes, masked",
        (8, 40),
        classes=4,
        positives=0.1,
        unmasked=0.7,
        shift=(5.0, -5.0),
        corrected=(0, 2, 4, 6),
    ),
    Case(
        nnpu_with(0.5, "squared", CONTROL, margin=0.25),
        "squared, fully masked, wild",
        (4, 6),
        positives=0.5,
        unmasked=0.7,
        masked_groups=(1,),
        wild=True,
        corrected=(2, 3),
    ),
    Case(
        nnpu_with(0.3, "logistic", CONTROL), "logistic, one label a group", (6, 1), positives=0.5, corrected=(1, 2, 4)
    ),
    Case(nnpu_with(0.2, "squared", ONE), "squared, no positives", (3, 7), positives=0.0),
    Case(nnpu_with(0.2, "sigmoid", CONTROL), "sigmoid, all positives", (3, 7), positives=1.0, corrected=(0, 1, 2)),
    Case(
        nnpu_with(0.7, "logistic", ONE),
        "logistic, soft targets",
        (4, 6),
        soft=True,
        shift=(4.0, -4.0),
        corrected=(0, 1, 2),
    ),
    Case(nnpu_with(0.5, "logistic", ONE), "logistic, wide logits", (4, 6), scale=12.0, positives=0.5),
    Case(
        nnpu_with(0.5, "sigmoid", ONE, beta=0.01),
        "sigmoid, saturated logits",
        (8, 3),
        positives=0.5,
        saturated=True,
        corrected=(0,),
    ),
    #
    Case(ssr_pu_with(0.3, 0.1), "one group", (1, 8)),
    Case(ssr_pu_with(0.1, 0.04), "some corrected", (4, 12), scale=0.5, shift=(6.0, 0.0), corrected=(0, 2)),
    Case(
        ssr_pu_with([0.3, 0.05, 0.1, 0.02], [0.1, 0.02, 0.01, 0.015]),
        "shares of classes, masked",
        (8, 40),
        classes=4,
        scale=0.5,
        positives=0.1,
        unmasked=0.7,
        shift=(6.0, 0.0),
        corrected=(0, 2, 4, 6),
    ),
    Case(
        ssr_pu_with(0.5, 0.2, 1.0),
        "margin 1, some corrected",
        (6, 5),
        scale=0.75,
        positives=0.4,
        shift=(3.0, -1.0),
        corrected=(0, 4),
    ),
    Case(ssr_pu_with(0.2, 0.05), "group fully masked, wild", (4, 6), unmasked=0.7, masked_groups=(1,), wild=True),
    Case(ssr_pu_with(0.2, 0.05), "one label a group", (6, 1), positives=0.5, corrected=(2, 3)),
    Case(ssr_pu_with(0.2, 0.05), "no positives", (3, 7), positives=0.0),
    Case(ssr_pu_with(0.2, 0.05), "all positives", (3, 7), positives=1.0, corrected=(0, 1, 2)),
    Case(
        ssr_pu_with([0.6, 0.2], 0.1),
        "soft targets, priors of classes",
        (4, 6),
        classes=2,
        soft=True,
        shift=(4.0, -1.0),
        corrected=(0, 2),
    ),
    Case(ssr_pu_with(0.4, 0.1), "wide logits", (4, 6), scale=12.0, positives=0.5),
    Case(ssr_pu_with(0.4, 0.1), "saturated logits", (8, 3), positives=0.5, saturated=True, corrected=(4, 7)),
)


# Recording ------------------------------------------------------------------------------------------------------------


def draw(case: Case, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, targets and mask."""
    normal = torch.randn(case.shape, generator=generator, dtype=torch.float64)
    uniform = torch.rand(case.shape, generator=generator, dtype=torch.float64)
    mask = torch.rand(case.shape, generator=generator) < case.unmasked
    mask[list(case.masked_groups)] = False

    targets = (64 * uniform).round() / 64 if case.soft else (uniform < case.positives).double()
    if case.saturated:
        return SATURATED * normal.sign(), targets, mask
    logits = case.scale * normal
    logits[::2] += (targets * case.shift[0] + (1 - targets) * case.shift[1])[::2]
    logits = (64 * logits).round() / 64
    if case.wild:
        logits = torch.where(mask, logits, WILD * normal.sign())
    return logits, targets, mask


def record(case: Case, generator: torch.Generator) -> dict[str, Any]:
    logits, targets, mask = draw(case, generator)
    logits.requires_grad_()
    name = case.loss["name"]
    loss = LABEL_LOSSES.get(name) or GROUP_LOSSES[name]

    each = torch.zeros(len(logits), dtype=torch.float64)
    parts, corrected = [], []
    for group in mask.any(dim=1).nonzero().flatten().tolist():
        x, y = logits[group][mask[group]], targets[group][mask[group]]
        settings = {
            key: value[group % case.classes] if isinstance(value, list) else value
            for key, value in case.loss.items()
            if key != "name"
        }
        part = loss(x, y, **settings).reshape(-1)
        each[group] = part.detach().mean()
        parts.append(part)
        if name in ("nnpu", "ssr-pu") and is_corrected(x, y, name, settings):
            corrected.append(group)
    assert tuple(corrected) == case.corrected, (case.name, corrected)

    mean = torch.cat(parts).mean()
    (gradient,) = torch.autograd.grad(mean, logits)
    assert each.isfinite().all() and gradient.isfinite().all() and (gradient[~mask] == 0).all(), case.name
    return {
        "name": f"{name} {case.loss['variant']}: {case.name}" if name == "cpu" else f"{name}: {case.name}",
        "loss": case.loss,
        "classes": case.classes,
        "logits": logits.tolist(),
        "targets": targets.tolist() if case.soft else targets.long().tolist(),
        "mask": mask.long().tolist(),
        "each": each.tolist(),
        "mean": mean.item(),
        "gradient": gradient.tolist(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()

    generator = torch.Generator().manual_seed(SEED)
    cases = [record(case, generator) for case in CASES]
    for name in ("nnpu", "ssr-pu"):
        mixed = [
            0 < len(case.corrected) < case.shape[0] - len(case.masked_groups)
            for case in CASES
            if case.loss["name"] == name
        ]
        assert sum(mixed) >= 3, f"{name}: too few cases in which some groups are corrected and others are not"
    assert len({case["name"] for case in cases}) == len(cases)

    lines = ",\n".join(json.dumps(case) for case in cases)
    args.out.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    counts = Counter(case["name"].split(":")[0] for case in cases)
    print(f"{args.out}: {len(cases)} cases ({dict(counts)}), {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
