"""What a number to be predicted is learned as, and what a loss asks of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from deepfit.contract import Concern, OwnRows
from deepfit.data import labels
from deepfit.data.labels import targets_of
from deepfit.errors import DataError


def learn_amounts(values: np.ndarray, options: Any) -> dict[str, Any]:
    """How amounts [rows] are encoded, by the options `loss` and `target_transform`."""
    if options.loss == "poisson":
        return labels.learn_rate(values)
    transform = options.target_transform
    if transform == "auto":
        transform = "log" if labels.log_fits_better(values) else "none"
    return labels.learn_target(values, transform)


def check_from_zero(rows: OwnRows) -> None:
    """DataError naming the first row whose target is below 0, which is no count and has no rate."""
    values = targets_of(rows)
    below = np.flatnonzero(values < 0)
    if len(below):
        raise DataError(
            f"{rows.name}, {rows.where(int(below[0]))}, column '{rows.target_name}': expected a number from "
            f"0 up for --loss poisson, received {values[below[0]]:g}. {len(below):,} of {len(values):,} rows "
            "are below 0. Use --loss mean_squared_error, or correct the rows."
        )


def quantile_concern(rows: OwnRows, share: float) -> Concern:
    """What a reader of scores has to know of answers that are no means."""
    return Concern(
        "quantile",
        rows.name,
        f"the answers are the {share:g} quantile of '{rows.target_name}': {share:.0%} of targets should lie "
        "below. The verdict compares the pinball loss, which is least there, with baselines of the same aim; "
        "RMSE, R2 and the absolute errors ask for a mean or median.",
    )
