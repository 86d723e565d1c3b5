"""What a report shows of made rows: columns and pairs beside the real ones, copies, and a few of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from deepfit.data.generation_encoding import cells_of, named_columns
from deepfit.data.generation_views import correlations, features
from deepfit.judge.verdict import number
from deepfit.metrics import made_rows as metrics_made_rows
from deepfit.report import charts
from deepfit.report.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, Scale
from deepfit.report.view import Figure, Section, Table, View

DRAWN_COLUMNS = 24
PARTS = 16
SHOWN_WORDS = 8
WORD_LETTERS = 9
FREQUENT = 0.02
DRAWN_PAIRS = 16
WORST_PAIRS = 12
ROWS, CLOSEST = 8, 3
SHOWN_COLUMNS = 9
NAMED = 8


def made_columns(view: View) -> Section | None:
    """The share of each value among made and real rows, the least alike columns first; what never appears."""
    cells = _cells(view)
    if cells is None:
        return None
    made, real, facts = cells
    columns = view.answers
    distances = metrics_made_rows.column_distances(
        columns["made_bins"], columns["real_bins"], columns["ordered"][0].astype(bool)
    )
    order = np.argsort(-distances, kind="stable")[:DRAWN_COLUMNS]
    figures = [_drawn(made, real, facts, int(place), float(distances[place])) for place in order]
    some = f"; the {len(order)} least alike of {len(distances)}" if len(order) < len(distances) else ""
    said = (
        "The share of each value among the made rows (blue) and the real test rows (grey), the least alike "
        f"columns first{some}. Distance: half of the differences of shares for words, the largest difference "
        "of the shares up to a value for numbers."
    )
    return Section("Columns, made and real", [*collapses(made, facts), said], figures)


def collapses(made: NDArray[np.float64], facts: Any) -> list[str]:
    """Sentences on what the network does not make at all: frequent words, or all values but one."""
    fixed, lost = [], []
    for place, record in enumerate(facts["columns"]):
        values = made[:, place]
        there = np.unique(values[~np.isnan(values)])
        varied = len(record.get("values", record.get("edges", ()))) > 1
        if varied and len(there) < 2:
            fixed.append(f"'{record['name']}'")
        elif record["kind"] == "category":
            total = max(sum(record["rows"]), 1)
            for code, (word, rows) in enumerate(zip(record["values"], record["rows"], strict=True)):
                if rows / total >= FREQUENT and code not in there:
                    shown = "(missing)" if word is None else word
                    lost.append(f"{record['name']} = {shown} ({rows / total:.0%} of the training rows)")
    sentences = []
    if fixed:
        sentences.append(
            f"COLLAPSED: the made rows hold one value only in {_listed(fixed)}; training rows have more."
        )
    if lost:
        sentences.append(f"NEVER MADE, though not rare: {_listed(lost)}.")
    return sentences


def made_pairs(view: View) -> Section | None:
    """Correlations of columns among real rows and among made rows, side by side; the largest differences."""
    cells = _cells(view)
    if cells is None or cells[0].shape[1] < 2:
        return None
    made, real, facts = cells
    ours, places = features(made, facts)
    theirs, _ = features(real, facts)
    first = np.unique(places, return_index=True)[1]  # of each column its rank, or its most frequent word
    found, true = correlations(ours[:, first]), correlations(theirs[:, first])
    names = [_feature_name(record) for record in facts["columns"]]
    tied = np.abs(true - np.eye(len(true))).max(1)
    shown = np.sort(np.argsort(-tied, kind="stable")[:DRAWN_PAIRS])
    square = np.ix_(shown, shown)
    figures = [
        Figure(_heat(true[square], [names[place] for place in shown]), "Real test rows."),
        Figure(_heat(found[square], [names[place] for place in shown]), "Made rows."),
    ]
    one, other = np.triu_indices(len(names), 1)
    worst = np.argsort(-np.abs(found - true)[one, other], kind="stable")[:WORST_PAIRS]
    rows = []
    for pair in worst:
        row, column = one[pair], other[pair]
        rows.append([names[row], names[column], f"{true[row, column]:.2f}", f"{found[row, column]:.2f}"])
    said = (
        "Correlations of ranks; a category stands for its most frequent word. Blue: the more of one, the "
        "more of the other; orange: the less."
    )
    some = f" The {len(shown)} columns that hang together most." if len(shown) < len(names) else ""
    table = Table(["Column", "Column", "Real", "Made"], rows, words=2, caption="The largest differences.")
    return Section("Pairs of columns", [said + some], figures, [table])


def made_copies(view: View) -> Section | None:
    """How near made rows are to training rows, beside real test rows; the nearest with what they resemble."""
    cells = _cells(view)
    if cells is None or "distance" not in view.answers:
        return None
    made, _, facts = cells
    ours, usual = view.answers["distance"], view.answers["usual_distance"]
    copied, exact = view.answers["copied"], view.answers["exact"]
    sentences = [
        f"{copied.mean():.1%} of the made rows are nearer to a training row than all but 5 % of the real "
        "test rows are; of rows that are as new as the test rows 5 % would be, of copies all. "
        f"{int(exact.sum()):,} of {len(exact):,} made rows equal a training row in every cell.",
        "This finds rows that were learned by heart. It is no proof of privacy: what made rows tell of the "
        "people behind the data needs an analysis of its own.",
    ]
    edges = np.linspace(0, max(float(np.quantile(np.concatenate([ours, usual]), 0.995)), 1e-6), 31)
    middle = (edges[1:] + edges[:-1]) / 2
    drawn = [
        Line(name, middle, np.histogram(values, edges)[0] / max(len(values), 1), colour=colour)
        for name, values, colour in (("made rows", ours, 0), ("real test rows", usual, 7))
    ]
    chart = charts.lines(drawn, x_label="distance to the nearest training row", y_label="share of rows")
    figure = Figure(chart, "Made rows left of the real ones would be copies, far right of them odd.")
    training = getattr(view.result.task, "training", None)
    return Section("Copies", sentences, [figure], _closest(made, training, facts, ours))


def made_table(view: View) -> Section | None:
    """A few made rows."""
    cells = _cells(view)
    if cells is None:
        return None
    made, _, facts = cells
    names, rows = _as_texts(made[:ROWS], facts)
    more = len(facts["order"]) - len(names)
    said = f"The first {len(rows)} made rows" + (f", without {more} more columns." if more > 0 else ".")
    return Section("Made rows", [said], tables=[Table(names, rows, words=len(names))])


def _cells(view: View) -> tuple[NDArray[np.float64], NDArray[np.float64], Any] | None:
    """Cells of made and real rows, and the facts; None where nothing was held out."""
    test: Any = view.result.test
    if test is None or not len(test) or "made" not in view.answers:
        return None
    if "real_cells" not in view.found:
        view.found["real_cells"] = cells_of(test, view.result.model.facts)
    return view.answers["made"], view.found["real_cells"], view.result.model.facts


def _drawn(
    made: NDArray[np.float64], real: NDArray[np.float64], facts: Any, place: int, distance: float
) -> Figure:
    record = facts["columns"][place]
    if record["kind"] == "category":
        labels, ours, theirs = _word_shares(made[:, place], real[:, place], record)
    else:
        labels, ours, theirs = _part_shares(made[:, place], real[:, place], record)
    return Figure(_bars(labels, ours, theirs), f"{record['name']}: distance {number(distance, 2)}.")


def _word_shares(made: NDArray, real: NDArray, record: Any) -> tuple[list[str], NDArray, NDArray]:
    shown = min(SHOWN_WORDS, len(record["values"]))
    labels = ["(missing)" if word is None else str(word) for word in record["values"][:shown]]
    ours, theirs = (
        np.array([float(np.mean(values == code)) for code in range(shown)]) for values in (made, real)
    )
    if len(record["values"]) > shown:
        labels.append("(others)")
        ours, theirs = np.append(ours, 1 - ours.sum()), np.append(theirs, 1 - theirs.sum())
    return labels, ours, theirs


def _part_shares(made: NDArray, real: NDArray, record: Any) -> tuple[list[str], NDArray, NDArray]:
    """Shares of parts of equal width from the 1st to the 99th percentile, the rest in the outermost."""
    ends = np.quantile(record["edges"], [0.02, 0.98])
    low, high = (
        (float(ends[0]), float(ends[1]))
        if ends[1] > ends[0]
        else (float(ends[0]) - 0.5, float(ends[0]) + 0.5)
    )
    edges = np.linspace(low, high, PARTS + 1)
    found = []
    for values in (made, real):
        there = values[~np.isnan(values)]
        found.append(np.histogram(np.clip(there, low, high), edges)[0] / max(len(values), 1))
    labels = [""] * PARTS
    for part in (0, PARTS // 2, PARTS - 1):
        labels[part] = _end_text(edges[part] if part < PARTS - 1 else high, record)
    if record["missing_share"] > 0:
        found = [
            np.append(shares, np.isnan(values).mean())
            for shares, values in zip(found, (made, real), strict=True)
        ]
        labels.append("(missing)")
    return labels, found[0], found[1]


def _end_text(value: float, record: Any) -> str:
    if record["kind"] == "datetime":
        return str(np.datetime64(int(value), "us").astype("datetime64[D]"))
    return number(value, 3)


def _bars(labels: Sequence[str], ours: NDArray, theirs: NDArray) -> Markup:
    """Two bars a label side by side: made (blue) and real (grey)."""
    across = Scale(0, len(labels), LEFT, WIDTH - RIGHT)
    up = Scale(0.0, max(float(ours.max()), float(theirs.max()), 1e-9) * 1.05, HEIGHT - BOTTOM, TOP)
    half = (across(1) - across(0)) * 0.44
    parts = [
        Markup('<text class="tick" text-anchor="end" x="{}" y="{:.1f}">{}</text>').format(
            LEFT - 7, up(tick) + 4, f"{tick:.0%}" if up.high > 0.05 else f"{tick:.1%}"
        )
        for tick in up.ticks(4)
    ]
    for place, label in enumerate(labels):
        left = across(place) + half * 0.13
        for style, share, start in (("c0", ours[place], left), ("c7", theirs[place], left + half)):
            top = up(float(share))
            parts.append(
                Markup('<rect class="bar {}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                    style, start, top, half, HEIGHT - BOTTOM - top
                )
            )
        short = (
            label if len(label) <= WORD_LETTERS or label.startswith("(") else label[: WORD_LETTERS - 1] + "…"
        )
        # words of neighbours stand on two lines in turn, so that they do not run into one another
        low = HEIGHT - BOTTOM + 15 + (place % 2) * 13
        parts.append(
            Markup('<text class="tick" text-anchor="middle" x="{:.1f}" y="{}">{}</text>').format(
                across(place + 0.5), low, short
            )
        )
    parts.append(
        Markup('<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
            LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, HEIGHT - BOTTOM
        )
    )
    return charts.figure(parts, "share of made and of real rows by value")


def _heat(values: NDArray[np.float32], names: Sequence[str]) -> Markup:
    """Correlations as squares: blue above 0, orange below, the stronger the darker."""
    count = len(names)
    left, size = 120, 400
    cell = size / count
    parts = []
    for row in range(count):
        label = names[row] if len(names[row]) <= 16 else names[row][:15] + "…"
        parts.append(
            Markup('<text class="tick" text-anchor="end" x="{}" y="{:.1f}">{}</text>').format(
                left - 6, TOP + (row + 0.5) * cell + 4, label
            )
        )
        for column in range(count):
            value = float(values[row, column]) if row != column else 0.0
            parts.append(
                Markup(
                    '<rect class="bar {}" fill-opacity="{:.2f}" x="{:.1f}" y="{:.1f}" width="{:.1f}" '
                    'height="{:.1f}"><title>{}, {}: {}</title></rect>'
                ).format(
                    "c0" if value >= 0 else "c1",
                    min(abs(value), 1.0),
                    left + column * cell,
                    TOP + row * cell,
                    cell - 1,
                    cell - 1,
                    names[row],
                    names[column],
                    f"{value:.2f}",
                )
            )
    return charts.figure(parts, "correlations of columns", left + size + RIGHT, size + 2 * TOP)


def _closest(made: NDArray, training: Any, facts: Any, distances: NDArray) -> list[Table]:
    """The made rows nearest to a training row, each with it."""
    if training is None or not len(training):
        return []
    shown, _ = features(training, facts)
    nearest = np.argsort(distances, kind="stable")[:CLOSEST]
    asked, _ = features(made[nearest], facts)
    found = [int(np.square(shown - each).sum(1).argmin()) for each in asked]
    pairs = np.concatenate([[made[row], training[twin]] for row, twin in zip(nearest, found, strict=True)])
    names, rows = _as_texts(pairs, facts)
    labelled = [["made" if place % 2 == 0 else "real", *row] for place, row in enumerate(rows)]
    caption = "The made rows that are nearest to a training row, each above that row."
    return [Table(["", *names], labelled, words=len(names) + 1, caption=caption)]


def _as_texts(cells: NDArray[np.float64], facts: Any) -> tuple[list[str], list[list[str]]]:
    columns = named_columns(cells, facts)
    names = list(columns)[:SHOWN_COLUMNS]
    shown = []
    for name in names:
        values = columns[name]
        days = (
            values.astype("datetime64[s]").astype(str).tolist()
            if values.dtype.kind == "M"
            else values.tolist()
        )
        shown.append([_as_text(value) for value in days])
    return names, [list(row) for row in zip(*shown, strict=True)]


def _as_text(value: Any) -> str:
    if value is None or value != value or value == "NaT":
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else str(value).removesuffix("T00:00:00")
    return text if len(text) <= 24 else text[:23] + "…"


def _feature_name(record: Any) -> str:
    if record["kind"] != "category":
        return record["name"]
    word = record["values"][0]
    return f"{record['name']} = {'(missing)' if word is None else word}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
