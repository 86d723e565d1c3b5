"""The sections that a task may name in `Task.sections`: a closed table from name to function.

A function gets a `View` and returns a `Section`, or None where this result has nothing to show.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deepfit import metrics
from deepfit.judge.verdict import number
from deepfit.report import (
    anomalies,
    charts,
    cluster_pictures,
    clusters,
    communities,
    drawn_graphs,
    generation,
    importance,
    links,
    made_rows,
    nodes,
    sequences,
    series,
    similarity,
    text_clusters,
)
from deepfit.report.asked import asked_pictures
from deepfit.report.charts import Line
from deepfit.report.confusion import confused, pairs
from deepfit.report.examples import most_wrong, pictures
from deepfit.report.tags import tag_confusion, tag_scores, tagged_sentences
from deepfit.report.texts import labels, texts, wrong_labels
from deepfit.report.view import Figure, Section, Table, View

CLOUD_POINTS = 1500
CONFUSED_CLASSES = 20
CURVED_CLASSES = 10
SHOWN_CLASSES = 60
RATE_TEST = "rate-test"
"""The phase whose rates and losses have a section of their own."""


def make(name: str, view: View) -> Section | None:
    """The section of this name; KeyError with the known names where there is none."""
    if name not in SECTIONS:
        raise KeyError(f"no section is called {name!r}; known: {', '.join(SECTIONS)}")
    return SECTIONS[name](view)


def curves(view: View) -> Section | None:
    """Losses, the main score and the learning rate over the epochs, the best one marked."""
    records = [record for record in view.result.history if record.get("phase") != RATE_TEST]
    if not records:
        return None
    epochs = np.arange(1, len(records) + 1)
    best = max((place for place, record in enumerate(records, 1) if record.get("best")), default=None)

    def drawn(kind: str, wanted: Callable[[str], bool], colour: int, prefix: str = "") -> list[Line]:
        names = dict.fromkeys(name for record in records for name in record.get(kind, {}) if wanted(name))
        return [
            Line(
                f"{prefix}{'loss' if name == 'main' else metrics.title(name).lower()}",
                epochs,
                [_number(record.get(kind, {}).get(name)) for record in records],
                colour=colour + place,
                marked=len(records) <= 12,
            )
            for place, name in enumerate(names)
        ]

    losses = drawn("losses", lambda name: True, 0, "training ")
    losses += drawn("scores", lambda name: name in ("loss", "log_loss"), len(losses), "validation ")
    scores = drawn("scores", lambda name: name == view.main_metric, 1)
    rates = drawn("learning_rates", lambda name: True, 2)
    title = metrics.title(view.main_metric)
    figures = [
        Figure(charts.lines(some, x_label="epoch", y_label=label, best=best, whole=True), caption)
        for some, label, caption in (
            (losses, "loss", "Mean loss of a row"),
            (scores, title, f"{title} on the validation rows"),
            (rates, "learning rate", "Learning rate"),
        )
        if some
    ]
    kept = f" The weights of epoch {best} were kept (dashed line)." if best else ""
    phases = list(dict.fromkeys(str(record.get("phase", "")) for record in records))
    stages = f" in {len(phases)} phases ({', '.join(phases)})" if len(phases) > 1 else ""
    plural = "" if len(records) == 1 else "s"
    said = f"{len(records)} epoch{plural}{stages}.{kept}"
    return Section("Learning curves", [said], figures)


def predicted_actual(view: View) -> Section | None:
    """Predicted against actual values, and residuals over predictions."""
    if view.target is None or not len(view.target):
        return None
    target = np.asarray(view.target, dtype=np.float64)
    predicted = np.asarray(view.answers["prediction"], dtype=np.float64)
    error = predicted - target
    half, most = np.percentile(np.abs(error), [50, 90])
    shown = _spread_out(len(target), CLOUD_POINTS)
    sentence = (
        f"Half of the predictions are within {number(half, 3)} of the truth, 90 % within {number(most, 3)}."
    )
    some = f" ({len(shown):,} of {len(target):,} rows)" if len(shown) < len(target) else ""
    counts, edges = np.histogram(np.clip(error, *np.percentile(error, [0.5, 99.5])), bins=31)
    if edges[0] == edges[-1]:
        counts, edges = np.array([len(error)]), np.array([edges[0] - 0.5, edges[0] + 0.5])
    return Section(
        "Predicted and actual",
        [sentence],
        [
            Figure(
                charts.points(
                    target[shown], predicted[shown], x_label="actual", y_label="predicted", diagonal=True
                ),
                f"On the dashed line a prediction is exact{some}.",
            ),
            Figure(
                charts.points(
                    predicted[shown], error[shown], x_label="predicted", y_label="error", level=0.0
                ),
                "Error, predicted less actual: a slope or a funnel is something the network has missed.",
            ),
            Figure(
                charts.columns(edges, counts, x_label="error", y_label="rows"),
                "How large the errors are; the outermost 1 % are drawn at the edge.",
            ),
        ],
    )


def confusion(view: View) -> Section | None:
    """Which class is taken for which, precision and recall of each, and ROC curves."""
    if view.target is None or not view.classes:
        return None
    known = view.true_classes >= 0
    truth, said = view.true_classes[known], view.predicted_classes[known]
    classes = len(view.classes)
    counts = np.bincount(truth * classes + said, minlength=classes * classes).reshape(classes, classes)
    rows, predicted, right = counts.sum(axis=1), counts.sum(axis=0), counts.diagonal()
    tables = [confused(view.classes, counts) if classes <= CONFUSED_CLASSES else pairs(view.classes, counts)]
    recall, precision = right / np.maximum(rows, 1), right / np.maximum(predicted, 1)
    f1 = 2 * right / np.maximum(rows + predicted, 1)
    order = range(classes) if classes <= SHOWN_CLASSES else np.argsort(f1, kind="stable")[:SHOWN_CLASSES]
    tables.append(
        Table(
            ["Class", "Rows", "Precision", "Recall", "F1"],
            [
                [
                    view.classes[place],
                    f"{rows[place]:,}",
                    *(f"{each[place]:.3f}" for each in (precision, recall, f1)),
                ]
                for place in order
            ],
            caption="Precision: how often a prediction of the class is right. "
            "Recall: how many of its rows are found."
            + ("" if classes <= SHOWN_CLASSES else f" The {SHOWN_CLASSES} classes with the lowest F1."),
        )
    )
    return Section("Classes", [], _roc(view, truth, known), tables)


def _roc(view: View, truth: np.ndarray, known: np.ndarray) -> list[Figure]:
    from sklearn.metrics import roc_auc_score, roc_curve

    binary = len(view.classes) == 2
    if len(view.classes) > CURVED_CLASSES:
        return []
    drawn = []
    for place in [1] if binary else range(len(view.classes)):
        positive = truth == place
        if positive.all() or not positive.any():
            continue
        chance = view.probabilities[known, place]
        false, true, _ = roc_curve(positive, chance)
        shown = _spread_out(len(false), 200)
        area = f"{roc_auc_score(positive, chance):.3f}"
        drawn.append(
            Line(f"{view.classes[place]} ({area})", false[shown], true[shown], colour=place - binary)
        )
    if not drawn:
        return []
    chart = charts.lines(
        drawn, x_label="false positive rate", y_label="true positive rate", diagonal=True, square=True
    )
    each = f"for '{view.classes[1]}'" if binary else "of each class against the rest"
    areas = f"area {drawn[0].name.rpartition('(')[2].rstrip(')')}" if binary else "with the area"
    return [Figure(chart, f"ROC curve {each}, {areas}. On the dashed line lies chance.")]


def calibration(view: View) -> Section | None:
    """Whether a probability of 80 % is right in 80 % of cases."""
    if view.target is None or not view.classes or not len(view.target):
        return None
    known = view.true_classes >= 0
    rows, confidence, accuracy = metrics.reliability(view.probabilities[known], view.true_classes[known])
    filled = rows > 0
    line = Line("test rows", confidence[filled], accuracy[filled], marked=True)
    edges = np.linspace(0, 1, len(rows) + 1)
    busiest = int(np.argmax(rows))
    sentence = (
        f"Where the network says {confidence[busiest]:.0%} (its most common confidence), it is right in "
        f"{accuracy[busiest]:.0%} of cases ({rows[busiest]:,} test rows)."
    )
    chart = charts.lines([line], x_label="confidence", y_label="share right", diagonal=True, square=True)
    return Section(
        "Calibration",
        [sentence],
        [
            Figure(chart, "On the dashed line confidence is as high as it should be; below it, too high."),
            Figure(
                charts.columns(edges, rows.tolist(), x_label="confidence", y_label="rows"),
                "How confident the network is.",
            ),
        ],
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _spread_out(count: int, most: int) -> np.ndarray:
    """At most so many positions of count, evenly spread, the first and the last among them."""
    return (
        np.arange(count) if count <= most else np.unique(np.linspace(0, count - 1, most).round().astype(int))
    )


SECTIONS: dict[str, Callable[[View], Section | None]] = {
    "curves": curves,
    "predicted_actual": predicted_actual,
    "confusion": confusion,
    "calibration": calibration,
    "most_wrong": most_wrong,
    "pictures": pictures,
    "columns": importance.columns,
    "tag_scores": tag_scores,
    "tag_confusion": tag_confusion,
    "tagged_sentences": tagged_sentences,
    "texts": texts,
    "labels": labels,
    "wrong_labels": wrong_labels,
    "forecasts": series.forecasts,
    "horizon": series.horizon,
    "coverage": series.coverage,
    "covariates": importance.covariates,
    "anomaly_scores": anomalies.anomaly_scores,
    "precision_recall": anomalies.precision_recall,
    "most_anomalous": anomalies.most_anomalous,
    "anomalous_readings": anomalies.anomalous_readings,
    "made_columns": made_rows.made_columns,
    "made_pairs": made_rows.made_pairs,
    "made_copies": made_rows.made_copies,
    "made_rows": made_rows.made_table,
    "node_map": nodes.node_map,
    "node_neighbours": nodes.node_neighbours,
    "cluster_choice": clusters.cluster_choice,
    "cluster_map": clusters.cluster_map,
    "cluster_columns": clusters.cluster_columns,
    "cluster_examples": clusters.cluster_examples,
    "cluster_picture_map": cluster_pictures.cluster_picture_map,
    "cluster_means": cluster_pictures.cluster_means,
    "cluster_pictures": cluster_pictures.cluster_pictures,
    "cluster_words": text_clusters.cluster_words,
    "cluster_texts": text_clusters.cluster_texts,
    "community_map": communities.community_map,
    "community_choice": communities.community_choice,
    "community_members": communities.community_members,
    "likeness": similarity.likeness,
    "rated_likeness": similarity.rated_likeness,
    "lost_partners": similarity.lost_partners,
    "far_ratings": similarity.far_ratings,
    "text_map": similarity.text_map,
    "link_ranks": links.link_ranks,
    "found_links": links.found_links,
    "sequence_logos": sequences.logos,
    "sequence_letters": sequences.strings,
    "made_pictures": generation.made_pictures,
    "asked_pictures": asked_pictures,
    "contest": generation.contest,
    "copies": generation.copies,
    "drawn_graphs": drawn_graphs.drawn_graphs,
}
