"""What a sensible person would try first to group rows: k-means and Gaussian mixtures, through scikit-learn.

Fitted on training points, they put test points into clusters. The same seed gives the same clusters.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np

from deepfit.metrics.clusters import silhouettes

FITTED_ROWS = 20_000
CHOSEN_ROWS = 1_000
"""Rows, and one start for each number, by which a number of clusters is chosen."""
MOST_CLUSTERS = 20
COMPONENTS = 16
FULL_FEATURES = 100
"""Features up to which each cluster of a mixture has a shape of its own; beyond, an axis-aligned one."""

METHODS = ("k_means", "principal_components_k_means", "gaussian_mixture")

Fitted = tuple[str, np.ndarray, float]


def for_points(
    train: np.ndarray, test: np.ndarray, clusters: int, *, seed: int, methods: Collection[str] = METHODS
) -> Iterator[Fitted]:
    """Yield k_means, principal_components_k_means and gaussian_mixture, those of them that are asked for.

    Each as (name, how much each test row belongs to each cluster [rows, clusters], seconds).
    train, test: [rows, features]. clusters: how many; 0 = chosen by each method for itself, 2 to 20 by the
    silhouette of its own clusters among training points.
    """
    chosen = np.sort(np.random.default_rng(seed).permutation(len(train))[:FITTED_ROWS])
    fit = np.asarray(train, np.float64)[chosen]
    asked = np.asarray(test, np.float64)

    def means(points: np.ndarray, count: int, starts: int = 10) -> Any:
        return k_means(points, count, starts, seed=seed)

    def mixture(points: np.ndarray, count: int, starts: int = 3) -> Any:
        from sklearn.mixture import GaussianMixture

        shape = "full" if points.shape[1] <= FULL_FEATURES else "diag"
        return GaussianMixture(
            count, covariance_type=shape, reg_covar=1e-3, n_init=starts, random_state=seed % 2**32
        ).fit(points)

    def components(points: np.ndarray) -> Any:
        from sklearn.decomposition import PCA

        return PCA(min(COMPONENTS, *points.shape), random_state=seed % 2**32).fit(points)

    if "k_means" in methods:
        yield fitted("k_means", means, fit, asked, clusters)
    if "principal_components_k_means" in methods:
        begun = time.perf_counter()
        axes = components(fit)
        name, shares, _ = fitted(
            "principal_components_k_means", means, axes.transform(fit), axes.transform(asked), clusters
        )
        yield name, shares, time.perf_counter() - begun
    if "gaussian_mixture" in methods:
        yield fitted("gaussian_mixture", mixture, fit, asked, clusters)


def k_means(points: Any, count: int, starts: int = 10, *, seed: int) -> Any:
    """scikit-learn's k-means, fitted; points may be sparse."""
    from sklearn.cluster import KMeans

    several: Any = starts  # its stub has only the default, a word
    return KMeans(count, n_init=several, random_state=seed % 2**32).fit(points)


def fitted(name: str, learn: Callable[..., Any], fit: Any, asked: Any, clusters: int) -> Fitted:
    """What a method that learns from `fit` says of `asked`; clusters: 0 = chosen among 2 to 20.

    learn: (points, clusters[, starts]) -> a fitted model. Points may be sparse.
    """
    begun = time.perf_counter()
    model = learn(fit, clusters or _chosen(learn, fit))
    if hasattr(model, "predict_proba"):
        shares = model.predict_proba(asked)
    else:
        shares = np.eye(len(model.cluster_centers_))[model.predict(asked)]
    return name, shares, time.perf_counter() - begun


def _chosen(learn: Callable[..., Any], fit: Any) -> int:
    """The number of clusters that has the highest silhouette."""
    import warnings

    some = fit[:: max(1, fit.shape[0] // CHOSEN_ROWS)]
    shown = some[:, np.unique(some.indices)].toarray() if hasattr(some, "toarray") else some
    best, highest = 2, -np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer different points than clusters, which then score less
        for count in range(2, min(MOST_CLUSTERS, len(shown) - 1) + 1):
            model = learn(some, count, 1)
            score = float(silhouettes(shown, model.predict(some)).mean())
            if score > highest:
                best, highest = count, score
    return best
