"""Columns of a table for clustering: scaled one by one or alike, and as points with distances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from deepfit.contract import Batch
from deepfit.data.cluster_checks import check_distinct, compared
from deepfit.data.table_encoding import encode_columns, learn_columns
from deepfit.data.table_rows import TableRows

Scale = Literal["auto", "each", "alike"]

FEWEST_ALIKE = 3
"""Number columns from which on it can be told that they are of one kind."""
WIDEST = 2.0
"""Range of the widest column over the middle one up to which columns are held to be of one kind."""
CODES_SHOWN = 50
"""The most frequent values of a category that count as different; the rest are one."""


def learn_cluster_columns(rows: TableRows, scale: Scale) -> dict[str, Any]:
    """As `learn_columns`; with columns that are scaled alike, their factor is that of all of them.

    "scale": "each" or "alike", as settled.
    """
    facts: dict[str, Any] = learn_columns(rows)
    numbers = [record for record in facts["columns"] if record["kind"] == "number"]
    values = [rows.series(record["name"]).drop_nulls().to_numpy().astype(np.float64) for record in numbers]
    alike = scale == "alike" or (scale == "auto" and of_one_kind(values))
    if alike and values:
        factor = 1 / (np.sqrt(np.mean([each.var() for each in values if len(each)])) or 1.0)
        for record in numbers:
            record["factor"] = float(factor)
    return {**facts, "scale": "alike" if alike else "each"}


def of_one_kind(columns: Sequence[np.ndarray]) -> bool:
    """Whether columns look as if they were measured in one unit: pixels, ratings, the bands of a spectrum.

    At least FEWEST_ALIKE, of which none spans more than WIDEST times the range that the middle one has.
    Scaling such columns one by one would blow up those that hardly vary, which are mostly noise.
    """
    spans = np.array([np.ptp(each) for each in columns if len(each)])
    spans = spans[spans > 0]
    return len(spans) >= FEWEST_ALIKE and bool(spans.max() <= WIDEST * np.median(spans))


def points(batch: Batch, sizes: Sequence[int]) -> np.ndarray:
    """Encoded rows as points, float32 [rows, features]: numbers as they are, categories as corners.

    Two different values of a category are 1 apart, about as far as two numbers are in the mean.
    """
    parts = [np.asarray(batch["numbers"], np.float32)]
    for place, size in enumerate(sizes):
        shown = min(size, CODES_SHOWN + 1)
        codes = np.asarray(batch["categories"])[:, place]
        corners = np.eye(shown, dtype=np.float32) * np.float32(np.sqrt(0.5))
        parts.append(corners[np.where(codes < shown, codes, 0)])
    return np.concatenate(parts, axis=1)


def check_clusters(rows: TableRows, facts: Mapping[str, Any], clusters: int) -> None:
    """DataError where the rows are all the same, or fewer different ones than clusters asked for.

    clusters: 0 where it is to be chosen.
    """
    sample = rows.take(compared(len(rows)))
    names = ", ".join(record["name"] for record in facts["columns"][:6])
    check_distinct(
        points(encode_columns(sample, facts), facts["category_sizes"]),
        clusters,
        rows=len(rows),
        name=rows.name,
        same=f"all {len(rows):,} training rows are the same in the columns in use ({names}), so there are no "
        "groups to find. Add rows or columns, or see with 'deepfit check' why columns are left out.",
    )
