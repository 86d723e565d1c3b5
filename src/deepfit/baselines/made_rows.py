"""What a sensible person would try first to make rows: simple draws from the training rows.

Each function yields (name, cells, seconds), the most trivial first. cells: float64 [count, columns], NaN
where missing (`deepfit.data.generation_encoding`). The same seed gives the same rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Made = tuple[str, NDArray[np.float64], float]


def for_rows(train: NDArray[np.float64], count: int, *, seed: int) -> Iterator[Made]:
    """Yield independent_columns, gaussian_copula and real_rows.

    independent_columns: each column shuffled on its own. real_rows: training rows as they are, which is no
    rival: it shows how good made rows can be.
    """
    ways: list[tuple[str, Callable[[NDArray, int, np.random.Generator], NDArray]]] = [
        ("independent_columns", independent_columns),
        ("gaussian_copula", gaussian_copula),
        ("real_rows", lambda cells, rows, rng: cells[repeated(len(cells), rows, rng)]),
    ]
    for name, make in ways:
        begun = time.perf_counter()
        rng = np.random.default_rng([seed, 0x40AD])
        yield name, make(train, count, rng), time.perf_counter() - begun


def repeated(rows: int, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """`count` places of rows in random order: all of them once before one comes again."""
    rounds = -(-count // rows)
    return np.concatenate([rng.permutation(rows) for _ in range(rounds)])[:count]


def independent_columns(
    train: NDArray[np.float64], count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Every column's own values, without regard to the others."""
    columns = [train[repeated(len(train), count, rng), place] for place in range(train.shape[1])]
    return np.stack(columns, axis=1)


def gaussian_copula(train: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Normal numbers that correlate as the columns' ranks do, each turned into its column's values.

    z = normal quantile of the rank (missing cells first, ties in random order; a category by the frequency
    of its words), drawn anew with the correlation of z, and back through the column's own quantiles.
    Source: Nelsen 2006, An Introduction to Copulas, section 2.5.
    """
    from scipy.special import ndtr, ndtri

    rows, columns = train.shape
    ascending, normal = np.empty((rows, columns)), np.empty((rows, columns))
    for place in range(columns):
        values = np.where(np.isnan(train[:, place]), -np.inf, train[:, place])
        order = np.lexsort([rng.random(rows), values])
        ascending[:, place] = values[order]
        normal[order, place] = ndtri((np.arange(rows) + 0.5) / rows)
    covariance = normal.T @ normal / rows
    level, turn = np.linalg.eigh(covariance)
    drawn = rng.standard_normal((count, columns)) @ (turn * np.sqrt(np.maximum(level, 0))).T
    share = ndtr(drawn / np.sqrt(np.diag(covariance)))
    place = np.minimum((share * rows).astype(np.intp), rows - 1)
    made = np.take_along_axis(ascending, place, axis=0)
    return np.where(np.isinf(made), np.nan, made)
