"""What is known of the nodes and edges of many graphs as numbers, learned from the training graphs alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from deepfit.contract import Facts
from deepfit.data.graph import Graph
from deepfit.data.graph_encoding import STRUCTURE, column_features, column_names, structure_of
from deepfit.data.graph_rows import GraphRows
from deepfit.data.graph_set_options import GraphSetOptions
from deepfit.data.graph_sets import Graphs, ranges
from deepfit.data.table_encoding import learn_columns

NODES_AT_ONCE = 4096
"""Of graphs whose walks are worked out together."""


def learn_graphs(train: GraphRows, options: GraphSetOptions) -> dict[str, Any]:
    """What encoding needs to know, from training graphs only; plain JSON.

    As `learn_columns` of nodes; walks; structure: mean and deviation of the numbers of `shape_of`;
    edge_features: names, those that some training edge has; edge_scale: mean and deviation of each;
    num_features; feature_names; directed.
    """
    whole, nodes = train.whole, train.nodes
    facts: dict[str, Any] = learn_columns(whole.nodes.take(nodes))
    shape = _shape(train, options.walks)[nodes]
    names = [*column_names(facts), *STRUCTURE]
    names += [f"back after {step}" for step in range(2, options.walks + 1)]
    edges = _edges_to(whole.graph, nodes)
    features = whole.graph.features
    features = np.zeros((0, 0)) if features is None else features[edges].astype(np.float64)
    kept = np.flatnonzero(np.abs(features).sum(0) > 0).tolist()
    scale = [_scale(features[:, place]) for place in kept]
    return {
        **facts,
        "walks": options.walks,
        "structure": [shape.mean(0).tolist(), np.maximum(shape.std(0), 1e-6).tolist()],
        "edge_features": [whole.edges.feature_names[place] for place in kept],
        "edge_scale": scale,
        "feature_names": names,
        "num_features": len(names),
        "directed": whole.graph.directed,
    }


def encode_graphs(rows: GraphRows, facts: Facts) -> Graphs:
    """The rows' graphs; those of a source are encoded once for all its parts."""
    whole = rows.whole
    if whole.kept.get("of") is not facts["columns"]:
        mean, deviation = facts["structure"]
        shape = ((_shape(rows, facts["walks"]) - mean) / deviation).astype(np.float32)
        x = np.concatenate([*column_features(whole.nodes, facts), shape], 1)
        graph = replace(whole.graph, features=_edge_features(rows, facts))
        every = Graphs(rows.graphs, x, graph, whole.starts)
        whole.kept.update(of=facts["columns"], graphs=every)
    return whole.kept["graphs"].at(rows.graphs)


def returns(graph: Graph, starts: np.ndarray, steps: int) -> np.ndarray:
    """The chance that a random walk from each node is back after 2, 3, ... steps, float32 [N, steps - 1].

    Along edges in both directions, each as likely; 0 where there is none. starts: [G + 1], where the nodes of
    each graph begin, between which no edge leads.
    Source: Dwivedi et al. 2022, arXiv 2110.07875, section 4.2. Differs: not the first step, after which no
    walk is back.
    """
    from scipy import sparse

    found = np.zeros((graph.num_nodes, max(steps - 1, 0)), np.float32)
    first = 0
    while first < len(starts) - 1 and steps > 1:
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + NODES_AT_ONCE, side="right")) - 1)
        low, high = int(starts[first]), int(starts[last])
        edges = slice(graph.starts[low], graph.starts[high])
        to, come = graph.targets[edges] - low, graph.sources[edges] - low
        size = high - low
        near = sparse.csr_matrix((np.ones(len(to), np.float32), (to, come)), (size, size))
        near = near.maximum(near.T)
        step = sparse.diags(1 / np.maximum(np.asarray(near.sum(1)).ravel(), 1)) @ near
        walked = step
        for place in range(steps - 1):
            walked = walked @ step
            found[low:high, place] = walked.diagonal()
        first = last
    return found


def _shape(rows: GraphRows, walks: int) -> np.ndarray:
    """float64 [N, 3 + walks - 1]: what is known of every node by the edges alone."""
    whole = rows.whole
    if ("shape", walks) not in whole.kept:
        parts = [structure_of(whole.graph), returns(whole.graph, whole.starts, walks)]
        whole.kept["shape", walks] = np.concatenate(parts, 1)
    return whole.kept["shape", walks]


def _edge_features(rows: GraphRows, facts: Facts) -> np.ndarray | None:
    """float32 [E, K]; zeros for one that no edge of these graphs has."""
    names, graph = list(rows.whole.edges.feature_names), rows.whole.graph
    if not facts["edge_features"]:
        return None
    found = np.zeros((graph.num_edges, len(facts["edge_features"])), np.float32)
    for place, (name, (mean, deviation)) in enumerate(
        zip(facts["edge_features"], facts["edge_scale"], strict=True)
    ):
        given = graph.features[:, names.index(name)] if graph.features is not None and name in names else 0.0
        found[:, place] = (given - mean) / deviation
    return found


def _edges_to(graph: Graph, nodes: np.ndarray) -> np.ndarray:
    """The numbers of the edges that lead to these nodes."""
    return ranges(graph.starts[nodes], graph.degrees[nodes])


def _scale(values: np.ndarray) -> tuple[float, float]:
    """Mean and deviation; (0, 1) of what only says yes or no."""
    if np.isin(values, (0, 1)).all():
        return 0.0, 1.0
    return float(values.mean()), float(values.std()) or 1.0
