"""Graphs as rows: a table of graphs, and the nodes and edges of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from deepfit.contract import Concern, Facts
from deepfit.data.columns import Kind, as_words, infer_kinds, parse_kinds
from deepfit.data.edge_columns import EdgeColumns, edges_between
from deepfit.data.graph import Graph
from deepfit.data.graph_fingerprints import graph_fingerprints
from deepfit.data.graph_sets import ranges
from deepfit.data.graph_source import (
    GraphTables,
    end_columns,
    has_graphs,
    id_column,
    is_graph,
    read_graph_tables,
    words_once,
)
from deepfit.data.node_rows import SPLIT, named_parts
from deepfit.data.table_rows import TableRows, typed_frame
from deepfit.data.tables import Table
from deepfit.data.targets import Goal, target_as_read
from deepfit.errors import DataError, suggest

NODES, EDGES = "nodes", "edges"
"""Of `GraphRows.column`, where graphs have no columns of these names: how many there are."""
UNREAD = "a column of the graph; nodes and edges are read"


@dataclass(frozen=True)
class GraphSet:
    """The nodes and edges of all graphs of a source.

    nodes: rows of all nodes, those of a graph behind one another, in the order of graphs. starts: int64
    [G + 1], where each graph's begin. ids: of the nodes, as words. edges: of all graphs as one. kept: what
    was worked out from it last, so that three parts of one source are encoded once.
    """

    nodes: TableRows
    starts: np.ndarray
    ids: pl.Series
    edges: EdgeColumns
    name: str
    notes: Sequence[Concern] = ()
    kept: dict[Any, Any] = field(default_factory=dict)

    @property
    def graph(self) -> Graph:
        """All graphs as one."""
        return self.edges.graph

    @property
    def of(self) -> np.ndarray:
        """int64 [N], which graph each node is of."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


