"""Readings of sensors as rows: each is one moment of a series, looked at with the readings before it.

All rows share the series, sorted by series and time, so what a row is encoded as does not depend on the rows
beside it. A stretch is a part of a series without a gap; windows do not reach over gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deepfit.contract import Concern, Facts
from deepfit.data.anomalies import check_ordinary, label_concerns, runs
from deepfit.data.columns import Kind
from deepfit.data.table_encoding import robust_scale
from deepfit.data.tables import Table
from deepfit.data.windows import Windows
from deepfit.errors import DataError, suggest

BLOCK_WINDOWS = 10
"""Windows that a block of the bootstrap is long: far more than readings remember."""

FEWEST_EVENTS = 3
"""Events among test readings for which intervals are given."""

UNKNOWN = -1


@dataclass
class ReadingsTable:
    """N readings, sorted by series and time.

    order: int64 [N], the row of the source of each; places: the inverse. codes: the series of each; firsts:
    where its stretch begins. values: float64 [N, F], NaN where missing, of the columns `names`. labels: int8
    [N], 1 for an anomaly, -1 where not said; None where no column says. width: readings that a window holds.
    """

    table: Table
    kinds: dict[str, Kind]
    names: list[str]
    series_name: str | None
    time_name: str | None
    target_name: str | None
    anomaly: list[str]
    order: np.ndarray
    places: np.ndarray
    codes: np.ndarray
    firsts: np.ndarray
    values: np.ndarray
    labels: np.ndarray | None
    width: int
    notes: list[Concern] = field(default_factory=list)

    def clean(self) -> np.ndarray:
        """Bool [N]: neither the reading nor one in its window is labelled as an anomaly."""
        if self.labels is None:
            return np.ones(len(self.order), bool)
        count = np.concatenate([[0], (self.labels == 1).cumsum()])
        here = np.arange(len(self.order))
        return count[here + 1] == count[np.maximum(here + 1 - self.width, self.firsts)]

    def blocks(self) -> np.ndarray:
        """int64 [N]: blocks of consecutive readings, none of which ends within an event."""
        here = np.arange(len(self.order))
        begins = (here - self.firsts) % (BLOCK_WINDOWS * self.width) == 0
        if self.labels is not None:
            for first, last in runs(self.labels == 1, here > self.firsts):
                begins[last : last + 1] |= begins[first + 1 : last].any()
                begins[first + 1 : last] = False
        return begins.cumsum()


class Readings:
    """The readings `index` (rows of the source) of a table; implements `deepfit.contract.Rows`."""

    groupable = True
    """Whole series may be held out (`--split group:COLUMN`)."""

    def __init__(self, all_readings: ReadingsTable, index: np.ndarray | None = None) -> None:
        self.all = all_readings
        self.index = np.arange(len(all_readings.order)) if index is None else np.asarray(index, np.int64)
        self.name = all_readings.table.name
        self.target_name = all_readings.target_name

    def __len__(self) -> int:
        return len(self.index)

    @property
    def places(self) -> np.ndarray:
        """Where each row stands among the sorted readings."""
        return self.all.places[self.index]

    def take(self, index: np.ndarray) -> Readings:
        """The readings at these positions (or where a mask is True); the series are shared."""
        index = np.asarray(index)
        return Readings(self.all, self.index[np.flatnonzero(index) if index.dtype == bool else index])

    def compact(self) -> Readings:
        """These rows: a reading is looked at with those before it."""
        return self

    def column(self, name: str) -> np.ndarray:
        """One column's values, as the source has them."""
        frame = self.all.table.frame
        if name == self.target_name and (found := self.target()) is not None:
            return found
        if name not in frame.columns:
            raise DataError(f"{self.name}: there is no column '{name}'. {suggest(name, frame.columns)}")
        return frame[name].gather(self.index).to_numpy()

    def target(self) -> np.ndarray | None:
        """Bool [rows], True for an anomaly; None where a row does not say."""
        if self.all.labels is None:
            return None
        labels = self.all.labels[self.places]
        return None if (labels == UNKNOWN).any() else labels == 1

    def follows(self) -> np.ndarray:
        """Bool [rows]: the reading comes directly after the row before it, in the same stretch."""
        places = self.places
        before = np.concatenate([[-2], places[:-1]])
        return (places == before + 1) & (self.all.firsts[places] < places)

    def groups(self) -> np.ndarray:
        """The block of consecutive readings that each row belongs to, which the bootstrap draws whole.

        With fewer than FEWEST_EVENTS events among the rows nothing tells how much the next one may differ:
        all rows are then one block, of which no interval comes.
        """
        found = self.target()
        if found is not None and len(runs(found, self.follows())) < FEWEST_EVENTS:
            return np.zeros(len(self), np.int64)
        return self.all.blocks()[self.places]

    def keys(self) -> dict[str, np.ndarray]:
        """The series and the time, where there are such columns."""
        names = [name for name in (self.all.series_name, self.all.time_name) if name is not None]
        return {name: self.all.table.frame[name].gather(self.index).to_numpy() for name in names}

    def labelled(self) -> Readings:
        """The readings that say whether they are anomalies; DataError where none does."""
        if self.target_name is None:
            raise DataError(
                f"{self.name}: the model was trained without --target, so no column says which readings are "
                "anomalies, and nothing can be scored. Train with --target COLUMN; training itself leaves it "
                "aside."
            )
        if self.all.labels is None or (self.all.labels[self.places] == UNKNOWN).all():
            raise DataError(
                f"{self.name}: there is no target column '{self.target_name}', so nothing can be scored."
            )
        return self.take(self.all.labels[self.places] != UNKNOWN)

    def parts(self) -> None:
        """None: parts are named only where a column is asked for."""
        return

    def where(self, position: int) -> str:
        """The row at a position as the user knows it."""
        return self.all.table.where(int(self.index[position]))

    def check_inputs(self) -> None:
        """Nothing to do: a source without a column of numbers is refused when it is read."""

    def latest(self, free: np.ndarray, fraction: float, later: int) -> np.ndarray:
        """Places within `free`: the last share of each series; a series too short for that is trained on."""
        places = self.places[free]
        order = np.argsort(places, kind="stable")
        codes = self.all.codes[places[order]]
        held = []
        for part in np.split(order, np.flatnonzero(np.diff(codes)) + 1):
            count = min(round(len(part) * fraction), len(part) - 1 - later)
            held.append(part[len(part) - count :] if count > 0 else part[:0])
        return np.sort(np.concatenate(held))

    def check_parts(self, part: np.ndarray) -> None:
        """Whole series may be held out, and the user may name any parts."""

    def describe(self) -> list[tuple[str, str, str, str]]:
        """(name, kind, reason, example) of every column."""
        shown = []
        for column in self.all.table.frame:
            place = column.is_not_null().arg_max() or 0
            kind = self.all.kinds[column.name]
            shown.append((column.name, kind.kind, kind.reason, str(column[place])))
        return shown

    def fingerprints(self) -> np.ndarray:
        """uint64 [rows] of series, time (or place in the series) and values: equal for the same reading."""
        import polars as pl

        every, places = self.all, self.places
        columns = [pl.Series(str(i), every.values[places, i]) for i in range(len(every.names))]
        if every.series_name is not None:
            columns.append(pl.Series("series", self.column(every.series_name)).cast(pl.String))
        if every.time_name is not None:
            columns.append(
                every.table.frame[every.time_name].gather(self.index).alias("time").cast(pl.String)
            )
        else:
            columns.append(pl.Series("time", places - every.firsts[places]))
        return pl.DataFrame(columns).hash_rows(seed=0).to_numpy()

    def concerns(self) -> list[Concern]:
        """What a careful reader would say of these readings before training."""
        about = label_concerns(
            self.target(),
            name=self.name,
            target=self.target_name,
            values=self.all.anomaly,
            noun="readings",
        )
        missing = np.isnan(self.all.values[self.places])
        if missing.any():
            worst = int(missing.sum(0).argmax())
            about.append(
                Concern(
                    "missing",
                    self.name,
                    f"{missing.any(1).mean():.1%} of the readings lack a value (most of them "
                    f"'{self.all.names[worst]}'); it is neither told nor scored where it is missing.",
                )
            )
        return [*self.all.notes, *about]


