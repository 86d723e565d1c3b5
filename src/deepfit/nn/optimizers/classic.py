"""PyTorch's SGD, Adagrad and RMSprop, whose steps import no compiler, which costs about 2 s of a run."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch.optim import Optimizer

from deepfit.nn.optimizers.states import plain


def light(step: Callable[..., Any]) -> Callable[..., None]:
    """A step of PyTorch's without its wrappers: for differentiable steps, for the compiler, for the profiler.

    The first of them imports the compiler to tell it where its graph ends.
    """
    bare = inspect.unwrap(step)

    def light_step(self: Optimizer, closure: None = None) -> None:
        """Update every parameter that has a gradient."""
        with torch.no_grad():
            bare(self)

    light_step.hooked = True  # pyright: ignore[reportFunctionMemberAccess]  (PyTorch wraps a step without it in its profiler)
    return light_step


class SGD(torch.optim.SGD):
    """PyTorch's own in arithmetic and state, bit for bit; no closure, no step hooks."""

    add_param_group = plain(Optimizer.add_param_group)
    state_dict = plain(Optimizer.state_dict)
    load_state_dict = plain(Optimizer.load_state_dict)
    step = light(torch.optim.SGD.step)


class Adagrad(torch.optim.Adagrad):
    """PyTorch's own in arithmetic and state, bit for bit; no closure, no step hooks."""

    add_param_group = plain(Optimizer.add_param_group)
    state_dict = plain(Optimizer.state_dict)
    load_state_dict = plain(Optimizer.load_state_dict)
    step = light(torch.optim.Adagrad.step)


class RMSprop(torch.optim.RMSprop):
    """PyTorch's own in arithmetic and state, bit for bit; no closure, no step hooks."""

    add_param_group = plain(Optimizer.add_param_group)
    state_dict = plain(Optimizer.state_dict)
    load_state_dict = plain(Optimizer.load_state_dict)
    step = light(torch.optim.RMSprop.step)
