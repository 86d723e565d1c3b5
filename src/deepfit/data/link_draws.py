"""Pairs of nodes that are no links, drawn from a seed, and what the two ends of a pair have in common."""

from __future__ import annotations

from itertools import count

import numpy as np

from deepfit.data.graph import Graph, build
from deepfit.data.row_chance import STEP, uniform
from deepfit.data.table_rows import mixed

COUNTS = 6
"""Numbers that `in_common` gives; of a directed graph one more."""
FINE = 100.0
"""Sums of fractions are multiplied by it before the logarithm, so that small ones are told apart."""
PAIRS_AT_ONCE = 1 << 16
WALKS, CORRUPTED = 8, 24
"""Draws after which a hard pair is one by popularity, and after which any two nodes will do."""


def in_common(graph: Graph, pairs: np.ndarray) -> np.ndarray:
    """What the ends of pairs [P, 2] have in common, as if they were not linked, float32 [P, counts].

    log(1 + n), where n is: the common neighbours; 100 times their sum of 1 / log(degree) (Adamic and Adar
    2003); 100 times their sum of 1 / degree (Zhou et al. 2009); 100 times the sum of 1 / sqrt(d_a d_b) over
    paths u-a-b-v of three edges (Kovacs et al. 2019, doi 10.1038/s41467-019-09177-y, eq. 2); the less and the
    greater degree. Directions do not count in these; of a directed graph the degrees are the edges from the
    first end and to the second, and a last number is 1 where there is an edge back.
    """
    from scipy import sparse

    size = graph.num_nodes
    plain = without_directions(graph)
    ones = np.ones(plain.num_edges)
    near = sparse.csr_matrix((ones, plain.sources, plain.starts), (size, size))
    degree = plain.degrees.astype(np.float64)
    some = np.maximum(degree, 1)
    weights = [np.ones(size), 1 / np.log(np.maximum(degree, 2)), 1 / some]
    root = sparse.diags(1 / np.sqrt(some))
    smooth = (root @ near @ root).tocsr()
    around = np.asarray(smooth.sum(1)).ravel()  # of a node, sum over its neighbours of 1 / sqrt(d d')
    found = np.zeros((len(pairs), COUNTS + graph.directed))
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        u, v = pairs[start : start + PAIRS_AT_ONCE].T
        into = found[start : start + PAIRS_AT_ONCE]
        both = near[u].multiply(near[v]).tocsr()
        for place, weight in enumerate(weights):
            into[:, place] = both @ weight
        ends, row = np.unique(u, return_inverse=True)
        reached = (near[ends] @ smooth)[row]
        joined = plain.has(u, v)
        into[:, 3] = np.asarray(reached.multiply(near[v]).sum(1)).ravel()
        through = around[u] + around[v] - 1 / np.sqrt(some[u] * some[v])  # u-v-b-v, u-a-u-v and u-v-u-v
        into[:, 3] -= np.where(joined, through, 0)
        degrees = np.stack([degree[u] - joined, degree[v] - joined], 1)
        if graph.directed:
            there = graph.has(u, v)
            out = np.bincount(graph.sources, minlength=size)
            degrees = np.stack([out[u] - there, graph.degrees[v] - there], 1)
            into[:, 6] = graph.has(v, u) * (np.e - 1)
        into[:, 4:6] = degrees if graph.directed else np.sort(degrees, 1)
    found[:, 1:4] *= FINE
    return np.log1p(np.maximum(found, 0)).astype(np.float32)


def no_links(pairs: np.ndarray, *, avoid: Graph, heard: Graph, easy: int, hard: int, seed: int) -> np.ndarray:
    """For each pair [P, 2] first `easy`, then `hard` pairs that are no edge to avoid.

    Returns int64 [P, easy + hard, 2]. One end stays, drawn anew for each, and the other is replaced: by any
    node (easy); by a node two steps of a walk in `heard` away from the end that stays, in turn with one drawn
    by its number of edges in `heard` (hard). They depend on the seed and the pair, not on the other pairs.
    There has to be a pair that is no edge.
    """
    size, plain = avoid.num_nodes, without_directions(heard)
    keys = mixed((pairs[:, 0] * size + pairs[:, 1]).astype(np.uint64))
    found = np.repeat(pairs[:, None], easy + hard, 1)
    open_ = np.ones(found.shape[:2], bool)
    for turn in count():
        row, column = np.nonzero(open_)
        if not len(row):
            return found
        chance = uniform(mixed(keys[row] + (column.astype(np.uint64) + np.uint64(1)) * STEP), 4, seed + turn)
        stays_second = chance[:, 0] < 0.5
        kept = np.where(stays_second, pairs[row, 1], pairs[row, 0])
        if turn >= CORRUPTED:
            kept = (chance[:, 3] * size).astype(np.int64)
        other = (chance[:, 1] * size).astype(np.int64)
        if plain.num_edges and turn < CORRUPTED:
            is_hard = column >= easy
            walks = is_hard & ((column - easy) % 2 == 0) & (turn < WALKS) & (plain.degrees[kept] > 0)
            drawn = is_hard & ~walks
            other[drawn] = plain.sources[(chance[drawn, 1] * plain.num_edges).astype(np.int64)]
            between = _stepped(plain, kept[walks], chance[walks, 1])
            other[walks] = _stepped(plain, between, chance[walks, 2])
        candidate = np.where(stays_second[:, None], np.stack([other, kept], 1), np.stack([kept, other], 1))
        good = (other != kept) & ~avoid.has(candidate[:, 0], candidate[:, 1])
        found[row[good], column[good]] = candidate[good]
        open_[row[good], column[good]] = False
    raise AssertionError("count() has no end")


def without_directions(graph: Graph) -> Graph:
    """The graph with every edge in both directions; itself where it is undirected."""
    return build(graph.num_nodes, graph.sources, graph.targets) if graph.directed else graph


def _stepped(graph: Graph, nodes: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """A neighbour of each node, which has one."""
    return graph.sources[graph.starts[nodes] + (chance * graph.degrees[nodes]).astype(np.int64)]
