"""Nodes of one graph as rows: what is known of each, and the graph that all of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from deepfit.contract import Concern, Facts
from deepfit.data.columns import FEWEST_FOR_IDENTIFIER, Kind, infer_kinds, parse_kinds
from deepfit.data.edge_columns import EdgeColumns, read_edges
from deepfit.data.graph import Graph
from deepfit.data.graph_source import GraphTables, end_columns, id_column, ids_of, read_graph_tables
from deepfit.data.split import PARTS
from deepfit.data.table_rows import TableRows, typed_frame
from deepfit.data.tables import Table
from deepfit.data.targets import Goal, target_as_read
from deepfit.errors import DataError, OptionError, suggest

SPLIT = "split"
"""The column of nodes that says which part each is of, under `--split auto`."""


@dataclass(frozen=True)
class WholeGraph:
    """A graph as read: its nodes as a table, its edges, the ids.

    nodes: rows of all nodes. words: columns that hold several words. edges: as arrays, with what their own
    columns say. kept: what was worked out from it last, so that three parts of one graph are encoded once.
    """

    nodes: TableRows
    ids: pl.Series
    graph: Graph
    edges: EdgeColumns
    words: tuple[str, ...]
    name: str
    notes: Sequence[Concern] = ()
    kept: dict[str, Any] = field(default_factory=dict)


class NodeRows:
    """Some nodes of a graph; implements `deepfit.contract.Rows`. The graph is always the whole one."""

    def __init__(self, whole: WholeGraph, table: TableRows) -> None:
        self.whole = whole
        self.table = table
        self.name = whole.name
        self.target_name = table.target_name

    @property
    def nodes(self) -> np.ndarray:
        """int64 [rows], the number of each row's node in the graph."""
        index = self.table.index
        return np.arange(len(self.table)) if index is None else index.astype(np.int64)

    def __len__(self) -> int:
        return len(self.table)

    def take(self, index: np.ndarray) -> NodeRows:
        """The rows at these positions; table and graph are shared."""
        return NodeRows(self.whole, self.table.take(index))

    def every(self) -> NodeRows:
        """All nodes of the graph, those without a target too."""
        return NodeRows(self.whole, self.whole.nodes)

    def compact(self) -> NodeRows:
        """The same: each node is read with its neighbours, so the whole graph is needed."""
        return self

    def column(self, name: str) -> np.ndarray:
        """One column of nodes."""
        return self.table.column(name)

    def target(self) -> np.ndarray | None:
        """As of a table."""
        return self.table.target()

    def keys(self) -> dict[str, np.ndarray]:
        """The ids of the nodes."""
        return {self.whole.ids.name: self.whole.ids.gather(self.nodes).to_numpy()}

    def labelled(self) -> NodeRows:
        """The nodes whose target is there."""
        return NodeRows(self.whole, self.table.labelled())

    def parts(self) -> np.ndarray | None:
        """What the column `split` says, where there is one."""
        return named_parts(self.whole.nodes.table, None if self.table.index is None else self.nodes)

    def where(self, position: int) -> str:
        """The row of the file of nodes."""
        return self.table.where(position)

    def fingerprints(self) -> np.ndarray:
        """uint64 [rows], by the ids: nodes that look alike differ in where they are."""
        return self.whole.ids.gather(self.nodes).hash(seed=1).to_numpy()

    def describe(self) -> list[tuple[str, str, str, str]]:
        """The columns of nodes, then those of edges."""
        found = []
        for name, kind, reason, example in self.table.describe():
            if name == self.whole.ids.name:
                kind, reason = "identifier", "what edges refer to"
            elif name in self.whole.words:
                kind, reason = "words", "several words a node"
            found.append((name, kind, reason, example))
        return [*found, *self.whole.edges.describe()]

    def concerns(self) -> list[Concern]:
        """What was changed in reading, and what a careful reader would say."""
        return [*self.whole.notes, *self.table.concerns()]


def read_nodes(
    source: Any,
    *,
    target: str | None,
    goal: Goal | None,
    id: str = "auto",
    directed: bool = False,
    missing: str = "",
    kinds: str = "",
    split: str = "auto",
    words: str = "auto",
    learned: Facts | None = None,
) -> NodeRows:
    """The nodes of a graph, checked; DataError before any training.

    Nodes without a target are no rows of training, yet their neighbours hear them. learned: the facts of
    training, with which rows are read to be answered: the target may be missing, all nodes are rows.
    """
    given = parse_kinds(kinds)
    tables = read_graph_tables(source, missing=missing, kinds=given, target=target)
    nodes, ids = _nodes_of(tables, id)
    return _rows(tables, nodes, ids, target, goal, directed, given, split, words, learned)


def _nodes_of(tables: GraphTables, wanted: str) -> tuple[Table, pl.Series]:
    """The table of nodes, made of the ends of edges where there is none, and the ids."""
    nodes = tables.nodes
    if nodes is None:
        if tables.edges is None:
            raise DataError(
                f"{tables.name}: there is neither a node nor an edge. Add nodes.csv and edges.csv."
            )
        ends = [tables.edges.frame[name].cast(pl.String) for name in end_columns(tables.edges)]
        ids = pl.concat([end.alias("id") for end in ends]).drop_nulls().unique().sort()
        nodes = Table(pl.DataFrame({"id": ids}), tables.edges.name)
    return nodes, ids_of(nodes, id_column(nodes, wanted))


