"""How much a trained network leans on each column: shuffle the column and see how much worse the score gets.

Breiman 2001, "Random Forests", section 10. Columns are shuffled in the encoded arrays, all places of a source
column together, so a time column moves as one, and no row keeps its own values. Each repeat draws its own
rows and its own shuffles; the interval is Student's over the repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfit.data.batches import num_rows
from deepfit.judge.intervals import Interval

if TYPE_CHECKING:
    from deepfit.contract import Batch, Facts, Rows
    from deepfit.job.result import Result

Places = Mapping[str, Sequence[tuple[str, int]]]
"""Source column -> the encoded arrays and the columns (along the last axis) in them that stem from it."""

REPEATS = 5
MOST_ROWS = 2000
FEWEST_ROWS = 100
ROWS_IN_ALL = 150_000
"""Rows that the network is asked about over all columns and repeats, to bound the time."""


def of_columns(result: Result, *, seed: int = 0) -> dict[str, Interval]:
    """The importance of every input column of a table on the test rows, the largest first.

    The value is the loss of the task's main metric, positive where the column helps. Empty for tasks that do
    not encode by column, and for those whose report has no section for it.
    """
    task, facts = result.task, result.model.facts
    places = column_places(facts)
    if "columns" not in task.sections or not places or result.test is None or len(result.test) < 2:
        return {}
    rows = result.test
    return importance(
        lambda batch, index: scored(result, batch, rows.take(index)),
        task.encode(rows, facts),
        places,
        seed=seed,
    )


def scored(result: Result, batch: Batch, rows: Rows) -> float:
    """The main metric of what the network says of an encoded batch of these rows, so that more is better.

    NaN where the metric is not defined.
    """
    task = result.task
    answers = task.decode(result.model.outputs(batch), result.model.facts)
    value = task.metrics(answers, rows).get(task.main_metric.removeprefix("-"), float("nan"))
    return -value if task.main_metric.startswith("-") else value


def column_places(facts: Facts) -> dict[str, list[tuple[str, int]]]:
    """Where each column of a table went, as `table_encoding.learn_columns` has noted in the facts."""
    learned: Any = facts.get("columns", ())
    records = learned.get("columns", ()) if isinstance(learned, Mapping) else learned
    places = {}
    for record in records:
        numbers = [("numbers", place) for place in record.get("numbers", ())]
        places[record["name"]] = numbers + (
            [("categories", record["category"])] if "category" in record else []
        )
    return places


def importance(
    score: Callable[[Batch, np.ndarray], float],
    batch: Batch,
    places: Places,
    *,
    seed: int = 0,
    repeats: int = REPEATS,
    max_rows: int = MOST_ROWS,
) -> dict[str, Interval]:
    """Mean loss of score when a source column is shuffled, with its 95 % interval, the largest first.

    batch: arrays [rows, ..., columns], or what gives such when it is indexed by places; only the rows drawn
    are asked for. A row gets all that another row has in a column: of windows over time, the whole course.
    score: (encoded rows, their positions in batch) -> a number of which more is better. The same seed gives
    the same numbers. A repeat whose score is not defined counts for nothing; a column without a defined
    repeat is left out.
    """
    rows = num_rows(batch)
    repeats = int(np.clip(ROWS_IN_ALL // (FEWEST_ROWS * (len(places) + 1)), 2, repeats))
    drawn_rows = min(rows, max_rows, max(FEWEST_ROWS, ROWS_IN_ALL // (repeats * (len(places) + 1))))
    losses: dict[str, list[float]] = {name: [] for name in places}
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, 0x5AFE, repeat])
        index = np.sort(rng.choice(rows, drawn_rows, replace=False))
        sample = {name: np.asarray(array[index]) for name, array in batch.items()}
        whole = score(sample, index)
        for name, wheres in places.items():
            order = _round(rng, drawn_rows)
            shuffled = dict(sample)
            for array, place in wheres:
                if shuffled[array] is sample[array]:
                    shuffled[array] = sample[array].copy()
                shuffled[array][..., place] = sample[array][order][..., place]
            losses[name].append(whole - score(shuffled, index))
    found = {name: _summary(np.array(values)) for name, values in losses.items() if np.isfinite(values).any()}
    return dict(sorted(found.items(), key=lambda pair: -pair[1].value))


def _round(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Which row each row gets its values from, never itself: all pass them on in one round (Sattolo 1986)."""
    seats = rng.permutation(rows)
    order = np.empty_like(seats)
    order[seats] = np.roll(seats, 1)
    return order


def _summary(values: np.ndarray) -> Interval:
    from scipy.stats import t

    values = values[np.isfinite(values)]
    mean = float(values.mean())
    if len(values) < 2:
        return Interval(mean)
    reach = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return Interval(mean, mean - reach, mean + reach)