class GraphRows:
    """Some graphs of a source; implements `deepfit.contract.Rows`."""

    def __init__(self, whole: GraphSet, table: TableRows) -> None:
        self.whole = whole
        self.table = table
        self.name = whole.name
        self.target_name = table.target_name

    @property
    def graphs(self) -> np.ndarray:
        """int64 [rows], the number of each row's graph."""
        index = self.table.index
        return np.arange(len(self.table)) if index is None else index.astype(np.int64)

    @property
    def nodes(self) -> np.ndarray:
        """int64, the numbers of the nodes of these graphs, one graph behind the other."""
        starts = self.whole.starts
        return ranges(starts[self.graphs], np.diff(starts)[self.graphs])

    def __len__(self) -> int:
        return len(self.table)

    def take(self, index: np.ndarray) -> GraphRows:
        """The rows at these positions; everything is shared."""
        return GraphRows(self.whole, self.table.take(index))

    def compact(self) -> GraphRows:
        """The same: what is shared is the encoded graphs too."""
        return self

    def column(self, name: str) -> np.ndarray:
        """One column of graphs, or the number of their `nodes` or `edges`."""
        if name in (NODES, EDGES) and name not in self.table.frame.columns:
            starts = self.whole.starts
            if name == EDGES:
                starts = self.whole.graph.starts[starts]
            counts = np.diff(starts)[self.graphs]
            return counts if name == NODES or self.whole.graph.directed else counts // 2
        return self.table.column(name)

    def target(self) -> np.ndarray | None:
        """As of a table."""
        return self.table.target()

    def keys(self) -> dict[str, np.ndarray]:
        """The names of the graphs."""
        return self.table.keys()

    def labelled(self) -> GraphRows:
        """The graphs whose target is there."""
        return GraphRows(self.whole, self.table.labelled())

    def parts(self) -> np.ndarray | None:
        """What the column `split` says, where there is one."""
        return named_parts(self.table.table, None if self.table.index is None else self.graphs)

    def where(self, position: int) -> str:
        """The row of the file of graphs."""
        return self.table.where(position)

    def fingerprints(self) -> np.ndarray:
        """uint64 [rows], equal for graphs with the same nodes and edges in whatever order."""
        kept = self.whole.kept
        if "fingerprints" not in kept:
            nodes, edges = self.whole.nodes.fingerprints(), self.whole.edges
            kept["fingerprints"] = graph_fingerprints(
                nodes, edges.graph, edges.feature_names, self.whole.starts
            )
        return kept["fingerprints"][self.graphs]

    def describe(self) -> list[tuple[str, str, str, str]]:
        """The columns of graphs, of nodes, then of edges."""
        nodes = [
            (f"nodes: {name}", kind, reason, example)
            for name, kind, reason, example in self.whole.nodes.describe()
        ]
        return [*self.table.describe(), *nodes, *self.whole.edges.describe()]

    def drawing(self, position: int) -> tuple[np.ndarray, list[str], list[str]]:
        """Of one graph: pairs int64 [P, 2] of its nodes, a short word for each node, and all that is known.

        The word is the first category of the nodes, else their id.
        """
        low, high = self.whole.starts[self.graphs[position] + np.arange(2)].tolist()
        graph, nodes = self.whole.graph, self.whole.nodes
        edges = slice(graph.starts[low], graph.starts[high])
        pairs = np.stack([graph.sources[edges], graph.targets[edges]], 1) - low
        inputs = nodes.frame.slice(low, high - low).select(nodes.inputs())
        ids = [str(each) for each in self.whole.ids.slice(low, high - low)]
        about = [
            f"{node} ({', '.join(f'{name} {value}' for name, value in row.items())})"
            for node, row in zip(ids, inputs.iter_rows(named=True), strict=True)
        ]
        category = next((name for name, kind in nodes.kinds.items() if kind.kind == "category"), None)
        words = ids if category is None else ["" if each is None else str(each) for each in inputs[category]]
        return pairs, words, about if inputs.columns else ids

    def concerns(self) -> list[Concern]:
        """What was changed in reading, and what a careful reader would say."""
        unused = [
            name for name, kind in self.table.kinds.items() if kind.kind == "ignore" and kind.reason == UNREAD
        ]
        said = []
        if unused:
            named = ", ".join(f"'{name}'" for name in unused[:6])
            said = [
                Concern(
                    "ignored",
                    self.name,
                    f"columns of graphs are no input ({named}): the network reads nodes and edges. One that "
                    "is known of a graph and should count can be put beside each of its nodes.",
                )
            ]
        return [*self.whole.notes, *self.table.notes, *said]


def read_graphs(
    source: Any,
    *,
    target: str | None,
    goal: Goal | None,
    key: str = "auto",
    id: str = "auto",
    directed: bool = False,
    missing: str = "",
    kinds: str = "",
    learned: Facts | None = None,
) -> GraphRows:
    """The graphs of a source, checked; DataError before any training.

    key: the column that says which graph; auto: `graph`, else the first of graphs. learned: the facts of
    training, with which graphs are read to be answered: the target may be missing.
    """
    given = parse_kinds(kinds)
    tables = read_graph_tables(source, missing=missing, kinds=given, target=target)
    if tables.graphs is None or tables.nodes is None:
        absent = "graphs" if tables.graphs is None else "nodes"
        raise DataError(
            f"{tables.name}: there is no {absent}.csv. Whole graphs are read from graphs.csv (graph, label), "
            "nodes.csv (graph, node, other columns) and edges.csv (graph, source, target), from a mapping of "
            "such frames, or from a list of networkx.Graph or PyG Data."
        )
    key = _key_column(tables.graphs, key)
    names = _names(tables.graphs, key)
    nodes, place, starts = _sorted_nodes(tables.graphs, tables.nodes, key, names)
    wanted = id_column(_without(nodes, key), id)
    ids = as_words(nodes.frame[wanted]).cast(pl.String)
    known = pl.DataFrame({"graph": place, "id": ids, "node": np.arange(len(ids))})
    _check_ids(nodes, known, names, wanted)
    edges = _edges(tables, key, names, known, directed, learned)
    found = _kinds(nodes, key, wanted, given, learned)
    every = TableRows(nodes, typed_frame(nodes, found, None, None), found)
    whole = GraphSet(every, starts, ids, edges, tables.name, [*nodes.notes, *edges.notes])
    return GraphRows(whole, _table_of(tables.graphs, key, target, goal, learned))


