"""`deepfit.fit`: from data to a trained, judged and saved model in one call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepfit.job.result import Result
    from deepfit.job.run import Job
    from deepfit.model import Model


def fit(
    source: Any,
    target: Any = None,
    *,
    task: str | None = None,
    test: Any = None,
    valid: Any = None,
    out: str | Path | None = None,
    quiet: bool = False,
    **options: Any,
) -> Model:
    """Train on a path, a pandas or polars frame, or arrays.

    Returns the model, its scorecard in `model.scorecard`.

    source: the rows, or X where target is y. target: the column to predict, or the values themselves, one a
    row. task: an id such as "tabular-regression"; inferred where it is not given. test, valid: held-out rows;
    by default they are taken from the source. out: the run's folder; by default `runs/<time>-<task>`.
    options: those of the task, as `deepfit tasks NAME` lists them (epochs=40, learning_rate=0.001).
    DataError, OptionError for what the user can mend, before any training.
    """
    from deepfit.job.prepare import prepare

    if target is None or isinstance(target, str):
        options["target"] = target
    else:
        source = (source, target)
    job = prepare(source, task=task, options=options, test=test, valid=valid, out=out)
    return follow(job, quiet=quiet).model


def follow(job: Job, *, quiet: bool = False) -> Result:
    """Run a job to its end: show its progress on stderr, write TensorBoard events and the report."""
    from deepfit import report
    from deepfit.contract import Progress
    from deepfit.explain import covariates, permutation
    from deepfit.report.display import Display
    from deepfit.report.events import EventWriter

    with Display(quiet=quiet) as display, EventWriter(job.out) as events:
        for event in job.events():
            display.show(event)
            if isinstance(event, Progress):
                events.write(event)
        events.close_with(job.result.scorecard)
        importance = permutation.of_columns(job.result) or covariates.of_covariates(job.result)
        report.write(job.result, importance=importance)
    return job.result
