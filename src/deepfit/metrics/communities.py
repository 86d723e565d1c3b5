"""How good a partition of a graph's nodes is by its edges alone.

Clusters are whole numbers from 0, one a node; edges count by their weights, directed ones as half an edge
each way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from deepfit.data.graph import Graph


def modularity_of_nodes(graph: Graph, clusters: ArrayLike) -> NDArray[np.float64]:
    """What each node adds to the modularity, float64 [N]; the sum is the modularity.

    The share of edges that end in the node and stay within its cluster, less what chance would give:
    w_i(in c) / m - (d_in,i D_out,c + d_out,i D_in,c) / (2 m^2), D the sums of a cluster. 0 without edges.
    Source: Newman and Girvan 2004, arXiv cond-mat/0308217, eq. 5; of directed graphs Leicht and Newman 2008,
    arXiv 0709.4500, eq. 3.
    """
    codes = np.asarray(clusters, np.int64)
    weight = _weights(graph)
    total = weight.sum()
    if not total:
        return np.zeros(graph.num_nodes)
    ends = (graph.targets, graph.sources)
    stays = weight * (codes[ends[0]] == codes[ends[1]])
    heard, told = (np.bincount(end, weights=weight, minlength=graph.num_nodes) for end in ends)
    within = sum(np.bincount(end, weights=stays, minlength=graph.num_nodes) for end in ends) / (2 * total)
    heard_by, told_by = (np.bincount(codes, weights=each)[codes] for each in (heard, told))
    return within - (heard * told_by + told * heard_by) / (2 * total**2)


def modularity(graph: Graph, clusters: ArrayLike) -> float:
    """The share of edges within clusters less that of a graph with the same degrees and no structure."""
    return float(modularity_of_nodes(graph, clusters).sum())


def codelength(graph: Graph, clusters: ArrayLike) -> float:
    """Bits that a step of a random walk takes to tell, where clusters have names and so have their nodes.

    The map equation of two levels: H(q) q + sum_c (q_c + p_c) H(nodes of c and leaving it). The fewer, the
    longer a walk stays within clusters, and the number of clusters has its price. A walk along a directed
    edge may go back. 0 without edges.
    Source: Rosvall and Bergstrom 2008, arXiv 0707.0609, eq. 1; Rosvall et al. 2009, arXiv 0906.1405, eq. 4.
    """
    codes = np.asarray(clusters, np.int64)
    weight = _weights(graph)
    total = weight.sum()
    if not total:
        return 0.0
    ends = (graph.targets, graph.sources)
    visits = sum(np.bincount(end, weights=weight, minlength=graph.num_nodes) for end in ends) / (2 * total)
    leaves = weight * (codes[ends[0]] != codes[ends[1]])
    count = int(codes.max(initial=0)) + 1
    exits = sum(np.bincount(codes[end], weights=leaves, minlength=count) for end in ends) / (2 * total)
    stays = np.bincount(codes, weights=visits, minlength=count)
    return float(_bits(exits.sum()) - 2 * _bits(exits) - _bits(visits) + _bits(exits + stays))


def _weights(graph: Graph) -> NDArray[np.float64]:
    return np.ones(graph.num_edges) if graph.weight is None else graph.weight.astype(np.float64)


def _bits(rates: ArrayLike) -> float:
    """The sum of x log2 x."""
    some = np.atleast_1d(np.asarray(rates, np.float64))
    some = some[some > 0]
    return float((some * np.log2(some)).sum())
