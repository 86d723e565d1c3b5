"""What a sensible person would try first on whole graphs: what their nodes and edges are, counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from deepfit import baselines
from deepfit.data.graph_sets import Graphs

NAMES = {"linear": "bag_of_nodes", "gradient_boosting": "boosted_bag_of_nodes"}


def bags(graphs: Graphs) -> np.ndarray:
    """What graphs hold, float32 [rows, 2 F + K + 2], whatever leads where.

    The mean and the sum over nodes of what is known of each, the sum over edges of what is known of each, and
    how many nodes and edges there are.
    """
    joined = graphs.joined()
    edges_of = joined.of[joined.graph.targets]
    counts = np.bincount(joined.of, minlength=len(graphs))
    total = _sums(joined.x, joined.of, len(graphs))
    parts = [total / np.maximum(counts, 1)[:, None], total, counts[:, None]]
    parts.append(np.bincount(edges_of, minlength=len(graphs))[:, None])
    if joined.graph.features is not None:
        parts.append(_sums(joined.graph.features, edges_of, len(graphs)))
    return np.concatenate(parts, 1).astype(np.float32)


def bagged(task: Any, data: Any, facts: Any) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The "numbers" and "target" of graphs to learn from, and the "numbers" of those asked about."""
    parts = [task.encode(part, facts) for part in (data.train, data.valid)]
    seen = {
        "numbers": np.concatenate([bags(part["graphs"]) for part in parts]),
        "target": np.concatenate([part["target"] for part in parts]),
    }
    return seen, {"numbers": bags(task.encode(data.held_out, facts)["graphs"])}


def for_classes(seen: Any, asked: Any, num_classes: int, *, seed: int) -> Iterator[baselines.Fitted]:
    """(name, probabilities, seconds): the most frequent class, logistic regression and trees on `bags`.

    seen, asked: {"numbers": bags [rows, ...]}, of seen with the "target".
    """
    for name, values, seconds in baselines.for_classification(seen, asked, num_classes, seed=seed):
        yield NAMES.get(name, name), values, seconds


def for_amounts(seen: Any, asked: Any, options: Any) -> Iterator[baselines.Fitted]:
    """(name, values, seconds): the mean, ridge regression, trees on `bags`; of a quantile without ridge."""
    if options.loss == "quantile":
        found = baselines.for_quantile(seen, asked, options.quantile, seed=options.seed)
    else:
        found = baselines.for_regression(seen, asked, seed=options.seed)
    for name, values, seconds in found:
        yield NAMES.get(name, name), values, seconds


def _sums(values: np.ndarray, of: np.ndarray, rows: int) -> np.ndarray:
    """The sum of the values [N, F] of each row, float64."""
    columns = [np.bincount(of, weights=column, minlength=rows) for column in values.T]
    return np.stack(columns, 1) if columns else np.zeros((rows, 0))
