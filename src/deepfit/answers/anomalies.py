"""Answers that say how unusual a row is: from scores to a threshold, and how such answers are scored."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from deepfit.contract import Answers, Baseline, Batch, Facts
from deepfit.metrics import anomalies as metrics_anomalies

ANOMALY, ORDINARY = "anomaly", "ordinary"


def of_scores(score: np.ndarray, threshold: float, **further: np.ndarray) -> Answers:
    """`prediction`, an anomaly where the score is above the threshold; `score`; what further is known."""
    score = np.asarray(score, np.float64)
    words = np.where(score > threshold, ANOMALY, ORDINARY)
    return Answers({"prediction": words, "score": score, **further})


def of_surprise(surprise: np.ndarray) -> np.ndarray:
    """The score of rows from the surprise s of their columns [rows, columns].

    The mean of log(1 + max(0, 1 + s)): one column that is far off counts, and does not drown many that are
    somewhat off.
    """
    return np.log1p(np.maximum(surprise + 1, 0)).mean(axis=1)


def calibrate(score: np.ndarray, batch: Batch, facts: Facts, contamination: float) -> Facts:
    """Facts with the threshold by rows that are not labelled: see `metrics_anomalies.threshold`."""
    keep = ~batch["target"] if "target" in batch else np.ones(len(score), bool)
    found = metrics_anomalies.threshold(score[keep], contamination)
    return {**facts, "threshold": min(found, sys.float_info.max)}


def flagged(answers: Answers) -> np.ndarray:
    """Bool [rows]: which rows are answered to be anomalies."""
    return answers.columns["prediction"] == ANOMALY


def score(answers: Answers, target: np.ndarray | None) -> Mapping[str, float]:
    """Scores of answers against bool [rows], True for an anomaly; none where that is not known."""
    if target is None:
        return {}
    return metrics_anomalies.ranking(answers.columns["score"], flagged(answers), target)


def baseline(name: str, scores: Any, seconds: float, contamination: float) -> Baseline:
    """A simple method's answers, its threshold chosen like the network's: on the validation rows.

    scores: of validation rows and of test rows.
    """
    limit = metrics_anomalies.threshold(scores[0], contamination)
    return Baseline(name, of_scores(scores[1], limit), seconds)
