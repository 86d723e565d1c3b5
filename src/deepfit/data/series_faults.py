"""What is wrong with time stamps and values, in words that name the first of them, and how it is mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from deepfit.contract import Concern
from deepfit.data.series_time import Frequency, shown
from deepfit.data.tables import Table
from deepfit.errors import DataError

SHOWN = 3
Fill = Literal["error", "interpolate", "previous", "zero"]
Duplicates = Literal["error", "mean", "sum", "last"]


@dataclass(frozen=True)
class Reading:
    """How a long table is read: its columns, and what is done about gaps and repeated stamps.

    time, series: "" means `ds` and, where there is one, `unique_id`; targets: several make a series each.
    """

    time: str = ""
    series: str = ""
    targets: Sequence[str] = ()
    known: Sequence[str] = ()
    past: Sequence[str] = ()
    fill: Fill = "error"
    duplicates: Duplicates = "error"
    split: str = "auto"
    horizon: int = 1


@dataclass(frozen=True)
class Faults:
    """What is wrong with stamps, in words that name the first of them."""

    table: Table
    reading: Reading
    names: Sequence[str]
    dates: bool

    def of(self, code: int) -> str:
        """A series in a sentence."""
        return f"series '{self.names[code]}'" if self.reading.series or len(self.names) > 1 else "the series"

    def stamp(self, value: Any) -> str:
        """A stamp as people write it."""
        return shown(int(value), dates=self.dates)

    def duplicates(
        self, at: np.ndarray, code: np.ndarray, stamp: np.ndarray, value: np.ndarray, source: np.ndarray
    ) -> None:
        """DataError for stamps that stand twice in a series; at: the second of each."""

        def cell(each: int) -> str:
            return f"{self.table.where(int(source[each]))} ({value[each]:g})"

        some = "; ".join(
            f"{self.stamp(stamp[each])} in {cell(each - 1)} and {cell(each)}" for each in at[:SHOWN]
        )
        hint = "" if self.reading.series else ", or name the column that tells series apart with --series"
        raise DataError(
            f"{self.table.name}, column '{self.reading.time}': {_stamps(len(at))} twice within "
            f"{self.of(int(code[at[0]]))}: {some}.\n"
            f"  Delete the rows, or pass --duplicates mean, sum or last{hint}."
        )

    def off_grid(
        self, at: np.ndarray, code: np.ndarray, stamp: np.ndarray, source: np.ndarray, frequency: Frequency
    ) -> None:
        """DataError for stamps that are not a whole number of steps after the first of their series."""
        some = "; ".join(
            f"{self.table.where(int(source[each]))} ({self.stamp(stamp[each])})" for each in at[:SHOWN]
        )
        raise DataError(
            f"{self.table.name}, column '{self.reading.time}': stamps of {self.of(int(code[at[0]]))} are "
            f"irregular. Most are one {frequency} apart; {len(at):,} are off that grid: {some}.\n"
            "  Correct them, or bring the rows to even steps first (mean or sum of each hour, day, month)."
        )

    def gaps(
        self, gaps: Sequence[tuple[int, int]], present: Sequence[int], stamps: np.ndarray, row: np.ndarray,
        frequency: Frequency,
    ) -> None:  # fmt: skip
        """DataError for stamps without a row or without a value."""
        target = self.reading.targets[0]
        some = []
        for _, at in gaps[:SHOWN]:
            if row[at] >= 0:
                some.append(
                    f"{self.table.where(int(row[at]))} ({self.stamp(stamps[at])}: '{target}' is empty)"
                )
            else:
                before = f", after {self.table.where(int(row[at - 1]))}" if row[at - 1] >= 0 else ""
                some.append(f"{self.stamp(stamps[at])} (no row{before})")
        raise DataError(
            f"{self.table.name}, column '{self.reading.time}': {self.of(present[gaps[0][0]])} goes on by one "
            f"{frequency}, but {len(gaps):,} value{'s are' if len(gaps) > 1 else ' is'} missing: "
            f"{'; '.join(some)}.\n"
            "  Add them, or pass --fill interpolate (straight lines), previous (the value before) or zero."
        )


def _stamps(count: int) -> str:
    return "a time stamp stands" if count == 1 else f"{count:,} time stamps stand"


def without_duplicates(
    code: np.ndarray, stamp: np.ndarray, value: np.ndarray, source: np.ndarray,
    reading: Reading, told: Faults, notes: list[Concern],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Series, stamps, values and rows with each stamp once, joined as the reading says."""
    again = np.append(False, (code[1:] == code[:-1]) & (stamp[1:] == stamp[:-1]))
    if not again.any():
        return code, stamp, value, source
    if reading.duplicates == "error":
        told.duplicates(np.flatnonzero(again), code, stamp, value, source)
    group = np.cumsum(~again) - 1
    last = np.flatnonzero(np.append(~again[1:], True))
    if reading.duplicates == "last":
        joined = value[last]
    else:
        known = np.isfinite(value)
        total = np.bincount(group, np.where(known, value, 0.0), minlength=len(last))
        count = np.bincount(group, known, minlength=len(last))
        divisor = np.maximum(count, 1) if reading.duplicates == "mean" else 1
        joined = np.where(count > 0, total / divisor, np.nan)
    notes.append(
        Concern(
            "duplicates",
            told.table.name,
            f"{int(again.sum()):,} repeated time stamps were joined by --duplicates {reading.duplicates}.",
        )
    )
    return code[last], stamp[last], joined, source[last]


def filled(values: np.ndarray, how: str) -> np.ndarray:
    """One series without NaN: straight lines between neighbours, the value before, or zeros."""
    known = np.isfinite(values)
    if how == "zero":
        return np.where(known, values, 0.0)
    places_ = np.arange(len(values))
    if how == "interpolate":
        return np.interp(places_, places_[known], values[known])
    last = np.maximum.accumulate(np.where(known, places_, 0))
    return values[last]
