"""Soft communities: hard ones have Newman's modularity, the terms of the loss have their limits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepfit.data.graph import build
from deepfit.metrics.communities import modularity
from deepfit.nn.communities import Communities, collapse, soft_modularity, uncertainty
from deepfit.nn.nets.graph_network import GraphNetwork
from deepfit.plans.graphs import links_of

SIZES = (2, 3, 4)


@pytest.fixture
def graph():
    rng = np.random.default_rng(0)
    return build(12, *rng.integers(0, 12, (2, 40)), weight=rng.uniform(0.5, 2, 40).astype(np.float32))


@pytest.fixture
def net():
    return Communities(GraphNetwork(0, sum(SIZES), width=8, vectors=12), SIZES)


def hard(clusters):
    """Partitions as columns of zeros and ones, side by side."""
    both = [
        torch.nn.functional.one_hot(torch.tensor(own), size)
        for own, size in zip(clusters, SIZES, strict=True)
    ]
    return torch.cat(both, 1).float()


def parted():
    rng = np.random.default_rng(1)
    return [rng.permutation(np.arange(12) % size) for size in SIZES]


def test_what_nodes_belong_to_sums_to_one_in_each_partition(net):
    belongs = net(torch.randn(12, sum(SIZES), generator=torch.Generator().manual_seed(0)))
    sums = torch.stack([part.sum(1) for part in belongs.split(SIZES, 1)])
    torch.testing.assert_close(sums, torch.ones(3, 12))


def test_each_partition_is_a_softmax_of_its_own_outputs(net):
    said = torch.randn(12, sum(SIZES), generator=torch.Generator().manual_seed(0))
    expected = torch.cat([part.softmax(1) for part in said.split(SIZES, 1)], 1)
    torch.testing.assert_close(net(said), expected)


@pytest.mark.parametrize("directed", [False, True])
def test_the_modularity_of_hard_clusters_is_newmans(graph, net, directed):
    graph = build(
        12,
        graph.sources,
        graph.targets,
        weight=graph.weight * np.arange(1, 2, 1 / graph.num_edges)[: graph.num_edges],
        directed=directed,
    )
    clusters = parted()
    found = soft_modularity(hard(clusters), links_of(graph, torch.device("cpu")), net.member_OH)
    assert found.tolist() == pytest.approx([modularity(graph, each) for each in clusters], abs=1e-6)


def test_the_loss_has_a_right_gradient(graph, net):
    links = links_of(graph, torch.device("cpu"))
    links.values, links.heard, links.told = (
        each.double() for each in (links.values, links.heard, links.told)
    )
    member = net.member_OH.double()
    shares = torch.rand(12, sum(SIZES), dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.1

    def loss(belongs):
        return (
            soft_modularity(belongs, links, member)
            + collapse(belongs, member)
            + uncertainty(belongs, links, member)
        )

    assert torch.autograd.gradcheck(loss, shares.requires_grad_())


def test_clusters_of_one_size_have_no_collapse_and_one_cluster_has_the_most(net):
    assert collapse(hard(parted()), net.member_OH).tolist() == pytest.approx([0, 0, 0], abs=1e-6)
    one = hard([np.zeros(12, int)] * 3)
    assert collapse(one, net.member_OH).tolist() == pytest.approx([size**0.5 - 1 for size in SIZES], abs=1e-6)


def test_hard_clusters_are_sure_and_even_shares_are_as_unsure_as_can_be(graph, net):
    links = links_of(graph, torch.device("cpu"))
    assert uncertainty(hard(parted()), links, net.member_OH).abs().max() == 0
    even = torch.cat([torch.full((12, size), 1 / size) for size in SIZES], 1)
    expected = [float(np.log(size)) for size in SIZES]
    assert uncertainty(even, links, net.member_OH).tolist() == pytest.approx(expected, abs=1e-6)
