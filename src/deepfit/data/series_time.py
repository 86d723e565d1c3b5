"""Time stamps of series: how far apart they are, each one's place on that grid, and the stamps to come."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

SECOND = 1_000_000
DAY = 86_400 * SECOND
LEAST_ON_GRID = 0.9
"""Share of the stamps that must be a calendar's (business days, months) for that calendar to be meant."""

NAMES = {
    DAY: "day", 7 * DAY: "week", 3600 * SECOND: "hour", 1800 * SECOND: "half hour",
    900 * SECOND: "quarter of an hour", 60 * SECOND: "minute", SECOND: "second",
}  # fmt: skip
MONTHS = {1: "month", 3: "quarter", 12: "year"}


@dataclass(frozen=True)
class Frequency:
    """The distance between stamps: `step` units.

    unit: "microseconds", "business days" (Monday to Friday), "months" (the same day of the month, or the last
    of months that are shorter), or "steps", where the stamps are whole numbers.
    """

    unit: Literal["microseconds", "business days", "months", "steps"]
    step: int

    def __str__(self) -> str:
        if self.unit == "months":
            return MONTHS.get(self.step, f"{self.step} months")
        if self.unit == "business days":
            return "business day" if self.step == 1 else f"{self.step} business days"
        if self.unit == "steps":
            return "step" if self.step == 1 else f"{self.step} steps"
        for size, name in NAMES.items():
            if self.step == size:
                return name
        for size, name in ((DAY, "days"), (3600 * SECOND, "hours"), (60 * SECOND, "minutes")):
            if self.step % size == 0:
                return f"{self.step // size} {name}"
        return f"{self.step / SECOND:g} seconds"

    @classmethod
    def of(cls, learned: dict[str, Any]) -> Frequency:
        """From facts."""
        return cls(learned["unit"], int(learned["step"]))

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def cycles(self) -> list[int]:
        """Lengths of the usual cycles of this frequency in stamps, the shortest first.

        The day, the week and the year, as far as they have more than one stamp.
        """
        if self.unit == "months":
            return [12 // self.step] if self.step in (1, 2, 3, 4, 6) else []
        if self.unit == "business days":
            return [5, 261] if self.step == 1 else []
        if self.unit == "steps":
            return []
        lengths = [DAY / self.step, 7 * DAY / self.step, 365.25 * DAY / self.step]
        found = [round(each) for each in lengths if each >= 1.9]
        if self.step == 7 * DAY:
            found = [52]
        if self.step < 3600 * SECOND:
            found = [round(3600 * SECOND / self.step), *found]
        return [each for each in found if each > 1]


def find_frequency(stamps: np.ndarray, series: np.ndarray, *, dates: bool) -> Frequency | None:
    """The distance that most neighbouring stamps have; None where no series has two stamps.

    stamps: int64, ascending within each series and without duplicates, microseconds since 1970 where they are
    dates; series: the series of each.
    """
    within = series[1:] == series[:-1]
    apart = np.diff(stamps)[within]
    apart = apart[apart > 0]
    if not len(apart):
        return None
    sizes, counts = np.unique(apart, return_counts=True)
    usual = int(sizes[np.argmax(counts)])
    if not dates:
        return Frequency("steps", usual)
    if sizes[0] >= 28 * DAY:
        months = np.diff(_months(stamps))[within]
        steps, counts = np.unique(months[months > 0], return_counts=True)
        monthly = Frequency("months", int(steps[np.argmax(counts)])) if len(steps) else None
        if monthly is not None and _mostly_on(stamps, series, monthly):
            return monthly
    if usual == DAY:
        weekdays = (stamps // DAY + 3) % 7
        if not np.isin(weekdays, (5, 6)).any() and (apart == 3 * DAY).sum() * 8 >= (apart == DAY).sum():
            return Frequency("business days", 1)
    return Frequency("microseconds", usual)


def _mostly_on(stamps: np.ndarray, series: np.ndarray, frequency: Frequency) -> bool:
    _, on = places(stamps, series, frequency)
    return bool(on.mean() >= LEAST_ON_GRID)


def places(stamps: np.ndarray, series: np.ndarray, frequency: Frequency) -> tuple[np.ndarray, np.ndarray]:
    """The place of each stamp on the grid of its series, from 0 for the first, and whether it lies on it.

    stamps ascending within each series; series: any codes, equal ones side by side.
    """
    first = _first_of_each(series)
    if frequency.unit in ("microseconds", "steps"):
        place, rest = np.divmod(stamps - stamps[first], frequency.step)
        return place, rest == 0
    times = stamps % DAY
    if frequency.unit == "business days":
        days = (stamps // DAY).astype("datetime64[D]")
        count = np.busday_count(np.datetime64("1970-01-01"), days)
        place, rest = np.divmod(count - count[first], frequency.step)
        return place, (rest == 0) & np.is_busday(days) & (times == times[first])
    months, anchors = _months(stamps), month_days(stamps, series)
    place, rest = np.divmod(months - months[first], frequency.step)
    expected = np.minimum(anchors, _length_of(months))
    return place, (rest == 0) & (_day(stamps) == expected) & (times == times[first])


def month_days(stamps: np.ndarray, series: np.ndarray) -> np.ndarray:
    """The day of the month on which each stamp's series lies; 31 where all are the last of their month."""
    days, lengths = _day(stamps), _length_of(_months(stamps))
    found = np.empty(len(stamps), np.int64)
    starts = np.flatnonzero(np.append(True, series[1:] != series[:-1]))
    for start, stop in zip(starts, [*starts[1:], len(stamps)], strict=True):
        own = days[start:stop]
        found[start:stop] = 31 if (own == lengths[start:stop]).all() else own.max(initial=1)
    return found


def stamps_from(first: int, places_: np.ndarray, frequency: Frequency, *, day: int = 1) -> np.ndarray:
    """The stamps at these places of a grid that begins at `first`; day: of months, as `month_days` says."""
    places_ = np.asarray(places_, np.int64)
    if frequency.unit in ("microseconds", "steps"):
        return first + places_ * frequency.step
    time = first % DAY
    if frequency.unit == "business days":
        start = np.array(first // DAY).astype("datetime64[D]")
        days = np.busday_offset(start, places_ * frequency.step, roll="forward")
        return days.astype(np.int64) * DAY + time
    months = int(_months(np.array([first]))[0]) + places_ * frequency.step
    firsts = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return (firsts + np.minimum(day, _length_of(months)) - 1) * DAY + time


def _first_of_each(series: np.ndarray) -> np.ndarray:
    """For each row the row at which its series begins."""
    new = np.append(True, series[1:] != series[:-1])
    return np.flatnonzero(new)[np.cumsum(new) - 1]


def _months(stamps: np.ndarray) -> np.ndarray:
    """Months since 1970."""
    return (stamps // DAY).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _day(stamps: np.ndarray) -> np.ndarray:
    """Day of the month, from 1."""
    days = (stamps // DAY).astype("datetime64[D]")
    return (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1


def _length_of(months: np.ndarray) -> np.ndarray:
    """Days of these months since 1970."""
    ends = (months + 1).astype("datetime64[M]").astype("datetime64[D]")
    return (ends - months.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64)


def shown(stamp: int, *, dates: bool) -> str:
    """A stamp as people write it."""
    if not dates:
        return str(int(stamp))
    text = str(np.datetime64(int(stamp), "us").astype("datetime64[s]")).replace("T", " ")
    return text.removesuffix(" 00:00:00")


def periods(first: int, last: int, frequency: Frequency) -> list[str]:
    """The periods ("day", "week", "year") whose course the stamps from first to last can teach: two of each.

    And of which each has more than one stamp. None for whole numbers.
    """
    if frequency.unit == "steps":
        return []
    step = {"months": 30 * DAY * frequency.step, "business days": DAY}.get(frequency.unit, frequency.step)
    lengths = {"day": DAY, "week": 7 * DAY, "year": 365.25 * DAY}
    return [
        name
        for name, size in lengths.items()
        if step * 1.9 <= size and last - first + step >= 2 * size - step
    ]


def calendar(stamps: np.ndarray, of: Collection[str]) -> np.ndarray:
    """What the date tells of each stamp, known in advance: float32 [stamps, features].

    of: the periods to tell the place in: "day" by two waves, "week" by seven columns of 0 and 1, "year" by
    three waves.
    """
    columns: list[np.ndarray] = []
    days = stamps / DAY

    def waves(phase: np.ndarray, count: int) -> None:
        for each in range(1, count + 1):
            columns.extend((np.sin(2 * np.pi * each * phase), np.cos(2 * np.pi * each * phase)))

    if "day" in of:
        waves(days % 1, 2)
    if "week" in of:
        weekday = (stamps // DAY + 3) % 7
        columns.extend((weekday == each).astype(float) for each in range(7))
    if "year" in of:
        dates = (stamps // DAY).astype("datetime64[D]")
        of_year = (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(float)
        waves(of_year / 365.25, 3)
    return np.stack(columns, 1).astype(np.float32) if columns else np.zeros((len(stamps), 0), np.float32)
