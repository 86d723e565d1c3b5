"""GraphSAGE (Hamilton et al. 2017, arXiv 1706.02216, algorithm 1, mean aggregation): a few neighbours of
each node at a time.

The neighbours are drawn by the run's keyed numbers as part of the batches, so a batch is rows like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfit.contract import Loss, Phase, Run, Splits
from toys.toy import Toy, options
from toys.whole_graph import communities


def make(dropout: float = 0.1, **given: Any) -> Toy:
    chosen = options(given, epochs=30, batch_size=17, learning_rate=0.01)
    graph = communities(chosen.seed)
    torch.manual_seed(chosen.seed)
    net = Sage(3, 16, 3, dropout)
    task = Task(chosen)
    return Toy(task, net, Splits(graph, {}), chosen, lambda: task.accuracy(net, graph), 0.8)


class Sage(nn.Module):
    """Each node beside the mean of its neighbours, whose own neighbours are taken in the same way."""

    def __init__(self, inputs: int, width: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2 * inputs, width), nn.Linear(2 * width, outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, own_BF: Tensor, near_BKF: Tensor, far_BKKF: Tensor) -> Tensor:
        own = F.relu(self.first(torch.cat([own_BF, near_BKF.mean(1)], -1)))
        near = F.relu(self.first(torch.cat([near_BKF, far_BKKF.mean(2)], -1)))
        return self.second(self.dropout(torch.cat([own, near.mean(1)], -1)))


class Task:
    def __init__(self, options: Any) -> None:
        self.options = options
        self.labelled = torch.arange(90) < 45

    def rows(self, graph: Any, nodes: Tensor, count: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The nodes with `count` neighbours each, and `count` of each of these."""
        near = torch.multinomial(graph["adjacent"][nodes], count, replacement=True, generator=generator)
        far = torch.multinomial(
            graph["adjacent"][near.flatten()], count, replacement=True, generator=generator
        )
        return {
            "group": graph["group"][nodes],
            "node": nodes,
            "near": near,
            "far": far.view(*near.shape, count),
        }

    def logits(self, net: Any, graph: Any, batch: Any) -> Tensor:
        return net(*(graph["x"][batch[name]] for name in ("node", "near", "far")))

    def accuracy(self, net: Any, graph: Any) -> float:
        net.eval()
        rows = self.rows(graph, torch.nonzero(~self.labelled).flatten(), 12, torch.Generator().manual_seed(7))
        with torch.no_grad():
            return (self.logits(net, graph, rows).argmax(1) == rows["group"]).double().mean().item()

    def plan(self, net: Any, data: Splits, facts: Any, run: Run) -> Iterator[Phase]:
        graph = data.train
        nodes = torch.nonzero(self.labelled).flatten()

        def batches(epoch: int) -> Iterator[dict[str, Tensor]]:
            rng = run.rng("neighbours", epoch)
            for part in nodes[torch.randperm(len(nodes), generator=rng)].split(self.options.batch_size):
                yield self.rows(graph, part, 5, rng)

        def step(batch: Any) -> Iterator[Loss]:
            logits = self.logits(net, graph, batch)
            yield Loss(F.cross_entropy(logits, batch["group"], reduction="sum"), len(logits))

        yield Phase(
            name="aggregate",
            batches=batches,
            step=step,
            optimizers={
                "main": torch.optim.SGD(net.parameters(), 10 * self.options.learning_rate, momentum=0.9)
            },
            epochs=self.options.epochs,
            score=lambda: {"accuracy": self.accuracy(net, graph)},
            best="accuracy",
        )
