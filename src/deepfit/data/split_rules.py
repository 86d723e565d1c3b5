"""The rules by which rows are held out; each returns the positions held out, in ascending order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepfit.errors import DataError

if TYPE_CHECKING:
    from deepfit.contract import Rows

DRAWS = 16
"""Orders of the groups that are tried; the one whose held-out part is nearest to what was asked for is
taken."""


def wanted(rows: int, fraction: float, keep: int = 1) -> int:
    """Rows to hold out: the share, rounded, at least one.

    At least `keep` are left, for training and for other parts.
    """
    return min(max(round(rows * fraction), 1), rows - keep)


def uniform(rows: int, fraction: float, rng: np.random.Generator, keep: int = 1) -> np.ndarray:
    """Any rows, each as likely as another."""
    return np.sort(rng.permutation(rows)[: wanted(rows, fraction, keep)])


def proportional(labels: np.ndarray, fraction: float, rng: np.random.Generator, later: int = 0) -> np.ndarray:
    """From each class its share, rounded by largest remainder so that the total is right.

    At least one row of each class is left.

    later: parts that are still to be held out of the rest, and need a row.
    """
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    total = wanted(len(labels), fraction, len(counts) + later)
    exact = counts * (total / len(labels))
    take = np.minimum(np.floor(exact).astype(np.int64), counts - 1)
    for place in np.argsort(-(exact - take), kind="stable"):
        if take.sum() >= total:
            break
        take[place] += take[place] < counts[place] - 1
    order = rng.permutation(len(labels))
    order = order[np.argsort(codes[order], kind="stable")]
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rank = np.arange(len(labels)) - np.repeat(first, counts)
    return np.sort(order[rank < np.repeat(take, counts)])


def by_group(
    name: str,
    values: np.ndarray,
    column: str,
    fraction: float,
    rng: np.random.Generator,
    labels: np.ndarray | None,
    later: int,
) -> np.ndarray:
    """Whole groups, together as near to the share as a few seeded orders come.

    Preferring those that leave every class a row.

    A missing group is a group of its own. later: parts that are still to be held out of the rest.
    """
    words = values.astype(str) if values.dtype == object else values
    _, codes, counts = np.unique(words, return_inverse=True, return_counts=True)
    if len(counts) < 2 + later:
        raise DataError(
            f"{name}: column '{column}' has {len(counts)} group{'s' if len(counts) != 1 else ''} among these "
            f"rows, and --split group:{column} "
            f"needs at least {2 + later}, so that none is on two sides. Use --split random, or add groups."
        )
    total = wanted(len(values), fraction)
    classes = np.unique(labels, return_inverse=True)[1] if labels is not None else None
    best: tuple[tuple[int, int], np.ndarray] | None = None
    for _ in range(DRAWS):
        held, size = np.zeros(len(counts), bool), 0
        for group in rng.permutation(len(counts))[: len(counts) - 1 - later]:
            if abs(size + counts[group] - total) < abs(size - total) or size == 0:
                held[group], size = True, size + int(counts[group])
            if size >= total:
                break
        lost = 0 if classes is None else int(classes.max()) + 1 - len(np.unique(classes[~held[codes]]))
        if best is None or (lost, abs(size - total)) < best[0]:
            best = ((lost, abs(size - total)), held)
    return np.flatnonzero(best[1][codes]) if best is not None else np.zeros(0, np.int64)


def by_time(rows: Rows, column: str, free: np.ndarray, fraction: float) -> np.ndarray:
    """The latest rows; rows of the same time are on the same side.

    DataError where a row has no time, or all have the same.
    """
    values = rows.column(column)[free]
    if values.dtype.kind not in "Mmiuf":
        raise DataError(
            f"{rows.name}: --split time:{column} needs dates or numbers, and column '{column}' holds words "
            f"such as '{values[0]}'. "
            "Write dates as YYYY-MM-DD."
        )
    absent = np.isnat(values) if values.dtype.kind in "Mm" else np.isnan(values)
    if absent.any():
        place = int(free[np.argmax(absent)])
        where = getattr(rows, "where", None)
        shown = where(place) if where is not None else f"row {place}"
        raise DataError(
            f"{rows.name}, {shown}, column '{column}': the time is missing, so the row is neither early nor "
            "late. Fill it in, or delete the row."
        )
    order = np.argsort(values, kind="stable")
    ascending = values[order]
    starts = np.flatnonzero(ascending[1:] != ascending[:-1]) + 1
    if len(starts) == 0:
        raise DataError(
            f"{rows.name}: column '{column}' holds the same time in all rows to split, {ascending[0]}. Use "
            "--split random."
        )
    cut = starts[np.argmin(np.abs(starts - (len(values) - wanted(len(values), fraction))))]
    return np.sort(order[cut:])
