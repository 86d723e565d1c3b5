"""What is known of nodes as numbers for a network: columns, words, degrees, or which node it is."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import polars as pl

from deepfit.contract import Facts
from deepfit.data.graph import Graph
from deepfit.data.graph_nodes import Nodes
from deepfit.data.graph_options import GraphOptions
from deepfit.data.node_rows import NodeRows, WholeGraph
from deepfit.data.table_encoding import encode_columns, learn_columns
from deepfit.data.table_rows import TableRows
from deepfit.errors import DataError, OptionError, suggest

WORD = re.compile(r"\w+")
FEWEST_NODES = 2
"""A word of fewer training nodes is no input; in small graphs every word is."""
SMALL = 200
STRUCTURE = ("edges in", "edges out", "edges of neighbours")


def learn_nodes(train: NodeRows, options: GraphOptions) -> dict[str, Any]:
    """What encoding needs to know, from training nodes only; plain JSON.

    As `learn_columns`, and words: name and vocabulary of each column; features: columns, structure or
    learned; structure: mean and deviation of each degree; nodes: the ids that have a learned vector, else
    None; edge_features: their names; num_features; feature_names; directed.
    """
    whole = train.whole
    facts: dict[str, Any] = learn_columns(train.table)
    facts["words"] = [
        {
            "name": name,
            "vocabulary": _vocabulary(whole.nodes.table.frame[name], train.nodes, options.vocabulary),
        }
        for name in whole.words
    ]
    has = bool(facts["columns"] or any(each["vocabulary"] for each in facts["words"]))
    mode = options.features
    if mode == "auto":
        mode = "columns" if has else "learned"
    if mode == "columns" and not has:
        raise OptionError(
            f"--features columns: no column of {whole.nodes.name} is an input. Use --features structure or "
            "learned, or add columns."
        )
    if mode != "columns":
        facts |= {
            "columns": [],
            "words": [],
            "num_numbers": 0,
            "number_names": [],
            "edges": [],
            "category_sizes": [],
        }
    structure = structure_of(whole.graph)[train.nodes] if mode == "structure" else np.zeros((1, 0))
    names = column_names(facts)
    names += [f"{each['name']} {word}" for each in facts["words"] for word in each["vocabulary"]]
    names += STRUCTURE if mode == "structure" else []
    return {
        **facts,
        "features": mode,
        "structure": [structure.mean(0).tolist(), np.maximum(structure.std(0), 1e-6).tolist()],
        "nodes": whole.ids.to_list() if mode == "learned" else None,
        "edge_features": list(whole.edges.feature_names),
        "feature_names": names,
        "num_features": len(names),
        "directed": whole.graph.directed,
    }


def encode_nodes(rows: NodeRows, facts: Facts) -> Nodes:
    """The rows' nodes with the features of the whole graph; worked out once for all parts of one graph."""
    whole = rows.whole
    if whole.kept.get("of") is not facts["columns"]:
        every = Nodes(rows.nodes, _features(whole, facts), whole.graph, _known(whole, facts))
        whole.kept.update(of=facts["columns"], nodes=every)
    return whole.kept["nodes"].at(rows.nodes)


def column_names(facts: Facts) -> list[str]:
    """What each number is that `column_features` makes of columns."""
    names = [*facts["number_names"]]
    for column in facts["columns"]:
        if column["kind"] == "category":
            names += [f"{column['name']} {value}" for value in ["(other)", *column["values"]]]
    return names


def column_features(nodes: TableRows, facts: Facts) -> list[np.ndarray]:
    """float32 [N, ...] each: numbers, then one place a category; nothing where no column is an input."""
    if not facts["columns"]:
        return []
    encoded = encode_columns(nodes, facts)
    sizes = enumerate(facts["category_sizes"])
    return [
        encoded["numbers"],
        *(np.eye(size, dtype=np.float32)[encoded["categories"][:, place]] for place, size in sizes),
    ]


def structure_of(graph: Graph) -> np.ndarray:
    """float64 [N, 3]: log(1 + edges in), log(1 + edges out), the mean of the first over neighbours."""
    into = np.log1p(graph.degrees)
    out = np.log1p(np.bincount(graph.sources, minlength=graph.num_nodes))
    around = np.bincount(graph.targets, weights=into[graph.sources], minlength=graph.num_nodes)
    return np.stack([into, out, around / np.maximum(graph.degrees, 1)], 1)


def words_of(cell: Any) -> list[str]:
    """The different words of a cell, or of a list of words, in lower case and in order."""
    if cell is None:
        return []
    text = (
        cell
        if isinstance(cell, str)
        else " ".join(map(str, cell))
        if hasattr(cell, "__iter__")
        else str(cell)
    )
    return list(dict.fromkeys(WORD.findall(text.lower())))


def _vocabulary(column: pl.Series, nodes: np.ndarray, most: int) -> list[str]:
    counts = Counter(word for cell in column.gather(nodes).to_list() for word in words_of(cell))
    fewest = FEWEST_NODES if len(nodes) >= SMALL else 1
    found = sorted((-times, word) for word, times in counts.items() if times >= fewest)
    return [word for _, word in found[:most]]


def _features(whole: WholeGraph, facts: Facts) -> np.ndarray:
    """float32 [N, F]: numbers, one place a category, words (rows of length 1), degrees."""
    count = whole.graph.num_nodes
    parts = column_features(whole.nodes, facts)
    for each in facts["words"]:
        parts.append(_bags(whole.nodes.table.frame[each["name"]], each["vocabulary"]))
    if facts["features"] == "structure":
        mean, deviation = facts["structure"]
        parts.append(((structure_of(whole.graph) - mean) / deviation).astype(np.float32))
    return np.concatenate([np.zeros((count, 0), np.float32), *parts], 1)


def _bags(column: pl.Series, vocabulary: list[str]) -> np.ndarray:
    """1 / sqrt(words known) where a node has a word, float32 [N, words]."""
    place = {word: number for number, word in enumerate(vocabulary)}
    found = np.zeros((len(column), len(vocabulary)), np.float32)
    for row, cell in enumerate(column.to_list()):
        held = [place[word] for word in words_of(cell) if word in place]
        found[row, held] = 1 / np.sqrt(max(len(held), 1))
    return found


def _known(whole: WholeGraph, facts: Facts) -> np.ndarray | None:
    """The learned vector of each node; DataError for one that training never saw."""
    if facts["nodes"] is None:
        return None
    place = {name: number for number, name in enumerate(facts["nodes"])}
    found = np.array([place.get(name, -1) for name in whole.ids.to_list()], np.int64)
    if len(found) and found.min() < 0:
        row = int(found.argmin())
        raise DataError(
            f"{whole.nodes.name}, {whole.nodes.where(row)}: the node '{whole.ids[row]}' was not there in "
            "training, and this model knows each node by a vector that it learned for it (--features "
            f"learned), so it cannot answer new ones. {suggest(whole.ids[row], facts['nodes'][:10_000])} "
            "Train with columns of nodes or with --features structure, and new nodes are answered."
        )
    return found
