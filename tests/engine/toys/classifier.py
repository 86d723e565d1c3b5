"""Supervised learning: two classes that no line separates, a network with dropout, one loss a batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from deepfit.contract import Loss, Phase, Run, Splits
from toys.toy import Toy, options, shuffled


def make(dropout: float = 0.1, **given: Any) -> Toy:
    chosen = options(given, epochs=15, batch_size=65, learning_rate=0.01)
    generator = torch.Generator().manual_seed(chosen.seed)
    x = torch.randn(700, 2, generator=generator)
    y = (x[:, 0] * x[:, 1] > 0).long()
    data = Splits({"x": x[:500], "y": y[:500]}, {"x": x[500:], "y": y[500:]})
    torch.manual_seed(chosen.seed)
    net = nn.Sequential(
        nn.Linear(2, 32), nn.ReLU(), nn.Dropout(dropout), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2)
    )
    task = Task(chosen)
    return Toy(task, net, data, chosen, lambda: task.accuracy(net, data.valid), 0.93)


class Task:
    def __init__(self, options: Any) -> None:
        self.options = options

    def accuracy(self, net: nn.Module, rows: Any) -> float:
        with torch.no_grad():
            return (net.eval()(rows["x"]).argmax(1) == rows["y"]).double().mean().item()

    def plan(self, net: nn.Module, data: Splits, facts: Any, run: Run) -> Iterator[Phase]:
        def step(batch: Any) -> Iterator[Loss]:
            logits = net(batch["x"])
            right = (logits.argmax(1) == batch["y"]).sum()
            yield Loss(
                F.cross_entropy(logits, batch["y"], reduction="sum"), len(logits), parts={"accuracy": right}
            )

        yield Phase(
            name="train",
            batches=lambda epoch: shuffled(data.train, self.options.batch_size, run.rng("shuffle", epoch)),
            step=step,
            optimizers={"main": torch.optim.AdamW(net.parameters(), self.options.learning_rate, fused=True)},
            epochs=self.options.epochs,
            score=lambda: {"accuracy": self.accuracy(net, data.valid)},
            rate=lambda progress: 1.0 - 0.9 * progress,
            best="accuracy",
        )
