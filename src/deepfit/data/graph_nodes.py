"""Nodes of a graph that all rows share, as a batch holds them."""

from __future__ import annotations

from typing import Any

import numpy as np

from deepfit.data.graph import Graph


class Nodes:
    """One node a row, of one graph; a batch may hold it like any other array.

    index: int64 [rows], the nodes meant. x: float32 [N, F], what is known of every node of the graph. known:
    int64 [N], the number of the vector that training learned for each node; None where it learns none. kept:
    what was made of the graph, shared by all its rows, so that it is made once. Taken by index array, mask or
    slice, it is fewer rows of the same graph.
    """

    def __init__(
        self,
        index: np.ndarray,
        x: np.ndarray,
        graph: Graph,
        known: np.ndarray | None = None,
        kept: dict[Any, Any] | None = None,
    ) -> None:
        self.index, self.x, self.graph, self.known = index, x, graph, known
        self.kept: dict[Any, Any] = {} if kept is None else kept

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        return f"<Nodes, {len(self):,} of {self.graph.num_nodes:,}, {self.graph.num_edges:,} edges>"

    def __getitem__(self, index: Any) -> Nodes:
        return self.at(self.index[index if isinstance(index, slice) else np.asarray(index)])

    def at(self, nodes: np.ndarray) -> Nodes:
        """Rows for these nodes of the graph."""
        return Nodes(nodes, self.x, self.graph, self.known, self.kept)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.index if dtype is None else self.index.astype(dtype)
