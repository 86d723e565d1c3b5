"""What a report shows of clusters: how many, how they lie, what tells them apart, typical rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from deepfit.answers.clusters import LABEL
from deepfit.data.cluster_options import NEARLY
from deepfit.judge.verdict import DASH, number
from deepfit.report import charts
from deepfit.report.charts import BOTTOM, COLOURS, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line
from deepfit.report.examples import cell
from deepfit.report.similarity import flat
from deepfit.report.view import Figure, Section, Table, View

MAPPED_ROWS = 1500
SHOWN_CLUSTERS = 30
SHOWN_COLUMNS = 12
TOLD_COLUMNS = 3
EXAMPLES = 3
MAP = "cluster_map"
"""Under which name the map is kept for other sections: rows, their points in the plane, their clusters."""
STRONG = 0.5
"""Deviations from the mean of all rows, or a share of rows, from which a difference is put in words."""


def cluster_choice(view: View) -> Section | None:
    """The silhouette over the number of clusters, and the number that was chosen by it."""
    clusters: Any = getattr(view.result.model.net, "clusters", None)
    if clusters is None:
        return None
    curve = clusters.curve_S.cpu().numpy()
    count = int(clusters.used_S.sum())
    tried = np.flatnonzero(curve >= -1)
    if not len(tried):
        return Section("How many clusters", [f"{count} clusters, as asked for with --clusters."])
    rivals = [place + 1 for place in tried if place + 1 != count and curve[place] > curve[count - 1] - NEARLY]
    close = (
        f" Nearly as good: {', '.join(map(str, rivals))}; where one of them makes more sense to you, ask for "
        "it with --clusters."
        if rivals
        else ""
    )
    line = Line("silhouette", tried + 1, curve[tried], marked=True)
    chart = charts.lines([line], x_label="clusters", y_label="silhouette", best=float(count), whole=True)
    said = (
        f"{count} clusters were chosen: the least number that gives k-means among the codes after "
        f"pretraining a silhouette ({number(float(curve[count - 1]), 3)}) within {NEARLY} of the best "
        f"({number(float(curve[tried].max()), 3)})."
    )
    return Section(
        "How many clusters", [said + close], [Figure(chart, "Dashed: the number that was chosen.")]
    )


def cluster_map(view: View) -> Section | None:
    """The codes of test rows in the plane, coloured by cluster, and how many rows each cluster has."""
    found = _clusters(view)
    test: Any = view.result.test
    if found is None or len(found) < 5:
        return None
    model: Any = view.result.model
    chosen = np.unique(np.linspace(0, len(found) - 1, min(len(found), MAPPED_ROWS)).astype(int))
    some = test.take(chosen)
    codes = model.task.codes(model.net, model.task.encode(some, model.facts), model.facts)
    points, how = flat(codes)
    view.found[MAP] = (chosen, points, found[chosen])
    labels = None if view.target is None else [str(each) for each in np.asarray(view.target)[chosen]]
    drawn = _scatter(points, found[chosen], labels)
    some_of = f" {len(chosen):,} of" if len(chosen) < len(found) else ""
    caption = (
        f"The codes of{some_of} {len(found):,} test rows {how}; the number of a cluster stands at its middle."
    )
    sizes = np.bincount(found, minlength=_count(view))
    sure = [_confidence(view)[found == place].mean() if size else np.nan for place, size in enumerate(sizes)]
    header = ["Cluster", "Test rows", "Share", "Mean confidence"]
    rows = [
        [str(place), f"{size:,}", f"{size / len(found):.1%}", DASH if not size else f"{sure[place]:.0%}"]
        for place, size in enumerate(sizes.tolist())
    ]
    if LABEL in view.answers and view.target is not None:
        header.append("Most frequent label")
        for place, row in enumerate(rows):
            row.append(_commonest(np.asarray(view.target)[found == place]))
    said = "Rows that lie near one another in the map are alike to the network."
    return Section("Map of the clusters", [said], [Figure(drawn, caption, wide=True)], [Table(header, rows)])


def cluster_columns(view: View) -> Section | None:
    """How each cluster's columns differ from all rows, in deviations and shares, and in words."""
    found, test = _clusters(view), view.result.test
    if found is None or test is None:
        return None
    features = _features(view, test)
    shown = [place for place in range(min(_count(view), SHOWN_CLUSTERS)) if (found == place).any()]
    if not features or len(shown) < 2:
        return None
    apart = np.array([[_apart(values, found == place) for place in shown] for _, values, _ in features])
    order = np.argsort(-np.abs(apart).max(1), kind="stable")
    sentences = [
        "Means of each cluster against all test rows: for numbers in standard deviations above (+) or below "
        "(-) the mean, for categories (column = value) in points of share. Columns in the order of their "
        "largest difference."
    ]
    for column, place in enumerate(shown):
        rank = [row for row in np.argsort(-np.abs(apart[:, column]), kind="stable")[:TOLD_COLUMNS]]
        words = [_words(features[row], found == place, apart[row, column]) for row in rank]
        told = "; ".join(word for word in words if word) or "near the mean in every column"
        share = (found == place).mean()
        sentences.append(f"Cluster {place} ({share:.0%} of the rows): {told}.")
    most = max(float(np.abs(apart).max()), 1e-9)
    rows, shade = [], []
    for row in order[:SHOWN_COLUMNS]:
        rows.append([features[row][0], *(f"{value:+.2f}" for value in apart[row])])
        shade.append([None, *(abs(float(value)) / most for value in apart[row])])
    more = f"The first {SHOWN_COLUMNS} of {len(features)}." if len(features) > SHOWN_COLUMNS else ""
    table = Table(["Column", *(f"Cluster {place}" for place in shown)], rows, caption=more, shade=shade)
    return Section("What tells the clusters apart", sentences, tables=[table])


