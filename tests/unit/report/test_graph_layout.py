"""Where nodes are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from deepfit.report.drawn_graphs import node_link
from deepfit.report.graph_layout import layout


def apart(x):
    return np.linalg.norm(x[:, None] - x[None], axis=2)


def test_a_path_is_drawn_straight_with_even_steps():
    x = layout(7, np.array([(at, at + 1) for at in range(6)]))
    np.testing.assert_allclose(
        apart(x) * 6 / apart(x).max(), np.abs(np.arange(7)[:, None] - np.arange(7)), atol=0.1
    )


def test_a_ring_is_drawn_round():
    x = layout(10, np.array([(at, (at + 1) % 10) for at in range(10)]))
    away = np.linalg.norm(x - x.mean(0), axis=1)
    assert away.std() / away.mean() < 0.05


@pytest.mark.parametrize("count", [0, 1, 2, 5, 40])
def test_nodes_stay_in_the_unit_square_and_apart_and_the_same_seed_gives_the_same(count):
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, max(count, 1), (count, 2))
    x = layout(count, pairs, 3)
    assert np.isfinite(x).all()
    assert ((x >= -1e-9) & (x <= 1 + 1e-9)).all()
    np.testing.assert_array_equal(x, layout(count, pairs, 3))
    if count > 1:
        assert (apart(x) + np.eye(count)).min() > 0.005


def test_parts_that_no_edge_joins_do_not_lie_on_one_another():
    pairs = np.array([(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)])
    x = layout(6, pairs)
    assert apart(x)[:3, 3:].min() > 0.5 * apart(x)[0, 1]


def test_words_from_data_are_escaped_and_loops_and_repeats_drawn_once():
    svg = node_link(np.array([(0, 1), (1, 0), (1, 1)]), ["<b>", "C"], ["<i>", "x"], np.array([1.0, -2.0]))
    assert "&lt;b&gt;" in svg
    assert "<i>" not in svg
    assert svg.count("<line") == 1
    assert "var(--c1) 85%" in svg
