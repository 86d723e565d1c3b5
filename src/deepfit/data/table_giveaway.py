"""How well one column alone predicts the target.

Its mean (or its commonest class) in bins of the column, fitted on one half of the rows and scored on the
other.
"""

from __future__ import annotations

import numpy as np
import polars as pl

MOST_BINS = 128
ROWS_A_BIN = 8
BENT_ROWS_A_BIN = 3
R2_LIMIT = 0.99
AUC_LIMIT = 0.995
ACCURACY_LIMIT = 0.99


def giveaway(values: pl.Series, target: np.ndarray, *, classes: bool) -> str | None:
    """How well in words ("R2 0.999").

    Where a column of at most some 10,000 rows predicts the target almost without error; None where not.

    values: [rows], numbers, times or words, null where missing. target: [rows] amounts or labels.
    """
    fit = np.arange(len(target)) % 2 == 0
    numeric = values.dtype.is_numeric() or values.dtype.is_temporal()
    amounts = (
        values.cast(pl.Int64 if values.dtype.is_temporal() else pl.Float64).cast(pl.Float64).to_numpy()
        if numeric
        else None
    )
    if not classes:
        correlation = _correlation(amounts, target) if amounts is not None else 0.0
        if correlation > 1 - 1e-9:
            return "it is the target, or a multiple of it"
    bins = _bins(amounts, fit) if amounts is not None else _codes(values)
    if not classes:
        bent = _r2_along(amounts, target, fit) if amounts is not None else 0.0
        best = max(_r2(bins, target, fit), bent, correlation)
        return f"R2 {best:.3f} by itself" if best > R2_LIMIT else None
    names, labels = np.unique(target, return_inverse=True)
    shares = _class_shares(bins, labels, len(names), fit)
    held_out, known = shares[~fit], labels[~fit]
    if len(names) == 2:
        auc = _auc(held_out[:, 1], known)
        return f"ROC AUC {auc:.3f} by itself" if auc > AUC_LIMIT else None
    guessed = held_out.argmax(axis=1)
    present = np.unique(known)
    balanced = float(np.mean([(guessed[known == each] == each).mean() for each in present]))
    return (
        f"balanced accuracy {balanced:.3f} by itself"
        if balanced > ACCURACY_LIMIT and len(present) > 1
        else None
    )


def _correlation(amounts: np.ndarray, target: np.ndarray) -> float:
    """Squared Pearson correlation over rows where both are there."""
    present = ~np.isnan(amounts)
    x, y = amounts[present], target[present]
    if len(x) < len(target) / 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1] ** 2)


def _bins(amounts: np.ndarray, fit: np.ndarray) -> np.ndarray:
    """Places between quantiles of the fitted half; 0 where missing. Few different values get a bin each."""
    present = amounts[fit & ~np.isnan(amounts)]
    distinct = np.unique(present)
    count = int(min(MOST_BINS, max(2, len(present) / ROWS_A_BIN)))
    edges = (
        (distinct[1:] + distinct[:-1]) / 2
        if len(distinct) <= count
        else np.unique(np.quantile(present, np.linspace(0, 1, count + 1)[1:-1]))
    )
    return np.where(np.isnan(amounts), 0, np.searchsorted(edges, amounts, side="right") + 1)


def _codes(values: pl.Series) -> np.ndarray:
    return values.cast(pl.String).rank("dense").fill_null(0).cast(pl.Int64).to_numpy()


def _r2(bins: np.ndarray, target: np.ndarray, fit: np.ndarray) -> float:
    """R2 on the other half of the bins' means; the overall mean counts as one row of each bin."""
    overall = target[fit].mean()
    rows = np.bincount(bins[fit], minlength=bins.max() + 1)
    sums = np.bincount(bins[fit], weights=target[fit] - overall, minlength=bins.max() + 1)
    guessed = overall + (sums / (rows + 1e-3 + (rows < 2)))[bins[~fit]]
    left = np.square(target[~fit] - guessed).sum()
    total = np.square(target[~fit] - target[~fit].mean()).sum()
    return float(1 - left / total) if total > 0 else 0.0


def _r2_along(amounts: np.ndarray, target: np.ndarray, fit: np.ndarray) -> float:
    """R2 on the other half of a curve of straight pieces through the means of small bins.

    Finds what bends the target smoothly.
    """
    known = np.flatnonzero(fit & ~np.isnan(amounts))
    held_out = ~fit & ~np.isnan(amounts)
    if len(known) < 4 * BENT_ROWS_A_BIN or held_out.sum() < (~fit).sum() / 2:
        return 0.0
    order = known[np.argsort(amounts[known], kind="stable")]
    starts = np.arange(0, len(order), BENT_ROWS_A_BIN)
    rows = np.diff(starts, append=len(order))
    x = np.add.reduceat(amounts[order], starts) / rows
    y = np.add.reduceat(target[order], starts) / rows
    left = np.square(target[held_out] - np.interp(amounts[held_out], x, y)).sum()
    total = np.square(target[held_out] - target[held_out].mean()).sum()
    return float(1 - left / total) if total > 0 else 0.0


def _class_shares(bins: np.ndarray, labels: np.ndarray, num_classes: int, fit: np.ndarray) -> np.ndarray:
    """[rows, classes]: shares of the classes in each row's bin among the fitted half.

    The overall shares counting as one row.
    """
    num_bins = int(bins.max()) + 1
    counts = np.bincount(bins[fit] * num_classes + labels[fit], minlength=num_bins * num_classes).reshape(
        num_bins, num_classes
    )
    overall = np.bincount(labels[fit], minlength=num_classes) / max(1, fit.sum())
    return ((counts + overall) / (counts.sum(axis=1, keepdims=True) + 1))[bins]


def _auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """The chance that a row of class 1 scores above one of class 0, ties counting half (Mann-Whitney)."""
    ranks = pl.Series(scores).rank("average").to_numpy()
    ones = int(positive.sum())
    zeros = len(positive) - ones
    if ones == 0 or zeros == 0:
        return 0.0
    return float((ranks[positive == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))
