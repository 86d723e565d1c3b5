"""A graph convolutional network (Kipf and Welling 2017, arXiv 1609.02907, eq. 9) on one whole graph of three
communities.

One batch holds everything; a few nodes are labelled, the others are the test. Every rank works on the whole
graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfit.contract import Loss, Phase, Run, Splits
from toys.toy import Toy, options


def communities(seed: int) -> dict[str, Tensor]:
    """90 nodes in three groups: an edge is likely within a group and rare between two; features say a
    little."""
    generator = torch.Generator().manual_seed(seed)
    group = torch.arange(90) % 3
    likely = torch.where(group[:, None] == group, 0.4, 0.03)
    edges = (torch.rand(90, 90, generator=generator) < likely).triu(1)
    adjacent = (edges | edges.T).to(torch.get_default_dtype())
    features = torch.eye(3)[group] + torch.randn(90, 3, generator=generator)
    return {"adjacent": adjacent, "x": features, "group": group}


def make(dropout: float = 0.2, **given: Any) -> Toy:
    chosen = options(given, epochs=60, learning_rate=0.02)
    data = Splits(communities(chosen.seed), {})
    torch.manual_seed(chosen.seed)
    net = Convolutions(3, 16, 3, dropout)
    task = Task(chosen)
    return Toy(task, net, data, chosen, lambda: task.accuracy(net, data.train), 0.9)


class Convolutions(nn.Module):
    def __init__(self, inputs: int, width: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, width), nn.Linear(width, outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, adjacent: Tensor) -> Tensor:
        looped = adjacent + torch.eye(len(adjacent))
        scale = looped.sum(1).rsqrt()
        mix = scale[:, None] * looped * scale
        return mix @ self.second(self.dropout(F.relu(mix @ self.first(x))))


class Task:
    def __init__(self, options: Any) -> None:
        self.options = options
        self.labelled = torch.arange(90) < 24

    def accuracy(self, net: Any, graph: Any) -> float:
        net.eval()
        with torch.no_grad():
            right = net(graph["x"], graph["adjacent"]).argmax(1) == graph["group"]
        return right[~self.labelled].double().mean().item()

    def plan(self, net: Any, data: Splits, facts: Any, run: Run) -> Iterator[Phase]:
        def step(graph: Any) -> Iterator[Loss]:
            logits = net(graph["x"], graph["adjacent"])[self.labelled]
            yield Loss(F.cross_entropy(logits, graph["group"][self.labelled], reduction="sum"), len(logits))

        yield Phase(
            name="convolve",
            batches=lambda epoch: [data.train],
            step=step,
            optimizers={
                "main": torch.optim.Adam(net.parameters(), self.options.learning_rate, weight_decay=5e-4)
            },
            epochs=self.options.epochs,
            score=lambda: {"accuracy": self.accuracy(net, data.train)},
            coupled=True,
        )
