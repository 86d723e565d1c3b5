"""Series from a long table: its columns in their types, each series sorted by time on a regular grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from deepfit.contract import Concern, Facts
from deepfit.data.columns import Kind, as_kind, as_words, infer
from deepfit.data.dates import SHAPES, date_format
from deepfit.data.series import SeriesRows, SeriesTable
from deepfit.data.series_faults import Faults, Reading, filled, without_duplicates
from deepfit.data.series_time import Frequency, find_frequency, month_days, places, stamps_from
from deepfit.data.tables import Table, read_table
from deepfit.errors import DataError, OptionError, suggest


@dataclass(frozen=True)
class Columns:
    """The columns of a table by their part: stamps int64, series words, amounts and covariates."""

    stamps: np.ndarray
    dates: bool
    ids: np.ndarray
    values: Mapping[str, np.ndarray]
    covariates: Mapping[str, np.ndarray]
    parts: np.ndarray | None


def read_series(source: Any, reading: Reading, facts: Facts | None = None) -> SeriesRows:
    """The series of a source; DataError naming the first rows that do not fit.

    Without facts, to train on: the rows are the stamps up to each series' last value. With them, to forecast:
    the rows are the `horizon` stamps after it, from the table where it has them (with an empty target), else
    made; `labelled()` gives those with a value.
    """
    learned = None if facts is None else facts["reading"]
    reading = _named(source, reading, learned)
    kinds = {} if learned is None else dict(learned["kinds"])
    table = read_table(source, kinds={name: kind for name, kind in kinds.items()})
    columns = _columns(table, reading, kinds, predicts=facts is not None)
    frequency = None if facts is None else Frequency.of(facts["frequency"])
    return _arranged(
        table, reading, columns, kinds, frequency, ahead=reading.horizon if facts else 0, facts=facts
    )


def _named(source: Any, reading: Reading, learned: Mapping[str, Any] | None) -> Reading:
    """The reading with the names that are left to us filled in; OptionError for a name that is not there."""
    names = read_table(source, head=True, lenient=True).frame.columns
    spelled = {name.lower(): name for name in names}
    time = reading.time or spelled.get("ds", "")
    series = reading.series or spelled.get("unique_id", "")
    targets = list(reading.targets) or [spelled[name] for name in ("y",) if name in spelled]
    if not time or not targets:
        lacking = "time stamps (ds)" if not time else "values (y)"
        flag = "--time COLUMN" if not time else "--target COLUMN"
        raise OptionError(
            f"No column of {lacking} was found among {', '.join(names[:12])}. Name it with {flag}."
        )
    chosen = {"--time": [time], "--series": [series] if series else [], "--target": targets,
              "--known": reading.known, "--past": reading.past}  # fmt: skip
    taken: dict[str, str] = {}
    for flag, columns in chosen.items():
        for name in columns:
            if name not in names and not (flag == "--target" and learned is not None):
                raise (OptionError if learned is None else DataError)(
                    f"{flag}: there is no column '{name}'. {suggest(name, names)}"
                )
            if name in taken:
                raise OptionError(
                    f"Column '{name}' is named by {taken[name]} and by {flag}; a column has one part. "
                    "Leave one of them away."
                )
            taken[name] = flag
    if learned is not None and any(name not in names for name in targets):
        absent = next(name for name in targets if name not in names)
        raise DataError(
            f"There is no column '{absent}', whose past the forecast starts from. {suggest(absent, names)}"
        )
    return Reading(
        time, series, targets, reading.known, reading.past, reading.fill, reading.duplicates, reading.split,
        reading.horizon,
    )  # fmt: skip


def _columns(table: Table, reading: Reading, kinds: dict[str, str], *, predicts: bool) -> Columns:
    """Every column in its type; kinds of the covariates are noted where they are not known yet."""
    frame = table.frame
    stamps, dates = _stamps(table, frame[reading.time])
    values = {}
    for name in reading.targets:
        column = as_kind(table, frame[name], Kind("number", "the target")).cast(pl.Float64)
        values[name] = column.fill_null(np.nan).to_numpy().copy()
        infinite = np.flatnonzero(np.isinf(values[name]))
        if len(infinite):
            raise DataError(
                f"{table.name}, {table.where(int(infinite[0]))}, column '{name}': expected a finite number, "
                f"received {values[name][infinite[0]]}. Correct the cell, or leave it empty and pass --fill."
            )
    if not any(np.isfinite(each).any() for each in values.values()):
        raise DataError(f"{table.name}: column '{reading.targets[0]}' has no value in any row.")
    covariates: dict[str, np.ndarray] = {}
    for name in (*reading.known, *reading.past):
        if name not in kinds:
            kind = infer(frame[name])
            if kind.kind == "identifier" and frame[name].dtype.is_numeric():
                kind = Kind("number", "numbers")
            if kind.kind not in ("number", "category"):
                raise DataError(
                    f"{table.name}, column '{name}': expected numbers or categories, found {kind.kind} "
                    f"({kind.reason}). Leave it out of --known and --past."
                )
            kinds[name] = kind.kind
        column = as_kind(table, frame[name], Kind(kinds[name], "given"))
        if kinds[name] == "number":
            covariates[name] = column.cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
            covariates[name][~np.isfinite(covariates[name])] = np.nan
        else:
            covariates[name] = as_words(column).cast(pl.String).fill_null("").to_numpy().astype(object)
    if reading.series:
        ids = as_words(frame[reading.series]).cast(pl.String)
        if ids.null_count():
            place = int(ids.is_null().arg_max() or 0)
            raise DataError(
                f"{table.name}, {table.where(place)}, column '{reading.series}': the name of the series is "
                "missing. Fill it in, or delete the row."
            )
        names = ids.to_numpy().astype(object)
    else:
        names = np.full(frame.height, "", object)
    way, _, column = reading.split.partition(":")
    parts = None
    if way == "column" and column in frame.columns:
        parts = as_words(frame[column]).cast(pl.String).fill_null("").to_numpy().astype(object)
    elif way == "column" and not predicts:
        raise OptionError(f"--split: there is no column '{column}'. {suggest(column, frame.columns)}")
    return Columns(stamps, dates, names, values, covariates, parts)


def _stamps(table: Table, column: pl.Series) -> tuple[np.ndarray, bool]:
    """int64 stamps and whether they are dates (microseconds since 1970), else whole numbers."""
    name = column.name
    if column.dtype.is_numeric():
        numbers = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
        wrong = np.flatnonzero(~np.isfinite(numbers) | (numbers != np.rint(numbers)))
        if len(wrong):
            raise DataError(
                f"{table.name}, {table.where(int(wrong[0]))}, column '{name}': expected a whole number or a "
                f"date, received {column[int(wrong[0])]}. Write dates as YYYY-MM-DD HH:MM."
            )
        return numbers.astype(np.int64), False
    if column.dtype == pl.String or isinstance(column.dtype, pl.Enum):
        form = date_format(column.cast(pl.String)) or _usual_form(column.cast(pl.String))
    elif column.dtype.is_temporal():
        form = ""
    else:
        raise DataError(f"{table.name}, column '{name}': expected time stamps, found {column.dtype} values.")
    try:
        typed = as_kind(table, column, Kind("datetime", "time stamps", form))
    except DataError as error:
        raise DataError(
            str(error).split("\n")[0] + "\n  Write it as the others are, or delete the row."
        ) from None
    if typed.null_count():
        place = int(typed.is_null().arg_max() or 0)
        raise DataError(
            f"{table.name}, {table.where(place)}, column '{name}': the time stamp is missing. Fill it in, or "
            "delete the row."
        )
    return typed.cast(pl.Datetime("us")).cast(pl.Int64).to_numpy().copy(), True


def _usual_form(texts: pl.Series) -> str:
    """The form of most of the first texts, so that the one that is written otherwise is what is named."""
    sample = texts.drop_nulls().head(1000)
    counts = {form: int(sample.str.contains(shape).sum()) for form, shape in SHAPES.items()}
    return max(counts, key=lambda form: counts[form]) if len(sample) else "iso"


def _arranged(
    table: Table,
    reading: Reading,
    columns: Columns,
    kinds: Mapping[str, str],
    frequency: Frequency | None,
    *,
    ahead: int,
    facts: Facts | None,
) -> SeriesRows:
    """Each series in order on its grid, one behind the other."""
    rows = len(columns.stamps)
    several = len(reading.targets) > 1
    names: list[str] = []
    series, stamps, values, origin = [], [], [], []
    known_ids, own = np.unique(columns.ids.astype(str), return_inverse=True)
    for number, target in enumerate(reading.targets):
        for each in known_ids:
            names.append((f"{each}/{target}" if each else target) if several else (each or target))
        series.append(own + number * len(known_ids))
        stamps.append(columns.stamps)
        values.append(columns.values[target])
        origin.append(np.arange(rows))
    code, stamp = np.concatenate(series), np.concatenate(stamps)
    value, source = np.concatenate(values), np.concatenate(origin)
    notes: list[Concern] = list(table.notes)
    order = np.lexsort((stamp, code))
    if (order != np.arange(len(order))).any() and not several:
        moved = int((np.diff(stamp)[code[1:] == code[:-1]] < 0).sum())
        if moved:
            notes.append(
                Concern("time", table.name, f"rows are not in order of '{reading.time}' and were sorted.")
            )
    code, stamp, value, source = (each[order] for each in (code, stamp, value, source))
    told = Faults(table, reading, names, columns.dates)
    code, stamp, value, source = without_duplicates(code, stamp, value, source, reading, told, notes)

    keep, short = _from_first_value(code, value)
    for each in short:
        notes.append(Concern("missing", table.name, f"series '{names[each]}' has no value and is left out."))
    code, stamp, value, source = (each[keep] for each in (code, stamp, value, source))
    if not len(code):
        raise DataError(f"{table.name}: no series has a value in '{reading.targets[0]}'.")
    if frequency is None:
        frequency = find_frequency(stamp, code, dates=columns.dates)
        if frequency is None:
            raise DataError(
                f"{table.name}: every series has one time stamp only, so there is no past to learn from. "
                f"Add rows, or name the series with --series if '{reading.time}' repeats."
            )
    elif (frequency.unit != "steps") != columns.dates:
        raise DataError(
            f"{table.name}, column '{reading.time}': the model was trained on "
            f"{'whole numbers' if frequency.unit == 'steps' else 'dates'}, which these are not."
        )
    place, on = places(stamp, code, frequency)
    if not on.all():
        told.off_grid(np.flatnonzero(~on), code, stamp, source, frequency)
    return _on_grid(
        table, reading, columns, kinds, frequency,
        code=code, stamp=stamp, value=value, source=source, place=place,
        told=told, notes=notes, ahead=ahead, facts=facts,
    )  # fmt: skip


def _on_grid(
    table: Table, reading: Reading, columns: Columns, kinds: Mapping[str, str], frequency: Frequency, *,
    code: np.ndarray, stamp: np.ndarray, value: np.ndarray, source: np.ndarray, place: np.ndarray,
    told: Faults, notes: list[Concern], ahead: int, facts: Facts | None,
) -> SeriesRows:  # fmt: skip
    """Every stamp from a series' first value to its last, and `ahead` more; gaps as the options say."""
    present = np.unique(code)
    begins = np.searchsorted(code, present)
    ends = np.searchsorted(code, present, side="right")
    days = month_days(stamp, code) if frequency.unit == "months" else np.ones(len(stamp), np.int64)
    lengths = []
    for begin, end in zip(begins, ends, strict=True):
        seen = np.flatnonzero(np.isfinite(value[begin:end]))
        lengths.append(int(place[begin + seen[-1]]) + 1)
    starts = np.concatenate([[0], np.cumsum(np.array(lengths) + ahead)]).astype(np.int64)
    total = int(starts[-1])
    all_codes = np.repeat(np.arange(len(present), dtype=np.int32), np.diff(starts))
    all_stamps, row = np.empty(total, np.int64), np.full(total, -1, np.int64)
    y = np.full(total, np.nan)
    gaps: list[tuple[int, int]] = []
    unused = 0
    for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        first, length = int(starts[number]), lengths[number]
        grid = np.arange(length + ahead)
        all_stamps[first : first + length + ahead] = stamps_from(
            int(stamp[begin]), grid, frequency, day=int(days[begin])
        )
        inside = place[begin:end] < length + ahead
        unused += int((~inside).sum())
        at = first + place[begin:end][inside]
        row[at], y[at] = source[begin:end][inside], value[begin:end][inside]
        holes = np.flatnonzero(~np.isfinite(y[first : first + length]))
        gaps.extend((number, first + int(hole)) for hole in holes)
    if gaps:
        if reading.fill == "error":
            told.gaps(gaps, [int(each) for each in present], all_stamps, row, frequency)
        for number in dict.fromkeys(number for number, _ in gaps):
            span = slice(int(starts[number]), int(starts[number]) + lengths[number])
            y[span] = filled(y[span], reading.fill)
        count = len(gaps)
        notes.append(
            Concern(
                "missing",
                table.name,
                f"{count:,} missing value{'s' if count > 1 else ''} filled in by --fill {reading.fill}.",
            )
        )
    if unused and ahead == 0:
        notes.append(
            Concern(
                "time",
                table.name,
                f"rows not used, since they come after the last value of their series: {unused:,}.",
            )
        )
    found = {
        name: _covariate(columns.covariates[name], kinds[name], row, all_codes)
        for name in (*reading.known, *reading.past)
    }
    parts = None
    if columns.parts is not None:
        parts = np.where(row >= 0, columns.parts[np.maximum(row, 0)], "").astype(object)
        for at in np.flatnonzero(row < 0):  # a stamp that was filled in belongs where the one before it does
            parts[at] = parts[at - 1] if at else ""
    if facts is None and parts is None:
        notes.append(
            Concern(
                "time",
                table.name,
                "what is held out is the last part of each series, never rows at random.",
            )
        )
    made = SeriesTable(
        table=table, name=table.name, ids=[str(told.names[each]) for each in present], starts=starts,
        observed=starts[:-1] + np.array(lengths, np.int64), codes=all_codes, stamps=all_stamps, y=y, rows=row,
        covariates=found, kinds=dict(kinds), known=list(reading.known), past=list(reading.past),
        parts=parts, frequency=frequency, dates=columns.dates, time_name=reading.time,
        series_name=reading.series, targets=list(reading.targets), horizon=reading.horizon,
        split=reading.split, notes=notes,
    )  # fmt: skip
    if facts is not None:
        made.learn_from(facts)
        return SeriesRows(made, made.future())
    return SeriesRows(made, np.arange(total))


def _from_first_value(code: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Which rows lie at or after the first value of their series, and the series that have none."""
    seen = np.isfinite(value)
    number = np.cumsum(seen)
    begins = np.append(True, code[1:] != code[:-1])
    before = (number - seen)[begins][np.cumsum(begins) - 1]
    keep = number > before
    return keep, [int(each) for each in np.setdiff1d(code, code[keep])]


def _covariate(values: np.ndarray, kind: str, row: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """A covariate on the grid; where a row or a cell is missing, the value before it in its series."""
    number = kind == "number"
    on = np.where(row >= 0, values[np.maximum(row, 0)], np.nan if number else "")
    known = np.isfinite(on.astype(float)) if number else on != ""
    first = np.append(True, codes[1:] != codes[:-1])
    place = np.arange(len(on))
    last = np.maximum.accumulate(np.where(known | first, place, 0))
    return on[last]
