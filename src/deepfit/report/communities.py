"""What a report shows of communities: the graph in their colours, how many there are, who is in each."""

from __future__ import annotations

from typing import Any

import numpy as np

from deepfit.judge.verdict import DASH, number
from deepfit.report import charts, graph_drawing
from deepfit.report.charts import Line
from deepfit.report.graph_layout import layout
from deepfit.report.view import Figure, Section, Table, View

DRAWN = 1500
"""Nodes that are drawn at most: of a larger graph those of most edges, with the edges between them."""
SHOWN_CLUSTERS = 30
TYPICAL = 4


def community_map(view: View) -> Section | None:
    """The graph, coloured by community; with known groups, the nodes that are in another one are ringed."""
    test: Any = view.result.test
    found = view.answers.get("prediction")
    if test is None or found is None or not len(found):
        return None
    graph, nodes = test.whole.graph, test.nodes
    clusters = np.full(graph.num_nodes, -1, np.int64)
    clusters[nodes] = found
    titles = np.array([f"{name}, no row" for name in test.whole.ids.to_list()], object)
    wrong = np.zeros(graph.num_nodes, bool)
    names = _matched(view)
    for row, node in enumerate(nodes):
        titles[node] = f"{test.whole.ids[int(node)]}: community {found[row]}"
        if names is not None:
            titles[node] += f", {view.target[row]}"  # pyright: ignore[reportOptionalSubscript]  (names need it)
            wrong[node] = names.get(int(found[row])) != view.target[row]  # pyright: ignore[reportOptionalSubscript]
    shown = np.sort(np.argsort(-graph.degrees, kind="stable")[:DRAWN])
    place = np.full(graph.num_nodes, -1)
    place[shown] = np.arange(len(shown))
    pairs = place[np.stack([graph.sources, graph.targets], 1)]
    pairs = pairs[(pairs >= 0).all(1)]
    drawn = graph_drawing.draw(
        layout(len(shown), pairs, seed=0),
        pairs,
        clusters[shown],
        ringed=wrong[shown] if names is not None else None,
        titles=titles[shown].tolist(),
        names=True,
        words="a graph and its communities",
    )
    some = f" The {len(shown):,} nodes of most edges, of {len(titles):,}." if len(shown) < len(titles) else ""
    said = "Nodes near one another are few edges apart; how they are placed knows nothing of the communities."
    if names is not None:
        said += (
            " Each community is taken for the known group that fits it best, one for one: "
            f"{int(wrong.sum()):,} of {len(found):,} nodes are then of another group, and have a ring."
        )
    caption = "The number of a community stands at its middle; point at a node for its id." + some
    return Section("The graph", [said], [Figure(drawn, caption, wide=True)])


def community_choice(view: View) -> Section | None:
    """What chose the number of communities, over the number, and how many were chosen."""
    net: Any = view.result.model.net
    options = view.result.task.options
    curve = net.curve_S.cpu().numpy()
    count = len(net.chosen)
    tried = np.flatnonzero(curve != net.NONE)
    if options.clusters:
        asked = "as asked for" if count == options.clusters else f"though {options.clusters} were asked for"
        return Section("How many communities", [f"{count} communities, {asked} with --clusters."])
    bits = options.choose == "codelength"
    label = "bits a step" if bits else "modularity"
    chart = charts.lines(
        [Line(label, tried + 1, curve[tried], marked=True)],
        x_label="communities",
        y_label=label,
        best=float(count),
        whole=True,
    )
    value = number(float(curve[count - 1]), 4)
    why = (
        f"with them a random walk along edges is told in {value} bits a step, the fewest of all"
        if bits
        else f"their modularity, {value}, is the greatest of all"
    )
    said = (
        f"{count} communities were chosen: {why} {len(net.sizes)} partitions that were learned (of each "
        "number of communities the best is shown)."
    )
    return Section("How many communities", [said], [Figure(chart, "Dashed: the number that was chosen.")])


def community_members(view: View) -> Section | None:
    """How many nodes each community has, how many of their edges stay in it, and the nodes of most edges."""
    test: Any = view.result.test
    found = view.answers.get("prediction")
    if test is None or found is None or not len(found):
        return None
    graph, nodes = test.whole.graph, test.nodes
    clusters = np.full(graph.num_nodes, -1, np.int64)
    clusters[nodes] = found
    own, other = clusters[graph.targets], clusters[graph.sources]
    sure = np.asarray(view.answers["confidence"], np.float64)
    names = _matched(view)
    header = ["Community", "Nodes", "Edges within", "Mean confidence"]
    header += ["Fits best"] if names is not None else []
    told = []
    for place in range(min(len(view.classes), SHOWN_CLUSTERS)):
        rows = np.flatnonzero(found == place)
        ends = own == place
        within = f"{(other[ends] == place).mean():.0%}" if ends.any() else DASH
        inner = np.bincount(graph.targets[ends & (other == place)], minlength=graph.num_nodes)
        typical = nodes[rows[np.lexsort((nodes[rows], -inner[nodes[rows]]))][:TYPICAL]]
        cells = [str(place), f"{len(rows):,}", within, f"{sure[rows].mean():.0%}" if len(rows) else DASH]
        if names is not None:
            cells.append(_fit(names.get(place), np.asarray(view.target)[rows]))
        told.append([*cells, ", ".join(_called(test, int(node)) for node in typical)])
    said = (
        "Edges within: the share of the ends of a community's edges whose other end is in it too. Typical: "
        "the nodes with most edges within their community."
    )
    return Section("The communities", [said], tables=[Table([*header, "Typical"], told)])


def _matched(view: View) -> dict[int, Any] | None:
    """The known group of each community by the best one-to-one matching; None without known groups."""
    from scipy.optimize import linear_sum_assignment

    if view.target is None:
        return None
    labels, codes = np.unique(view.target, return_inverse=True)
    found = np.asarray(view.answers["prediction"], np.int64)
    counts = np.zeros((int(found.max()) + 1, len(labels)))
    np.add.at(counts, (found, codes), 1)
    return {int(a): labels[b] for a, b in zip(*linear_sum_assignment(counts, maximize=True), strict=True)}


def _fit(name: Any, labels: np.ndarray) -> str:
    if name is None or not len(labels):
        return DASH
    return f"{name} ({(labels == name).mean():.0%})"


def _called(test: Any, node: int) -> str:
    """A node's name where a column says it, else its id."""
    table = test.whole.nodes.table.frame
    column = next((each for each in table.columns if each.lower() in ("name", "title", "label")), None)
    if column is None or column == test.target_name or table[column][node] is None:
        return str(test.whole.ids[node])
    return str(table[column][node])
