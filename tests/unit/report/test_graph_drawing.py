"""Graphs as pictures."""

from __future__ import annotations

import re

import numpy as np

from deepfit.report import graph_drawing

SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
SIDES = np.array([[0, 1], [1, 2], [2, 3], [3, 0]])


def dots(svg, style):
    return [
        tuple(map(float, each)) for each in re.findall(rf'class="{style}" cx="([\d.]+)" cy="([\d.]+)"', svg)
    ]


def test_every_node_is_a_dot_of_its_colour_and_every_edge_a_line_between_two():
    svg = graph_drawing.draw(SQUARE, SIDES, [0, 0, 1, 12])
    zero, one, twelve = (dots(svg, style) for style in ("c0", "c1", "c2 hollow"))
    assert (len(zero), len(one), len(twelve)) == (2, 1, 1)
    lines = re.findall(r"M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)", svg)
    assert len(lines) == 4
    ends = {tuple(map(float, pair)) for a, b, c, d in lines for pair in ((a, b), (c, d))}
    assert ends == {*zero, *one, *twelve}


def test_an_edge_that_is_given_in_both_directions_is_drawn_once():
    both = np.concatenate([SIDES, SIDES[:, ::-1]])
    assert graph_drawing.draw(SQUARE, both, [0] * 4) == graph_drawing.draw(SQUARE, SIDES, [0] * 4)


def test_rings_are_around_the_nodes_asked_for():
    svg = graph_drawing.draw(SQUARE, SIDES, [0, 1, 2, 3], ringed=np.array([False, True, False, False]))
    assert dots(svg, "ring") == dots(svg, "c1")


def test_titles_are_escaped():
    svg = graph_drawing.draw(SQUARE, SIDES, [0] * 4, titles=["<b>", "a & b", "c", "d"])
    assert "&lt;b&gt;" in svg
    assert "<b>" not in svg


def test_nodes_in_one_place_and_a_graph_without_nodes_are_drawn():
    assert dots(graph_drawing.draw(np.zeros((3, 2)), SIDES[:0], [0] * 3), "c0") == [(16.0, 16.0)] * 3
    assert "<circle" not in graph_drawing.draw(np.zeros((0, 2)), SIDES[:0], [])
