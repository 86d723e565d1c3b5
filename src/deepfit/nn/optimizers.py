"""Optimizers by name, with the parameters grouped as they should be."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from deepfit.nn.adam import Adam


def build(
    name: str,
    net: nn.Module | Iterable[nn.Module],
    *,
    learning_rate: float,
    weight_decay: float = 0.0,
    momentum: float = 0.9,
    betas: tuple[float, float] = (0.9, 0.999),
) -> Optimizer:
    """An optimizer over all trained parameters of a network, in its fused form.

    adamw: Loshchilov and Hutter 2019, arXiv 1711.05101. adam: Kingma and Ba 2015, arXiv 1412.6980. sgd: with
    Nesterov momentum where momentum is above 0. Weight decay spares biases, norms and other parameters of
    fewer than two axes, which it only shrinks without regularising (Bag of Tricks, arXiv 1812.01187, section
    3.1).
    """
    nets = [net] if isinstance(net, nn.Module) else list(net)
    trained = [parameter for each in nets for parameter in each.parameters() if parameter.requires_grad]
    spared = [parameter for parameter in trained if parameter.ndim <= 1] if weight_decay else []
    groups = [  # one group where it makes no difference: each is a call of its own at every step
        {"params": [p for p in trained if p.ndim > 1 or not weight_decay], "weight_decay": weight_decay},
        {"params": spared, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if name == "sgd":
        return torch.optim.SGD(groups, learning_rate, momentum=momentum, nesterov=momentum > 0, fused=True)
    return Adam(groups, learning_rate, betas=betas, fused=True, decoupled_weight_decay=name == "adamw")
