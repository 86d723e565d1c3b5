"""The tables of a graph, wherever they are: files in a folder, frames, a NetworkX graph, a PyG `Data`.

Files: `nodes.csv` and `edges.csv` in a folder (any table format; also as `NAME_nodes.csv` and
`NAME_edges.csv`, of which either is named), and for many graphs `graphs.csv`. In memory: a mapping with the
keys nodes, edges, graphs. Of many graphs also a list of NetworkX graphs or of `Data`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from deepfit.data import frames
from deepfit.data.columns import as_words, parse_kinds
from deepfit.data.files import check_exists, table_format
from deepfit.data.tables import Table, read_table
from deepfit.errors import DataError, suggest

PARTS = ("nodes", "edges", "graphs")
SOURCES, TARGETS = ("source", "src", "from"), ("target", "dst", "to")
NODE_IDS = ("id", "node", "node_id")


class GraphTables(NamedTuple):
    """The tables of a source; nodes and graphs may be None. name: for messages."""

    nodes: Table | None
    edges: Table | None
    graphs: Table | None
    name: str


def is_graph(source: Any) -> bool:
    """Whether a source follows one of the layouts above; reads no file."""
    if _is_list(source):
        return True
    if isinstance(source, str | os.PathLike):
        return "edges" in _files(Path(source))
    if isinstance(source, Mapping):
        return "edges" in source and all(_is_frame(source[part]) for part in PARTS if part in source)
    return is_networkx(source) or is_pyg(source)


def has_graphs(source: Any) -> bool:
    """Whether a source of graphs is of many."""
    if _is_list(source):
        return True
    if isinstance(source, str | os.PathLike):
        return "graphs" in _files(Path(source))
    return isinstance(source, Mapping) and "graphs" in source


def read_graph_tables(
    source: Any, *, missing: str = "", kinds: Mapping[str, str] | str | None = None, target: str | None = None
) -> GraphTables:
    """The tables of a source; DataError where it holds no graph. missing, kinds: as for `read_table`.

    Tables that are read already are returned as they are.
    """
    if isinstance(source, GraphTables):
        return source
    words = [word.strip() for word in missing.split(",") if word.strip()]
    if _is_list(source):
        from deepfit.data.graph_lists import tables_of_list

        return tables_of_list(source, target)
    if is_networkx(source):
        return of_networkx(source)
    if is_pyg(source):
        return of_pyg(source, target)
    if isinstance(source, str | os.PathLike):
        found: Mapping[str, Any] = _files(Path(source))
        name = Path(source).name
        if "edges" not in found:
            raise DataError(_no_edges(Path(source)))
    elif isinstance(source, Mapping):
        found, name = {part: source[part] for part in PARTS if part in source}, "the graph"
        if "edges" not in found:
            raise DataError(
                f"the mapping has no key 'edges'. {suggest('edges', list(map(str, source)))} A graph is "
                "{'nodes': frame, 'edges': frame}."
            )
    else:
        raise DataError(
            f"the source is a {type(source).__name__}, which holds no graph. Pass a folder with nodes.csv "
            "and edges.csv, a mapping {'nodes': frame, 'edges': frame}, a networkx.Graph or a PyG Data."
        )
    given = parse_kinds(kinds)
    tables = {}
    for part, table in found.items():
        of_nodes = given if part == "nodes" else {}
        if part == "edges" and not isinstance(table, str | os.PathLike) and not len(table):
            tables[part] = None
            continue
        tables[part] = read_table(table, missing=words, kinds=of_nodes, lenient=True)
        if not isinstance(table, str | os.PathLike):
            tables[part] = replace(tables[part], name=f"the {part}")
    return GraphTables(tables.get("nodes"), tables.get("edges"), tables.get("graphs"), name)


def end_columns(edges: Table) -> tuple[str, str]:
    """The columns of an edge's two ends; DataError where there are none."""
    names = {name.lower(): name for name in edges.frame.columns}
    for source, target in zip(SOURCES, TARGETS, strict=True):
        if source in names and target in names:
            return names[source], names[target]
    raise DataError(
        f"{edges.name}: expected columns 'source' and 'target' (or src and dst, from and to), received "
        f"{', '.join(edges.frame.columns[:8])}. Name the columns of the two ends of an edge so."
    )


