"""Sections on the nodes of a graph: where it is right and wrong, and which neighbours decided."""

from __future__ import annotations

from typing import Any

import numpy as np

from deepfit.answers import softmax
from deepfit.report import charts
from deepfit.report.charts import Line
from deepfit.report.graph_drawing import draw
from deepfit.report.graph_layout import layout
from deepfit.report.view import Figure, Section, Table, View

MOST_DRAWN = 1200
"""Nodes of a graph that is drawn whole; of a larger one the surroundings of wrong answers."""
AROUND, NEAREST = 60, (12, 4)
WRONG, RIGHT, TOLD, MOST_EDGES = 4, 2, 5, 200


def node_map(view: View) -> Section | None:
    """The graph with its test nodes in the colours of what was predicted, wrong ones ringed."""
    rows: Any = view.result.test
    if view.target is None or not view.classes or not hasattr(rows, "whole"):
        return None
    graph = rows.whole.graph
    said, wrong = view.predicted_classes, view.predicted_classes != view.true_classes
    colours, ringed = np.full(graph.num_nodes, -1), np.zeros(graph.num_nodes, bool)
    colours[rows.nodes], ringed[rows.nodes] = said, wrong
    nodes = np.arange(graph.num_nodes)
    if graph.num_nodes > MOST_DRAWN:
        nodes = _around(graph, _most_wrong(view)[:AROUND], rows.nodes)
    place = np.full(graph.num_nodes, -1)
    place[nodes] = np.arange(len(nodes))
    ends = place[np.stack([graph.sources, graph.targets], 1)]
    pairs = ends[(ends >= 0).all(1)]
    ids = rows.whole.ids.gather(nodes).to_list()
    titles = [
        f"{name}: {_told(view, colour)}" for name, colour in zip(ids, colours[nodes].tolist(), strict=True)
    ]
    picture = draw(
        layout(len(nodes), pairs),
        pairs,
        colours[nodes],
        ringed=ringed[nodes],
        titles=titles,
        words="the graph",
    )
    keys = charts.legend([Line(name, [], [], colour=place) for place, name in enumerate(view.classes)])
    some = "The graph" if len(nodes) == graph.num_nodes else f"{len(nodes):,} nodes around wrong answers"
    caption = (
        f"{some}: test nodes in the colour of the class predicted, wrong ones ringed; grey ones were there "
        "to learn from or have no label. Point at a node for its id."
    )
    degrees = graph.degrees[rows.nodes]
    table = _by_degree(degrees, ~wrong)
    return Section(
        "The graph",
        [f"{int(wrong.sum()):,} of {len(wrong):,} test nodes are wrong."],
        [Figure(keys + picture, caption, wide=True)],
        [table],
    )


def node_neighbours(view: View) -> Section | None:
    """For some wrong nodes and some right ones: what would be said without each of their neighbours."""
    rows: Any = view.result.test
    task: Any = view.result.task
    if view.target is None or not view.classes or not hasattr(task, "without_each"):
        return None
    graph, model = rows.whole.graph, view.result.model
    degrees = graph.degrees[rows.nodes]
    fit = (degrees > 0) & (degrees <= MOST_EDGES)
    wrong = [place for place in _most_wrong(view) if fit[place]][:WRONG]
    sure = np.argsort(-view.probabilities.max(1), kind="stable")
    right = [place for place in sure if fit[place] and place not in wrong and degrees[place] > 1][:RIGHT]
    tables = []
    for place in [*wrong, *right]:
        found = task.without_each(model.net, rows.take(np.array([place])), model.facts)
        if found is not None:
            tables.append(_decided(view, place, *found))
    if not tables:
        return None
    said = (
        "What the network would say of a node if the edge to one neighbour were not there: those that change "
        "the probability of its answer most. Wrong nodes first, then sure right ones. A neighbour whose loss "
        "lowers the probability spoke for the answer. It shows what the network went by, which need not be a "
        "cause."
    )
    return Section("Which neighbours decided", [said], tables=tables)


def _decided(view: View, row: int, near: np.ndarray, now: np.ndarray, without: np.ndarray) -> Table:
    rows: Any = view.result.test
    temperature = view.result.model.facts.get("temperature", 1.0)
    answer = int(now.argmax())
    chance = softmax(now[None], temperature)[0, answer]
    changed = softmax(without, temperature)[:, answer]
    order = np.argsort(-np.abs(changed - chance), kind="stable")[:TOLD]
    own, known = rows.whole.ids[int(rows.nodes[row])], _labels(rows)
    truth = str(np.asarray(view.target)[row])
    verdict = f"in truth {truth}" if truth != view.classes[answer] else "rightly"
    cells = [
        [rows.whole.ids[int(near[each])], known[near[each]], f"{chance:.1%}", f"{changed[each]:.1%}",
         f"{100 * (changed[each] - chance):+.1f}"]
        for each in order
    ]  # fmt: skip
    return Table(
        ["Neighbour", "Its label", f"Probability of {view.classes[answer]}", "Without it", "Points"],
        cells,
        words=2,
        caption=f"Node {own}: said to be {view.classes[answer]}, {verdict}; {len(near):,} neighbours.",
    )


def _labels(rows: Any) -> list[str]:
    """The label of every node of the graph, as written; a dash where there is none."""
    nodes = rows.whole.nodes
    if nodes.target_name not in nodes.frame.columns:
        return ["-"] * len(nodes)
    return ["-" if value is None else str(value) for value in nodes.frame[nodes.target_name].to_list()]


def _by_degree(degrees: np.ndarray, right: np.ndarray) -> Table:
    """How many test nodes are right, by how many edges they have."""
    edges = [(0, 0), (1, 1), (2, 3), (4, 7), (8, 15), (16, None)]
    cells = []
    for low, high in edges:
        some = (degrees >= low) & (degrees <= (high if high is not None else degrees.max(initial=low)))
        if some.any():
            name = str(low) if low == high else f"{low} to {high}" if high else f"{low} or more"
            cells.append([name, f"{int(some.sum()):,}", f"{right[some].mean():.1%}"])
    return Table(["Edges to the node", "Test nodes", "Right"], cells)


def _most_wrong(view: View) -> np.ndarray:
    """Places of the wrong test rows, the least probability of the truth first."""
    wrong = np.flatnonzero(view.predicted_classes != view.true_classes)
    chance = view.probabilities[wrong, np.maximum(view.true_classes[wrong], 0)]
    return wrong[np.argsort(chance, kind="stable")]


def _around(graph: Any, wrong: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    from deepfit.data.graph import sampled

    start = nodes[wrong] if len(wrong) else nodes[:AROUND]
    order, _ = sampled(graph, start, NEAREST, np.random.default_rng(0))
    return np.sort(order[:MOST_DRAWN])


def _told(view: View, colour: int) -> str:
    return "not asked" if colour < 0 else view.classes[colour]
