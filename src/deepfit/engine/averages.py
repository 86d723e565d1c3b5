"""Weight averaging: an exponential moving average of every weight and running statistic."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


class Averages:
    """average <- decay * average + (1 - decay) * weight, after each batch.

    The decay starts low and rises to its value, min(decay, (1 + n) / (10 + n)) after n batches, so that the
    first random weights are soon forgotten. Source: Polyak and Juditsky 1992; the rising decay is
    TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        values = {id(value): value for value in net.state_dict(keep_vars=True).values()}  # tied weights once
        self.live = [value.detach() for value in values.values() if value.is_floating_point()]
        self.averaged = [value.clone() for value in self.live]

    @torch.no_grad()
    def update(self) -> None:
        """Take the network's present weights into the average."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self.averaged, self.live, 1 - decay)  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]  (PyTorch has no public name for it)

    @contextmanager
    def applied(self) -> Generator[None]:
        """Within it the network holds the averaged weights, after it its own again."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def give(self) -> None:
        """Leave the network with the averaged weights."""
        torch._foreach_copy_(self.live, self.averaged)  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]  (PyTorch has no public name for it)

    def _swap(self) -> None:
        for live, averaged in zip(self.live, self.averaged, strict=True):
            own = live.clone()
            live.copy_(averaged)
            averaged.copy_(own)

    def state_dict(self) -> dict[str, Any]:
        """The averages and how many batches they hold."""
        return {"updates": self.updates, "averaged": self.averaged}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put a saved average back."""
        self.updates = state["updates"]
        for averaged, saved in zip(self.averaged, state["averaged"], strict=True):
            averaged.copy_(saved)
