"""What tasks that look for anomalies share of their options: which rows are labelled as anomalies."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

AnomalyValues = Annotated[
    str | None,
    Field(
        description="values of the target that mean an anomaly, with commas between; by default yes, true or "
        "1, else the rarer of two values"
    ),
]


def as_written(value: object) -> object:
    """A name or value as a file would have it: numbers as text, True as "true"; None as it is."""
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def check_anomaly(anomaly: str | None, target: str | None) -> None:
    """ValueError for values of a target that is not named."""
    if anomaly is not None and target is None:
        raise ValueError("--anomaly has no effect without --target, whose value it is; name the column too")
