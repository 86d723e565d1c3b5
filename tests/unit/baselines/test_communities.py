"""Baselines of communities find what is plainly there."""

from __future__ import annotations

import numpy as np
import pytest

from deepfit.baselines import communities
from deepfit.data.graph import build
from deepfit.metrics.clusters import agreement


@pytest.fixture(scope="module")
def blocks():
    """Three groups of 30 that know each other, and few between."""
    rng = np.random.default_rng(0)
    group = np.arange(90) % 3
    ends = rng.integers(0, 90, (2, 2000))
    return group, build(90, *ends[:, (group[ends[0]] == group[ends[1]]) | (rng.random(2000) < 0.05)])


@pytest.mark.parametrize("clusters", [0, 3])
def test_spectral_clustering_and_louvain_find_plain_blocks(blocks, clusters):
    group, graph = blocks
    found = {
        name: shares for name, shares, _ in communities.for_graph(graph, np.zeros((90, 0)), clusters, seed=0)
    }
    assert list(found) == ["connected_components", "spectral_clustering", "louvain"]
    for name in ("spectral_clustering", "louvain"):
        assert agreement(found[name].argmax(1), group)["nmi"] == 1


def test_large_graphs_take_the_way_of_sparse_eigenvectors_to_the_same_clusters(blocks, monkeypatch):
    _, graph = blocks
    exact = communities.spectral(graph, 3, seed=0)
    monkeypatch.setattr(communities, "DENSE", 10)
    assert agreement(communities.spectral(graph, 3, seed=0), exact)["nmi"] == 1


def test_pieces_without_an_edge_between_them_are_found():
    found = communities.pieces(build(5, np.array([0, 2]), np.array([1, 3])))
    assert found.tolist() == [0, 0, 1, 1, 2]
