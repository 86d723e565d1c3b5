"""Answers that name a class: from a network's logits to calibrated probabilities, and their scores.

NumPy alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deepfit import metrics
from deepfit.contract import Answers, Batch, Facts

PREFIX = "probability_"


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """exp(logits / temperature), each row divided by its sum.

    Float64 [rows, classes] from logits [rows, classes].
    """
    scaled = logits.astype(np.float64) / temperature
    scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)


def of_classes(probabilities: np.ndarray, classes: list[Any]) -> Answers:
    """`prediction`, the most probable class as it was written in the data.

    And a column of probabilities for each class.
    """
    names = np.array(classes)
    columns = {f"{PREFIX}{name}": probabilities[:, place] for place, name in enumerate(classes)}
    return Answers({"prediction": names[probabilities.argmax(axis=1)], **columns}, tuple(classes))


def decode(outputs: Batch, facts: Facts) -> Answers:
    """Answers from `logits` [rows, classes], at the temperature that held-out rows asked for."""
    return of_classes(softmax(outputs["logits"], facts.get("temperature", 1.0)), facts["classes"])


def calibrate(outputs: Batch, batch: Batch, facts: Facts) -> Facts:
    """Facts with the temperature that suits held-out rows (Guo et al. 2017, arXiv 1706.04599)."""
    return {**facts, "temperature": metrics.fit_temperature(outputs["logits"], batch["target"])}


def score(answers: Answers, target: np.ndarray) -> Mapping[str, float]:
    """Scores of class answers against the classes as written in the data, all of which the answers know."""
    names = [name for name in answers.columns if name.startswith(PREFIX)]
    probabilities = np.stack([answers.columns[name] for name in names], axis=1)
    classes = np.array(answers.classes)
    if classes.dtype.kind != target.dtype.kind:  # the whole number 1 of one file is the word "1" of another
        classes, target = classes.astype(str), target.astype(str)
    order = classes.argsort(kind="stable")
    return metrics.classification(probabilities, order[np.searchsorted(classes, target, sorter=order)])