def learn_readings(rows: Readings) -> dict[str, Any]:
    """How values are scaled, from the ordinary training readings alone; plain JSON.

    "centre", "scale": median and interquartile range of each column (half its range where that is 0, and 1
    where it never changes).
    """
    chosen = rows.take(check_ordinary(rows.target(), len(rows), name=rows.name, noun="readings"))
    values = chosen.all.values[chosen.places]
    centres, scales = [], []
    for name, column in zip(rows.all.names, values.T, strict=True):
        present = np.sort(column[~np.isnan(column)])
        if not len(present):
            raise DataError(
                f"{rows.name}: column '{name}' has no value in the training readings, so nothing can be "
                "learned of it. Fill it in, or name the columns to use with --values."
            )
        centre, factor = robust_scale(present)
        centres.append(centre)
        scales.append(1 / factor if factor else 1.0)
    if all((np.nanmax(column) == np.nanmin(column)) for column in values.T):
        raise DataError(
            f"{rows.name}: no value changes in the training readings ({', '.join(rows.all.names[:6])}), so "
            "what varies ordinarily cannot be learned. Add readings, or name other columns with --values."
        )
    return {
        "values": rows.all.names,
        "series": rows.all.series_name,
        "time": rows.all.time_name,
        "anomaly": rows.all.anomaly,
        "centre": centres,
        "scale": scales,
    }


def scaled(readings: ReadingsTable, facts: Facts) -> np.ndarray:
    """float32 [N, F]: (value - centre) / scale, NaN where missing."""
    centre, scale = (np.array(facts[name], np.float64) for name in ("centre", "scale"))
    return np.clip((readings.values - centre) / scale, -1e6, 1e6).astype(np.float32)


def encode_readings(rows: Readings, facts: Facts) -> dict[str, Any]:
    """`window` [rows, width, 2 F] float32: scaled values (0 where missing), then 1 where one is there.

    The last is the reading itself; before its stretch all is 0. `ordinary` bool [rows]: neither it nor its
    window is labelled an anomaly. `target` bool [rows] where there are labels.
    """
    values = scaled(rows.all, facts)
    there = ~np.isnan(values)
    both = np.concatenate([np.nan_to_num(values, copy=False), there], axis=1).astype(np.float32)
    places = rows.places
    window = Windows(both, places - rows.all.width + 1, rows.all.width, rows.all.firsts[places], places + 1)
    target = rows.target()
    return {
        "window": window,
        "ordinary": rows.all.clean()[places],
        **({} if target is None else {"target": target}),
    }


def usual_names(columns: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The first of the usual names that is a column."""
    return next((name for name in wanted if name in columns), None)