def _rows(
    tables: GraphTables,
    nodes: Table,
    ids: pl.Series,
    target: str | None,
    goal: Goal | None,
    directed: bool,
    given: Mapping[str, str],
    split: str,
    words: str,
    learned: Facts | None,
) -> NodeRows:
    notes = list(nodes.notes)
    kinds = _kinds(nodes, given, ids.name, target, split, learned)
    held = _words(nodes, kinds, words, learned)
    kinds |= {name: Kind("ignore", "given") for name in held}
    index = None
    if target is not None and learned is None:
        values = target_as_read(nodes, target, goal)
        if values.null_count():
            index = np.flatnonzero(values.is_not_null().to_numpy()).astype(np.uint32)
            notes.append(
                Concern(
                    "missing",
                    target,
                    f"{values.null_count():,} of {len(values):,} nodes have no '{target}': they are "
                    + ("clustered" if goal == "grouping" else "neither trained on")
                    + (
                        " and not scored."
                        if goal == "grouping"
                        else " nor scored, and their neighbours hear them."
                    ),
                )
            )
    frame = typed_frame(nodes, kinds, target, goal)
    every = TableRows(nodes, frame, kinds, target=target, goal=goal)
    edges = read_edges(tables.edges, ids, nodes.name, directed=directed)
    whole = WholeGraph(
        every, ids, edges.graph, edges, held, tables.name, [*notes, *edges.notes, *_isolated(edges.graph)]
    )
    rows = TableRows(nodes, frame, kinds, target=target, goal=goal, index=index)
    return NodeRows(whole, rows)


def _kinds(
    nodes: Table,
    given: Mapping[str, str],
    id_name: str,
    target: str | None,
    split: str,
    learned: Facts | None,
) -> dict[str, Kind]:
    """The kind of every column but the target."""
    if learned is not None:
        known = {
            each["name"]: Kind(each["kind"], "as in training", each.get("form", ""))
            for each in learned["columns"]
        }
        return {
            name: known.get(name, Kind("ignore", "no input in training"))
            for name in nodes.frame.columns
            if name != target
        }
    given = dict(given)
    how, _, named = split.partition(":")
    if how in ("group", "column") and named in nodes.frame.columns:
        given.setdefault(named, "ignore")
    if SPLIT in nodes.frame.columns and _is_split(nodes.frame[SPLIT]):
        given.setdefault(SPLIT, "ignore")
    given.setdefault(id_name, "identifier")
    found = infer_kinds(nodes, given, but=target)
    return {name: _naming(nodes.frame[name], kind) for name, kind in found.items()}


def _naming(column: pl.Series, kind: Kind) -> Kind:
    """A category of which no value repeats only names the nodes."""
    names = kind.kind == "category" and kind.reason != "given" and len(column) >= FEWEST_FOR_IDENTIFIER
    return Kind("identifier", "no value repeats") if names and not column.is_duplicated().any() else kind


def _words(nodes: Table, kinds: Mapping[str, Kind], wanted: str, learned: Facts | None) -> tuple[str, ...]:
    """The columns that hold several words a node."""
    if learned is not None:
        wanted_names = tuple(each["name"] for each in learned["words"])
        absent = [name for name in wanted_names if name not in nodes.frame.columns]
        if absent:
            raise DataError(
                f"{nodes.name}: there is no column '{absent[0]}', whose words the model was trained with. "
                f"{suggest(absent[0], nodes.frame.columns)}"
            )
        return wanted_names
    if wanted == "none":
        return ()
    if wanted != "auto":
        if wanted not in nodes.frame.columns:
            raise OptionError(
                f"--words: {nodes.name} has no column '{wanted}'. {suggest(wanted, nodes.frame.columns)}"
            )
        return (wanted,)
    return tuple(
        name
        for name, kind in kinds.items()
        if kind.kind == "text" or (name == "words" and kind.reason != "given")
    )


def named_parts(table: Table, index: np.ndarray | None) -> np.ndarray | None:
    """The part of each row by the column `split`, where every cell says one; else None."""
    if SPLIT not in table.frame.columns or not _is_split(table.frame[SPLIT]):
        return None
    column = table.frame[SPLIT]
    values = (column if index is None else column.gather(index)).cast(pl.String).to_list()
    found = [PARTS.get((value or "").strip().lower()) for value in values]
    return None if None in found else np.array(found, "<U5")


def _is_split(column: pl.Series) -> bool:
    if column.dtype != pl.String and not isinstance(column.dtype, pl.Enum):
        return False
    words = column.drop_nulls().unique().cast(pl.String).to_list()
    return bool(words) and all(word.strip().lower() in PARTS for word in words)


def check_communities(whole: WholeGraph, clusters: int) -> None:
    """DataError where there is no edge, or fewer nodes than clusters asked for. clusters: 0 = any number."""
    graph = whole.graph
    if not graph.num_edges:
        raise DataError(
            f"{whole.name}: there is no edge between two nodes, so there are no communities to find. Add "
            "edges, or group the nodes by their columns with --task tabular-clustering."
        )
    if max(clusters, 2) >= graph.num_nodes:
        raise DataError(
            f"{whole.name}: received {graph.num_nodes:,} nodes for {max(clusters, 2):,} communities, each of "
            "which needs a node or more, one of them two. Add nodes, or ask for fewer with --clusters."
        )


def _isolated(graph: Graph) -> list[Concern]:
    alone = int((graph.degrees == 0).sum() if not graph.directed else _no_ends(graph))
    if not alone or not graph.num_edges:
        return []
    return [
        Concern(
            "isolated",
            "edges",
            f"{alone:,} of {graph.num_nodes:,} nodes have no edge: their own columns alone speak for them.",
        )
    ]


def _no_ends(graph: Graph) -> int:
    return int(((graph.degrees == 0) & (np.bincount(graph.sources, minlength=graph.num_nodes) == 0)).sum())