def cluster_examples(view: View) -> Section | None:
    """The test rows that belong to each cluster most, with the columns that tell clusters apart."""
    found, test = _clusters(view), view.result.test
    if found is None or test is None:
        return None
    sure = _confidence(view)
    nearest = [
        (place, chosen[np.argsort(-sure[chosen], kind="stable")[:EXAMPLES]])
        for place in range(min(_count(view), SHOWN_CLUSTERS))
        if len(chosen := np.flatnonzero(found == place))
    ]
    said = "The test rows that belong to each cluster most surely: what the cluster is about."
    where = getattr(test, "where", lambda row: f"row {row + 1:,}")
    names = _telling(view, found, test)
    told = []
    for place, rows in nearest:
        cells = {name: test.take(rows).column(name) for name in names}
        for at, row in enumerate(rows):
            told.append(
                [str(place), where(int(row)), f"{sure[row]:.0%}", *(cell(cells[name][at]) for name in names)]
            )
    header = ["Cluster", "Row", "Confidence", *names]
    return Section("Examples of each cluster", [said], tables=[Table(header, told, words=2)])


def _clusters(view: View) -> np.ndarray | None:
    """The cluster of each test row; None where there is none."""
    found = view.answers.get("prediction")
    return None if found is None or not len(found) else np.asarray(found, np.int64)


def _confidence(view: View) -> np.ndarray:
    return np.asarray(view.answers["confidence"], np.float64)


def _count(view: View) -> int:
    return len(view.classes)


def _commonest(labels: np.ndarray) -> str:
    if not len(labels):
        return DASH
    values, counts = np.unique(labels, return_counts=True)
    return f"{values[counts.argmax()]} ({counts.max() / counts.sum():.0%})"


def _features(view: View, test: Any) -> list[tuple[str, np.ndarray, str]]:
    """Of each input column: its name, its values as numbers, its kind; of a category each frequent value."""
    columns = view.result.model.facts.get("columns", ())
    features = []
    for record in columns if isinstance(columns, list) else ():
        name = record["name"]
        if record["kind"] == "number":
            features.append((name, np.asarray(test.column(name), np.float64), "number"))
        elif record["kind"] == "category":
            words = np.array([str(each).lower() if isinstance(each, bool | np.bool_) else each
                              for each in test.column(name).tolist()], object)  # fmt: skip
            for value in record["values"][:5]:
                called = "missing" if value is None else value
                features.append((f"{name} = {called}", (words == value).astype(np.float64), "category"))
    return features


def _apart(values: np.ndarray, inside: np.ndarray) -> float:
    """Mean within less mean of all, in deviations of all where values are not shares."""
    known = np.isfinite(values)
    if not (known & inside).any():
        return 0.0
    gap = values[known & inside].mean() - values[known].mean()
    if set(np.unique(values[known])) <= {0.0, 1.0}:
        return float(gap)
    deviation = values[known].std()
    return float(gap / deviation) if deviation > 0 else 0.0


def _words(feature: tuple[str, np.ndarray, str], inside: np.ndarray, apart: float) -> str:
    """A difference as a reader would say it, or nothing where it is small."""
    name, values, kind = feature
    known = np.isfinite(values)
    if kind == "category":
        if abs(apart) < STRONG / 2:
            return ""
        return f"{name} in {values[inside].mean():.0%} against {values[known].mean():.0%} of all"
    if abs(apart) < STRONG:
        return ""
    high = "high" if apart > 0 else "low"
    own, every = values[known & inside].mean(), values[known].mean()
    return f"{high} {name} (mean {number(float(own), 3)} against {number(float(every), 3)} of all)"


def _telling(view: View, found: np.ndarray, test: Any) -> list[str]:
    """The columns that differ most between the clusters, at most six, in that order."""
    strengths: dict[str, float] = {}
    for name, values, _ in _features(view, test):
        column = name.split(" = ")[0]
        apart = max(abs(_apart(values, found == place)) for place in np.unique(found))
        strengths[column] = max(apart, strengths.get(column, 0.0))
    return sorted(strengths, key=lambda name: -strengths[name])[:6]


def _scatter(points: np.ndarray, found: np.ndarray, labels: list[str] | None) -> Markup:
    """Points coloured by cluster, each with a title, and the number of each cluster at its middle."""
    across = charts.scale(points[:, 0], LEFT - 50, WIDTH - RIGHT)
    up = charts.scale(points[:, 1], HEIGHT - BOTTOM + 30, TOP)
    parts = []
    for place, (x, y) in enumerate(points.tolist()):
        title = f"cluster {found[place]}" + (f", {labels[place]}" if labels else "")
        parts.append(
            Markup(
                '<circle class="dot c{}" cx="{:.1f}" cy="{:.1f}" r="2.2"><title>{}</title></circle>'
            ).format(int(found[place]) % COLOURS, across(x), up(y), title)
        )
    for place in np.unique(found):
        x, y = np.median(points[found == place], axis=0)
        parts.append(
            Markup('<text class="name" text-anchor="middle" x="{:.1f}" y="{:.1f}">{}</text>').format(
                across(float(x)), up(float(y)) + 4, int(place)
            )
        )
    return charts.figure(parts, "a map of clusters")
