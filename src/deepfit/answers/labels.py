"""Answers that name several labels a row: each label on its own, by a sigmoid. NumPy alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deepfit import metrics
from deepfit.answers import PREFIX
from deepfit.contract import Answers, Batch, Facts
from deepfit.metrics import labels as metrics_labels

THRESHOLD = 0.5
"""The probability from which on a label is given."""


def sigmoid(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """1 / (1 + exp(-logits / temperature)), float64."""
    return 0.5 * (1 + np.tanh(logits.astype(np.float64) / (2 * temperature)))


def of_labels(probabilities: np.ndarray, classes: Sequence[str]) -> Answers:
    """`prediction`, the list of labels whose probability is at least a half, and a column for each label."""
    prediction = np.empty(len(probabilities), object)
    for row, given in enumerate((probabilities >= THRESHOLD).tolist()):
        prediction[row] = [name for name, holds in zip(classes, given, strict=True) if holds]
    columns = {f"{PREFIX}{name}": probabilities[:, place] for place, name in enumerate(classes)}
    return Answers({"prediction": prediction, **columns}, tuple(classes))


def decode(outputs: Batch, facts: Facts) -> Answers:
    """Answers from `logits` [rows, labels], at the temperature that held-out rows asked for."""
    return of_labels(sigmoid(outputs["logits"], facts.get("temperature", 1.0)), facts["classes"])


def calibrate(outputs: Batch, batch: Batch, facts: Facts) -> Facts:
    """Facts with the temperature that suits held-out rows, one for all labels."""
    logits = outputs["logits"].reshape(-1)
    both = np.stack([np.zeros_like(logits), logits], axis=1)
    return {**facts, "temperature": metrics.fit_temperature(both, batch["target"].reshape(-1).astype(int))}


def score(answers: Answers, labels: np.ndarray) -> Mapping[str, float]:
    """Scores against tuples of labels."""
    target, unknown = metrics_labels.membership(labels, tuple(answers.classes))
    probabilities = np.stack([answers.columns[PREFIX + name] for name in answers.classes], axis=1)
    return metrics_labels.several_labels(probabilities, probabilities >= THRESHOLD, target, unknown=unknown)
