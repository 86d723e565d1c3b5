"""A number as one of several modes and a place within it, and back: mode-specific normalisation.

A column's values are of three sorts: a value that stands in many rows (a spike, such as 0), a missing cell,
and the rest, which a variational Gaussian mixture describes. The choice says which spike or which normal
distribution k it is (drawn in proportion to how likely x is under each), and for the latter the offset says
where: (t - mean_k) / (4 deviation_k), cut off at -1 and 1, t = asinh((x - median) / (quartile range)).
Source: CTGAN, Xu et al. 2019, arXiv 1907.00503, section 4.2. Differs: spikes and missing cells are choices of
their own (as in CTAB-GAN, Zhao et al. 2021, arXiv 2102.08369, section 3.2), and asinh, which keeps a few
large values from taking the modes for themselves.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfit.data.table_encoding import robust_scale

MOST_MODES = 10
FEWEST_WEIGHT = 0.005
"""A mode with less weight than this is none (the authors' implementation)."""
CONCENTRATION = 0.001
"""Prior of the mixture's weights: small, so that modes that are not needed vanish."""
SPREAD = 4.0
"""Deviations from the mean that an offset of 1 stands for (eq. 1 of the paper)."""
SPIKE_SHARE = 0.03
MOST_SPIKES = 20
FITTED_ROWS = 10_000
MOST_DECIMALS = 6


def learn_modes(values: NDArray[np.float64], seed: int) -> dict[str, Any]:
    """What a column of numbers (NaN = missing) looks like; plain JSON.

    "missing": whether cells are; "spikes", ascending; "centre", "factor": of asinh; "means", "deviations",
    "weights" of the modes; "low", "high": the ends; "decimals": that no value exceeds, None where they do
    exceed 6. The choices are in this order: missing, spikes, modes.
    """
    present = np.sort(values[~np.isnan(values)])
    spikes = _spikes(present)
    rest = present[~np.isin(present, spikes)]
    centre, factor = robust_scale(rest) if len(rest) else (0.0, 0.0)
    factor = factor or 1.0
    means, deviations, weights = _mixture(_bent(rest, centre, factor), seed)
    return {
        "missing": len(present) < len(values),
        "spikes": spikes.tolist(),
        "centre": centre,
        "factor": factor,
        "means": means.tolist(),
        "deviations": deviations.tolist(),
        "weights": weights.tolist(),
        "low": float(present[0]) if len(present) else 0.0,
        "high": float(present[-1]) if len(present) else 0.0,
        "decimals": _decimals(present),
    }


def num_choices(record: Mapping[str, Any]) -> int:
    """How many choices a column of numbers has."""
    return int(record["missing"]) + len(record["spikes"]) + len(record["means"])


def levels(record: Mapping[str, Any], shares: Sequence[float]) -> tuple[list[float], list[float]]:
    """What each choice stands for, so that level + reach * offset is asinh's t of mean 0 and deviation 1.

    shares: of the rows that make each choice. A missing cell stands at the mean.
    """
    fixed = _bent(np.array(record["spikes"], np.float64), record["centre"], record["factor"])
    missing = int(record["missing"])
    deviations = np.array(record["deviations"], np.float64)
    level = np.concatenate([np.zeros(missing), fixed, record["means"]])
    within = np.concatenate([np.zeros(missing + len(fixed)), deviations])
    there = np.array(shares, np.float64)
    there[:missing] = 0
    there /= max(there.sum(), 1e-12)
    mean = (there * level).sum()
    deviation = np.sqrt((there * (np.square(level - mean) + np.square(within))).sum()) or 1.0
    level[:missing] = mean
    return ((level - mean) / deviation).tolist(), (SPREAD * within / deviation).tolist()


def to_modes(
    values: NDArray[np.float64], record: Mapping[str, Any], chance: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Numbers [rows] -> offsets in [-1, 1] and choices, [rows] each.

    chance: [rows] in [0, 1), by which a value between modes is given to one of them.
    """
    offsets, choices = np.zeros(len(values), np.float32), np.zeros(len(values), np.int32)
    first = int(record["missing"])
    spikes = np.asarray(record["spikes"], np.float64)
    place = np.minimum(np.searchsorted(spikes, values), max(len(spikes) - 1, 0))
    spiked = spikes[place] == values if len(spikes) else np.zeros(len(values), bool)
    choices[spiked] = first + place[spiked]
    rest = ~spiked & ~np.isnan(values)
    if not rest.any():
        return offsets, choices
    means, deviations, weights = (np.asarray(record[name]) for name in ("means", "deviations", "weights"))
    if not len(means):  # a value that training never had: the nearest one that it had
        nearest = np.abs(values[rest, None] - spikes).argmin(1) if len(spikes) else 0
        choices[rest] = first + nearest
        return offsets, choices
    bent = _bent(values[rest], record["centre"], record["factor"])[:, None]
    likelihood = np.log(weights / deviations) - 0.5 * np.square((bent - means) / deviations)
    share = np.exp(likelihood - likelihood.max(1, keepdims=True))
    reached = np.cumsum(share, 1)
    mode = (reached <= chance[rest, None] * reached[:, -1:]).sum(1)
    mode = np.minimum(mode, len(means) - 1)
    choices[rest] = first + len(spikes) + mode
    offsets[rest] = np.clip((bent[:, 0] - means[mode]) / (SPREAD * deviations[mode]), -1, 1)
    return offsets, choices


def from_modes(
    offsets: NDArray[Any], choices: NDArray[Any], record: Mapping[str, Any]
) -> NDArray[np.float64]:
    """Offsets and choices [rows] -> numbers within the ends, rounded as the data are; NaN = missing.

    What would lie beyond an end is mirrored there, since cut off it would pile up at the end.
    """
    first = int(record["missing"])
    fixed = np.array(([np.nan] if first else []) + list(record["spikes"]), np.float64)
    if not len(record["means"]):
        return fixed[choices]
    means, deviations = np.asarray(record["means"]), np.asarray(record["deviations"])
    mode = np.clip(choices - len(fixed), 0, len(means) - 1)
    bent = means[mode] + SPREAD * deviations[mode] * offsets.astype(np.float64)
    low, high = (
        _bent(np.float64(record[end]), record["centre"], record["factor"]) for end in ("low", "high")
    )
    bent = np.where(bent < low, 2 * low - bent, np.where(bent > high, 2 * high - bent, bent))
    values = record["centre"] + np.sinh(np.clip(bent, low, high)) / record["factor"]
    values = np.clip(values, record["low"], record["high"])  # what rounding leaves beyond the ends
    if record["decimals"] is not None:
        values = np.round(values, record["decimals"])
    if len(fixed):
        values = np.where(choices < len(fixed), fixed[np.minimum(choices, len(fixed) - 1)], values)
    return values


def _bent(values: Any, centre: float, factor: float) -> Any:
    return np.arcsinh((values - centre) * factor)


def _spikes(present: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values that many rows share, ascending; all of them where they are few."""
    distinct, counts = np.unique(present, return_counts=True)
    if len(distinct) <= min(MOST_SPIKES, max(1, len(present) // 5)):
        return distinct
    often = np.argsort(-counts, kind="stable")[:MOST_SPIKES]
    fewest = max(5.0, SPIKE_SHARE * len(present))
    return np.sort(distinct[often[counts[often] >= fewest]])


def _mixture(bent: NDArray[np.float64], seed: int) -> tuple[NDArray, NDArray, NDArray]:
    """Means, deviations and weights of the modes of values on the bent scale, ascending by mean."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import BayesianGaussianMixture

    if not len(bent):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    if len(bent) > FITTED_ROWS:
        bent = np.random.default_rng([seed, 0x30DE]).choice(bent, FITTED_ROWS, replace=False)
    distinct = len(np.unique(bent))
    if distinct < 3:
        return np.array([bent.mean()]), np.array([max(bent.std(), 1e-3)]), np.ones(1)
    mixture = BayesianGaussianMixture(
        n_components=min(MOST_MODES, distinct - 1),
        weight_concentration_prior_type="dirichlet_process",
        weight_concentration_prior=CONCENTRATION,
        random_state=seed % 2**32,
    )
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # a mixture that still moves describes well enough
        mixture.fit(bent[:, None])
    kept = np.flatnonzero(mixture.weights_ > FEWEST_WEIGHT)
    order = kept[np.argsort(mixture.means_[kept, 0], kind="stable")]
    weights = mixture.weights_[order]
    deviations = np.sqrt(mixture.covariances_[order, 0, 0])
    return mixture.means_[order, 0], np.maximum(deviations, 1e-3), weights / weights.sum()


def _decimals(present: NDArray[np.float64]) -> int | None:
    for decimals in range(MOST_DECIMALS + 1):
        if np.array_equal(np.round(present, decimals), present):
            return decimals
    return None
