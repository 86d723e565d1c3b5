"""What our optimizers share: a light beginning, and the state beside each parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer


def plain(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of PyTorch's optimizers without the wrapper that imports its compiler, about 2 s of a run."""
    return getattr(method, "__wrapped__", method)


class LightOptimizer(Optimizer):
    """PyTorch's base of optimizers, which starts without its compiler."""

    add_param_group = plain(Optimizer.add_param_group)
    state_dict = plain(Optimizer.state_dict)
    load_state_dict = plain(Optimizer.load_state_dict)


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
