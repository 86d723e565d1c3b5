"""Which class is taken for which: all counts where the classes are few, else the most frequent mistakes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfit.report.view import Table


def confused(names: Sequence[str], counts: np.ndarray, items: str = "rows") -> Table:
    """The counts [actual, predicted] as a table whose cells are shaded by their share of the row."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return Table(
        ["Actual \\ predicted", *names],
        [
            [name, *(f"{count:,}" if count else "·" for count in row)]
            for name, row in zip(names, counts, strict=True)
        ],
        caption=f"Test {items} of each class (a row of the table) by the class that was predicted for them.",
        shade=[[None, *row] for row in share.tolist()],
    )


def pairs(names: Sequence[str], counts: np.ndarray, items: str = "Rows") -> Table:
    """The twenty most frequent mistakes."""
    wrong = counts - np.diag(counts.diagonal())
    worst = [place for place in np.argsort(-wrong, axis=None, kind="stable")[:20] if wrong.flat[place]]
    rows = [(int(place) // len(names), int(place) % len(names)) for place in worst]
    return Table(
        ["Actual", "Predicted", items, "Share of the class"],
        [
            [names[a], names[b], f"{counts[a, b]:,}", f"{counts[a, b] / max(1, counts[a].sum()):.1%}"]
            for a, b in rows
        ],
        words=2,
        caption="The most frequent confusions.",
    )
