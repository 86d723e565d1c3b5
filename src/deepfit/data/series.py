"""Series as rows: one row a time point of one series, all sharing a table, so that a row can look back.

The origin of a row, the last moment whose values its forecast may use, lies on a fixed grid: blocks of
`horizon` points counted from the end of each series. So what a row is encoded as does not depend on the rows
beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deepfit.contract import Concern, Facts
from deepfit.data.series_time import Frequency, shown
from deepfit.data.split import PARTS
from deepfit.data.tables import Table
from deepfit.errors import DataError, suggest

NAMED = 3


@dataclass
class SeriesTable:
    """Series one behind the other, each on its grid: N points in all, S series.

    starts: int64 [S + 1]; observed: int64 [S], behind the last point with a value (points from there to the
    series' end are to be forecast). codes, stamps, y, rows (of the file; -1 for one that was filled in or is
    to come), covariates and parts: [N]. scales: series -> the mean error of the seasonal naive forecast
    within the training rows, the unit of `mase`; ends: series -> the last stamp that training saw.
    """

    table: Table
    name: str
    ids: list[str]
    starts: np.ndarray
    observed: np.ndarray
    codes: np.ndarray
    stamps: np.ndarray
    y: np.ndarray
    rows: np.ndarray
    covariates: dict[str, np.ndarray]
    kinds: dict[str, str]
    known: list[str]
    past: list[str]
    parts: np.ndarray | None
    frequency: Frequency
    dates: bool
    time_name: str
    series_name: str
    targets: list[str]
    horizon: int
    split: str
    notes: list[Concern] = field(default_factory=list)
    scales: dict[str, float] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)

    def learn_from(self, facts: Facts) -> None:
        """Know what the training rows taught: scales, and where training ended."""
        for name, learned in facts["series"].items():
            self.scales[name] = learned["scale"]
            self.ends[name] = learned["end"]

    def future(self) -> np.ndarray:
        """The points without a value behind each series' last one."""
        return np.flatnonzero(np.arange(len(self.y)) >= self.observed[self.codes])

    def origins(self, points: np.ndarray) -> np.ndarray:
        """For each point the first point of its block: values before it may be used, none from it on."""
        ends = self.starts[1:][self.codes[points]]
        return ends - ((ends - 1 - points) // self.horizon + 1) * self.horizon

    def scale_of(self, name: str) -> float:
        """The unit of `mase` of a series; NaN where it is not known."""
        return self.scales.get(name, float("nan"))


class SeriesRows:
    """The points `index` of a table of series; implements `deepfit.contract.Rows`."""

    def __init__(self, table: SeriesTable, index: np.ndarray) -> None:
        self.table = table
        self.index = np.asarray(index, np.int64)
        self.name = table.name

    @property
    def target_name(self) -> str:
        """The column of the values, for messages."""
        return ",".join(self.table.targets)

    def __len__(self) -> int:
        return len(self.index)

    def take(self, index: np.ndarray) -> SeriesRows:
        """The points at these places (or where a mask is True); the table is shared."""
        index = np.asarray(index)
        return SeriesRows(self.table, self.index[np.flatnonzero(index) if index.dtype == bool else index])

    def compact(self) -> SeriesRows:
        """These rows: a point needs the whole history before it."""
        return self

    def column(self, name: str) -> np.ndarray:
        """One column's values: the time stamps, the series' name, the target, a covariate, the part."""
        table = self.table
        way, _, part = table.split.partition(":")
        if name == table.time_name:
            return self.times()
        if table.series_name and name == table.series_name:
            return self.ids()
        if table.parts is not None and way == "column" and name == part:
            return table.parts[self.index]
        if name in table.covariates:
            return table.covariates[name][self.index]
        if name in table.targets:
            return table.y[self.index]
        known = [table.time_name, table.series_name, *table.targets, *table.covariates]
        raise DataError(f"{self.name}: there is no column '{name}'. {suggest(name, [n for n in known if n])}")

    def times(self) -> np.ndarray:
        """Dates as datetime64, or whole numbers."""
        stamps = self.table.stamps[self.index]
        return stamps.astype("datetime64[us]") if self.table.dates else stamps

    def ids(self) -> np.ndarray:
        """The name of each point's series."""
        return np.array(self.table.ids, object)[self.table.codes[self.index]]

    def target(self) -> np.ndarray | None:
        """float64 values; None where a point has none yet."""
        values = self.table.y[self.index]
        return None if len(values) and np.isnan(values).any() else values

    def keys(self) -> Mapping[str, np.ndarray]:
        """The series and the time stamp of each point."""
        table = self.table
        stamps = np.array([shown(int(each), dates=table.dates) for each in table.stamps[self.index]], object)
        if not table.dates:
            stamps = table.stamps[self.index]
        return {table.series_name or "unique_id": self.ids(), table.time_name: stamps}

    def labelled(self) -> SeriesRows:
        """The points with a value: these rows' own, or where they are still to come, all before them.

        Of those, the points whose block begins after the series' first value, which have a past to forecast
        from; where a part of them comes after the training rows, that part. DataError where there is none.
        """
        table = self.table
        with_value = np.isfinite(table.y[self.index])
        if with_value.any() or not len(self.index):
            return self if with_value.all() else self.take(with_value)
        points = np.flatnonzero(np.isfinite(table.y))
        points = points[table.origins(points) > table.starts[:-1][table.codes[points]]]
        if not len(points):
            raise DataError(
                f"{self.name}: no series is longer than the horizon of {table.horizon}, so nothing can be "
                "scored: a forecast needs values before it. Put the history before the rows to score."
            )
        fresh = table.stamps[points] > self._ends()[table.codes[points]]
        return SeriesRows(table, points[fresh] if fresh.any() else points)

    def _ends(self) -> np.ndarray:
        """The last stamp of each series that training saw; the least number where it saw none."""
        return np.array(
            [self.table.ends.get(each, np.iinfo(np.int64).min) for each in self.table.ids], np.int64
        )

    def parts(self) -> np.ndarray | None:
        """Which points training saw ("train") and which not ("test"), for rows read with a trained model."""
        table = self.table
        if not table.ends:
            return None
        found = np.where(table.stamps[self.index] > self._ends()[table.codes[self.index]], "test", "train")
        if table.parts is not None:
            words = [PARTS.get(str(each).strip().lower(), "train") for each in table.parts[self.index]]
            found = np.where(np.array(words) == "test", found, "train") if "test" in words else found
        return found

    def fingerprints(self) -> np.ndarray:
        """uint64 [rows] of the series, the stamp and the value: the same measurement is equal."""
        table = self.table
        codes, stamps = table.codes[self.index], table.stamps[self.index]
        values = np.nan_to_num(table.y[self.index], nan=-1e300).astype(np.float64).view(np.uint64)
        names = np.array([_hashed(each) for each in table.ids], np.uint64)
        hashes = _mixed(names[codes] ^ _mixed(stamps.astype(np.int64).view(np.uint64)) ^ values)
        for name in (*table.known, *table.past):
            column = table.covariates[name][self.index]
            if column.dtype.kind == "f":
                hashes = _mixed(hashes ^ np.nan_to_num(column, nan=-1e300).astype(np.float64).view(np.uint64))
        return hashes

    def describe(self) -> Sequence[tuple[str, str, str, str]]:
        """How each column is read."""
        table = self.table
        found = []
        for column in table.table.frame:
            first = column.drop_nulls().head(1)
            example = str(first[0]) if len(first) else ""
            name, kind, reason = column.name, "ignore", "not named by --known or --past"
            if name == table.time_name:
                kind, reason = (
                    "datetime" if table.dates else "number",
                    f"time stamps, one a {table.frequency}",
                )
            elif name == table.series_name and table.series_name:
                kind, reason = "identifier", f"names {len(table.ids):,} series"
            elif name in table.targets:
                kind, reason = "target", "to be forecast"
            elif name in table.known or name in table.past:
                kind = table.kinds[name]
                reason = "known in advance" if name in table.known else "known of the past only"
            elif table.split == f"column:{name}":
                reason = "says which rows are held out"
            found.append((name, kind, reason, example))
        return found

    def concerns(self) -> Sequence[Concern]:
        """What reading changed, constant series, and series too short to learn from."""
        table = self.table
        found = list(table.notes)
        values = [(self.table.ids[code], self._of(code)) for code in np.unique(table.codes[self.index])]
        constant = [name for name, y in values if len(y) > 1 and np.ptp(y) == 0]
        if constant:
            found.append(
                Concern(
                    "constant",
                    table.name,
                    f"{_series(constant)} the same value throughout, so it tells nothing and has no `mase`.",
                )
            )
        short = [name for name, y in values if len(y) < table.horizon + 1]
        if short and len(short) < len(values):
            found.append(
                Concern(
                    "short",
                    table.name,
                    f"{_series(short)} no more training rows than the horizon of {table.horizon}, "
                    "so nothing is learned from it.",
                )
            )
        return found

    def _of(self, code: int) -> np.ndarray:
        own = self.index[self.table.codes[self.index] == code]
        values = self.table.y[own]
        return values[np.isfinite(values)]

    def where(self, position: int) -> str:
        """The row at a place as the user knows it."""
        row = int(self.table.rows[self.index[position]])
        if row >= 0:
            return self.table.table.where(row)
        return shown(int(self.table.stamps[self.index[position]]), dates=self.table.dates)

    def groups(self) -> np.ndarray:
        """The forecast that each point belongs to, as a number: its points hang together."""
        table = self.table
        return table.origins(self.index) * len(table.ids) + table.codes[self.index]

    def latest(self, free: np.ndarray, fraction: float, later: int) -> np.ndarray:
        """Places within `free` of the last points of each series, in whole blocks of the horizon.

        later: parts that are still to be held out of the rest. A series too short to give a block keeps all;
        DataError where every series is.
        """
        table, horizon = self.table, self.table.horizon
        points = self.index[free]
        order = np.argsort(points, kind="stable")
        codes = table.codes[points[order]]
        held = []
        for code in np.unique(codes):
            own = order[codes == code]
            end = int(points[own[-1]]) + 1
            blocks = max(1, round(len(own) * fraction / horizon))
            blocks = min(blocks, (len(own) - 1) // horizon - 1 - later)
            first = int(table.starts[code + 1]) - -(-(int(table.starts[code + 1]) - end) // horizon) * horizon
            first -= (blocks - (first < end)) * horizon
            if blocks > 0:
                held.append(own[points[own] >= first])
        if not held:
            longest = int(np.bincount(codes).max())
            needed = (3 + later) * horizon + 1
            raise DataError(
                f"{self.name}: the longest series has {longest:,} values, and with a horizon of "
                f"{horizon} at least {needed:,} are needed to learn, to choose by and to hold out. Make "
                "--horizon shorter, or add history."
            )
        return np.sort(np.concatenate(held))

    def check_parts(self, part: np.ndarray) -> None:
        """DataError where a training row comes after a held-out row of its series."""
        order = {"train": 0, "valid": 1, "test": 2}
        ranks = np.array([order.get(each, 0) for each in part])
        by_time = np.argsort(self.index, kind="stable")
        ranks, codes = ranks[by_time], self.table.codes[self.index[by_time]]
        wrong = np.flatnonzero((ranks[1:] < ranks[:-1]) & (codes[1:] == codes[:-1]))
        if len(wrong):
            before, after = (int(by_time[wrong[0] + step]) for step in (0, 1))
            raise DataError(
                f"{self.name}, {self.where(after)}: a row of the part '{part[after]}' comes after "
                f"{self.where(before)} of the part '{part[before]}' in time. A forecast is learned from the "
                "past: give the last rows of each series to the test, or leave --split away."
            )


def _series(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    some = ", ".join(repr(name) for name in names[:NAMED])
    return f"series {some}{more} {'have' if len(names) > 1 else 'has'}"


def _hashed(text: str) -> int:
    from hashlib import blake2b

    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def _mixed(bits: Any) -> np.ndarray:
    """Well spread bits: the finaliser of SplitMix64 (Steele et al. 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