def id_column(nodes: Table, wanted: str) -> str:
    """The column of nodes that edges refer to; DataError where there is none of that name."""
    columns = nodes.frame.columns
    if wanted == "auto":
        names = {name.lower(): name for name in columns}
        return next((names[name] for name in NODE_IDS if name in names), columns[0])
    if wanted not in columns:
        raise DataError(f"{nodes.name}: there is no column '{wanted}' (--id). {suggest(wanted, columns)}")
    return wanted


def places_of(table: Table, column: str, known: pl.Series, *, of: str) -> np.ndarray:
    """int64 [rows], where each value of a column stands among the known ids, as words.

    A whole number here is the same word there. DataError naming the first that is not known.
    """
    values = as_words(table.frame[column]).cast(pl.String)
    if values.null_count():
        place = values.is_null().arg_max() or 0
        raise DataError(
            f"{table.name}, {table.where(place)}, column '{column}': the cell is empty, and an edge has two "
            "ends. Write the node's id, or delete the row."
        )
    order = pl.DataFrame({"id": known, "place": np.arange(len(known))})
    found = pl.DataFrame({"id": values}).join(order, on="id", how="left", maintain_order="left")["place"]
    if found.null_count():
        place = found.is_null().arg_max() or 0
        raise DataError(
            f"{table.name}, {table.where(place)}, column '{column}': there is no node '{values[place]}' in "
            f"{of}{_example(known)}. {suggest(values[place], known.head(10_000).to_list())} Correct the id, "
            "add the node, or delete the edge."
        )
    return found.to_numpy().astype(np.int64)


def ids_of(nodes: Table, column: str) -> pl.Series:
    """The ids as words; DataError where one is missing or is there twice."""
    instead = "or name another column with --id."
    return words_once(
        nodes,
        column,
        what="id",
        empty=f"a node needs an id. Write one, {instead}",
        twice=f"Each node needs its own; {instead}",
    )


def words_once(table: Table, column: str, *, what: str, empty: str, twice: str) -> pl.Series:
    """A column as words; DataError where one is missing or is there twice, with what is to be said of it."""
    words = as_words(table.frame[column]).cast(pl.String)
    if words.null_count():
        place = words.is_null().arg_max() or 0
        raise DataError(
            f"{table.name}, {table.where(place)}, column '{column}': the cell is empty, and {empty}"
        )
    repeated = words.is_duplicated()
    if repeated.any():
        place = repeated.arg_max() or 0
        again = int(np.flatnonzero((words == words[place]).to_numpy())[1])
        raise DataError(
            f"{table.name}, {table.where(again)}, column '{column}': the {what} '{words[place]}' is that of "
            f"{table.where(place)} too. {twice}"
        )
    return words


def _example(known: pl.Series) -> str:
    return f", whose ids are such as '{known[0]}'" if len(known) else ", which has no node"


def file_beside(source: Any, part: str) -> Path | None:
    """The file of a further part of a source on disk, as pairs.csv is beside edges.csv; None without one."""
    return _files(Path(source), (*PARTS, part)).get(part)


def _files(path: Path, parts: Sequence[str] = PARTS) -> dict[str, Path]:
    """The file of each part of a source on disk: nodes, edges, graphs."""
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if each.is_file() and _stem(each) is not None)
        found = {part: [each for each in files if _ends(each, part)] for part in parts}
        return {
            part: each
            for part, named in found.items()
            if (each := next((e for e in named if _stem(e) == part), named[0] if len(named) == 1 else None))
        }
    part = next((part for part in PARTS[:2] if path.is_file() and _ends(path, part)), None)
    if part is None:
        return {}
    found = {}
    for other in parts:
        sibling = path.with_name(path.name[::-1].replace(part[::-1], other[::-1], 1)[::-1])
        if sibling.is_file():
            found[other] = sibling
    return found


