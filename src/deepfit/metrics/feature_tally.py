"""Scores of resamples of made examples beside real ones, without gathering their features for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FeatureTally:
    """What the scores of any rows follow from: weighted sums over all of them.

    real, made: features float64 [rows, width]. flags: name -> [rows], a share of rows a name; NaN counts
    nowhere.
    """

    real: NDArray[np.float64]
    made: NDArray[np.float64]
    flags: Mapping[str, NDArray[np.float64]]

    def of(self, index: NDArray[np.intp]) -> dict[str, float]:
        """The scores of the rows at these positions, each as often as it is named.

        `frechet_distance` as `metrics.generation` defines it, and the mean of each flag; a flag that no row
        has is absent.
        """
        weights = np.bincount(index, minlength=len(self.real)).astype(np.float64)
        scores = {"frechet_distance": self._distance(weights)} if len(index) > 1 else {}
        for name, flag in self.flags.items():
            known = ~np.isnan(flag)
            if count := float(weights @ known):
                scores[name] = float(weights @ np.where(known, flag, 0.0)) / count
        return scores

    def _distance(self, weights: NDArray[np.float64]) -> float:
        mean, covariance = _moments(self.real, weights)
        other_mean, other_covariance = _moments(self.made, weights)
        values, vectors = np.linalg.eigh(covariance)
        root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
        shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other_covariance @ root), 0)).sum()
        apart = mean - other_mean
        trace = np.trace(covariance) + np.trace(other_covariance)
        return float(max(0.0, apart @ apart + trace - 2 * shared))


def _moments(
    rows: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean, and covariance with the count less 1 below, of rows that are there so many times."""
    count = weights.sum()
    mean = weights @ rows / count
    centred = rows - mean
    return mean, (centred * weights[:, None]).T @ centred / (count - 1)
