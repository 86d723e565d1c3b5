"""What tasks on one graph share: the network, its training on the whole graph or on parts, its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepfit.contract import Batch, Facts, Loss, Phase, Run, Splits
from deepfit.data.graph import Graph, sampled
from deepfit.data.graph_nodes import Nodes
from deepfit.data.graph_options import GraphNetworkOptions, GraphOptions
from deepfit.nn import optimizers, schedules
from deepfit.nn.links import Links
from deepfit.nn.nets.graph_network import GraphNetwork
from deepfit.plans import rate_test


@dataclass(frozen=True)
class Piece:
    """A graph, or a part of one, as a network reads it: tensors on the device.

    x: [N, F]. known: [N], the numbers of learned vectors, or None. heard: what the first layer hears, where
    no weight has a part in it; see `GraphNetwork.heard`.
    """

    x: Tensor
    links: Links
    known: Tensor | None = None
    heard: Sequence[Tensor] | None = None

    def through(self, net: Any) -> Tensor:
        """What the network says of every node, [N, outputs]."""
        return net(self.x, self.links, self.known, self.heard)


def network(options: GraphOptions, facts: Facts, num_outputs: int) -> GraphNetwork:
    """The network that options and facts name."""
    return GraphNetwork(
        facts["num_features"], num_outputs, vectors=len(facts["nodes"] or ()), **layers_of(options, facts)
    )


def layers_of(options: GraphNetworkOptions, facts: Facts) -> dict[str, Any]:
    """The constructor's arguments that say which layers, of a network on one graph or on many."""
    return {
        "kind": options.network,
        "layers": options.layers,
        "width": options.width,
        "heads": options.heads,
        "activation": "relu" if options.activation == "auto" else options.activation,
        "dropout": options.dropout,
        "norm": options.norm,
        "skip": options.skip,
        "edge_features": len(facts["edge_features"]),
        "directed": facts["directed"],
    }


def links_of(graph: Graph, device: torch.device, **more: Any) -> Links:
    """The edges of a graph on the device."""
    move = lambda array: None if array is None else torch.from_numpy(array).to(device)  # noqa: E731
    return Links(
        torch.from_numpy(graph.starts).to(device),
        torch.from_numpy(graph.sources).to(device),
        weight=move(graph.weight),
        features=move(graph.features),
        directed=graph.directed,
        **more,
    )


def whole_piece(nodes: Nodes, net: Any, device: torch.device) -> Piece:
    """The whole graph of some nodes; made once a graph and device, what is heard once a network's kind."""
    key = ("piece", str(device), net.kind, len(net.layers[0]))
    if key not in nodes.kept:
        x = torch.from_numpy(nodes.x).to(device)
        links = links_of(nodes.graph, device)
        known = None if nodes.known is None else torch.from_numpy(nodes.known).to(device)
        with torch.no_grad():
            nodes.kept[key] = Piece(x, links, known, net.heard(x, links))
    return nodes.kept[key]


