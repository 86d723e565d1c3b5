"""What a sensible person would try first to find anomalies: the same ordinary rows, through scikit-learn.

Each function yields (name, scores, seconds), the most trivial first. scores: how unusual each row is, the
higher the more, float64, of the validation rows and then of the test rows; a threshold is chosen on the
former. The same seed gives the same scores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfit.data.windows import Windows

Scores = tuple[NDArray[np.float64], NDArray[np.float64]]
Fitted = tuple[str, Scores, float]

FITTED_ROWS = 20_000
NEIGHBOURS_ROWS = 5_000
"""Rows that local outlier factors are computed among, drawn by seed: the cost grows with their product."""
CODES_SHOWN = 50
VARIANCE_KEPT = 0.9
LAGS = 8
"""Readings of a window that the isolation forests on windows look at."""
AT_ONCE = 4096


def for_tables(train: Any, valid: Any, test: Any, sizes: Any, *, seed: int) -> Iterator[Fitted]:
    """Yield robust_z, principal_components, local_outlier_factor and isolation_forest for a table.

    train: encoded ordinary rows (`numbers`, `categories`); sizes: codes of each category. robust_z: the
    largest |number|, the scale being that of quartiles, and for a category -log of its share. The others see
    standardised numbers and one-hot categories.
    """

    def robust(batch: Any) -> NDArray[np.float64]:
        # bent numbers keep their order; a normal deviation is 1.349 quartile ranges
        parts = [np.abs(batch["numbers"]).astype(np.float64) * 1.349]
        for place, size in enumerate(sizes):
            counts = np.bincount(train["categories"][:, place], minlength=size) + 1
            shares = counts / counts.sum()
            parts.append(-np.log(shares)[batch["categories"][:, place], None])
        return np.concatenate(parts, axis=1).max(axis=1)

    yield _timed("robust_z", lambda: (robust(valid), robust(test)))
    shown = [_dense(batch, sizes) for batch in (train, valid, test)]
    yield from _models(shown, seed=seed)


def _models(shown: list[NDArray[np.float64]], *, seed: int) -> Iterator[Fitted]:
    chosen = np.sort(np.random.default_rng(seed).permutation(len(shown[0]))[:FITTED_ROWS])
    centre, scale = shown[0].mean(0), shown[0].std(0)
    fit, *asked = ((part - centre) / np.where(scale > 0, scale, 1.0) for part in shown)

    def components() -> Scores:
        from sklearn.decomposition import PCA

        model = PCA(VARIANCE_KEPT, svd_solver="full").fit(fit[chosen])

        def error(part: NDArray) -> NDArray[np.float64]:
            if not len(part):
                return np.zeros(0)
            return np.square(part - model.inverse_transform(model.transform(part))).sum(1)

        return error(asked[0]), error(asked[1])

    def neighbours() -> Scores:
        from sklearn.neighbors import LocalOutlierFactor

        some = fit[chosen[:: max(1, len(chosen) // NEIGHBOURS_ROWS)]]
        model = LocalOutlierFactor(n_neighbors=min(20, len(some) - 1), novelty=True).fit(some)
        return _asked(lambda part: -model.score_samples(part), asked)

    yield _timed("principal_components", components)
    yield _timed("local_outlier_factor", neighbours)
    yield _timed("isolation_forest", lambda: forest(fit[chosen], asked, seed))


def for_readings(
    train: Any, valid: Any, test: Any, *, season: int, phases: list[NDArray], seed: int
) -> Iterator[Fitted]:
    """Yield robust_z or seasonal_z, then isolation forests, for windows of readings (see `encode_readings`).

    Scores are of the training and validation rows together, then of the test rows.
    seasonal_z: the largest |value - median| / median absolute deviation among readings at the same place of
    the season; phases: that place for each row of train, valid, test; robust_z where season is 0. The
    forests look at the readings alone, at the last LAGS readings, and at the changes between these.
    """
    parts = [train["window"], valid["window"], test["window"]]
    last = [_last(windows, 1) for windows in parts]

    def z() -> Scores:
        count = max(season, 1)
        values = [each[:, 0] for each in last]
        middle, spread = np.zeros((count, values[0].shape[1])), np.ones((count, values[0].shape[1]))
        for phase in range(count):
            own = values[0][phases[0] == phase]
            if len(own):
                middle[phase] = np.median(own, axis=0)
                spread[phase] = np.median(np.abs(own - middle[phase]), axis=0)
        spread = np.where(spread > 0, spread, np.maximum(values[0].std(0), 1e-9))
        scores = [
            np.abs((own - middle[at]) / spread[at]).max(1) for own, at in zip(values, phases, strict=True)
        ]
        return np.concatenate(scores[:2]), scores[2]

    yield _timed("seasonal_z" if season else "robust_z", z)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(parts[0]))[:FITTED_ROWS])
    lags = [_last(windows, LAGS) for windows in parts]
    for name, shown in (
        ("isolation_forest", last),
        ("isolation_forest_windows", lags),
        ("isolation_forest_changes", [np.diff(each, axis=1) for each in lags]),
    ):
        flat = [each.reshape(len(each), -1) for each in shown]
        asked = [np.concatenate(flat[:2]), flat[2]]
        if flat[0].shape[1]:
            yield _timed(name, lambda flat=flat, asked=asked: forest(flat[0][chosen], asked, seed))


def forest(fit: NDArray, asked: list[NDArray], seed: int) -> Scores:
    """Isolation forest with scikit-learn's defaults (Liu, Ting, Zhou 2008, ICDM)."""
    from sklearn.ensemble import IsolationForest

    model = IsolationForest(random_state=seed % 2**32).fit(fit)
    return _asked(lambda part: -model.score_samples(part), asked)


def _asked(score: Callable[[NDArray], NDArray], asked: list[NDArray]) -> Scores:
    found = [score(part).astype(np.float64) if len(part) else np.zeros(0) for part in asked]
    return found[0], found[1]


def _last(windows: Windows, count: int) -> NDArray[np.float64]:
    """[rows, count, channels]: the last readings of each window, a missing one as the nearest later one."""
    channels, found = windows.shape[2] // 2, []
    for start in range(0, len(windows), AT_ONCE):
        gathered = np.asarray(windows.at(slice(start, start + AT_ONCE)))[:, -count:].astype(np.float64)
        values, there = gathered[..., :channels], gathered[..., channels:] > 0
        for step in range(gathered.shape[1] - 2, -1, -1):
            values[:, step] = np.where(there[:, step], values[:, step], values[:, step + 1])
        found.append(values)
    return np.concatenate(found) if found else np.zeros((0, count, channels))


def _dense(batch: Any, sizes: Any) -> NDArray[np.float64]:
    """Numbers and one-hot categories, the most frequent CODES_SHOWN codes of each; [rows, features]."""
    parts = [np.asarray(batch["numbers"], np.float64)]
    for place, size in enumerate(sizes):
        codes = np.minimum(batch["categories"][:, place], CODES_SHOWN)
        parts.append(np.eye(min(size, CODES_SHOWN + 1))[codes])
    return np.concatenate(parts, axis=1)


def _timed(name: str, work: Callable[[], Scores]) -> Fitted:
    begun = time.perf_counter()
    return name, work(), time.perf_counter() - begun
