"""A graph as arrays: for each node, side by side, the nodes whose edges lead to it.

Letters: N nodes, E edges (each direction of an undirected one counts), K numbers of an edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Graph:
    """Edges sorted by the node they lead to, then by the node they come from; none twice, no self loops.

    starts: int64 [N + 1], where the edges to each node begin. sources: int64 [E]. weight: float32 [E], or
    None where all count alike. features: float32 [E, K], or None. directed: False where each edge is there in
    both directions.
    """

    starts: np.ndarray
    sources: np.ndarray
    weight: np.ndarray | None = None
    features: np.ndarray | None = None
    directed: bool = False

    @property
    def num_nodes(self) -> int:
        """Nodes, isolated ones too."""
        return len(self.starts) - 1

    @property
    def num_edges(self) -> int:
        """Edges; an undirected one counts twice."""
        return len(self.sources)

    @cached_property
    def targets(self) -> np.ndarray:
        """int64 [E], the node that each edge leads to."""
        return np.repeat(np.arange(self.num_nodes), self.degrees)

    @property
    def degrees(self) -> np.ndarray:
        """int64 [N], edges that lead to each node."""
        return np.diff(self.starts)

    @cached_property
    def leaving(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the edges from each node begin, int64 [N + 1], in an order of all edges, int64 [E]."""
        counts = np.bincount(self.sources, minlength=self.num_nodes)
        return np.concatenate([[0], counts.cumsum()]), np.argsort(self.sources, kind="stable")

    def neighbours(self, node: int) -> np.ndarray:
        """The nodes whose edges lead to one."""
        return self.sources[self.starts[node] : self.starts[node + 1]]

    def turned(self) -> Graph:
        """The graph with every edge the other way round; itself where it is undirected."""
        if not self.directed:
            return self
        return build(
            self.num_nodes,
            self.targets,
            self.sources,
            weight=self.weight,
            features=self.features,
            directed=True,
        )

    def without(self, pairs: np.ndarray) -> Graph:
        """Without the edges [P, 2] from the one to the other, of an undirected graph in both directions."""
        away = _keys(self.num_nodes, pairs[:, 0], pairs[:, 1])
        if not self.directed:
            away = np.concatenate([away, _keys(self.num_nodes, pairs[:, 1], pairs[:, 0])])
        return self.kept(~np.isin(_keys(self.num_nodes, self.sources, self.targets), away))

    def kept(self, chosen: np.ndarray) -> Graph:
        """All nodes and the edges where a mask [E] is True."""
        counts = np.bincount(self.targets[chosen], minlength=self.num_nodes)
        return Graph(
            np.concatenate([[0], counts.cumsum()]),
            self.sources[chosen],
            None if self.weight is None else self.weight[chosen],
            None if self.features is None else self.features[chosen],
            self.directed,
        )

    def has(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """bool, whether there is an edge from each source to its target."""
        keys = _keys(self.num_nodes, self.sources, self.targets)
        keys.sort()
        asked = _keys(self.num_nodes, source, target)
        place = np.minimum(np.searchsorted(keys, asked), max(len(keys) - 1, 0))
        return keys[place] == asked if len(keys) else np.zeros(len(asked), bool)


def build(
    num_nodes: int,
    source: np.ndarray,
    target: np.ndarray,
    *,
    weight: np.ndarray | None = None,
    features: np.ndarray | None = None,
    directed: bool = False,
) -> Graph:
    """A graph from edges [E] in any order.

    An edge from a node to itself is left out; edges that repeat are one, with their mean weight and features.
    An undirected edge may be given in one direction or in both.
    """
    source, target = np.asarray(source, np.int64), np.asarray(target, np.int64)
    chosen = source != target
    if not directed:
        source, target = np.concatenate([source, target]), np.concatenate([target, source])
        chosen = np.concatenate([chosen, chosen])
        weight = None if weight is None else np.concatenate([weight, weight])
        features = None if features is None else np.concatenate([features, features])
    source, target = source[chosen], target[chosen]
    keys, place, times = np.unique(_keys(num_nodes, source, target), return_inverse=True, return_counts=True)
    counts = np.bincount(keys // max(num_nodes, 1), minlength=num_nodes)
    return Graph(
        np.concatenate([[0], counts.cumsum()]).astype(np.int64),
        keys % max(num_nodes, 1),
        None if weight is None else _mean(weight[chosen], place, times),
        None if features is None else _mean(features[chosen], place, times),
        directed,
    )


def union(graphs: Sequence[Graph]) -> Graph:
    """Graphs side by side as one, without an edge between them; nodes are numbered on."""
    nodes = np.cumsum([0, *(graph.num_nodes for graph in graphs)])
    edges = np.cumsum([0, *(graph.num_edges for graph in graphs)])
    starts = [graph.starts[:-1] + before for graph, before in zip(graphs, edges, strict=False)]
    sources = [graph.sources + before for graph, before in zip(graphs, nodes, strict=False)]
    weights = [graph.weight for graph in graphs]
    features = [graph.features for graph in graphs]
    return Graph(
        np.concatenate([*starts, edges[-1:]]).astype(np.int64),
        np.concatenate([*sources, np.empty(0, np.int64)]),
        None if not weights or weights[0] is None else np.concatenate(weights),  # pyright: ignore[reportCallIssue, reportArgumentType]  (all or none)
        None if not features or features[0] is None else np.concatenate(features),  # pyright: ignore[reportCallIssue, reportArgumentType]  (all or none)
        bool(graphs) and graphs[0].directed,
    )


def sampled(
    graph: Graph, nodes: np.ndarray, counts: Sequence[int], rng: np.random.Generator
) -> tuple[np.ndarray, Graph]:
    """A part of the graph around some nodes: at most counts[h] edges into each node found at hop h.

    Of a directed graph also as many edges from it. nodes: int64 [M], none twice. Returns the nodes of the
    part, the asked ones first, and the part, directed, its nodes numbered in that order.
    Source: Hamilton et al. 2017, arXiv 1706.02216, section 3.1. Differs: without replacement.
    """
    place = np.full(graph.num_nodes, -1, np.int64)
    place[nodes] = np.arange(len(nodes))
    targets = graph.targets
    found, edges = [nodes], [np.empty(0, np.int64)]
    for count in counts:
        frontier = found[-1]
        drawn = [_drawn(graph.starts, frontier, count, rng)]
        reached = [graph.sources[drawn[0]]]
        if graph.directed:
            starts, order = graph.leaving
            drawn.append(order[_drawn(starts, frontier, count, rng)])
            reached.append(targets[drawn[1]])
        edges += drawn
        seen = np.unique(np.concatenate(reached))
        fresh = seen[place[seen] < 0]
        place[fresh] = np.arange(len(fresh)) + sum(map(len, found))
        found.append(fresh)
    order, chosen = np.concatenate(found), np.unique(np.concatenate(edges))
    target, source = place[targets[chosen]], place[graph.sources[chosen]]
    by = np.lexsort((source, target))
    chosen, target, source = chosen[by], target[by], source[by]
    starts = np.concatenate([[0], np.bincount(target, minlength=len(order)).cumsum()])
    weight, features = (None if each is None else each[chosen] for each in (graph.weight, graph.features))
    return order, Graph(starts.astype(np.int64), source, weight, features, True)


def _drawn(starts: np.ndarray, nodes: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """At most `count` different places between starts[n] and starts[n + 1] for each node n."""
    degrees = starts[nodes + 1] - starts[nodes]
    before = np.cumsum(degrees) - degrees
    of = np.repeat(np.arange(len(nodes)), degrees)
    places = np.repeat(starts[nodes] - before, degrees) + np.arange(len(of))
    if not len(places) or degrees.max() <= count:
        return places
    by = np.lexsort((rng.random(len(places)), of))
    rank = np.arange(len(places)) - np.repeat(before, degrees)
    return places[by[rank < count]]


def _keys(num_nodes: int, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """One number an edge, in the order of targets, then sources."""
    return np.asarray(target, np.int64) * num_nodes + np.asarray(source, np.int64)


def _mean(values: np.ndarray, place: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The mean of the values [E, ...] of each place, float32."""
    flat = values.reshape(len(values), int(np.prod(values.shape[1:])))  # -1 is refused of no edge
    sums = [np.bincount(place, weights=column, minlength=len(times)) / times for column in flat.T]
    found = np.stack(sums, 1) if sums else np.zeros((len(times), 0))
    return found.reshape(len(times), *values.shape[1:]).astype(np.float32)
