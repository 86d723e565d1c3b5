"""What a careful reader says of a table before training.

What is no input and why, what gives the target away, what repeats.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from deepfit.contract import Concern
from deepfit.data.columns import INPUTS
from deepfit.data.table_giveaway import giveaway
from deepfit.data.table_rows import TableRows

MOSTLY_MISSING = 0.5
NEARLY_UNIQUE = 0.5
RARE_CLASS = 0.05
SAMPLE = 20_000
FEWEST_FOR_GIVEAWAY = 50


def find_concerns(rows: TableRows) -> list[Concern]:
    """The concerns of these rows, in the order in which a reader would want them."""
    return [*_given_away(rows), *_duplicates(rows), *_imbalance(rows), *_columns(rows)]


def _columns(rows: TableRows) -> Iterator[Concern]:
    for name, kind in rows.kinds.items():
        if kind.kind not in INPUTS:
            if kind.reason != "given":
                concern = kind.kind if kind.kind in ("identifier", "constant", "text") else "ignored"
                keep = (
                    f" (--kinds {name}=category makes it one)" if kind.kind in ("identifier", "text") else ""
                )
                yield Concern(concern, name, f"column '{name}' is not used as an input: {kind.reason}{keep}.")
            continue
        values = rows.series(name)
        missing = values.null_count() / max(1, len(values))
        if missing > MOSTLY_MISSING:
            yield Concern("missing", name, f"column '{name}' is missing in {missing:.0%} of the rows.")
        if kind.kind == "datetime":
            yield Concern(
                "time",
                name,
                f"column '{name}' tells when. If the network will be asked about later rows than it has "
                f"seen, use --split time:{name}; "
                "a random split flatters the scores.",
            )
        if kind.kind == "category":
            head = values.head(SAMPLE).drop_nulls()
            distinct = head.n_unique()
            if len(head) >= 20 and distinct > NEARLY_UNIQUE * len(head):
                yield Concern(
                    "identifier",
                    name,
                    f"column '{name}' is a category with {distinct:,} different values in {len(head):,} "
                    "rows, so most rows have one of their own and "
                    f"little can be learned from it. Leave it out with --kinds {name}=ignore if it only "
                    "names the rows.",
                )


def _given_away(rows: TableRows) -> Iterator[Concern]:
    """Columns that alone predict the target almost without error.

    Often written down after it, or computed from it.
    """
    if rows.target_name is None or rows.goal == "grouping" or len(rows) < FEWEST_FOR_GIVEAWAY:
        return
    sample = (
        rows
        if len(rows) <= SAMPLE
        else rows.take(np.sort(np.random.default_rng(0).permutation(len(rows))[:SAMPLE]))
    )
    target = sample.target()
    if target is None:
        return
    for name in rows.inputs():
        found = giveaway(sample.series(name), target, classes=rows.goal != "regression")
        if found is not None:
            yield Concern(
                "leak",
                name,
                f"column '{name}' alone predicts '{rows.target_name}' almost without error ({found}). If it "
                "is written down after the target is "
                f"known, or computed from it, leave it out with --kinds {name}=ignore.",
            )


def _duplicates(rows: TableRows) -> Iterator[Concern]:
    prints = rows.fingerprints()
    order = np.argsort(prints, kind="stable")
    ascending = prints[order]
    same = ascending[1:] == ascending[:-1]
    repeats = int(same.sum())
    if not repeats or not rows.inputs():
        return
    first = order[np.flatnonzero(same)[0]]
    second = order[np.flatnonzero(same)[0] + 1]
    low, high = sorted((int(first), int(second)))
    example = f"{rows.where(high)} those of {rows.where(low)}"
    message = f"{repeats:,} of {len(rows):,} rows repeat the inputs of another row (such as {example})"
    target = rows.target()
    if target is not None:
        differing = int((target[order[1:]][same] != target[order[:-1]][same]).sum())
        message += f"; {differing:,} of them with another '{rows.target_name}'" if differing else ""
    yield Concern("duplicates", rows.name, message + ".")


def _imbalance(rows: TableRows) -> Iterator[Concern]:
    if rows.goal != "classification" or rows.target_name is None or rows.target() is None:
        return
    counted = rows.series(rows.target_name).alias("class").value_counts(sort=True, name="rows")
    shares = counted["rows"] / max(1, len(rows))
    if len(counted) > 1 and (shares[0] > 1 - RARE_CLASS or shares[-1] < RARE_CLASS / len(counted)):
        rarest, commonest = counted["class"].cast(pl.String)[-1], counted["class"].cast(pl.String)[0]
        yield Concern(
            "imbalance",
            rows.target_name,
            f"the class '{rarest}' has {counted['rows'][-1]:,} rows ({shares[-1]:.2%}), '{commonest}' has "
            f"{shares[0]:.1%}. Accuracy says little then; "
            "look at balanced accuracy and ROC AUC.",
        )
