"""Contrastive learning (InfoNCE, van den Oord et al. 2018, arXiv 1807.03748, eq. 4) with the batch's other
rows as negatives.

The loss looks across the batch, so the phase is coupled: the step shares the rows over ranks itself and
gathers their codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfit.contract import Loss, Phase, Run, Splits
from toys.toy import Toy, options, shuffled


def make(dropout: float = 0.05, **given: Any) -> Toy:
    chosen = options(given, epochs=40, batch_size=65, learning_rate=0.005)
    generator = torch.Generator().manual_seed(chosen.seed)
    same = torch.randn(600, 4, generator=generator)
    views = [
        torch.cat([same, 0.5 * torch.randn(600, 4, generator=generator)], 1)
        @ torch.randn(8, 8, generator=generator)
        for _ in range(2)
    ]
    data = Splits({"a": views[0][:500], "b": views[1][:500]}, {"a": views[0][500:], "b": views[1][500:]})
    torch.manual_seed(chosen.seed)
    net = nn.ModuleDict({name: tower(dropout) for name in "ab"})
    task = Task(chosen)
    return Toy(task, net, data, chosen, lambda: task.found(net, data.valid), 0.6)


def tower(dropout: float) -> nn.Module:
    return nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Dropout(dropout), nn.Linear(64, 8))


class Task:
    def __init__(self, options: Any) -> None:
        self.options = options

    def found(self, net: Any, rows: Any) -> float:
        """The share of rows whose other view is the nearest of all; 1 % by chance."""
        net.eval()
        with torch.no_grad():
            a, b = (F.normalize(net[name](rows[name]), dim=1) for name in "ab")
        return ((a @ b.T).argmax(1) == torch.arange(len(a))).double().mean().item()

    def plan(self, net: Any, data: Splits, facts: Any, run: Run) -> Iterator[Phase]:
        def step(batch: Any) -> Iterator[Loss]:
            own = run.share(batch)
            a, b = (F.normalize(net[name](own[name]), dim=1) for name in "ab")
            place = run.share(torch.arange(len(batch["a"])))
            yield Loss(self.lost(a, run.gather(b), place) + self.lost(b, run.gather(a), place), len(a))

        yield Phase(
            name="match",
            batches=lambda epoch: shuffled(data.train, self.options.batch_size, run.rng("shuffle", epoch)),
            step=step,
            optimizers={"main": torch.optim.Adam(net.parameters(), self.options.learning_rate)},
            epochs=self.options.epochs,
            score=lambda: {"found": self.found(net, data.valid)},
            best="found",
            coupled=True,
        )

    def lost(self, own: Tensor, others: Tensor, place: Tensor) -> Tensor:
        return F.cross_entropy(own @ others.T / 0.1, place, reduction="sum")
