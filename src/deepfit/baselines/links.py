"""What a sensible person would try first on links: count what two nodes share, or compare their columns."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from deepfit.data.graph import Graph
from deepfit.data.link_draws import in_common, no_links, without_directions

COUNTED = {"common_neighbours": 0, "adamic_adar": 1, "paths_of_three": 3}
"""Name -> place among the numbers of `in_common`."""
FITTED_LINKS, OTHERS_A_LINK = 20_000, 2


def for_links(
    graph: Graph, x: np.ndarray, links: np.ndarray, pairs: np.ndarray, *, seed: int
) -> Iterator[tuple[str, np.ndarray, float]]:
    """(name, scores [rows, candidates], seconds) of each, the most trivial first.

    graph: of the training links [L, 2]. x: [N, F] what is known of nodes. pairs: [rows, candidates, 2].
    """
    flat = pairs.reshape(-1, 2)
    began = time.monotonic()
    degrees = without_directions(graph).degrees.astype(np.float64)
    product = degrees[flat[:, 0]] * degrees[flat[:, 1]]
    yield "preferential_attachment", product.reshape(pairs.shape[:2]), time.monotonic() - began
    began = time.monotonic()
    counts = in_common(graph, flat)
    seconds = time.monotonic() - began
    for name, place in COUNTED.items():
        yield name, counts[:, place].reshape(pairs.shape[:2]), seconds
    if x.shape[1]:
        began = time.monotonic()
        found = _columns_alone(graph, x, links, flat, seed).reshape(pairs.shape[:2])
        yield "columns_alone", found, time.monotonic() - began


def _columns_alone(
    graph: Graph, x: np.ndarray, links: np.ndarray, asked: np.ndarray, seed: int
) -> np.ndarray:
    """Logistic regression on the products of the two nodes' columns, scaled."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(seed)
    links = links[rng.permutation(len(links))[:FITTED_LINKS]]
    others = no_links(links, avoid=graph, heard=graph, easy=OTHERS_A_LINK, hard=0, seed=seed).reshape(-1, 2)
    pairs = np.concatenate([links, others])
    scale = np.maximum(x.std(0), 1e-6)
    x = x / scale
    net = LogisticRegression(C=0.01, max_iter=200)
    net.fit(x[pairs[:, 0]] * x[pairs[:, 1]], np.arange(len(pairs)) < len(links))
    parts = [asked[start : start + 20_000] for start in range(0, len(asked), 20_000)]
    said = [net.decision_function(x[part[:, 0]] * x[part[:, 1]]) for part in parts]
    return np.concatenate(said)
