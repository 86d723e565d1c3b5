"""A list of NetworkX graphs, or of PyG `Data`, as the three tables that files would hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from deepfit.data import frames
from deepfit.data.graph_source import GraphTables, is_networkx, is_pyg, of_networkx, of_pyg
from deepfit.data.tables import Table
from deepfit.errors import DataError


def tables_of_list(graphs: Sequence[Any], target: str | None) -> GraphTables:
    """Graphs are named by their place from 0; what NetworkX says of one, and PyG's `y`, are its columns."""
    records, nodes, edges = [], [], []
    for number, graph in enumerate(graphs):
        networkx = is_networkx(graph)
        if not (networkx or is_pyg(graph)):
            raise DataError(
                f"graph {number} of the list is a {type(graph).__name__}. Every one has to be a "
                "networkx.Graph or a PyG Data."
            )
        tables = of_networkx(graph) if networkx else of_pyg(graph, None)
        says: Mapping[Any, Any] = graph.graph if networkx else {target or "label": _target(graph, number)}
        if tables.nodes is None or (networkx and not len(graph)) or not len(tables.nodes.frame):
            raise DataError(f"graph {number} of the list has no node. Leave it out, or add its nodes.")
        records.append({"graph": number, **says})
        nodes.append(_numbered(tables.nodes, number, "" if networkx else "label"))
        if tables.edges is not None:
            edges.append(_numbered(tables.edges, number))
    return GraphTables(
        Table(pl.concat(nodes, how="diagonal_relaxed"), "the nodes"),
        Table(pl.concat(edges, how="diagonal_relaxed"), "the edges") if edges else None,
        Table(frames.from_records(records), "the graphs"),
        "the graphs",
    )


def _numbered(table: Table, number: int, but: str = "") -> pl.DataFrame:
    return table.frame.drop(but, strict=False).insert_column(
        0, pl.Series("graph", np.full(len(table.frame), number))
    )


def _target(graph: Any, number: int) -> Any:
    """The one value of `y`; None where there is none."""
    if getattr(graph, "y", None) is None:
        return None
    values = np.asarray(graph.y.cpu()).reshape(-1)
    if len(values) != 1:
        raise DataError(
            f"graph {number} of the list: expected one value in `y`, received {len(values)}. Keep the one to "
            "be predicted of the whole graph."
        )
    return values[0].item()
