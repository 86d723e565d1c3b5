"""Many small graphs, side by side as one, as rows of a batch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from deepfit.data.graph import Graph


class Joined(NamedTuple):
    """Some graphs as one without an edge between them: x [N, F], its edges, and which graph a node is of."""

    x: np.ndarray
    graph: Graph
    of: np.ndarray


class Graphs:
    """One graph a row; a batch may hold it like any other array.

    index: int64 [rows], the graphs meant. x: float32 [N, F], what is known of every node of all graphs, one
    graph behind the other. graph: all graphs as one. starts: int64 [G + 1], where the nodes of each begin.
    Taken by index array, mask or slice, it is fewer rows of the same graphs; `joined` gathers them.
    """

    def __init__(self, index: np.ndarray, x: np.ndarray, graph: Graph, starts: np.ndarray) -> None:
        self.index, self.x, self.graph, self.starts = index, x, graph, starts

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        return f"<Graphs, {len(self):,} of {len(self.starts) - 1:,}>"

    def __getitem__(self, index: Any) -> Graphs:
        return self.at(self.index[index if isinstance(index, slice) else np.asarray(index)])

    def at(self, graphs: np.ndarray) -> Graphs:
        """Rows for these of the graphs."""
        return Graphs(graphs, self.x, self.graph, self.starts)

    def joined(self) -> Joined:
        """The graphs of these rows, in their order, as one."""
        counts = np.diff(self.starts)[self.index]
        nodes = ranges(self.starts[self.index], counts)
        begins = self.graph.starts[nodes]
        degrees = self.graph.starts[nodes + 1] - begins
        edges = ranges(begins, degrees)
        before = np.cumsum(counts) - counts
        of = np.repeat(np.arange(len(self)), counts)
        moved = np.repeat(before - self.starts[self.index], counts)
        part = Graph(
            np.concatenate([[0], degrees.cumsum()]).astype(np.int64),
            self.graph.sources[edges] + np.repeat(moved, degrees),
            None if self.graph.weight is None else self.graph.weight[edges],
            None if self.graph.features is None else self.graph.features[edges],
            self.graph.directed,
        )
        return Joined(self.x[nodes], part, of)


def ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """int64, the whole numbers from each start on, as many as each count, one run behind the other."""
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(int(counts.sum()))
