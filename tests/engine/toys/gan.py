"""Two networks against each other: a generator learns to draw from a normal distribution that it never sees.

Two optimizers, two yields: the second loss already meets the moved discriminator.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from deepfit.contract import Loss, Phase, Run, Splits
from toys.toy import Toy, options

MEAN, SPREAD = 2.0, 0.5


def make(**given: Any) -> Toy:
    chosen = options(given, epochs=36, batch_size=65, learning_rate=0.005)
    generator = torch.Generator().manual_seed(chosen.seed)
    data = Splits({"real": MEAN + SPREAD * torch.randn(1000, 1, generator=generator)}, {})
    torch.manual_seed(chosen.seed)
    net = nn.ModuleDict(
        {
            "generator": nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1)),
            "discriminator": nn.Sequential(nn.Linear(1, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1)),
        }
    )
    task = Task(chosen)
    return Toy(task, net, data, chosen, lambda: -task.distance(net, torch.Generator().manual_seed(99)), -0.35)


class Task:
    def __init__(self, options: Any) -> None:
        self.options = options

    def distance(self, net: Any, generator: torch.Generator) -> float:
        """How far mean and spread of what is made are from the truth."""
        with torch.no_grad():
            made = net["generator"](torch.randn(2000, 2, generator=generator))
        return abs(made.mean().item() - MEAN) + abs(made.std().item() - SPREAD)

    def plan(self, net: Any, data: Splits, facts: Any, run: Run) -> Iterator[Phase]:
        make, judge = net["generator"], net["discriminator"]
        real = data.train["real"]

        def batches(epoch: int) -> list[dict[str, torch.Tensor]]:
            rng = run.rng("draw", epoch)
            order = torch.randperm(len(real), generator=rng).split(self.options.batch_size)
            return [{"real": real[part], "noise": torch.randn(len(part), 2, generator=rng)} for part in order]

        def step(batch: Any) -> Iterator[Loss]:
            real, noise = batch["real"], batch["noise"]
            wrong = F.softplus(-judge(real)).sum() + F.softplus(judge(make(noise).detach())).sum()
            yield Loss(wrong, len(real), by="discriminator")
            yield Loss(F.softplus(-judge(make(noise))).sum(), len(real), by="generator")

        yield Phase(
            name="play",
            batches=batches,
            step=step,
            optimizers={
                "discriminator": torch.optim.Adam(
                    judge.parameters(), 2 * self.options.learning_rate, betas=(0.5, 0.9)
                ),
                "generator": torch.optim.Adam(
                    make.parameters(), self.options.learning_rate, betas=(0.5, 0.9)
                ),
            },
            epochs=self.options.epochs,
            rate=lambda progress: 1.0 - progress,
            score=lambda: {"distance": self.distance(net, run.rng("score"))},
        )
