"""Dates and times written as text: which way they are written, and the same as microseconds since 1970."""

from __future__ import annotations

import polars as pl

FORMS = {
    "iso": ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f"),
    "YYYY/MM/DD": ("%Y/%m/%d", "%Y/%m/%dT%H:%M", "%Y/%m/%dT%H:%M:%S%.f"),
    "DD.MM.YYYY": ("%d.%m.%Y", "%d.%m.%YT%H:%M", "%d.%m.%YT%H:%M:%S%.f"),
    "MM/DD/YYYY": ("%m/%d/%Y", "%m/%d/%YT%H:%M", "%m/%d/%YT%H:%M:%S%.f"),
    "DD/MM/YYYY": ("%d/%m/%Y", "%d/%m/%YT%H:%M", "%d/%m/%YT%H:%M:%S%.f"),
    "YYYY-MM": (),
}
"""How dates are written -> the patterns to try; where a column fits both MM/DD and DD/MM, the first is
taken."""

SHAPES = {
    "iso": r"^\d{4}-\d{1,2}-\d{1,2}([T ]|$)",
    "YYYY/MM/DD": r"^\d{4}/\d{1,2}/\d{1,2}([T ]|$)",
    "DD.MM.YYYY": r"^\d{1,2}\.\d{1,2}\.\d{4}([T ]|$)",
    "MM/DD/YYYY": r"^\d{1,2}/\d{1,2}/\d{4}([T ]|$)",
    "DD/MM/YYYY": r"^\d{1,2}/\d{1,2}/\d{4}([T ]|$)",
    "YYYY-MM": r"^\d{4}-\d{2}$",
}
ZONE = r"(Z|[+-]\d{2}:?\d{2})$"
TRIED = 1000
LONGEST = 40


def date_format(texts: pl.Series) -> str | None:
    """The first form in which all of the first TRIED texts are dates, or None."""
    sample = texts.drop_nulls().head(TRIED)
    if len(sample) == 0 or sample.str.len_bytes().max() > LONGEST:  # type: ignore[operator]
        return None
    for form, shape in SHAPES.items():
        if bool(sample.str.contains(shape).all()) and parse_dates(texts.drop_nulls(), form).null_count() == 0:
            return form
    return None


def parse_dates(texts: pl.Series, form: str) -> pl.Series:
    """Datetime in microseconds, in UTC where a text names its zone.

    Null where a text is no date of this form.
    """
    if form == "YYYY-MM":
        return (texts + "-01").str.to_datetime("%Y-%m-%d", time_unit="us", strict=False)
    plain = texts.str.replace(r"^(\S+) (\d)", "${1}T$2")
    offset = _offset_us(plain) if bool(plain.head(TRIED).str.contains(r":.*" + ZONE).any()) else None
    if offset is not None:
        plain = plain.str.replace(ZONE, "").str.strip_chars()
    parsed = pl.repeat(None, len(texts), dtype=pl.Datetime("us"), eager=True)
    for pattern in FORMS[form]:
        if parsed.null_count() == texts.null_count():
            break
        parsed = parsed.fill_null(plain.str.to_datetime(pattern, time_unit="us", strict=False))
    return parsed if offset is None else (parsed.cast(pl.Int64) - offset).cast(pl.Datetime("us"))


def _offset_us(texts: pl.Series) -> pl.Series:
    """Microseconds by which each text's zone is ahead of UTC: +05:30 -> 19,800,000,000."""
    parts = texts.str.extract_groups(r":.*([+-])(\d{2}):?(\d{2})$").struct.unnest()
    minutes = parts["2"].cast(pl.Int64) * 60 + parts["3"].cast(pl.Int64)
    sign = parts["1"].replace_strict({"+": 1, "-": -1}, default=0, return_dtype=pl.Int64)
    return (minutes * sign).fill_null(0) * 60_000_000
