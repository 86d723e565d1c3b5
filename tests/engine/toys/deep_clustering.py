"""Deep embedded clustering (Xie et al. 2016, arXiv 1511.06335): pretrain an autoencoder, k-means, refine.

Two phases with ordinary code between them. The refinement's target distribution is made from the network at
the start of each
epoch, as part of the batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import torch
from torch import Tensor, nn

from deepfit.contract import Loss, Phase, Run, Splits
from toys.toy import Toy, options, shuffled

GROUPS = 3


def make(dropout: float = 0.1, **given: Any) -> Toy:
    chosen = options(given, epochs=6, batch_size=33, learning_rate=0.01)
    generator = torch.Generator().manual_seed(chosen.seed)
    truth = torch.randint(GROUPS, (300,), generator=generator)
    hidden = 2.0 * torch.eye(GROUPS)[truth] + 0.5 * torch.randn(300, GROUPS, generator=generator)
    x = torch.tanh(hidden @ torch.randn(GROUPS, 8, generator=generator))
    torch.manual_seed(chosen.seed)
    net = Autoencoder(dropout)
    task = Task(chosen)
    return Toy(
        task, net, Splits({"x": x}, {"x": x}), chosen, lambda: agreement(net.belongs(x).argmax(1), truth), 0.9
    )


class Autoencoder(nn.Module):
    """8 -> 3 -> 8, and the centres of the groups in between."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Dropout(dropout), nn.Linear(24, 3))
        self.decode = nn.Sequential(nn.Linear(3, 24), nn.ReLU(), nn.Linear(24, 8))
        self.centres = nn.Parameter(torch.zeros(GROUPS, 3))

    def belongs(self, x: Tensor) -> Tensor:
        """Student's t kernel between codes and centres, rows summing to 1 (eq. 1)."""
        near = 1.0 / (1.0 + (self.encode(x)[:, None] - self.centres).square().sum(-1))
        return near / near.sum(1, keepdim=True)


def k_means(codes: Tensor, generator: torch.Generator) -> Tensor:
    """The best of ten starts."""
    best, least = codes[:GROUPS], float("inf")
    for _ in range(10):
        centres = codes[torch.randperm(len(codes), generator=generator)[:GROUPS]]
        for _ in range(20):
            nearest = torch.cdist(codes, centres).argmin(1)
            centres = torch.stack(
                [codes[nearest == g].mean(0) if (nearest == g).any() else centres[g] for g in range(GROUPS)]
            )
        cost = torch.cdist(codes, centres).min(1).values.square().sum().item()
        if cost < least:
            best, least = centres, cost
    return best


def agreement(groups: Tensor, truth: Tensor) -> float:
    """The share of rows in the right group, under the best naming of the groups."""
    return max(
        (torch.tensor(names)[groups] == truth).double().mean().item() for names in permutations(range(GROUPS))
    )


class Task:
    def __init__(self, options: Any) -> None:
        self.options = options

    def plan(self, net: Any, data: Splits, facts: Any, run: Run) -> Iterator[Phase]:
        x, size = data.train["x"], self.options.batch_size

        def rebuild(batch: Any) -> Iterator[Loss]:
            yield Loss((net.decode(net.encode(batch["x"])) - batch["x"]).square().sum(), len(batch["x"]))

        yield Phase(
            name="pretrain",
            batches=lambda epoch: shuffled({"x": x}, size, run.rng("pretrain", epoch)),
            step=rebuild,
            optimizers={
                "main": torch.optim.Adam(
                    [*net.encode.parameters(), *net.decode.parameters()], self.options.learning_rate
                )
            },
            epochs=self.options.epochs,
        )

        net.eval()
        with torch.no_grad():
            net.centres.copy_(k_means(net.encode(x), run.rng("k-means")))

        def sharpened(epoch: int) -> list[Any]:
            """Rows with their target distribution (eq. 3), from the network as it is now."""
            net.eval()
            with torch.no_grad():
                q = net.belongs(x)
            net.train()
            weight = q.square() / q.sum(0)
            return shuffled(
                {"x": x, "target": weight / weight.sum(1, keepdim=True)}, size, run.rng("refine", epoch)
            )

        def refine(batch: Any) -> Iterator[Loss]:
            target = batch["target"]
            yield Loss((target * (target.log() - net.belongs(batch["x"]).log())).sum(), len(target))

        yield Phase(
            name="refine",
            batches=sharpened,
            step=refine,
            optimizers={
                "main": torch.optim.Adam(
                    [*net.encode.parameters(), net.centres], 0.1 * self.options.learning_rate
                )
            },
            epochs=self.options.epochs,
            live=True,
        )
