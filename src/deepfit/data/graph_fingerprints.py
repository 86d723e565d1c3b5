"""Numbers that are the same for the same graph, however its nodes and edges are ordered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from deepfit.data.graph import Graph
from deepfit.data.table_rows import mixed

HEARD = 3
"""Edges away from a node that tell two graphs apart."""


def graph_fingerprints(
    nodes: np.ndarray, graph: Graph, feature_names: Sequence[str], starts: np.ndarray
) -> np.ndarray:
    """uint64 [G], of graphs side by side, from those of their nodes [N] and what is known of edges.

    Each node takes in its neighbours HEARD times, the order of neighbours and nodes not counting. starts:
    [G + 1], where the nodes of each graph begin. Two different graphs that no such tale of neighbours tells
    apart (two triangles, a ring of six) have the same.
    Source: Shervashidze et al. 2011, "Weisfeiler-Lehman graph kernels", section 2.
    """
    edges = np.full(graph.num_edges, 1, np.uint64)
    columns = {} if graph.weight is None else {"": graph.weight}
    if graph.features is not None:
        columns |= dict(zip(feature_names, graph.features.T, strict=True))
    for name, values in columns.items():  # a kind of edge that is not there tells nothing
        salt = pl.Series([name]).hash(seed=3).to_numpy()[0]
        bits = np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.uint64)
        edges += np.where(values != 0, mixed(bits ^ salt), np.uint64(0))
    found = mixed(nodes)
    for _ in range(HEARD):
        told = mixed(found[graph.sources] ^ edges)
        found = mixed(found ^ mixed(_sums(told, graph.starts) + np.uint64(1)))
    return _sums(found, starts)


def _sums(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """uint64 sums, modulo 2^64, of the stretches between starts; 0 of an empty one."""
    running = np.concatenate([[np.uint64(0)], np.cumsum(values, dtype=np.uint64)])
    return running[starts[1:]] - running[starts[:-1]]
