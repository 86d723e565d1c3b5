"""Where the nodes of a drawn graph go: distances on paper like those along edges, parts side by side.

Letters: N nodes, P pairs.
"""

from __future__ import annotations

import numpy as np

ROUNDS = 60
"""Of stress majorization; it settles long before."""
SETTLED = 0.01
"""The longest way of a node in a round after which there is no further one, in lengths of an edge."""
LARGE = 500
"""Nodes of a part from which float32 is exact enough for where dots are drawn."""
GAP = 1.0
"""Between parts that no edge joins, in lengths of an edge."""


def layout(num_nodes: int, pairs: np.ndarray, seed: int = 0) -> np.ndarray:
    """Places [N, 2] in the unit square, the y axis as a picture's; the same for the same arguments.

    pairs: int [P, 2], edges in any direction and order; loops and repeats change nothing. Each part of the
    graph makes sum_ij (|x_i - x_j| - d_ij)^2 / d_ij^2 small, d the number of edges between two nodes; parts
    are put side by side in rows, the largest first. Takes the square of the number of nodes in memory.
    Source: Gansner et al. 2004, "Graph drawing by stress majorization", eq. 6, from classical scaling.
    """
    from scipy import sparse
    from scipy.sparse import csgraph

    if not num_nodes:
        return np.zeros((0, 2))
    pairs = np.asarray(pairs, np.int64).reshape(-1, 2)
    ones = np.ones(len(pairs), np.float32)
    matrix = sparse.csr_matrix((ones, (pairs[:, 0], pairs[:, 1])), (num_nodes, num_nodes))
    count, part = csgraph.connected_components(matrix, directed=False)
    rng = np.random.default_rng(seed)
    order = np.argsort(part, kind="stable")
    members = np.split(order, np.bincount(part, minlength=count).cumsum()[:-1])
    members.sort(key=lambda nodes: (-len(nodes), nodes[0]))
    places = []
    for nodes in members:
        apart = csgraph.shortest_path(matrix[nodes][:, nodes], directed=False, unweighted=True)
        places.append(_placed(apart.astype(np.float32 if len(nodes) > LARGE else np.float64), rng))
    found = np.zeros((num_nodes, 2))
    for nodes, corner, place in zip(members, _corners(places), places, strict=True):
        found[nodes] = corner + place
    found -= found.min(0)
    size = found.max(0)
    return (found - size / 2) / max(size.max(), 1e-9) + 0.5


def _placed(apart: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Nodes of a connected part [N, 2] from the edges between them [N, N], the lowest corner at 0."""
    count = len(apart)
    x = _scaled(apart, rng)
    if count > 2:
        with np.errstate(divide="ignore"):
            weight = np.where(apart > 0, apart, np.inf) ** -2
        solve = np.linalg.inv(np.diag(weight.sum(1))[1:, 1:] - weight[1:, 1:])
        for _ in range(ROUNDS):
            pull = weight * apart / np.maximum(_between(x), 1e-9)
            right = pull.sum(1)[:, None] * x - pull @ x
            moved = np.concatenate([np.zeros((1, 2)), solve @ right[1:]])
            moved -= moved.mean(0)
            shift = np.abs(moved - x).max()
            x = moved
            if shift < SETTLED:
                break
    return x - x.min(0)


def _scaled(apart: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Classical scaling: the two leading axes of the doubly centred squared distances, found by iteration."""
    count = len(apart)
    squared = -0.5 * apart**2
    centred = squared - squared.mean(0) - squared.mean(1)[:, None] + squared.mean()
    basis = rng.normal(size=(count, 2))
    if count == 1:
        return np.zeros((1, 2))
    for _ in range(30):
        basis = np.linalg.qr(centred @ basis)[0]
    values, turn = np.linalg.eigh(basis.T @ centred @ basis)
    axes = (basis @ turn)[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0))
    return axes + rng.normal(size=axes.shape) * 0.01 if count > 2 else axes


def _between(x: np.ndarray) -> np.ndarray:
    """Distances on paper, [N, N]; of a node to itself 1, so that it may be divided by."""
    squared = (x**2).sum(1)
    found = np.sqrt(np.maximum(squared[:, None] + squared - 2 * x @ x.T, 0))
    np.fill_diagonal(found, 1)
    return found


def _corners(places: list[np.ndarray]) -> list[np.ndarray]:
    """The lowest corner of each part, in rows of a page about as wide as it is high."""
    sizes = [place.max(0) + GAP for place in places]
    wide = max(max(size[0] for size in sizes), float(np.sqrt(sum(size.prod() for size in sizes)) * 1.1))
    found, left, top, high = [], 0.0, 0.0, 0.0
    for size in sizes:
        if left and left + size[0] > wide:
            left, top, high = 0.0, top + high, 0.0
        found.append(np.array([left, top]))
        left, high = left + size[0], max(high, size[1])
    return found
