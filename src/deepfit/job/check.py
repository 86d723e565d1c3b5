"""Data quality before training; needs no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepfit import catalog
from deepfit.contract import Concern
from deepfit.job.rows import prepare_rows
from deepfit.options import resolve


@dataclass(frozen=True)
class Checked:
    """What was found.

    The task and why it was inferred, the columns (name, kind, reason, example), the concerns.
    """

    task: str
    reason: str | None
    rows: int
    columns: Sequence[tuple[str, str, str, str]]
    concerns: Sequence[Concern]


def check(
    source: Any, *, task: str | None = None, options: Mapping[str, Any] | None = None, test: Any = None
) -> Checked:
    """Read a source as training would and say what there is to say, with the same errors as training."""
    given = {name: value for name, value in (options or {}).items() if value is not None}
    reason = None
    if task is None:
        task, reason = catalog.infer(source, given.get("target"))
    kind = catalog.find(task)
    prepared = prepare_rows(kind(resolve(kind.Options, given)), {"source": source, "test": test})
    rows = prepared.rows
    return Checked(catalog.spelled(task), reason, len(rows), list(rows.describe()), prepared.concerns)
