"""Sections on pairs of texts: how alike, how as rated, which partners were lost, and a map of the texts."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from deepfit.judge.verdict import number
from deepfit.report import charts
from deepfit.report.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line
from deepfit.report.view import Figure, Section, Table, View

PAIRS = 2000
MAPPED_PAIRS = 300
ROWS = 12
CELL_LETTERS = 160
TITLE_LETTERS = 80


def likeness(view: View) -> Section | None:
    """The cosines of pairs beside those of texts that were put together at random."""
    found = _vectors(view)
    if found is None:
        return None
    first, second, _ = found
    order = np.random.default_rng(0).permutation(len(first))
    pairs, strangers = ((first * each).sum(1) for each in (second, second[order]))
    edges = np.linspace(min(pairs.min(), strangers.min(), 0.0), 1.0, 41)
    middles = (edges[1:] + edges[:-1]) / 2
    lines = [
        Line(
            name, middles, np.histogram(np.clip(values, edges[0], 1.0), edges)[0] / len(values), colour=place
        )
        for place, (name, values) in enumerate((("test pairs", pairs), ("random pairs", strangers)))
    ]
    sentence = (
        f"The texts of a test pair have a cosine of {number(float(np.median(pairs)), 3)} in the middle, "
        f"those of two pairs at random {number(float(np.median(strangers)), 3)}."
    )
    chart = charts.lines(lines, x_label="cosine", y_label="share of pairs")
    return Section("How alike", [sentence], [Figure(chart, "The less the two overlap, the better.")])


def rated_likeness(view: View) -> Section | None:
    """Cosine and predicted rating over the rating."""
    if view.target is None or not len(view.target):
        return None
    ratings = np.asarray(view.target, np.float64)
    said = np.asarray(view.answers["prediction"], np.float64)
    cosines = np.asarray(view.answers.get("similarity", said), np.float64)
    shown = np.unique(np.linspace(0, len(ratings) - 1, min(len(ratings), 1500)).round().astype(int))
    return Section(
        "Predicted and rated",
        [
            "Scores compare the order of cosines with that of ratings; predictions are cosines in the range "
            "of ratings."
        ],
        [
            Figure(
                charts.points(
                    ratings[shown], said[shown], x_label="rating", y_label="predicted", diagonal=True
                ),
                "On the dashed line a prediction is exact.",
            ),
            Figure(
                charts.points(ratings[shown], cosines[shown], x_label="rating", y_label="cosine"),
                "What the network says itself.",
            ),
        ],
    )


def lost_partners(view: View) -> Section | None:
    """The texts whose partner was found last, the partner, and what was nearer."""
    test: Any = view.result.test
    if "rank" not in view.answers or test is None:
        return None
    ranks = np.asarray(view.answers["rank"], np.float64)
    lost = np.flatnonzero(ranks > 1)
    if not len(lost):
        return Section("Lost partners", [f"Each of the {len(ranks):,} test texts finds its partner first."])
    worst = lost[np.argsort(-ranks[lost], kind="stable")][:ROWS]
    firsts, seconds = (test.take(worst).texts(name) for name in (test.names.first, test.names.second))
    instead = _nearest_other(view, worst)
    rows = [
        [test.where(int(row)), f"{ranks[row]:g}", *map(_short, (text, partner, other))]
        for row, text, partner, other in zip(worst, firsts, seconds, instead, strict=True)
    ]
    said = (
        f"{len(lost):,} of {len(ranks):,} test texts have another partner nearer than their own; the worst:"
    )
    header = ["Row", "Rank", test.names.first, test.names.second, "Nearer"]
    return Section("Lost partners", [said], tables=[Table(header, rows, words=5)])


def far_ratings(view: View) -> Section | None:
    """The pairs whose prediction is furthest from their rating."""
    test: Any = view.result.test
    if view.target is None or not len(view.target) or not hasattr(test, "names"):
        return None
    ratings, said = np.asarray(view.target, np.float64), np.asarray(view.answers["prediction"], np.float64)
    worst = np.argsort(-np.abs(said - ratings), kind="stable")[:ROWS]
    firsts, seconds = (test.take(worst).texts(name) for name in (test.names.first, test.names.second))
    rows = [
        [
            test.where(int(row)),
            number(float(ratings[row]), 3),
            number(float(said[row]), 3),
            *map(_short, pair),
        ]
        for row, *pair in zip(worst, firsts, seconds, strict=True)
    ]
    header = ["Row", "Rating", "Predicted", test.names.first, test.names.second]
    said_of = f"The {len(rows)} test pairs that are predicted worst."
    return Section("Most wrong", [said_of], tables=[Table(header, rows, words=5)])


def text_map(view: View) -> Section | None:
    """The vectors of test texts in the plane, near where they are alike."""
    found = _vectors(view)
    if found is None or len(found[0]) < 5:
        return None
    first, second, texts = (each[:MAPPED_PAIRS] for each in found)
    points, how = flat(np.concatenate([first, second]))
    joined = view.target is None
    drawn = scatter(points[: len(first)], points[len(first) :], texts, joined=joined)
    lines = " A line joins the two of a pair: the shorter, the better." if joined else ""
    caption = f"First texts (circles) and second texts (squares) of {len(first):,} test pairs, {how}.{lines}"
    said = "Texts that the network holds to be alike lie near each other."
    return Section("Map of the texts", [said], [Figure(drawn, caption, wide=True)])


def flat(vectors: np.ndarray) -> tuple[np.ndarray, str]:
    """Points in the plane [rows, 2], and how they were found: t-SNE, of few rows their main components."""
    from sklearn.decomposition import PCA

    centred = vectors.astype(np.float64)
    if len(vectors) < 30:
        return PCA(2, random_state=0).fit_transform(centred), "on their two main components"
    from sklearn.manifold import TSNE

    start = PCA(min(50, *centred.shape), random_state=0).fit_transform(centred)
    near = min(30.0, len(vectors) / 5)
    found = TSNE(2, perplexity=near, init="pca", learning_rate="auto", random_state=0).fit_transform(start)
    return found, "laid out by t-SNE, where only nearness means something"


def scatter(first: np.ndarray, second: np.ndarray, texts: Any, *, joined: bool) -> Markup:
    """Two kinds of points, a title for each, and a line from each to its other where joined."""
    both = np.concatenate([first, second])
    across = charts.scale(both[:, 0], LEFT - 50, WIDTH - RIGHT)
    up = charts.scale(both[:, 1], HEIGHT - BOTTOM + 30, TOP)
    parts = []
    if joined:
        path = "".join(
            f"M{across(a):.1f} {up(b):.1f}L{across(c):.1f} {up(d):.1f}"
            for (a, b), (c, d) in zip(first.tolist(), second.tolist(), strict=True)
        )
        parts.append(Markup('<path class="grid" fill="none" d="{}"/>').format(path))
    for (a, b), (c, d), (one, other) in zip(first.tolist(), second.tolist(), texts, strict=True):
        parts.append(
            Markup(
                '<circle class="dot c0" cx="{:.1f}" cy="{:.1f}" r="2.2"><title>{}</title></circle>'
            ).format(across(a), up(b), one[:TITLE_LETTERS])
        )
        parts.append(
            Markup(
                '<rect class="bar c1" x="{:.1f}" y="{:.1f}" width="4" height="4"><title>{}</title></rect>'
            ).format(across(c) - 2, up(d) - 2, other[:TITLE_LETTERS])
        )
    return charts.figure(parts, "a map of texts")


def _vectors(view: View) -> tuple[np.ndarray, np.ndarray, list[tuple[str, str]]] | None:
    """Vectors of length 1 of the first and second texts of test pairs, and the texts."""
    test: Any = view.result.test
    model: Any = view.result.model
    if test is None or model is None or not hasattr(test, "names") or len(test) < 2:
        return None
    if "pairs" not in view.found:
        view.found["pairs"] = _asked(view.result)
    return view.found["pairs"]


def _asked(result: Any) -> tuple[np.ndarray, np.ndarray, list[tuple[str, str]]]:
    model, count = result.model, len(result.test)
    some = np.unique(np.linspace(0, count - 1, min(count, PAIRS)).round().astype(int))
    test = result.test.take(some)
    batch = model.task.encode(test, model.facts)
    found = []
    for name in ("first", "second"):
        vectors = model.task.embed(model.net, {"first": batch[name]}, model.facts)
        found.append(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
    texts = (test.texts(name) for name in (test.names.first, test.names.second))
    return found[0], found[1], list(zip(*texts, strict=True))


def _nearest_other(view: View, rows: np.ndarray) -> list[str]:
    """The second text nearest to the first text of each of these rows, of those that were looked at."""
    found = _vectors(view)
    test: Any = view.result.test
    if found is None:
        return [""] * len(rows)
    _, second, texts = found
    model: Any = view.result.model
    batch = model.task.encode(test.take(rows), model.facts)
    asked = model.task.embed(model.net, {"first": batch["first"]}, model.facts)
    own = test.take(rows).texts(test.names.second)
    likeness_RN = asked @ second.T
    others = [text for _, text in texts]
    for place, text in enumerate(own):
        likeness_RN[place, [other == text for other in others]] = -np.inf
    return [others[int(best)] for best in likeness_RN.argmax(1)]


def _short(text: str) -> str:
    return text if len(text) <= CELL_LETTERS else text[: CELL_LETTERS - 1] + "…"
