"""Learning communities: many partitions of one graph learned at once, and the best of them chosen.

Source: Tsitsulin et al. 2023, arXiv 2006.16904 (DMoN): soft clusters of greatest modularity, kept from being
one by a term of collapse. Differs: partitions of several sizes share the layers below the last; the weight of
the term differs between starts and falls to 0, so that unequal clusters are found too; a term of entropy,
which falls to 0 too, keeps nodes from being sure too early (as a temperature in annealing). No term
is below 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from deepfit.contract import Batch, Facts, Loss, Phase, Run, Splits
from deepfit.data.community_options import CommunityOptions
from deepfit.data.graph_nodes import Nodes
from deepfit.metrics.communities import codelength, modularity
from deepfit.nn.communities import Communities, collapse, soft_modularity, uncertainty
from deepfit.plans import graphs

COLLAPSE = (1.0, 0.5, 0.2, 0.0)
"""Weights of the term of collapse, of one start after the other."""
HEAT = 0.1
"""Weight of the entropy at the beginning."""
COOL = 0.8
"""Share of the training at whose end both are 0."""


def network(options: CommunityOptions, facts: Facts) -> Communities:
    """The network that options and facts name."""
    sizes = options.sizes(facts["num_nodes"])
    return Communities(graphs.network(options, facts, sum(sizes)), sizes)


def plan(net: Any, data: Splits[Batch], options: CommunityOptions, run: Run) -> Iterator[Phase]:
    """One phase in which all partitions learn from the whole graph, then the choice."""
    nodes: Nodes = data.train["nodes"]
    pull_H = torch.tensor([COLLAPSE[place % len(COLLAPSE)] for place in range(len(net.sizes))])
    pull_H = pull_H.to(run.device)

    def batches(epoch: int) -> list[Batch]:
        heat = max(0.0, 1 - epoch / (COOL * options.epochs))
        return [{"heat": heat, "graph": graphs.whole_piece(nodes, net.body, run.device)}]

    def step(batch: Batch) -> Iterator[Loss]:
        piece = batch["graph"]
        belongs_NO = net(piece.through(net.body))
        good_H = soft_modularity(belongs_NO, piece.links, net.member_OH)
        unequal_H = pull_H * collapse(belongs_NO, net.member_OH)
        sure_H = net.member_OH.sum(0).log() - uncertainty(belongs_NO, piece.links, net.member_OH)
        total_H = 1 - good_H + batch["heat"] * (unequal_H + HEAT * sure_H)
        # over nodes and partitions, as one item: each learns as fast beside many others as alone
        yield Loss(len(belongs_NO) * total_H.sum(), 1)

    def score() -> Mapping[str, float]:
        piece = graphs.whole_piece(nodes, net.body, run.device)
        belongs_NO = net(piece.through(net.body))
        return {"soft_modularity": float(soft_modularity(belongs_NO, piece.links, net.member_OH).max())}

    yield from graphs.one_phase(net, options, run, batches=batches, step=step, score=score)
    choose(net, nodes, options.choose)


def choose(net: Communities, nodes: Nodes, by: str) -> None:
    """Keep the partition of the least code length, or of the greatest modularity.

    Where all partitions have room for as many clusters, it is one of those that use most of them. Two
    clusters at least, where any partition has them.
    """
    belongs_NO = belonging(net, nodes.at(np.arange(nodes.graph.num_nodes)))
    found: list[tuple[int, float, list[int]]] = []
    start = 0
    for size in net.sizes:
        own = belongs_NO[:, start : start + size].argmax(1)
        counts = np.bincount(own, minlength=size)
        largest = np.argsort(-counts, kind="stable")[: int((counts > 0).sum())]
        score = codelength(nodes.graph, own) if by == "codelength" else -modularity(nodes.graph, own)
        found.append((len(largest), score, (largest + start).tolist()))
        start += size
    most = max(count for count, *_ in found)
    if len(set(net.sizes)) == 1:
        found = [each for each in found if each[0] == most]
    elif most > 1:
        found = [each for each in found if each[0] > 1]
    curve = {count: min(score for other, score, _ in found if other == count) for count, *_ in found}
    if by == "modularity":
        curve = {count: -score for count, score in curve.items()}
    net.settle(min(found, key=lambda each: each[1])[2], curve if len(set(net.sizes)) > 1 else {})


def belonging(net: Communities, nodes: Nodes) -> np.ndarray:
    """How much each row's node belongs to each cluster of all partitions, float32 [rows, O]."""
    said_NO = graphs.outputs(net.body, nodes)
    with torch.no_grad():
        return net(torch.from_numpy(said_NO).to(net.chosen_S.device)).cpu().numpy()


def outputs(net: Communities, nodes: Nodes) -> dict[str, np.ndarray]:
    """`belongs` float32 [rows, clusters] of the chosen partition, rows summing to 1."""
    belongs = belonging(net, nodes)[:, net.chosen.cpu().numpy()]
    return {"belongs": belongs / np.maximum(belongs.sum(1, keepdims=True), 1e-12)}
