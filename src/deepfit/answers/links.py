"""Answers about links: how likely each is, and its place among pairs that are none; NumPy alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deepfit.answers.labels import sigmoid
from deepfit.contract import Answers, Facts
from deepfit.metrics import links as scores

HARD = "hard_"


def of_scores(pairs: np.ndarray, probability: np.ndarray) -> Answers:
    """Answers from scores [rows, 1 + 2K] of the link, K random pairs, K hard ones; or [rows, 1].

    probability: [rows], of the link.
    """
    columns: dict[str, np.ndarray] = {"prediction": probability >= 0.5, "probability": probability}
    count = (pairs.shape[1] - 1) // 2
    for prefix, others in (("", pairs[:, 1 : 1 + count]), (HARD, pairs[:, 1 + count :])):
        if count:
            found = scores.against(pairs[:, 0], others)
            columns |= {f"{prefix}{name}": values for name, values in found.items()}
    return Answers(columns)


def decode(logits: np.ndarray, facts: Facts) -> Answers:
    """Answers from logits, with the line that held-out links asked for."""
    slope, level = facts.get("line", (1.0, 0.0))
    return of_scores(logits, sigmoid(slope * logits[:, 0] + level))


def calibrate(logits: np.ndarray, facts: Facts) -> Facts:
    """Facts with the line from logits [rows, 1 + 2K] to log odds of a link against a random pair.

    Source: Platt 1999, "Probabilistic outputs for support vector machines", section 2. Links
    and random pairs count as much in all. The targets are his, so that the line stays finite.
    """
    count = (logits.shape[1] - 1) // 2
    if not count or not len(logits):
        return facts
    links, others = logits[:, 0].astype(np.float64), logits[:, 1 : 1 + count].astype(np.float64).ravel()
    x = np.concatenate([links, others])
    rows = len(links)
    target = np.where(np.arange(len(x)) < rows, (rows + 1) / (rows + 2), 1 / (rows + 2))
    weight = np.where(np.arange(len(x)) < rows, 1.0, rows / len(others))
    return {**facts, "line": fitted_line(x, target, weight)}


def fitted_line(x: np.ndarray, target: np.ndarray, weight: np.ndarray) -> list[float]:
    """[slope, level] of the logistic curve with the least weighted cross-entropy, by Newton's steps."""
    line = np.array([1.0, 0.0])
    inputs = np.stack([x, np.ones(len(x))], 1)
    for _ in range(50):
        chance = sigmoid(inputs @ line)
        gradient = inputs.T @ (weight * (chance - target))
        curve = (inputs * (weight * chance * (1 - chance))[:, None]).T @ inputs + 1e-6 * np.eye(2)
        step = np.linalg.solve(curve, gradient)
        step *= min(1.0, 2.0 / max(np.abs(step).max(), 1e-12))
        line = line - step
        if np.abs(step).max() < 1e-9:
            break
    return [float(max(line[0], 0.0)), float(line[1])]


def score(answers: Answers) -> Mapping[str, float]:
    """The scores among random pairs, and `hard_` those among hard ones; none where none were drawn."""
    columns = answers.columns
    if "rank" not in columns:
        return {}
    return {**scores.score(columns), **scores.score(columns, HARD)}
