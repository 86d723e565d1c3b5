"""Random numbers that belong to a row, not to its place: the same in whatever company the row comes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepfit.data.table_rows import mixed

STEP = np.uint64(0x9E3779B97F4A7C15)
"""The golden ratio in 64 bits, SplitMix64's step (Steele et al. 2014)."""


def uniform(rows: NDArray[np.uint64], count: int, seed: int) -> NDArray[np.float64]:
    """Numbers in (0, 1), [rows, count], from one 64-bit number a row and a seed."""
    start = mixed(rows ^ mixed(np.array([seed], np.uint64) + STEP))
    steps = np.arange(1, count + 1, dtype=np.uint64) * STEP
    bits = mixed(start[:, None] + steps) >> np.uint64(11)
    return (bits.astype(np.float64) + 0.5) / 2.0**53


def normal(rows: NDArray[np.uint64], count: int, seed: int) -> NDArray[np.float64]:
    """Numbers of mean 0 and deviation 1, [rows, count]. Source: Box and Muller 1958."""
    pairs = uniform(rows, 2 * ((count + 1) // 2), seed)
    half = pairs.shape[1] // 2
    radius, angle = np.sqrt(-2 * np.log(pairs[:, :half])), 2 * np.pi * pairs[:, half:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)[:, :count]
