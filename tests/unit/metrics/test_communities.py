"""Modularity and the map equation, against NetworkX and by hand."""

from __future__ import annotations

import networkx
import numpy as np
import pytest

from deepfit.data.graph import build
from deepfit.metrics.communities import codelength, modularity, modularity_of_nodes


def made(directed, weighted, seed=0):
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, 20, (2, 60))
    weight = rng.uniform(0.5, 2, 60).astype(np.float32) if weighted else None
    return build(20, *ends, weight=weight, directed=directed), rng.integers(0, 4, 20)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("directed", [False, True])
def test_modularity_is_that_of_networkx(directed, weighted):
    graph, clusters = made(directed, weighted)
    other = networkx.DiGraph() if directed else networkx.Graph()
    other.add_nodes_from(range(20))
    weight = np.ones(graph.num_edges) if graph.weight is None else graph.weight
    edges = zip(graph.sources.tolist(), graph.targets.tolist(), weight.tolist(), strict=True)
    other.add_weighted_edges_from(edges)
    parts = [set(np.flatnonzero(clusters == each).tolist()) for each in range(4)]
    expected = networkx.community.modularity(other, parts)
    assert modularity(graph, clusters) == pytest.approx(expected, abs=1e-9)


def test_what_nodes_add_to_modularity_does_not_depend_on_the_numbers_of_clusters():
    graph, clusters = made(False, True)
    names = np.array([7, 0, 3, 5])
    np.testing.assert_allclose(
        modularity_of_nodes(graph, names[clusters]), modularity_of_nodes(graph, clusters)
    )


def test_the_code_of_one_cluster_is_the_entropy_of_the_nodes():
    graph, _ = made(False, False)
    share = graph.degrees[graph.degrees > 0] / graph.num_edges
    assert codelength(graph, np.zeros(20, int)) == pytest.approx(-(share * np.log2(share)).sum())


def test_the_code_of_two_triangles_and_a_bridge_by_hand():
    """Each triangle is left in 1 of 14 ends of edges; H of (1/2, 1/2) is 1 bit, times q = 2/14."""
    ends = np.array([[0, 1], [1, 2], [0, 2], [3, 4], [4, 5], [3, 5], [2, 3]]).T
    within = np.array([1, 2, 2, 3]) / 8  # leaving, then the nodes, of 8/14 in all
    expected = 2 / 14 + 2 * 8 / 14 * -(within * np.log2(within)).sum()
    assert codelength(build(6, *ends), [0, 0, 0, 1, 1, 1]) == pytest.approx(expected)


def test_a_graph_without_edges_has_neither():
    graph = build(3, np.empty(0, int), np.empty(0, int))
    assert modularity(graph, [0, 1, 1]) == codelength(graph, [0, 1, 1]) == 0