def reason(source: Any, target: str | None, goal: Goal) -> str | None:
    """Why a goal suits the target of a source of many graphs; None where another goal or no goal does."""
    from deepfit.data.targets import guess_goal

    if not is_graph(source) or not has_graphs(source):
        return None
    graphs = read_graph_tables(source, target=target).graphs
    guessed = guess_goal(graphs, target or "label")
    return f"it holds many graphs, and {guessed[1]}" if guessed and guessed[0] == goal else None


def _table_of(
    graphs: Table, key: str, target: str | None, goal: Goal | None, learned: Facts | None
) -> TableRows:
    kinds = {name: Kind("ignore", UNREAD) for name in graphs.frame.columns if name != target}
    kinds[key] = Kind("identifier", "the graph that nodes and edges name")
    if SPLIT in kinds and named_parts(graphs, None) is not None:
        kinds[SPLIT] = Kind("ignore", "the part that the graph is of")
    index = None
    if target is not None and learned is None:
        values = target_as_read(graphs, target, goal)
        if values.null_count():
            index = np.flatnonzero(values.is_not_null().to_numpy()).astype(np.uint32)
    goal = goal if target in graphs.frame.columns else None
    frame = typed_frame(graphs, kinds, target, goal)
    return TableRows(graphs, frame, kinds, target=target, goal=goal, index=index)


def _key_column(graphs: Table, wanted: str) -> str:
    columns = graphs.frame.columns
    if wanted == "auto":
        return next((name for name in columns if name.lower() == "graph"), columns[0])
    if wanted not in columns:
        raise DataError(f"{graphs.name}: there is no column '{wanted}' (--key). {suggest(wanted, columns)}")
    return wanted


def _names(graphs: Table, key: str) -> pl.Series:
    """The names of graphs as words, none missing and none twice."""
    return words_once(
        graphs,
        key,
        what="graph",
        empty="nodes and edges say by it which graph they are of. Write a name or number.",
        twice="Each graph needs one row; or name another column with --key.",
    )


def _graphs_of(table: Table, key: str, names: pl.Series, graphs_name: str) -> np.ndarray:
    """int64 [rows], the number of the graph that each row names; DataError for one that is not there."""
    if key not in table.frame.columns:
        raise DataError(
            f"{table.name}: there is no column '{key}', which says which graph a row is of. "
            f"{suggest(key, table.frame.columns)} Or name the column with --key; it is called alike in "
            "graphs, nodes and edges."
        )
    values = as_words(table.frame[key]).cast(pl.String)
    order = pl.DataFrame({key: names, "place": np.arange(len(names))})
    found = pl.DataFrame({key: values}).join(order, on=key, how="left", maintain_order="left")["place"]
    if found.null_count():
        row = found.is_null().arg_max() or 0
        named = values[row] or ""
        raise DataError(
            f"{table.name}, {table.where(row)}, column '{key}': there is no graph '{named}' in "
            f"{graphs_name}. {suggest(named, names.head(10_000).to_list())} Correct the cell, add the graph, "
            "or delete the row."
        )
    return found.to_numpy().astype(np.int64)


