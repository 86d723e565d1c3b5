"""Whole graphs, parts of them, and what a network would say without a neighbour."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepfit.contract import Splits
from deepfit.data.graph import build
from deepfit.data.graph_nodes import Nodes
from deepfit.engine import Run, train
from deepfit.options import resolve
from deepfit.plans import graphs
from deepfit.tasks.node_classification import NodeClassification as Kind

FACTS = {"num_features": 4, "classes": [0, 1], "nodes": None, "edge_features": [], "directed": False}


def circles(count=120, directed=False, seed=0):
    """Two circles of nodes whose neighbours are mostly of the own circle; the features tell little."""
    rng = np.random.default_rng(seed)
    circle = rng.integers(0, 2, count)
    ends = rng.integers(0, count, (2, 12 * count))
    ends = ends[:, (circle[ends[0]] == circle[ends[1]]) | (rng.random(12 * count) < 0.1)]
    x = rng.normal(size=(count, 4)).astype(np.float32) + 0.5 * circle[:, None].astype(np.float32)
    weight = (rng.random(ends.shape[1]) + 0.5).astype(np.float32)
    return Nodes(np.arange(count), x, build(count, *ends, weight=weight, directed=directed)), circle


def task(**given):
    return Kind(resolve(Kind.Options, {"width": 8, "epochs": 20, "dropout": 0.1, "threads": 1, **given}))


def learned(kind, nodes, target, facts=FACTS):
    data = Splits(
        *({"nodes": nodes[part], "target": target[part]} for part in (slice(0, 60), slice(60, 120)))
    )
    run = Run(kind.options, None)
    run.seed("build")
    net = kind.build(facts)
    scores = [each.scores for each in train(kind, net, data, facts, run) if each.kind == "epoch"]
    return net, scores


@pytest.mark.parametrize("network", ["gcn", "sage", "gin", "gatv2"])
@pytest.mark.parametrize("directed", [False, True])
def test_parts_with_all_neighbours_say_what_the_whole_graph_says(network, directed):
    nodes, _ = circles(directed=directed)
    net = task(network=network).build({**FACTS, "directed": directed}).eval()
    asked = np.array([3, 50, 7])
    part = graphs.part_around(nodes, asked, [10_000, 10_000], 0, torch.device("cpu"))
    with torch.no_grad():
        torch.testing.assert_close(
            part.through(net)[:3],
            torch.from_numpy(graphs.outputs(net, nodes.at(asked))),
            rtol=1e-4,
            atol=1e-5,
        )


@pytest.mark.parametrize("neighbours", ["all", "5,5"])
def test_circles_are_told_by_the_whole_graph_and_by_parts_of_it(neighbours):
    nodes, circle = circles()
    sizes = {"epochs": 80} if neighbours == "all" else {"batch_size": 16, "epochs": 20}
    _, scores = learned(task(neighbours=neighbours, learning_rate=0.03, **sizes), nodes, circle)
    assert max(each["accuracy"] for each in scores) > 0.9


def test_a_sum_over_drawn_edges_is_on_average_the_sum_over_all():
    nodes, _ = circles()
    plain = Nodes(nodes.index, nodes.x, build(120, nodes.graph.sources, nodes.graph.targets))
    truth = nodes.x[plain.graph.neighbours(5)].sum(0)
    found = []
    for seed in range(1000):
        part = graphs.part_around(plain, np.array([5]), [3], seed, torch.device("cpu"))
        found.append((part.links.total @ part.x)[0].numpy())
    error = np.std(found, 0) / np.sqrt(len(found))
    assert (np.abs(np.mean(found, 0) - truth) < 4 * error).all()


def test_parts_are_the_same_whenever_a_batch_is_asked_for():
    nodes, circle = circles()
    options = task(neighbours="3,2", batch_size=16).options
    run = Run(options, None)
    one, other = (graphs.Sampled(nodes, circle, options, run, 2)[3]["graph"] for _ in range(2))
    assert torch.equal(one.links.sources, other.links.sources)
    another = graphs.Sampled(nodes, circle, options, run, 3)[3]["graph"]
    assert not torch.equal(one.x[:5], another.x[:5])


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("network", ["gcn", "sage"])
def test_without_a_neighbour_is_what_the_graph_without_the_edge_says(network, directed):
    nodes, _ = circles(60, directed=directed)
    net = task(network=network).build({**FACTS, "directed": directed}).eval()
    near, as_it_is, without = graphs.without_each(net, nodes, 5)
    np.testing.assert_allclose(
        as_it_is, graphs.outputs(net, nodes.at(np.array([5])))[0], rtol=1e-4, atol=1e-5
    )
    for neighbour, said in zip(near[:4], without, strict=False):
        less = nodes.graph.without(np.array([[5, neighbour], [neighbour, 5]]))
        alone = Nodes(np.array([5]), nodes.x, less)
        np.testing.assert_allclose(said, graphs.outputs(net, alone)[0], rtol=1e-4, atol=1e-5)


def test_what_is_too_large_to_look_at_is_left():
    nodes, _ = circles()
    assert graphs.without_each(task().build(FACTS), nodes, 5, most_nodes=10) is None
