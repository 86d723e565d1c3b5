"""What a sensible person would try first on a graph: labels alone, features alone, counting neighbours."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator

import numpy as np

from deepfit.data.graph import Graph

ROUNDS, SPREAD = 50, 0.9
"""Of label propagation: rounds, and how much of a node's label comes from its neighbours."""


def for_nodes(
    graph: Graph,
    x: np.ndarray,
    seen: tuple[np.ndarray, np.ndarray],
    asked: np.ndarray,
    num_classes: int,
    *,
    seed: int,
) -> Iterator[tuple[str, np.ndarray, float]]:
    """(name, probabilities [asked, classes], seconds) of each, the most trivial first.

    seen: numbers of nodes whose classes are known, and these classes.
    """
    began = time.monotonic()
    share = np.bincount(seen[1], minlength=num_classes) / len(seen[1])
    yield "most_frequent", np.tile(share, (len(asked), 1)), time.monotonic() - began
    began = time.monotonic()
    spread = propagated(graph, seen[0], seen[1], num_classes)
    yield "label_propagation", spread[asked], time.monotonic() - began
    if x.shape[1]:
        began = time.monotonic()
        yield "features_alone", _features_alone(x, seen, asked, num_classes, seed), time.monotonic() - began


def propagated(graph: Graph, nodes: np.ndarray, classes: np.ndarray, num_classes: int) -> np.ndarray:
    """Probabilities [N, classes] by labels that spread along edges: Y <- a S Y + (1 - a) Y0.

    S = D^-1/2 A D^-1/2, of a directed graph without its directions. A node that no label reaches gets the
    shares of the classes.
    Source: Zhou et al. 2003, NIPS, "Learning with local and global consistency", section 2.
    """
    from scipy import sparse

    size = graph.num_nodes
    weight = np.ones(graph.num_edges, np.float32) if graph.weight is None else graph.weight
    ends = (graph.targets, graph.sources)
    adjacency = sparse.csr_matrix((weight, ends), (size, size))
    adjacency = adjacency.maximum(adjacency.T)
    root = 1 / np.sqrt(np.maximum(np.asarray(adjacency.sum(1)).ravel(), 1e-12))
    smooth = sparse.diags(root) @ adjacency @ sparse.diags(root)
    given = np.zeros((size, num_classes))
    given[nodes, classes] = 1
    held = given
    for _ in range(ROUNDS):
        held = SPREAD * (smooth @ held) + (1 - SPREAD) * given
    share = np.bincount(classes, minlength=num_classes) / max(len(classes), 1)
    held = held + 1e-9 * share
    return held / held.sum(1, keepdims=True)


def _features_alone(
    x: np.ndarray, seen: tuple[np.ndarray, np.ndarray], asked: np.ndarray, num_classes: int, seed: int
) -> np.ndarray:
    """A multilayer network on what is known of the nodes themselves, stopping early where rows suffice."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    nodes, classes = seen
    early = np.bincount(classes).min(initial=10, where=np.bincount(classes) > 0) >= 5 and len(nodes) >= 200
    net = MLPClassifier((128,), alpha=1e-3, max_iter=200, early_stopping=bool(early), random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        net.fit(x[nodes], classes)
    found = np.zeros((len(asked), num_classes))
    found[:, net.classes_] = net.predict_proba(x[asked])
    return found
