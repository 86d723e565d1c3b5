"""Scores of a ranking of rows by how unusual they are, and of the events that alarms find; NumPy alone.

Names and definitions are scikit-learn's where it has them, and tests hold the values equal. What is not
defined for the rows at hand (average precision without an anomaly) is absent, never NaN.

Events are scored as they are flagged, without point adjustment, by which one flagged reading makes all
readings of its event count as found: under it random scores beat published methods, since a long event is hit
by chance. Source: Kim et al. 2022, "Towards a rigorous evaluation of time-series anomaly detection", AAAI,
arXiv 2109.05257, section 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepfit.data.anomalies import runs


def ranking(score: ArrayLike, flagged: ArrayLike, anomalous: ArrayLike) -> dict[str, float]:
    """Scores of rows [rows]: how unusual each was found, whether it was flagged, whether it is an anomaly.

    average_precision: the mean of the precision at each anomaly's place in the ranking, tied rows together;
    roc_auc; precision_at_k: the share of anomalies among the k highest scores, k being how many there are,
    tied rows by their share; f1, precision (0 where nothing is flagged) and recall of what is flagged.
    Without an anomaly, or with nothing else, only those that are defined; no rows: an empty dict.
    """
    score = np.asarray(score, np.float64)
    flagged, anomalous = np.asarray(flagged, bool), np.asarray(anomalous, bool)
    count = int(anomalous.sum())
    if not count:
        return {}
    found: dict[str, float] = {}
    hits, seen = _cumulated(score, anomalous)
    gained = np.diff(hits, prepend=0)
    found["average_precision"] = float((gained * hits / seen).sum() / count)
    if count < len(score):
        below = (len(score) - seen) - (count - hits)  # ordinary rows with a lower score
        tied = np.diff(seen, prepend=0) - gained
        found["roc_auc"] = float((gained * (below + tied / 2)).sum() / (count * (len(score) - count)))
    place = int(np.searchsorted(seen, count))
    before, hits_before = (seen[place - 1], hits[place - 1]) if place else (0, 0)
    share = (count - before) / (seen[place] - before)
    found["precision_at_k"] = float((hits_before + gained[place] * share) / count)
    return {**found, **_flags(int((flagged & anomalous).sum()), int(flagged.sum()), count)}


def curve(score: ArrayLike, anomalous: ArrayLike) -> tuple[NDArray, NDArray]:
    """(recall, precision) at each different score, the highest first."""
    hits, seen = _cumulated(np.asarray(score, np.float64), np.asarray(anomalous, bool))
    return hits / max(hits[-1], 1), hits / seen


def events(flagged: ArrayLike, anomalous: ArrayLike, follows: ArrayLike) -> dict[str, float]:
    """Scores of events, runs of consecutive readings [readings], in their order.

    follows: True where a reading comes directly after the one before it in the same series. An event is a run
    of anomalous readings and is found when any reading of it is flagged; an alarm is a run of flagged
    readings and is right when it meets an event. event_precision: the share of alarms that are right (0
    without alarms); event_recall: of events that are found; event_f1: their harmonic mean. No event: an empty
    dict.
    """
    flagged, anomalous = np.asarray(flagged, bool), np.asarray(anomalous, bool)
    true_runs, alarms = runs(anomalous, follows), runs(flagged, follows)
    if not len(true_runs):
        return {}
    recall = float(np.mean([flagged[first:last].any() for first, last in true_runs]))
    precision = (
        float(np.mean([anomalous[first:last].any() for first, last in alarms])) if len(alarms) else 0.0
    )
    both = precision + recall
    return {
        "event_f1": 2 * precision * recall / both if both else 0.0,
        "event_precision": precision,
        "event_recall": recall,
    }


def threshold(scores: ArrayLike, contamination: float) -> float:
    """The score that at most this share of ordinary rows exceeds: a higher one is an anomaly.

    The smallest score with at most contamination * (rows + 1) - 1 scores above it, so that of new ordinary
    rows no more than that share is expected above it (split conformal prediction, Vovk et al. 2005); the
    largest of all where rows are too few to tell.
    """
    ascending = np.sort(np.asarray(scores, np.float64))
    if not len(ascending):
        return float("inf")
    above = int(np.floor(contamination * (len(ascending) + 1) + 1e-9)) - 1
    return float(ascending[len(ascending) - 1 - max(above, 0)])


def _cumulated(score: NDArray, anomalous: NDArray) -> tuple[NDArray, NDArray]:
    """(anomalies, rows) at or above each different score, the highest first."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last_of_tie = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    return anomalous[order].cumsum()[last_of_tie], last_of_tie + 1


def _flags(right: int, flagged: int, anomalies: int) -> dict[str, float]:
    return {
        "f1": 2 * right / (flagged + anomalies),
        "precision": right / flagged if flagged else 0.0,
        "recall": right / anomalies,
    }
