"""What a sensible person would try first to part a graph: its pieces, its columns, its spectrum, Louvain."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from deepfit.baselines.clusters import for_points
from deepfit.data.cluster_options import MOST_CHOSEN
from deepfit.data.graph import Graph
from deepfit.metrics.communities import codelength

DENSE = 500
"""Nodes up to which all eigenvectors are computed, as exactly as can be."""
MOST_EDGES = 1_000_000
"""Edges beyond which Louvain, in Python, is left out."""

Found = tuple[str, np.ndarray, float]


def for_graph(graph: Graph, x: np.ndarray, clusters: int, *, seed: int) -> Iterator[Found]:
    """(name, how much each node belongs to each cluster [N, clusters], seconds) of each.

    x: [N, F], what columns say of the nodes. clusters: how many; 0 = chosen: of the columns by the
    silhouette, of the spectrum by the code length. Pieces and Louvain have the number that they have.
    """
    begun = time.perf_counter()
    yield "connected_components", np.eye(*_square(found := pieces(graph)))[found], _since(begun)
    if x.shape[1]:
        for _, shares, seconds in for_points(x, x, clusters, seed=seed, methods=["k_means"]):
            yield "columns_k_means", shares, seconds
    begun = time.perf_counter()
    found = spectral(graph, clusters, seed=seed)
    yield "spectral_clustering", np.eye(*_square(found))[found], _since(begun)
    if graph.num_edges <= MOST_EDGES:
        begun = time.perf_counter()
        found = louvain(graph, seed=seed)
        yield "louvain", np.eye(*_square(found))[found], _since(begun)


def pieces(graph: Graph) -> np.ndarray:
    """The connected component of each node, int64 [N]."""
    from scipy.sparse.csgraph import connected_components

    return connected_components(_adjacency(graph), directed=False)[1].astype(np.int64)


def spectral(graph: Graph, clusters: int, *, seed: int) -> np.ndarray:
    """The cluster of each node by k-means among rows of eigenvectors, int64 [N].

    Of (D + tI)^-1/2 A (D + tI)^-1/2 with t the mean degree, the largest, each row brought to length 1.
    clusters: 0 = that number from 2 to 20 whose clusters have the least code length.
    Source: Qin and Rohe 2013, arXiv 1309.4111, section 2.
    """
    from scipy import sparse
    from scipy.sparse.linalg import eigsh
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    adjacency = _adjacency(graph)
    degree = np.asarray(adjacency.sum(1)).ravel()
    root = 1 / np.sqrt(degree + max(degree.mean(), 1e-12))
    smooth = sparse.diags(root) @ adjacency @ sparse.diags(root)
    most = min(clusters or MOST_CHOSEN, graph.num_nodes - 1)
    if graph.num_nodes <= DENSE:
        vectors = np.linalg.eigh(smooth.toarray())[1][:, ::-1][:, :most]
    else:
        start = np.random.default_rng(seed).normal(size=graph.num_nodes)
        values, vectors = eigsh(smooth, most, which="LA", v0=start)
        vectors = vectors[:, np.argsort(-values)]

    def parted(count: int, starts: Any) -> np.ndarray:
        some = vectors[:, :count]
        some = some / np.maximum(np.linalg.norm(some, axis=1, keepdims=True), 1e-12)
        return KMeans(count, n_init=starts, random_state=seed % 2**32).fit_predict(some).astype(np.int64)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than clusters
        tried = [most] if clusters else range(2, most + 1)
        best = min(tried, key=lambda count: codelength(graph, parted(count, 2))) if len(tried) > 1 else most
        return parted(best, 10)


def louvain(graph: Graph, *, seed: int) -> np.ndarray:
    """The community of each node, int64 [N].

    Source: Blondel et al. 2008, arXiv 0803.0476; of directed graphs as NetworkX does it.
    """
    import networkx

    drawn = networkx.DiGraph() if graph.directed else networkx.Graph()
    drawn.add_nodes_from(range(graph.num_nodes))
    weight = np.ones(graph.num_edges) if graph.weight is None else graph.weight
    drawn.add_weighted_edges_from(
        zip(graph.sources.tolist(), graph.targets.tolist(), weight.tolist(), strict=True)
    )
    found = np.zeros(graph.num_nodes, np.int64)
    for number, members in enumerate(networkx.community.louvain_communities(drawn, seed=seed % 2**32)):
        found[list(members)] = number
    return found


def _adjacency(graph: Graph):
    """Weights of edges, of directed ones both ways, [N, N] by rows."""
    from scipy import sparse

    weight = np.ones(graph.num_edges) if graph.weight is None else graph.weight.astype(np.float64)
    size = (graph.num_nodes, graph.num_nodes)
    adjacency = sparse.csr_matrix((weight, (graph.targets, graph.sources)), size)
    return (adjacency + adjacency.T) / 2 if graph.directed else adjacency


def _square(clusters: np.ndarray) -> tuple[int]:
    return (int(clusters.max(initial=0)) + 1,)


def _since(begun: float) -> float:
    return time.perf_counter() - begun
