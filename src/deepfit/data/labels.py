"""Targets as numbers for a network and back.

Classes as int64 codes, amounts as float32 of mean 0 and deviation 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from deepfit.contract import Facts, OwnRows
from deepfit.errors import DataError, OptionError
from deepfit.vocabulary import LOSSES

Transform = Literal["none", "log"]
SHOWN = 10


def targets_of(rows: OwnRows) -> np.ndarray:
    """The labels or values of rows to learn from or to be scored on; DataError where they have none."""
    found: np.ndarray | None = rows.target()
    if found is None:
        raise DataError(
            f"{rows.name}: these rows have no target, so nothing can be learned from them or scored on them. "
            "Name the column with --target, or add it to the data."
        )
    return found


def learn_labels(labels: np.ndarray) -> dict[str, Any]:
    """{"classes": the labels in ascending order, as JSON values of their own type, "class_rows".

    How many rows each has}.
    """
    classes, rows = np.unique(labels, return_counts=True)
    return {"classes": classes.tolist(), "class_rows": rows.tolist()}


def learn_label_sets(target: np.ndarray, name: str) -> dict[str, Any]:
    """{"classes": all labels of tuples of them, in ascending order, "class_rows": how many rows each has}."""
    labels, rows = np.unique([label for row in target.tolist() for label in row], return_counts=True)
    if not len(labels):
        raise DataError(f"{name}: no training row has a label, so there is nothing to learn. Add labels.")
    return {"classes": labels.tolist(), "class_rows": rows.tolist()}


def check_loss(loss: str, classes: Sequence[Any], name: str) -> None:
    """OptionError where a loss of two classes meets rows with another number of them."""
    if LOSSES[loss].use == "two classes" and len(classes) != 2:
        shown = ", ".join(map(str, classes[:SHOWN])) + (", ..." if len(classes) > SHOWN else "")
        instead = "categorical_hinge" if loss == "hinge" else "sparse_categorical_crossentropy"
        raise OptionError(
            f"--loss {loss} tells two classes apart; the training rows of {name} have {len(classes)}: "
            f"{shown}. Use --loss {instead}."
        )


def encode_labels(
    labels: np.ndarray,
    facts: Facts,
    *,
    name: str = "the rows",
    target: str = "target",
    where: Callable[[int], str] = "row {} (from 0)".format,
) -> np.ndarray:
    """int64 codes [rows], places in facts["classes"].

    A label is known by its text, so that the whole number 1 of one file is the word "1" of another. DataError
    naming the first label that training did not have; name, target and where say what rows these are.
    """
    known = {_text(label): code for code, label in enumerate(facts["classes"])}
    distinct, places = np.unique(labels, return_inverse=True)
    codes = np.array([known.get(_text(label), -1) for label in distinct.tolist()], np.int64)
    found = codes[places]
    if len(found) and found.min() < 0:
        position = int(np.argmin(found))
        names = class_names(facts)
        shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
        raise DataError(
            f"{name}, {where(position)}, column '{target}': received '{labels[position]}', which is no class "
            f"of the training rows ({shown}). Correct the label, or train again with rows of this class."
        )
    return found


def learn_target(values: np.ndarray, transform: Transform = "none") -> dict[str, Any]:
    """{"mean", "deviation", "transform", "low", "high"} of amounts [rows], after the transform.

    Deviation 1 where all are the same.

    log asks for amounts above 0 and raises DataError otherwise. low and high are of the amounts as they are.
    """
    values = np.asarray(values, np.float64)
    if transform == "log" and values.min() <= 0:
        place = int(np.argmin(values))
        raise DataError(
            f"row {place} (from 0) of the training rows: expected a target above 0 for its logarithm, "
            f"received {values[place]}. "
            "Train without the logarithm, or correct the row."
        )
    moved = np.log(values) if transform == "log" else values
    deviation = float(moved.std())
    return {
        "mean": float(moved.mean()),
        "deviation": deviation if deviation > 0 else 1.0,
        "transform": transform,
        "low": float(values.min()),
        "high": float(values.max()),
    }


def learn_rate(values: np.ndarray) -> dict[str, Any]:
    """Facts of amounts from 0 up whose logarithm of the mean is learned: a scale, the mean, and no shift.

    Encoded amounts have mean 1, so outputs of 0, at which networks start, say the mean.
    """
    values = np.asarray(values, np.float64)
    mean = float(values.mean())
    return {**learn_target(values), "mean": 0.0, "deviation": mean if mean > 0 else 1.0}


def encode_target(values: np.ndarray, facts: Facts) -> np.ndarray:
    """(t(y) - mean) / deviation as float32 [rows].

    Amounts at or below 0 count as the least of training where t is the logarithm.
    """
    values = np.asarray(values, np.float64)
    moved = np.log(np.where(values > 0, values, facts["low"])) if facts["transform"] == "log" else values
    return ((moved - facts["mean"]) / facts["deviation"]).astype(np.float32)


def decode_target(outputs: np.ndarray, facts: Facts) -> np.ndarray:
    """The amounts (float64) that encoded values [...] stand for."""
    moved = np.asarray(outputs, np.float64) * facts["deviation"] + facts["mean"]
    return np.exp(moved) if facts["transform"] == "log" else moved


def log_fits_better(values: np.ndarray) -> bool:
    """Whether amounts are above 0 and so skewed that the logarithm more than halves their |skewness|."""
    values = np.asarray(values, np.float64)
    return bool(
        len(values) > 2
        and values.min() > 0
        and abs(_skewness(values)) > 1
        and abs(_skewness(np.log(values))) < abs(_skewness(values)) / 2
    )


def _skewness(values: np.ndarray) -> float:
    centred = values - values.mean()
    deviation = centred.std()
    return float(np.mean((centred / deviation) ** 3)) if deviation > 0 else 0.0


def _text(label: Any) -> str:
    if isinstance(label, bool | np.bool_):
        return str(label).lower()
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def class_names(facts: Mapping[str, Any]) -> Sequence[str]:
    """The labels as text, for columns of answers and pictures."""
    return [_text(label) for label in facts["classes"]]
