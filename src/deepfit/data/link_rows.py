"""Links of a graph as rows: each of its edges once, or the pairs of nodes that are asked about."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from deepfit.contract import Concern, Facts
from deepfit.data.graph import Graph, build
from deepfit.data.graph_source import (
    GraphTables,
    end_columns,
    file_beside,
    places_of,
    read_graph_tables,
)
from deepfit.data.node_rows import SPLIT, NodeRows, named_parts, read_nodes
from deepfit.data.table_rows import mixed
from deepfit.data.tables import Table, read_table
from deepfit.errors import DataError, suggest

PAIRS = "pairs"
FEWEST = 10
"""Links that can be split into parts and learned from."""


@dataclass(frozen=True)
class WholeLinks:
    """All links of a source.

    nodes: every node, with the graph as read. table: edges, or pairs, as given. pairs: int64 [links, 2], the
    numbers of their nodes. origin: int64 [links], their rows in the table. asked: they are pairs to judge and
    not the graph's own edges. kept: what was worked out last, so that parts of one graph share it.
    """

    nodes: NodeRows
    table: Table
    pairs: np.ndarray
    origin: np.ndarray
    asked: bool
    kept: dict[str, Any] = field(default_factory=dict)

    def heard(self, seen: np.ndarray | None) -> NodeRows:
        """Every node, with the edges along which messages go: never those to judge.

        seen: bool [links], the links to train on, where the links are the graph's own edges.
        """
        key = b"" if seen is None else seen.tobytes()
        if self.kept.get("key") != key:
            away = self.pairs if seen is None else self.pairs[~seen]
            whole = self.nodes.whole
            rows = NodeRows(replace(whole, graph=whole.graph.without(away), kept={}), self.nodes.table)
            self.kept.update(key=key, heard=rows)
        return self.kept["heard"]

    def linked(self) -> Graph:
        """Everything that is known to be a link: the edges of the graph and the pairs asked about."""
        graph = self.nodes.whole.graph
        if not self.asked:
            return graph
        ends = [
            np.concatenate(each)
            for each in ((graph.sources, self.pairs[:, 0]), (graph.targets, self.pairs[:, 1]))
        ]
        return build(graph.num_nodes, *ends, directed=graph.directed)


class LinkRows:
    """Some links of a graph; implements `deepfit.contract.Rows`.

    scored: the links are taken to be true, and are ranked among pairs that are none.
    """

    def __init__(self, whole: WholeLinks, index: np.ndarray, scored: bool) -> None:
        self.whole, self.index, self.scored = whole, index, scored
        self.name = whole.nodes.name if not whole.asked else whole.table.name
        self.target_name = None

    @property
    def pairs(self) -> np.ndarray:
        """int64 [rows, 2], the numbers of the two nodes."""
        return self.whole.pairs[self.index]

    @property
    def ids(self) -> tuple[np.ndarray, np.ndarray]:
        """The ids of the two nodes of each row."""
        known = self.whole.nodes.whole.ids
        first, second = (known.gather(self.pairs[:, end]).to_numpy() for end in (0, 1))
        return first, second

    def __len__(self) -> int:
        return len(self.index)

    def take(self, index: np.ndarray) -> LinkRows:
        """The rows at these positions; the graph is shared."""
        return LinkRows(self.whole, self.index[index], self.scored)

    def compact(self) -> LinkRows:
        """The same: each link is judged by what is around it, so the whole graph is needed."""
        return self

    def column(self, name: str) -> np.ndarray:
        """One column of edges."""
        frame = self.whole.table.frame
        if name not in frame.columns:
            raise DataError(
                f"{self.whole.table.name}: there is no column '{name}'. {suggest(name, frame.columns)}"
            )
        return frame[name].gather(self.whole.origin[self.index]).to_numpy()

    def target(self) -> None:
        """None: every row is a link, and the pairs that are none are drawn."""
        return

    def keys(self) -> dict[str, np.ndarray]:
        """The ids of the two nodes."""
        first, second = self.ids
        return {"source": first, "target": second}

    def labelled(self) -> LinkRows:
        """The same rows, taken to be links that came true."""
        return LinkRows(self.whole, self.index, True)

    def parts(self) -> np.ndarray | None:
        """What the column `split` of edges says, where there is one."""
        return named_parts(self.whole.table, self.whole.origin[self.index])

    def where(self, position: int) -> str:
        """The row of the file of edges, or of pairs."""
        return self.whole.table.where(int(self.whole.origin[self.index[position]]))

    def fingerprints(self) -> np.ndarray:
        """uint64 [rows], equal for links of the same nodes, undirected ones in either order."""
        first, second = (pl.Series(each).hash(seed=1).to_numpy() for each in self.ids)
        if self.whole.nodes.whole.graph.directed:
            return first ^ mixed(second)
        return (first + second) ^ mixed(np.minimum(first, second))

    def describe(self) -> list[tuple[str, str, str, str]]:
        """The columns of nodes, then those of edges."""
        return self.whole.nodes.describe()

    def concerns(self) -> list[Concern]:
        """What was changed in reading, and what a careful reader would say."""
        said = self.whole.nodes.concerns()
        return [each for each in said if each.kind != "duplicates"]  # nodes may be alike: links are the rows


def read_links(
    source: Any, *, reading: Mapping[str, Any], words: str, learned: Facts | None = None
) -> LinkRows:
    """The links of a graph, checked; DataError before any training.

    reading: see `GraphOptions.reading`. learned: the facts of training, with which the rows are the pairs
    that are asked about.
    """
    given = {name: reading[name] for name in ("missing", "kinds")}
    graph, pairs = source, None
    if learned is not None:
        graph, pairs = _asked(source)
    tables = read_graph_tables(graph, **given)
    way, _, named = reading["split"].partition(":")
    nodes = read_nodes(
        _without(tables, [SPLIT, named if way in ("column", "time", "group") else SPLIT]),
        **reading,
        target=None,
        goal=None,
        words=words,
        learned=learned,
    )
    whole = nodes.whole
    if pairs is None:
        return LinkRows(*_edges(tables, nodes), scored=True)
    table = read_table(pairs, lenient=True)
    if not isinstance(pairs, str | os.PathLike):
        table = replace(table, name="the pairs")
    ends = end_columns(table)
    found = np.stack([places_of(table, name, whole.ids, of=whole.nodes.table.name) for name in ends], 1)
    loops = np.flatnonzero(found[:, 0] == found[:, 1])
    if len(loops):
        raise DataError(
            f"{table.name}, {table.where(int(loops[0]))}: the node '{whole.ids[int(found[loops[0], 0])]}' is "
            "asked about with itself, and a link has two nodes. Delete the row."
        )
    links = WholeLinks(nodes, table, found, np.arange(len(found)), True)
    return LinkRows(links, np.arange(len(found)), False)


def _edges(tables: GraphTables, nodes: NodeRows) -> tuple[WholeLinks, np.ndarray]:
    """Each edge once, as it was given first."""
    whole = nodes.whole
    graph, pairs = whole.graph, whole.edges.pairs
    size = graph.num_nodes
    plain = np.flatnonzero(pairs[:, 0] != pairs[:, 1])
    ordered = pairs[plain] if graph.directed else np.sort(pairs[plain], 1)
    first = np.unique(ordered[:, 0] * size + ordered[:, 1], return_index=True)[1]
    origin = np.sort(plain[first])
    if len(origin) < FEWEST or tables.edges is None:
        raise DataError(
            f"{tables.name}: received {len(origin)} edges between two nodes, and links cannot be learned "
            f"from fewer than {FEWEST}; hundreds are better."
        )
    most = size * (size - 1) // (1 if graph.directed else 2)
    if len(origin) == most:
        raise DataError(
            f"{tables.name}: every node is linked to every other, so there is no pair that is no link to "
            "tell them from. Leave out the edges that do not matter."
        )
    return WholeLinks(nodes, tables.edges, pairs[origin], origin, False), np.arange(len(origin))


def _asked(source: Any) -> tuple[Any, Any]:
    """The source of the graph and that of the pairs; DataError where there are no pairs."""
    if isinstance(source, Mapping):
        if PAIRS in source:
            return source.get("graph", source), source[PAIRS]
        what = f"the mapping has no key '{PAIRS}'"
    elif isinstance(source, str | os.PathLike):
        if (found := file_beside(source, PAIRS)) is not None:
            return source, found
        what = f"{source}: there is no {PAIRS}.csv beside edges.csv"
    else:
        what = f"a {type(source).__name__} holds a graph and no pairs"
    raise DataError(
        f"{what}, so it is not known which links to judge. Add {PAIRS}.csv with the columns source and "
        f"target, a row for each pair of nodes; in memory pass {{'nodes': frame, 'edges': frame, '{PAIRS}': "
        f"frame}} or {{'graph': graph, '{PAIRS}': frame}}."
    )


def _without(tables: GraphTables, columns: list[str]) -> GraphTables:
    """Columns of edges that say to which part a link belongs are no input."""
    if tables.edges is None:
        return tables
    return tables._replace(edges=replace(tables.edges, frame=tables.edges.frame.drop(columns, strict=False)))