def _sorted_nodes(
    graphs: Table, nodes: Table, key: str, names: pl.Series
) -> tuple[Table, np.ndarray, np.ndarray]:
    """The nodes in the order of graphs, the graph of each, and where each graph's begin."""
    place = _graphs_of(nodes, key, names, graphs.name)
    counts = np.bincount(place, minlength=len(names))
    if len(names) and counts.min() == 0:
        row = int(counts.argmin())
        raise DataError(
            f"{graphs.name}, {graphs.where(row)}: the graph '{names[row]}' has no node in {nodes.name}"
            f"{_others(counts)}. A graph needs one at least: add its nodes, or delete the row."
        )
    if (np.diff(place) < 0).any():
        order = np.argsort(place, kind="stable")
        place = place[order]
        nodes = Table(nodes.frame[order], f"{nodes.name} (sorted by {key})", notes=nodes.notes)
    return nodes, place, np.concatenate([[0], counts.cumsum()]).astype(np.int64)


def _others(counts: np.ndarray) -> str:
    more = int((counts == 0).sum()) - 1
    return f", nor have {more:,} others" if more else ""


def _without(table: Table, key: str) -> Table:
    others = [name for name in table.frame.columns if name != key]
    if not others:
        raise DataError(
            f"{table.name}: there is only the column '{key}'. Add one that tells the nodes of a graph apart, "
            "`node`, to which the ends of edges refer."
        )
    return Table(table.frame.select(others), table.name)


def _check_ids(nodes: Table, known: pl.DataFrame, names: pl.Series, column: str) -> None:
    """DataError where a node has no id, or two nodes of a graph have the same."""
    if known["id"].null_count():
        row = known["id"].is_null().arg_max() or 0
        raise DataError(
            f"{nodes.name}, {nodes.where(row)}, column '{column}': the cell is empty, and edges refer to a "
            "node by it. Write an id, or name another column with --id."
        )
    twice = known.select("graph", "id").is_duplicated()
    if twice.any():
        row = twice.arg_max() or 0
        raise DataError(
            f"{nodes.name}, {nodes.where(row)}, column '{column}': the graph '{names[known['graph'][row]]}' "
            f"has more than one node '{known['id'][row]}'. Each node of a graph needs its own; or name "
            "another column with --id."
        )


def _edges(
    tables: GraphTables,
    key: str,
    names: pl.Series,
    known: pl.DataFrame,
    directed: bool,
    learned: Facts | None,
) -> EdgeColumns:
    """The edges of all graphs; DataError naming an end that is no node of its graph."""
    features = None if learned is None else learned["edge_features"]
    edges = tables.edges
    if edges is None:
        return edges_between(None, np.empty((0, 2), np.int64), len(known), directed=directed, known=features)
    graph = _graphs_of(edges, key, names, tables.graphs.name if tables.graphs is not None else "graphs")
    ends = end_columns(edges)
    pairs = np.empty((len(graph), 2), np.int64)
    for side, column in enumerate(ends):
        asked = pl.DataFrame({"graph": graph, "id": as_words(edges.frame[column]).cast(pl.String)})
        found = asked.join(known, on=["graph", "id"], how="left", maintain_order="left")["node"]
        if found.null_count():
            row = found.is_null().arg_max() or 0
            name, end = names[int(graph[row])], asked["id"][row]
            of_graph = known.filter(pl.col("graph") == int(graph[row]))["id"]
            raise DataError(
                f"{edges.name}, {edges.where(row)}, column '{column}': the graph '{name}' has no node "
                f"'{'' if end is None else end}'; it has {len(of_graph)}, such as '{of_graph[0]}'. "
                f"{suggest(end or '', of_graph.to_list())} Correct the id, add the node, or delete the edge."
            )
        pairs[:, side] = found.to_numpy()
    return edges_between(edges, pairs, len(known), but=(key, *ends), directed=directed, known=features)


def _kinds(
    nodes: Table, key: str, id_name: str, given: Mapping[str, str], learned: Facts | None
) -> dict[str, Kind]:
    """The kind of every column of nodes."""
    if learned is None:
        return infer_kinds(nodes, {**given, key: "ignore", id_name: "ignore"})
    as_then = {each["name"]: each for each in learned["columns"]}
    return {
        name: Kind(as_then[name]["kind"], "as in training", as_then[name].get("form", ""))
        if name in as_then
        else Kind("ignore", "no input in training")
        for name in nodes.frame.columns
    }
