"""Scores of answers that name several labels a row, in NumPy alone; definitions are scikit-learn's."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def membership(labels: NDArray[np.object_], classes: tuple[str, ...]) -> tuple[NDArray[np.bool_], int]:
    """Bool [rows, classes] of tuples of labels, and how many labels there are that are no class."""
    number = {name: place for place, name in enumerate(classes)}
    found = np.zeros((len(labels), len(classes)), bool)
    unknown = 0
    for row, names in enumerate(labels.tolist()):
        for name in names:
            place = number.get(name)
            if place is None:
                unknown += 1
            else:
                found[row, place] = True
    return found, unknown


def several_labels(
    probabilities: ArrayLike, prediction: ArrayLike, target: ArrayLike, *, unknown: int = 0
) -> dict[str, float]:
    """Scores of predicted labels, bool [rows, classes], and of probabilities, against the true ones.

    f1_micro: 2 tp / (2 tp + fp + fn) over all rows and labels; f1_macro: the mean over labels that occur in
    target or prediction; exact_match: the share of rows whose labels are all right and none is missing;
    hamming_loss: the share of wrong decisions; log_loss: in nats a decision. unknown: true labels that are no
    class, which count as missed in f1_micro. No rows: an empty dict.
    """
    chance = np.asarray(probabilities, np.float64)
    said, true = np.asarray(prediction, bool), np.asarray(target, bool)
    if not len(true):
        return {}
    right = (said & true).sum(axis=0)
    either = said.sum(axis=0) + true.sum(axis=0)
    counted = either > 0
    all_right, all_either = float(right.sum()), float(either.sum() + unknown)
    limit = np.finfo(np.float64).eps
    chosen = np.clip(np.where(true, chance, 1 - chance), limit, 1 - limit)
    return {
        "f1_micro": 2 * all_right / all_either if all_either else 1.0,
        "f1_macro": float((2 * right[counted] / either[counted]).mean()) if counted.any() else 1.0,
        "exact_match": float((said == true).all(axis=1).mean()),
        "hamming_loss": float((said != true).mean()),
        "log_loss": float(-np.log(chosen).mean()),
    }
