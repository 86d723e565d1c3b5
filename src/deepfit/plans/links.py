"""How links are learned: some are told from pairs that are none, while messages go along the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from deepfit.contract import Batch, Facts, Loss, Phase, Run, Splits
from deepfit.data.graph_nodes import Nodes
from deepfit.data.graph_options import GraphOptions
from deepfit.data.link_draws import in_common, no_links
from deepfit.nn.nets.link_network import LinkNetwork
from deepfit.plans import graphs

PAIRS_AT_ONCE = 1 << 16
FEWEST_BATCHES = 4
"""Of an epoch, so that three quarters of the links are left to be heard."""
EASY, HARD, HARD_COUNTS = 4, 2, 0.15
"""Beside each link in training: random pairs, hard pairs, and how much one of these counts.

More of the hard makes hard ranks better and random ones worse, for what tells a link from a pair two steps
apart is not what tells it from strangers.
"""


def network(options: GraphOptions, facts: Facts, num_shared: int) -> LinkNetwork:
    """The network that options and facts name."""
    return LinkNetwork(
        graphs.network(options, facts, options.width),
        options.width,
        num_shared,
        directed=facts["directed"],
        dropout=options.dropout,
    )


class Masked(Sequence[Batch]):
    """The links in a new order; each batch is judged in a graph without its own links.

    Beside each link stand random and hard pairs that are no links of training, drawn anew. The graph is
    whole, or the part that is drawn around the batch's nodes.
    """

    def __init__(self, data: Batch, net: Any, options: GraphOptions, run: Run, epoch: int) -> None:
        self.data, self.net, self.options, self.run, self.epoch = data, net, options, run, epoch
        self.order = torch.randperm(len(data["pairs"]), generator=run.rng("shuffle", epoch)).numpy()
        self.num_batches = max(FEWEST_BATCHES, -(-len(self.order) // options.batch_size))

    def __len__(self) -> int:
        return self.num_batches

    def __getitem__(self, place: int) -> Batch:
        if not 0 <= place < self.num_batches:
            raise IndexError(place)
        rows = self.order[
            place * len(self.order) // self.num_batches : (place + 1) * len(self.order) // self.num_batches
        ]
        nodes: Nodes = self.data["nodes"]
        links = self.data["pairs"][rows, 0]
        seed = int(torch.randint(2**31, (1,), generator=self.run.rng("no links", self.epoch, place)))
        others = no_links(links, avoid=nodes.graph, heard=nodes.graph, easy=EASY, hard=HARD, seed=seed)
        others = others.reshape(-1, 2)
        pairs = np.concatenate([links, others])
        shared = np.concatenate([self.data["shared"][rows, 0], in_common(nodes.graph, others)])
        piece, pairs = self.piece(nodes, links, pairs, seed)
        target = np.arange(len(pairs)) < len(links)
        counts = np.repeat([1.0, HARD_COUNTS], [EASY, HARD])
        weight = np.concatenate([np.ones(len(links)), np.tile(counts, len(links))])
        return {
            "pairs": torch.from_numpy(pairs),
            "shared": torch.from_numpy(shared),
            "target": torch.from_numpy(target.astype(np.float32)),
            "weight": torch.from_numpy(weight.astype(np.float32)),
            "graph": piece,
        }

    def piece(
        self, nodes: Nodes, links: np.ndarray, pairs: np.ndarray, seed: int
    ) -> tuple[graphs.Piece, np.ndarray]:
        """The graph without these links, or a part of it, and the pairs by the numbers of its nodes."""
        left = Nodes(nodes.index, nodes.x, nodes.graph.without(links), nodes.known)
        if not self.options.hops:
            return graphs.whole_piece(left, self.net.encoder, self.run.device), pairs
        asked, numbered = np.unique(pairs, return_inverse=True)
        part = graphs.part_around(left, asked, self.options.hops, seed, self.run.device)
        return part, numbered.reshape(pairs.shape)


def plan(
    net: Any,
    data: Splits[Batch],
    options: GraphOptions,
    run: Run,
    *,
    score: Callable[[], Mapping[str, float]],
    best: str,
) -> Iterator[Phase]:
    """Binary cross-entropy of links and of pairs that are none.

    Source: the links of a batch are taken out of the graph as in Wang et al. 2024, arXiv 2302.00890, section
    5.1; some of the pairs that are none are hard ones, so that they are learned too.
    """

    def batches(epoch: int) -> Sequence[Batch]:
        return Masked(data.train, net, options, run, epoch)

    def step(batch: Batch) -> Iterator[Loss]:
        own = {
            name: run.share(batch[name]).to(run.device) for name in ("pairs", "shared", "target", "weight")
        }
        said = net(batch["graph"].through(net.encoder), own["pairs"], own["shared"])
        total = functional.binary_cross_entropy_with_logits(
            said, own["target"], own["weight"], reduction="sum"
        )
        yield Loss(total, len(own["target"]))

    yield from graphs.one_phase(net, options, run, batches=batches, step=step, score=score, best=best)


def outputs(net: Any, batch: Batch) -> np.ndarray:
    """Logits of the link and of the other pairs of each row, [rows, pairs a row] float32."""
    device = next((parameter.device for parameter in net.parameters()), torch.device("cpu"))
    pairs, shared = (batch[name].reshape(-1, batch[name].shape[-1]) for name in ("pairs", "shared"))
    was_training = net.training
    net.eval()
    said: list[Tensor] = []
    with torch.no_grad():
        codes = graphs.whole_piece(batch["nodes"], net.encoder, device).through(net.encoder)
        for start in range(0, max(len(pairs), 1), PAIRS_AT_ONCE):
            part = slice(start, start + PAIRS_AT_ONCE)
            ends, common = (torch.from_numpy(each[part]).to(device) for each in (pairs, shared))
            said.append(net(codes, ends, common).float().cpu())
    net.train(was_training)
    return torch.cat(said).numpy().reshape(batch["pairs"].shape[:2])
