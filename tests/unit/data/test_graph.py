"""Graphs as arrays: what is built, cut and drawn from them."""

from __future__ import annotations

import numpy as np
import pytest

from deepfit.data.graph import build, sampled, union


def dense(graph, values=None):
    found = np.zeros((graph.num_nodes, graph.num_nodes))
    found[graph.targets, graph.sources] = 1.0 if values is None else values
    return found


def test_an_undirected_edge_is_there_in_both_directions_however_often_it_is_given():
    graph = build(4, np.array([0, 1, 0, 2]), np.array([1, 0, 1, 3]))
    assert dense(graph).tolist() == [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]


def test_a_directed_edge_leads_one_way():
    graph = build(3, np.array([0, 2]), np.array([1, 1]), directed=True)
    assert graph.neighbours(1).tolist() == [0, 2]
    assert graph.neighbours(0).tolist() == []
    assert graph.turned().neighbours(0).tolist() == [1]


def test_self_loops_are_left_out_and_repeats_have_their_mean_weight_and_features():
    graph = build(
        3,
        np.array([0, 0, 1]),
        np.array([1, 1, 1]),
        weight=np.array([1.0, 3.0, 9.0]),
        features=np.array([[1.0, 0.0], [0.0, 1.0], [7.0, 7.0]]),
        directed=True,
    )
    assert graph.num_edges == 1
    assert graph.weight.tolist() == [2.0]
    assert graph.features.tolist() == [[0.5, 0.5]]


def test_nodes_without_edges_and_graphs_without_nodes_are_graphs():
    nothing = np.empty(0, np.int64)
    assert build(3, nothing, nothing).degrees.tolist() == [0, 0, 0]
    assert build(0, nothing, nothing).num_nodes == 0
    assert union([]).num_nodes == 0


def test_a_union_has_the_edges_of_each_and_none_between():
    one = build(2, np.array([0]), np.array([1]), weight=np.array([2.0]))
    other = build(3, np.array([0, 1]), np.array([2, 2]), weight=np.array([3.0, 4.0]))
    joined = union([one, other])
    expected = np.zeros((5, 5))
    expected[:2, :2], expected[2:, 2:] = dense(one, one.weight), dense(other, other.weight)
    np.testing.assert_array_equal(dense(joined, joined.weight), expected)


@pytest.mark.parametrize("directed", [False, True])
def test_edges_are_taken_out_and_found(directed):
    graph = build(5, np.array([0, 1, 2, 3]), np.array([1, 2, 3, 4]), directed=directed)
    less = graph.without(np.array([[1, 2]]))
    assert not less.has(np.array([1]), np.array([2])).any()
    assert less.has(np.array([0, 2, 3]), np.array([1, 3, 4])).all()
    assert less.num_edges == graph.num_edges - (1 if directed else 2)
    assert graph.has(np.array([2]), np.array([1])).tolist() == [not directed]


def random_graph(num_nodes=60, num_edges=400, seed=0):
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, num_nodes, (2, num_edges))
    return build(num_nodes, *ends, weight=rng.random(num_edges) + 0.5)


def test_with_room_for_all_edges_a_part_is_the_whole_neighbourhood():
    graph, asked = random_graph(), np.array([7, 3])
    order, part = sampled(graph, asked, [1000], np.random.default_rng(0))
    assert order[:2].tolist() == [7, 3]
    for place, node in enumerate(asked):
        assert sorted(order[part.neighbours(place)]) == graph.neighbours(node).tolist()
    assert part.degrees[2:].sum() == 0


def test_at_most_so_many_different_edges_are_drawn_into_each_node_and_all_are_edges_of_the_graph():
    graph, asked = random_graph(), np.arange(10)
    order, part = sampled(graph, asked, [4, 2], np.random.default_rng(0))
    assert len(set(order.tolist())) == len(order)
    assert (part.degrees[:10] == np.minimum(graph.degrees[:10], 4)).all()
    assert (part.degrees[10:] <= 2).all()
    assert graph.has(order[part.sources], order[part.targets]).all()
    full = dense(graph, graph.weight)[order[part.targets], order[part.sources]]
    np.testing.assert_allclose(part.weight, full)


def test_of_a_directed_graph_edges_into_and_from_each_node_are_drawn():
    ends = np.random.default_rng(0).integers(0, 60, (2, 400))
    graph = build(60, *ends, directed=True)
    order, part = sampled(graph, np.array([7]), [1000], np.random.default_rng(0))
    assert sorted(order[part.neighbours(0)]) == graph.neighbours(7).tolist()
    assert sorted(order[part.targets[part.sources == 0]]) == graph.turned().neighbours(7).tolist()
    order, part = sampled(graph, np.array([7]), [2], np.random.default_rng(0))
    assert part.num_edges == 4


def test_the_same_seed_draws_the_same_part():
    graph = random_graph()
    one, other = (sampled(graph, np.arange(5), [3, 3], np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1].sources, other[1].sources)
