"""Data quality before training; needs no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepfit import catalog
from deepfit.contract import Concern
from deepfit.options import resolve


@dataclass(frozen=True)
class Checked:
    """What was found.

    The task and why it was inferred, and for each column its name, kind, the reason and an example.
    """

    task: str
    reason: str | None
    rows: int
    columns: Sequence[tuple[str, str, str, str]]
    concerns: Sequence[Concern]


def check(
    source: Any, *, task: str | None = None, options: Mapping[str, Any] | None = None, test: Any = None
) -> Checked:
    """Read a source as training would and say what there is to say.

    The same errors as training, before it.
    """
    from deepfit.data.split import split
    from deepfit.judge import leaks

    given = {name: value for name, value in (options or {}).items() if value is not None}
    reason = None
    if task is None:
        task, reason = catalog.infer(source, given.get("target"))
    kind = catalog.find(task)
    chosen = kind(resolve(kind.Options, given))
    rows = chosen.read(source)
    splits = split(
        rows,
        chosen.options.split,
        test_fraction=chosen.options.test_fraction,
        valid_fraction=chosen.options.valid_fraction,
        seed=chosen.options.seed,
        test=chosen.read(test) if test is not None else None,
        valid=None,
        classes=chosen.classes,
    )
    concerns = leaks.find(splits.train, splits.test, splits.valid)
    return Checked(catalog.spelled(task), reason, len(rows), list(rows.describe()), concerns)