def _stem(path: Path) -> str | None:
    """A file's name without what says that it is a table; None where nothing does."""
    if table_format(path) is None:
        return None
    stem, _, last = path.name.lower().rpartition(".")
    return stem.rpartition(".")[0] if last in ("gz", "zst") else stem


def _ends(path: Path, part: str) -> bool:
    stem = _stem(path)
    return stem is not None and (stem == part or stem.endswith((f"_{part}", f"-{part}")))


def _no_edges(path: Path) -> str:
    check_exists(path)
    if path.is_dir():
        held = sorted(each.name for each in path.iterdir())
        return (
            f"{path}: expected edges.csv (columns source, target) and nodes.csv (id, label, other columns) "
            f"in the folder, received {', '.join(held[:8]) or 'nothing'}. {suggest('edges.csv', held)}"
        )
    return (
        f"{path}: expected a folder with nodes.csv and edges.csv, or NAME_nodes.csv beside NAME_edges.csv, "
        "received one file."
    )


def _is_frame(value: Any) -> bool:
    return isinstance(value, str | os.PathLike | Mapping | list | Table) or hasattr(value, "columns")


def _is_list(source: Any) -> bool:
    return isinstance(source, list | tuple) and bool(source) and (is_networkx(source[0]) or is_pyg(source[0]))


def is_networkx(source: Any) -> bool:
    """Whether it is one of its graphs; imports nothing."""
    return type(source).__module__.split(".")[0] == "networkx" and hasattr(source, "edges")


def is_pyg(source: Any) -> bool:
    """Whether it looks like PyTorch Geometric's `Data`."""
    return hasattr(source, "edge_index") and hasattr(source, "num_nodes")


def of_networkx(source: Any) -> GraphTables:
    """Node and edge attributes become columns."""
    nodes = frames.from_records([{"id": node, **held} for node, held in source.nodes(data=True)] or [{}])
    records = [{"source": a, "target": b, **held} for a, b, held in source.edges(data=True)]
    edges = frames.from_records(records) if records else None
    return GraphTables(
        Table(nodes, "the nodes"), Table(edges, "the edges") if edges is not None else None, None, "the graph"
    )


def of_pyg(source: Any, target: str | None) -> GraphTables:
    """x0, x1, ... of `x`, the target of `y`, the parts of the masks, the columns of `edge_attr`."""
    count = int(source.num_nodes)
    columns: dict[str, np.ndarray] = {"id": np.arange(count)}
    if source.x is not None:
        x = np.asarray(source.x.cpu(), np.float32)
        columns |= {f"x{place}": x[:, place] for place in range(x.shape[1])}
    if source.y is not None and len(source.y) == count:
        columns[target or "label"] = np.asarray(source.y.cpu()).reshape(count)
    masks = {part: getattr(source, f"{mask}_mask", None) for part, mask in _MASKS.items()}
    if masks["train"] is not None:
        split = np.full(count, None, object)
        for part, mask in masks.items():
            if mask is not None:
                split[np.asarray(mask.cpu())] = part
        columns["split"] = split
    ends = np.asarray(source.edge_index.cpu())
    edges: dict[str, np.ndarray] = {"source": ends[0], "target": ends[1]}
    if getattr(source, "edge_weight", None) is not None:
        edges["weight"] = np.asarray(source.edge_weight.cpu())
    if getattr(source, "edge_attr", None) is not None:
        held = np.asarray(source.edge_attr.cpu()).reshape(ends.shape[1], -1)
        edges |= {f"e{place}": held[:, place] for place in range(held.shape[1])}
    nodes = Table(pl.DataFrame([frames.series_of(*each) for each in columns.items()]), "the nodes")
    named = Table(pl.DataFrame(edges), "the edges") if ends.shape[1] else None
    return GraphTables(nodes, named, None, "the graph")


_MASKS = {"train": "train", "valid": "val", "test": "test"}
