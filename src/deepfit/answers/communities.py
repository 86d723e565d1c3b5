"""Answers that put the nodes of a graph into clusters, and how such answers are scored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deepfit.answers.clusters import LABEL
from deepfit.contract import Answers
from deepfit.data.graph import Graph
from deepfit.metrics.clusters import agreement
from deepfit.metrics.communities import modularity_of_nodes

SHARE = "modularity_share"
"""What a node adds to the modularity, times the number of nodes: its mean is the modularity."""


def appraised(answers: Answers, graph: Graph, nodes: np.ndarray, labels: np.ndarray | None) -> Answers:
    """The answers with what `score` reads.

    nodes: int64 [rows], the numbers of the rows' nodes; where they are not all, the modularity is that of the
    graph between them. labels: of the rows, if known.
    """
    clusters = np.zeros(graph.num_nodes, np.int64)
    clusters[nodes] = np.asarray(answers.columns["prediction"], np.int64)
    asked = np.isin(np.arange(graph.num_nodes), nodes)
    between = graph if asked.all() else graph.kept(asked[graph.targets] & asked[graph.sources])
    found: dict[str, Any] = {SHARE: len(nodes) * modularity_of_nodes(between, clusters)[nodes]}
    if labels is not None:
        found[LABEL] = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    return Answers({**answers.columns, **found}, answers.classes)


def score(answers: Answers) -> Mapping[str, float]:
    """The modularity and, where labels are known, nmi, ari and accuracy of appraised answers."""
    columns: Mapping[str, Any] = answers.columns
    if SHARE not in columns or not len(answers):
        return {}
    found = agreement(columns["prediction"], columns[LABEL]) if LABEL in columns else {}
    return {**found, "modularity": float(np.mean(columns[SHARE]))}
