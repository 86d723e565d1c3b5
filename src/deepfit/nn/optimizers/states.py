"""The state that our optimizers keep beside each parameter, made when it is first needed."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer


class Moments(NamedTuple):
    """The parameters of a group that have a gradient, and what Adam keeps of each, in the same order."""

    parameters: list[Tensor]
    gradients: list[Tensor]
    means: list[Tensor]
    squares: list[Tensor]


def moments(optimizer: Optimizer, group: dict[str, Any]) -> Moments:
    """Running means of gradients and of their squares; zero at first."""
    parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
    return Moments(
        parameters,
        [parameter.grad for parameter in parameters],
        *([kept(optimizer, parameter, name) for parameter in parameters] for name in ("mean", "square")),
    )


def kept(optimizer: Optimizer, parameter: Tensor, name: str) -> Tensor:
    """The tensor of this name beside a parameter; zeros in the parameter's layout where there is none yet."""
    state = optimizer.state[parameter]
    if name not in state:
        state[name] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
    return state[name]
