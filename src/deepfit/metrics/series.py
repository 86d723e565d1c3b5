"""Scores of forecasts, in NumPy alone: of the median, and of how wide it says that it may be wrong.

Every score is a mean over the points that are forecast. A forecast without intervals (all columns equal) is
scored as one that is sure of itself; its `crps` is then its mean absolute error.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deepfit.metrics import regression

LEVELS = {"low_95": 0.025, "low_80": 0.1, "prediction": 0.5, "high_80": 0.9, "high_95": 0.975}
"""The columns of answers, in ascending order, and the share of values that should lie below each."""

WEIGHTS = np.array([0.0625, 0.1675, 0.54, 0.1675, 0.0625])
"""What each column counts in `crps`.

For a normal and for a uniform forecast that is right the sum is the integral over all levels to within 1 %.
"""


def forecasts(columns: Mapping[str, np.ndarray], target: np.ndarray, scale: np.ndarray) -> dict[str, float]:
    """mase, smape, crps, coverage_80, coverage_95, mae, rmse of answers [rows] against values [rows].

    mase = mean |y - prediction| / scale, scale [rows] being each series' mean |y_t - y_(t-season)| over its
    training rows; rows whose scale is 0 or NaN are left out, and with none left it is absent. Source: Hyndman
    and Koehler 2006, International Journal of Forecasting 22(4), where the scale is that of a season of 1.

    smape = 200 mean |y - prediction| / (|y| + |prediction|), in percent from 0 to 200; 0 where both are 0.
    Source: Makridakis 1993, International Journal of Forecasting 9(4).

    crps = 2 integral of the pinball loss over all levels, here the sum over the five columns, each weighted
    by its share of all levels (see WEIGHTS), in the target's unit. Source: Gneiting and Raftery
    2007, JASA 102(477), and Laio and Tamea 2007, HESS 11(4), eq. 8, for the integral.

    coverage_80, coverage_95: the share of values within the interval, its ends included. No rows: an empty
    dict.
    """
    target = np.asarray(target, np.float64)
    if not len(target):
        return {}
    said = {name: np.asarray(columns[name], np.float64) for name in LEVELS}
    error = np.abs(target - said["prediction"])
    scores = {}
    known = np.isfinite(scale) & (scale > 0)
    if known.any():
        scores["mase"] = float((error[known] / scale[known]).mean())
    size = np.abs(target) + np.abs(said["prediction"])
    scores["smape"] = float(200 * (error / np.where(size > 0, size, 1)).mean())
    scores["crps"] = float(crps(said, target).mean())
    for share in (80, 95):
        inside = (target >= said[f"low_{share}"]) & (target <= said[f"high_{share}"])
        scores[f"coverage_{share}"] = float(inside.mean())
    plain = regression(said["prediction"], target)
    return {**scores, "mae": plain["mae"], "rmse": plain["rmse"]}


def crps(columns: Mapping[str, np.ndarray], target: np.ndarray) -> np.ndarray:
    """2 sum_i w_i max(q_i d_i, (q_i - 1) d_i), d_i = target - column i, [rows]."""
    total = np.zeros(len(target))
    for weight, (name, level) in zip(WEIGHTS, LEVELS.items(), strict=True):
        difference = target - columns[name]
        total += 2 * weight * np.maximum(level * difference, (level - 1) * difference)
    return total
