"""Answers that put rows into clusters, and how such answers are scored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from deepfit.contract import Answers, Baseline
from deepfit.metrics import clusters as metrics_clusters

SILHOUETTE, LABEL = "silhouette", "label_number"
"""The columns that `appraised` adds and `score` reads."""


def of_belonging(belongs: np.ndarray) -> Answers:
    """`prediction`, the number of the likeliest cluster; `confidence`, its share; `probability_K` of each.

    belongs: [rows, clusters], rows summing to 1.
    """
    shares = np.asarray(belongs, np.float64)
    columns = {"prediction": shares.argmax(1), "confidence": shares.max(1, initial=0.0)}
    columns |= {f"probability_{place}": shares[:, place] for place in range(shares.shape[1])}
    return Answers(columns)


def of_baselines(found: Iterable[tuple[str, np.ndarray, float]]) -> Iterator[Baseline]:
    """Yield baselines of (name, how much rows belong to clusters, seconds)."""
    for name, belongs, seconds in found:
        yield Baseline(name, of_belonging(belongs), seconds)


def appraised(answers: Answers, points: np.ndarray, labels: np.ndarray | None) -> Answers:
    """The answers with what `score` reads, which is long to compute and the same for every resample.

    points: [rows, features], the space in which silhouettes are measured; labels: of the rows, if known.
    """
    found: dict[str, Any] = {SILHOUETTE: metrics_clusters.silhouettes(points, answers.columns["prediction"])}
    if labels is not None:
        found[LABEL] = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    return Answers({**answers.columns, **found}, answers.classes)


def score(answers: Answers) -> Mapping[str, float]:
    """The mean silhouette and, where labels are known, nmi, ari and accuracy of appraised answers."""
    columns: Mapping[str, Any] = answers.columns
    if SILHOUETTE not in columns or not len(answers):
        return {}
    found = metrics_clusters.agreement(columns["prediction"], columns[LABEL]) if LABEL in columns else {}
    return {**found, "silhouette": float(np.mean(columns[SILHOUETTE]))}