class Sampled(Sequence[Batch]):
    """Batches of nodes in a new order, each with a part of the graph drawn around them.

    Source: Hamilton et al. 2017, arXiv 1706.02216, algorithm 2.
    """

    def __init__(self, nodes: Nodes, target: np.ndarray, options: GraphOptions, run: Run, epoch: int) -> None:
        self.nodes, self.target, self.hops, self.run, self.epoch = nodes, target, options.hops, run, epoch
        self.order = torch.randperm(len(nodes), generator=run.rng("shuffle", epoch)).numpy()
        self.num_batches = max(1, -(-len(nodes) // options.batch_size))

    def __len__(self) -> int:
        return self.num_batches

    def __getitem__(self, place: int) -> Batch:
        if not 0 <= place < self.num_batches:
            raise IndexError(place)
        rows = self.order[
            place * len(self.order) // self.num_batches : (place + 1) * len(self.order) // self.num_batches
        ]
        seed = torch.randint(2**62, (1,), generator=self.run.rng("neighbours", self.epoch, place))
        asked = self.nodes.index[rows]
        return {
            "rows": torch.arange(len(rows)),
            "target": torch.from_numpy(self.target[rows]),
            "graph": part_around(self.nodes, asked, self.hops, int(seed), self.run.device),
        }


def part_around(
    nodes: Nodes, asked: np.ndarray, hops: Sequence[int], seed: int, device: torch.device
) -> Piece:
    """A part of the graph drawn around some nodes, which are its first."""
    order, part = sampled(nodes.graph, asked, hops, np.random.default_rng(seed))
    heard, told = _weights(nodes)
    links = links_of(
        part,
        device,
        heard=torch.from_numpy(heard[order]).to(device),
        told=torch.from_numpy(told[order]).to(device),
    )
    known = None if nodes.known is None else torch.from_numpy(nodes.known[order]).to(device)
    return Piece(torch.from_numpy(nodes.x[order]).to(device), links, known)


def plan(
    net: nn.Module,
    data: Splits[Batch],
    options: GraphOptions,
    run: Run,
    *,
    loss: Callable[[Tensor, Batch], Tensor],
    score: Callable[[], Mapping[str, float]],
    best: str,
) -> Iterator[Phase]:
    """Supervised learning of nodes: the whole graph a step, or nodes with neighbours drawn around them.

    loss: (outputs of rows, batch with their "target") -> scalar sum.
    """
    nodes: Nodes = data.train["nodes"]
    target = data.train["target"]

    def batches(epoch: int) -> Sequence[Batch]:
        if options.hops:
            return Sampled(nodes, target, options, run, epoch)
        rows = {"rows": torch.from_numpy(nodes.index), "target": torch.from_numpy(target)}
        return [{**rows, "graph": whole_piece(nodes, net, run.device)}]

    def step(batch: Batch) -> Iterator[Loss]:
        own = {name: run.share(batch[name]).to(run.device) for name in ("rows", "target")}
        said = batch["graph"].through(net)[own["rows"]]
        yield Loss(loss(said, own), len(own["rows"]))

    yield from one_phase(net, options, run, batches=batches, step=step, score=score, best=best)


def one_phase(
    net: nn.Module,
    options: GraphOptions,
    run: Run,
    *,
    batches: Callable[[int], Sequence[Batch]],
    step: Callable[[Batch], Iterator[Loss]],
    score: Callable[[], Mapping[str, float]],
    best: str | None = None,
) -> Iterator[Phase]:
    """The one phase of learning on a graph, whose nodes cannot be parted; the rate by a test where asked."""

    def optimizer(learning_rate: float) -> torch.optim.Optimizer:
        return optimizers.build(
            options.optimizer,
            net,
            learning_rate=learning_rate,
            weight_decay=options.weight_decay,
            momentum=options.momentum,
        )

    rate = options.learning_rate
    if rate == "auto":
        rate = yield from rate_test.find(net, batches, step, optimizer, run, coupled=True)
    yield Phase(
        name="train",
        batches=batches,
        step=step,
        optimizers={"main": optimizer(rate)},
        epochs=options.epochs,
        score=score,
        rate=schedules.build(options.schedule, options.warmup),
        best=best,
        coupled=True,
        varied=True,
    )


def outputs(net: nn.Module, nodes: Nodes) -> np.ndarray:
    """What the network says of nodes, [rows, outputs] float32, hearing all their neighbours."""
    device = next((parameter.device for parameter in net.parameters()), torch.device("cpu"))
    was_training = net.training
    net.eval()
    with torch.no_grad():
        said = whole_piece(nodes, net, device).through(net)[torch.from_numpy(nodes.index).to(device)]
    net.train(was_training)
    return said.float().cpu().numpy()


def _weights(nodes: Nodes) -> tuple[np.ndarray, np.ndarray]:
    """float32 [N], what the edges to each node count together, and those from it."""
    if "weights" not in nodes.kept:
        graph, weight = nodes.graph, nodes.graph.weight
        ends = (graph.targets, graph.sources)
        found = [np.bincount(end, weights=weight, minlength=graph.num_nodes) for end in ends]
        nodes.kept["weights"] = found[0].astype(np.float32), found[1].astype(np.float32)
    return nodes.kept["weights"]


def without_each(
    net: nn.Module, nodes: Nodes, node: int, *, most_nodes: int = 20_000
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """What the network would say of one node if it did not know one of its neighbours.

    The neighbours int64 [M]; what it says as things are, float32 [outputs]; and without the edge between the
    node and each of them, in both directions, float32 [M, outputs]. None where what the network looks at for
    this node has more than `most_nodes` nodes.
    """
    device = next((parameter.device for parameter in net.parameters()), torch.device("cpu"))
    graph = nodes.graph
    layers = len(net.layers)  # pyright: ignore[reportArgumentType]
    order, part = sampled(graph, np.array([node]), [graph.num_edges] * layers, np.random.default_rng(0))
    if len(order) > most_nodes:
        return None
    heard, told = (each[order] for each in _weights(nodes))
    near = np.union1d(part.neighbours(0), part.targets[part.sources == 0])
    x = torch.from_numpy(nodes.x[order]).to(device)
    known = None if nodes.known is None else torch.from_numpy(nodes.known[order]).to(device)
    move = lambda array: torch.from_numpy(array).to(device)  # noqa: E731 (one expression)

    def said(kept: np.ndarray) -> np.ndarray:
        weight = np.ones(part.num_edges, np.float32) if part.weight is None else part.weight
        away = ~kept
        less = [np.bincount(end[away], weight[away], len(order)) for end in (part.targets, part.sources)]
        weights = {
            "heard": move((heard - less[0]).astype(np.float32)),
            "told": move((told - less[1]).astype(np.float32)),
        }
        links = links_of(part.kept(kept), device, **weights)
        return net(x, links, known)[0].float().cpu().numpy()

    was_training = net.training
    net.eval()
    with torch.no_grad():
        as_it_is = said(np.ones(part.num_edges, bool))
        ends = np.stack([part.sources, part.targets])
        without = [said(~((ends == [[0], [one]]) | (ends == [[one], [0]])).all(0)) for one in near]
    net.train(was_training)
    return order[near], as_it_is, np.stack(without) if without else np.zeros((0, len(as_it_is)), np.float32)
