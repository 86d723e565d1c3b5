"""What the columns of edges say: the two ends, a weight, and what kind of edge it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from deepfit.contract import Concern
from deepfit.data.columns import as_words
from deepfit.data.graph import Graph, build
from deepfit.data.graph_source import end_columns, places_of
from deepfit.data.tables import Table
from deepfit.errors import DataError

WEIGHT = "weight"
MOST_TYPES = 256


@dataclass(frozen=True)
class EdgeColumns:
    """A graph, the rows of edges as they were given, and what their columns are.

    pairs: int64 [rows, 2], the numbers of the two ends of each row, self loops and repeats included.
    columns: name, kind, reason, example of each. feature_names: of what an edge's features [K] are.
    """

    graph: Graph
    pairs: np.ndarray
    columns: Sequence[tuple[str, str, str, str]] = ()
    feature_names: Sequence[str] = ()
    notes: Sequence[Concern] = ()

    def describe(self) -> list[tuple[str, str, str, str]]:
        """(name, kind, reason, example) of each column of edges."""
        return [(f"edges: {name}", *more) for name, *more in self.columns]  # pyright: ignore[reportReturnType]


def read_edges(
    edges: Table | None,
    ids: pl.Series,
    nodes_name: str,
    *,
    directed: bool,
    known: Sequence[str] | None = None,
) -> EdgeColumns:
    """The edges between nodes of these ids; DataError naming an end that is no node.

    A column of words is the edge's type, one feature for each; other columns of numbers are features as they
    are. known: the names of the features in training, which the same columns then give.
    """
    if edges is None:
        return edges_between(None, np.empty((0, 2), np.int64), len(ids), directed=directed)
    ends = end_columns(edges)
    pairs = np.stack([places_of(edges, name, ids, of=nodes_name) for name in ends], 1)
    return edges_between(edges, pairs, len(ids), but=ends, directed=directed, known=known)


def edges_between(
    edges: Table | None,
    pairs: np.ndarray,
    num_nodes: int,
    *,
    but: Sequence[str] = (),
    directed: bool,
    known: Sequence[str] | None = None,
) -> EdgeColumns:
    """The edges whose ends [rows, 2] are known; but: the columns that say what the ends are.

    known: as for `read_edges`.
    """
    if edges is None:
        empty = np.zeros((0, len(known)), np.float32) if known else None
        graph = build(num_nodes, pairs[:, 0], pairs[:, 1], features=empty, directed=directed)
        return EdgeColumns(graph, pairs, feature_names=list(known or ()))
    weight, columns = None, [(name, "node", "says which nodes", str(edges.frame[name][0])) for name in but]
    features: dict[str, np.ndarray] = {}
    for column in edges.frame:
        if column.name in but:
            continue
        example = str(column[0])
        if column.name.lower() == WEIGHT:
            weight = _numbers(edges, column)
            columns.append((column.name, "weight", "how much the edge counts", example))
            continue
        found, what = _features(edges, column)
        columns.append((column.name, *what, example))
        features |= found
    if known is not None:
        features = {name: features.get(name, np.zeros(len(pairs), np.float32)) for name in known}
    stacked = np.stack(list(features.values()), 1) if features else None
    graph = build(num_nodes, pairs[:, 0], pairs[:, 1], weight=weight, features=stacked, directed=directed)
    return EdgeColumns(graph, pairs, columns, list(features), _notes(edges.name, pairs, directed))


def _numbers(edges: Table, column: pl.Series) -> np.ndarray:
    values = column.cast(pl.Float64, strict=False)
    bad = values.is_null() | values.is_infinite() | (values < 0)
    if bad.any():
        place = bad.arg_max() or 0
        raise DataError(
            f"{edges.name}, {edges.where(place)}, column '{column.name}': expected a weight of 0 or more, "
            f"received '{column[place]}'. Correct the cell, or rename the column if it is no weight."
        )
    return values.to_numpy().astype(np.float32)


def _features(edges: Table, column: pl.Series) -> tuple[dict[str, np.ndarray], tuple[str, str]]:
    """Named arrays of a column's features, and its kind and reason."""
    if column.dtype.is_numeric():
        values = column.cast(pl.Float64).fill_null(0.0).to_numpy()
        if not np.isfinite(values).all():
            place = int(np.argmin(np.isfinite(values)))
            raise DataError(
                f"{edges.name}, {edges.where(place)}, column '{column.name}': received an infinite number. "
                "Write the largest sensible one, or leave the cell empty."
            )
        return {column.name: values.astype(np.float32)}, ("number", "a feature of the edge")
    words = as_words(column).cast(pl.String)
    types = words.drop_nulls().unique().sort().to_list()
    if len(types) > MOST_TYPES:
        return {}, ("ignore", f"{len(types):,} different words are no type of edge")
    found = {f"{column.name} {word}": (words == word).fill_null(False).to_numpy() for word in types}
    return {name: held.astype(np.float32) for name, held in found.items()}, ("category", "the edge's type")


def _notes(name: str, pairs: np.ndarray, directed: bool) -> list[Concern]:
    """Self loops and repeats are said, with their number."""
    found = []
    loops = int((pairs[:, 0] == pairs[:, 1]).sum())
    if loops:
        found.append(
            Concern(
                "loops",
                name,
                f"{loops:,} edges lead from a node to itself and are left out: layers hear a node itself.",
            )
        )
    plain = pairs[pairs[:, 0] != pairs[:, 1]]
    if not directed:
        plain = np.sort(plain, 1)
    repeats = len(plain) - len(np.unique(plain, axis=0)) if len(plain) else 0
    if repeats:
        found.append(
            Concern(
                "repeats",
                name,
                f"{repeats:,} of {len(pairs):,} edges repeat another and count once."
                + ("" if directed else " (Edges have no direction here; with --directed they do.)"),
            )
        )
    return found
