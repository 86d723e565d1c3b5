"""Scores of predictions, in NumPy alone, fast enough to be resampled a thousand times.

Names and definitions are scikit-learn's, and the tests hold every value equal to scikit-learn's. A score that
is not defined for the rows at hand (ROC AUC where a class has no row) is absent, never NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

CALIBRATION_BINS = 15  # Guo et al. 2017, arXiv 1706.04599, section 2
TEMPERATURES = (0.05, 20.0)
TEMPERATURE_ROWS = 30

TITLES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "accuracy_unseen": "Accuracy on unseen words",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "precision_at_k": "Precision at k",
    "event_f1": "Event F1",
    "log_loss": "Log loss",
    "calibration_error": "Calibration error",
    "rmse": "RMSE",
    "mae": "Mean absolute error",
    "r2": "R²",
    "median_absolute_error": "Median absolute error",
    "pinball": "Pinball loss",
    "mrr": "Mean reciprocal rank",
    "nmi": "NMI",
    "ari": "ARI",
    "accuracy_at_1": "Accuracy at 1",
    "accuracy_at_10": "Accuracy at 10",
    "f1_micro": "F1 (micro)",
    "f1_macro": "F1 (macro)",
    "exact_match": "Exact match",
    "hamming_loss": "Hamming loss",
    "mase": "MASE",
    "smape": "SMAPE",
    "crps": "CRPS",
    "tstr": "Trained on made, tested on real",
    "likeness": "Likeness",
    "detection_auc": "ROC AUC of telling made from real",
    "coverage_80": "Coverage of the 80 % interval",
    "coverage_95": "Coverage of the 95 % interval",
    "frechet_distance": "Fréchet distance",
    "precision": "Precision",
    "recall": "Recall",
    "recognised": "Recognised",
}
"""How people write a metric's name."""

NOMINAL = {"coverage_80": 0.80, "coverage_95": 0.95}
"""Metrics that are best at a value, neither below nor above it."""

LESS_IS_BETTER = frozenset(
    {
        "log_loss",
        "calibration_error",
        "rmse",
        "mae",
        "median_absolute_error",
        "pinball",
        "loss",
        "hamming_loss",
        "mase",
        "smape",
        "crps",
        "copied",
        "exact_copies",
        "detection_auc",
        "frechet_distance",
    }
)


class Tally(NamedTuple):
    """What scores of several rows need to know of each: counts, and how a sum of them is scored.

    counts: [rows, counts]. score: sums [counts] -> name -> value. A resample is scored by its sums alone, so
    a bootstrap looks at the rows themselves once.
    """

    counts: NDArray
    score: Callable[[NDArray], Mapping[str, float]]

    def of(self, index: NDArray) -> Mapping[str, float]:
        """The scores of the rows at these positions."""
        return self.score(self.counts[index].sum(axis=0, dtype=np.int64))


def cost(name: str, value: float) -> float:
    """A metric's value as something of which less is better."""
    if name in NOMINAL:
        return abs(value - NOMINAL[name])
    return value if name in LESS_IS_BETTER else -value


def title(name: str) -> str:
    """The name for people: "roc_auc" -> "ROC AUC"; a leading "-" is dropped."""
    bare = name.removeprefix("-")
    return TITLES.get(bare, bare.replace("_", " ").capitalize())


