"""The drawn graph marks what is wrong, and neighbours are told by how much they change an answer."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from deepfit.answers import of_classes
from deepfit.data.node_rows import read_nodes
from deepfit.report import sections
from deepfit.report.view import View

NODES = {"id": list("abcdef"), "label": ["x", "x", "y", "y", "x", None]}
EDGES = {"source": list("abcd<"), "target": list("bcde>")}


@pytest.fixture
def view():
    source = {"nodes": NODES, "edges": {name: values[:4] for name, values in EDGES.items()}}
    rows = read_nodes(source, target="label", goal="classification").take(np.array([1, 2, 3]))
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])

    def without_each(net, row, facts):
        near = row.whole.graph.neighbours(int(row.nodes[0]))
        now = np.log(chances[list("bcd").index(row.keys()["id"][0])]).astype(np.float32)
        moved = np.tile(now, (len(near), 1))
        moved[0] = now[::-1]
        return near, now, moved

    task = SimpleNamespace(without_each=without_each)
    model = SimpleNamespace(net=None, facts={})
    return View(SimpleNamespace(test=rows, answers=of_classes(chances, ["x", "y"]), task=task, model=model))


def test_the_graph_is_drawn_with_wrong_test_nodes_ringed_and_others_grey(view):
    section = sections.make("node_map", view)
    chart = section.figures[0].chart
    assert section.sentences == ["1 of 3 test nodes are wrong."]
    assert chart.count('class="ring"') == 1
    assert chart.count('class="plain"') == 3
    assert "<title>c: x</title>" in chart
    assert "<title>f: not asked</title>" in chart
    assert section.tables[0].rows == [["2 to 3", "3", "66.7%"]]


def test_the_neighbour_that_changes_the_answer_most_comes_first(view):
    tables = sections.make("node_neighbours", view).tables
    assert tables[0].caption == "Node c: said to be x, in truth y; 2 neighbours."
    assert tables[0].rows[0] == ["b", "x", "80.0%", "20.0%", "-60.0"]
    assert tables[0].rows[1] == ["d", "y", "80.0%", "80.0%", "+0.0"]
    assert [table.caption.split(":")[0] for table in tables[1:]] == ["Node b", "Node d"]


def test_of_a_large_graph_the_surroundings_of_wrong_answers_are_drawn(view, monkeypatch):
    monkeypatch.setattr("deepfit.report.nodes.MOST_DRAWN", 3)
    section = sections.make("node_map", view)
    assert "nodes around wrong answers" in section.figures[0].caption
    assert section.figures[0].chart.count("<title>") == 3
