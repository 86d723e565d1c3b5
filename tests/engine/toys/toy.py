"""What every toy gives: a task of a few dozen lines, a network, data, options, and the score to reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deepfit.data.batches import Selection
from deepfit.options import Options


@dataclass
class Toy:
    """The arguments of `train`, and how well the network must do at the end (a score of `enough` or more)."""

    task: Any
    net: nn.Module
    data: Any
    options: Options
    score: Callable[[], float]
    enough: float


def options(given: dict[str, Any], **usual: Any) -> Options:
    """A toy's usual options, with those that a test changes; nothing that another machine would choose
    otherwise."""
    fixed = {"precision": "float32", "compile": "off", "device": "cpu", "threads": 1}
    return Options(**{**fixed, **usual, **given})


def shuffled(arrays: dict[str, Tensor], batch_size: int, generator: torch.Generator) -> list[Selection]:
    """The rows in a new order, in batches; the last may be short."""
    order = torch.randperm(len(next(iter(arrays.values()))), generator=generator)
    return [Selection(arrays, part) for part in order.split(batch_size)]