def classification(probabilities: ArrayLike, target: ArrayLike) -> dict[str, float]:
    """Scores of class probabilities [rows, classes] against class numbers [rows] in 0 .. classes-1.

    accuracy; balanced_accuracy: mean recall of the classes that have rows; f1: for two classes that of the
    last one (in sorted order, as in scikit-learn), for more the mean over classes that occur in target or
    prediction; roc_auc: for two classes that of the last one, for more the mean of one-versus-rest, absent
    where a class has no row or all rows; log_loss in nats, with probabilities clipped at 2.2e-16;
    calibration_error: see `calibration_error`. No rows: an empty dict.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    target = np.asarray(target, dtype=np.intp)
    rows, classes = probabilities.shape
    if rows == 0:
        return {}
    prediction = probabilities.argmax(axis=1)
    counts = np.bincount(target * classes + prediction, minlength=classes * classes).reshape(classes, classes)
    right, actual, predicted = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    has_rows = actual > 0
    f1 = 2 * right / np.maximum(actual + predicted, 1)  # 2tp / (2tp + fp + fn)
    scores = {
        "accuracy": float(right.sum() / rows),
        "balanced_accuracy": float((right[has_rows] / actual[has_rows]).mean()),
        "f1": float(f1[-1] if classes == 2 else f1[actual + predicted > 0].mean()),
    }
    if classes > 1 and has_rows.all():
        scores["roc_auc"] = _roc_auc(probabilities, target, actual)
    limit = np.finfo(np.float64).eps
    scores["log_loss"] = float(
        -np.log(np.clip(probabilities[np.arange(rows), target], limit, 1 - limit)).mean()
    )
    scores["calibration_error"] = calibration_error(probabilities, target)
    return scores


def _roc_auc(probabilities: NDArray[np.float64], target: NDArray[np.intp], actual: NDArray[np.intp]) -> float:
    """The chance that a row of a class gets more of it than another row, ties counting half; class mean."""
    rows, classes = probabilities.shape
    areas = []
    for number in [1] if classes == 2 else range(classes):
        column = np.ascontiguousarray(probabilities[:, number])
        order = column.argsort()
        column = column[order]
        last_of_tie = np.flatnonzero(np.append(column[1:] != column[:-1], True))
        positives = np.diff((target[order] == number).cumsum()[last_of_tie], prepend=0)
        negatives = np.diff(last_of_tie, prepend=-1) - positives
        below = negatives.cumsum() - negatives / 2
        areas.append(positives @ below / (float(actual[number]) * float(rows - actual[number])))
    return float(np.mean(areas))


def reliability(probabilities: ArrayLike, target: ArrayLike) -> tuple[NDArray, NDArray, NDArray]:
    """(rows, mean confidence, share right), each [15], of rows in bins of equal width by their confidence.

    Confidence is the probability of the predicted class. Empty bins hold zeros. Source: Guo et al. 2017,
    arXiv 1706.04599, section 2: bin m holds the confidences in ((m-1)/M, m/M].
    """
    probabilities, target = np.asarray(probabilities, dtype=np.float64), np.asarray(target)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == target
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(np.intp) - 1, 0, CALIBRATION_BINS - 1)
    rows = np.bincount(bins, minlength=CALIBRATION_BINS)
    shared = np.maximum(rows, 1)
    return (
        rows,
        np.bincount(bins, weights=confidence, minlength=CALIBRATION_BINS) / shared,
        np.bincount(bins, weights=right, minlength=CALIBRATION_BINS) / shared,
    )


def calibration_error(probabilities: ArrayLike, target: ArrayLike) -> float:
    """Expected calibration error, in 15 bins of equal width.

    sum over bins of rows_m / rows * |accuracy_m - confidence_m|. It is never negative, so with few rows it
    lies above its limit for many. Source: Guo et al. 2017, arXiv 1706.04599, eq. 3.
    """
    rows, confidence, accuracy = reliability(probabilities, target)
    return float((rows * np.abs(accuracy - confidence)).sum() / max(rows.sum(), 1))


def regression(prediction: ArrayLike, target: ArrayLike) -> dict[str, float]:
    """Scores of numbers [rows] against numbers [rows].

    rmse, mae and median_absolute_error in the target's unit, and r2, which is absent where all targets are
    equal. No rows: an empty dict.
    """
    prediction, target = np.asarray(prediction, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if target.size == 0:
        return {}
    error = target - prediction
    size = np.abs(error)
    squares = float(error @ error)
    scores = {"rmse": float(np.sqrt(squares / len(error))), "mae": float(size.mean())}
    spread = target - target.mean()
    if (total := float(spread @ spread)) > 0:
        scores["r2"] = 1 - squares / total
    return {**scores, "median_absolute_error": float(np.median(size))}


def pinball(prediction: ArrayLike, target: ArrayLike, share: float) -> float:
    """The mean of max(share d, (share - 1) d), d = target - prediction, in the target's unit.

    Least where that share of targets lies below the predictions.
    """
    error = np.asarray(target, dtype=np.float64) - np.asarray(prediction, dtype=np.float64)
    return float(np.maximum(share * error, (share - 1) * error).mean())


def fit_temperature(log_probabilities: ArrayLike, target: ArrayLike) -> float:
    """The temperature T for which softmax(log_probabilities / T) has the least log loss on held-out rows.

    log_probabilities: [rows, classes], log-softmax or logits. target: class numbers [rows]. T lies in [0.05,
    20], and the log loss at T is never above that at 1. With fewer than 30 rows, or with no row wrong (where
    the best T would be certainty, which no held-out rows can support), T is 1. Source: Guo et al. 2017, arXiv
    1706.04599, section 4.2.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    scores = np.maximum(
        np.asarray(log_probabilities, dtype=np.float64), -1e4
    )  # a probability of 0 must stay finite here
    target = np.asarray(target, dtype=np.intp)
    if len(target) < TEMPERATURE_ROWS or (scores.argmax(axis=1) == target).all():
        return 1.0
    scores = scores - scores.max(axis=1, keepdims=True)
    chosen = scores[np.arange(len(target)), target]

    def loss(log_temperature: float) -> float:
        temperature = np.exp(log_temperature)
        return float((logsumexp(scores / temperature, axis=1) - chosen / temperature).mean())

    best = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded")
    return float(np.clip(np.exp(best.x), *TEMPERATURES)) if best.fun < loss(0.0) else 1.0
