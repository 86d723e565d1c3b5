"""Whether there are groups to find at all: rows that differ, and more of them than clusters."""

from __future__ import annotations

import numpy as np

from deepfit.errors import DataError

DISTINCT_SAMPLE = 20_000
"""Rows that are compared, spread evenly over all where there are more."""


def compared(rows: int) -> np.ndarray:
    """The positions of the rows that are compared."""
    return np.unique(np.linspace(0, rows - 1, min(rows, DISTINCT_SAMPLE)).astype(int))


def check_distinct(points: np.ndarray, clusters: int, *, rows: int, name: str, same: str) -> None:
    """DataError where the rows are all the same, or fewer different ones than clusters asked for.

    points: [compared rows, features]; rows: how many there are in training; clusters: 0 where the number is
    to be chosen. name: of the source; same: what is said where no row differs.
    """
    distinct = len(np.unique(points, axis=0))
    if distinct < 2:
        raise DataError(f"{name}: {same}")
    wanted = clusters or 2
    if distinct < wanted or rows <= wanted:
        raise DataError(
            f"{name}: {wanted} clusters were asked for, and there are {rows:,} training rows"
            f"{f', {distinct:,} of them different' if distinct < rows else ''}. "
            f"Ask for far fewer with --clusters, or add rows."
        )
