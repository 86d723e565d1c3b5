"""What kind of thing each column of a table holds: inferred, with a reason in one line, and overridable.

number, category and datetime columns are inputs. text, identifier and constant columns are not, and neither
is what the user marks `ignore`: a network for tables would only learn such a column by heart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from deepfit.data.cells import MARKERS
from deepfit.data.dates import date_format, parse_dates
from deepfit.data.tables import Table
from deepfit.data.text_tables import not_a_number
from deepfit.errors import DataError, OptionError, suggest

KINDS = ("number", "category", "datetime", "text", "identifier", "constant", "ignore")
INPUTS = ("number", "category", "datetime")
SPELLINGS = {
    "numeric": "number", "numerical": "number", "categorical": "category", "id": "identifier",
    "date": "datetime", "time": "datetime", "date and time": "datetime", "skip": "ignore", "drop": "ignore",
}  # fmt: skip

SAMPLE = 100_000
FEWEST_FOR_IDENTIFIER = 20
NAMED_LIKE_AN_IDENTIFIER = re.compile(
    r"(^|[\s_.\-])(id|ids|uuid|guid|index|row_?(id|number|nr))$|^Unnamed: \d+$|^$"
    r"|(?-i:[a-z](Id|ID|Uuid|UUID)$)",
    re.IGNORECASE,
)
UUID = r"(?i)^\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?$"


class Kind(NamedTuple):
    """A column's kind and why; `form` is how its dates are written ("" where they have a type already)."""

    kind: str
    reason: str
    form: str = ""


def parse_kinds(given: str | Mapping[str, str] | None) -> dict[str, str]:
    """Column -> kind from the option's text `zip=category,id=ignore`, or from a mapping.

    OptionError for a kind that does not exist.
    """
    if not given:
        return {}
    if isinstance(given, str):
        pairs = [each.rpartition("=") for each in given.split(",") if each.strip()]
        wrong = next((pair for pair in pairs if not pair[1]), None)
        if wrong is not None:
            raise OptionError(
                "--kinds: expected COLUMN=KIND with commas between, such as zip=category,id=ignore; "
                f"received '{wrong[2]}'."
            )
        given = {name.strip(): kind for name, _, kind in pairs}
    kinds = {
        str(name): SPELLINGS.get(kind.strip().lower(), kind.strip().lower()) for name, kind in given.items()
    }
    for name, kind in kinds.items():
        if kind not in KINDS:
            raise OptionError(
                f"--kinds: there is no kind '{kind}' (of column '{name}'). {suggest(kind, KINDS)} Kinds are "
                f"{', '.join(KINDS)}."
            )
    return kinds


def infer_kinds(table: Table, given: Mapping[str, str], *, but: str | None = None) -> dict[str, Kind]:
    """The kind of every column but the target; what is given stands, and names a column that exists."""
    for name in given:
        if name not in table.frame.columns:
            raise OptionError(
                f"--kinds: {table.name} has no column '{name}'. {suggest(name, table.frame.columns)}"
            )
    return {
        column.name: _given(column, given[column.name])
        if column.name in given
        else infer(column, matrix=table.matrix)
        for column in table.frame
        if column.name != but
    }


def infer(column: pl.Series, *, matrix: bool = False) -> Kind:
    """The kind of one column, from its type.

    Its name and its values (at most SAMPLE of them where it is long).

    matrix: the column has no name of its own and is a number whatever its values.
    """
    dtype = column.dtype
    if column.null_count() == len(column):
        return Kind("constant", "no row has a value")
    if matrix:
        return Kind("number", "a column of a matrix")
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Unknown):
        return Kind(
            "ignore", f"holds {str(dtype).split('(')[0].lower()} values, which are no input of a table"
        )
    if dtype.is_numeric():
        return _number(column)
    if dtype == pl.Boolean:
        return _once(column) or Kind("category", "yes or no")
    if dtype.is_temporal():
        return _once(column) or Kind(
            "datetime", f"typed as {'a date' if dtype == pl.Date else 'date and time'}"
        )
    return _once(column) or _words(column)


def as_kind(table: Table, column: pl.Series, kind: Kind) -> pl.Series:
    """The column in the type that its kind is encoded from: numbers, words, or microseconds.

    DataError naming the row that does not fit.
    """
    if kind.kind == "number" and not column.dtype.is_numeric():
        return _as_number(table, column)
    if kind.kind == "category":
        return as_words(column)
    if kind.kind == "datetime":
        return _as_datetime(table, column, kind.form)
    return column


def as_words(column: pl.Series) -> pl.Series:
    """Values as words, one spelling for each: 3 and 3.0 are "3", True is "true"."""
    if column.dtype == pl.String or isinstance(column.dtype, pl.Enum):
        return column
    if column.dtype.is_float():
        whole = column.is_finite() & (column == column.round()) & (column.abs() < 2**53)
        texts = pl.select(
            pl.when(whole)
            .then(column.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(column.cast(pl.String))
        )
        return texts.to_series().alias(column.name)
    return column.cast(pl.String)


def _given(column: pl.Series, kind: str) -> Kind:
    form = ""
    if kind == "datetime" and (column.dtype == pl.String or isinstance(column.dtype, pl.Enum)):
        form = date_format(column.cast(pl.String)) or "iso"
    return Kind(kind, "given", form)


def _once(column: pl.Series) -> Kind | None:
    """constant, where one value stands in every row."""
    if column.null_count() == 0 and (column.head(1000).n_unique() == 1) and column.n_unique() == 1:
        return Kind("constant", f"every row holds {column[0]!r}")
    return None


def _number(column: pl.Series) -> Kind:
    present = column.drop_nulls() if column.null_count() else column
    if column.null_count() == 0 and present.min() == present.max():
        return Kind("constant", f"every row holds {column[0]}")
    if column.dtype.is_integer() and column.null_count() == 0:
        named = bool(NAMED_LIKE_AN_IDENTIFIER.search(column.name))
        rows, low, high = len(column), present.min(), present.max()
        counted = high - low == rows - 1 and low in (0, 1) and rows >= FEWEST_FOR_IDENTIFIER  # type: ignore[operator]
        if counted and column.is_sorted():
            return Kind("identifier", f"counts the rows from {low} to {high}")
        if named and column.n_unique() == rows:
            return Kind("identifier", "named like an identifier, and no value repeats")
    sample = present.head(SAMPLE)
    return Kind("number", f"numbers, {_distinct(sample.n_unique(), len(sample), len(present))} different")


def _words(column: pl.Series) -> Kind:
    present = column.drop_nulls()
    sample = (present if len(present) <= SAMPLE else present.gather_every(len(present) // SAMPLE)).cast(
        pl.String
    )
    distinct, rows = sample.n_unique(), len(sample)
    form = date_format(sample)
    if form is not None and parse_dates(present.cast(pl.String), form).null_count() == 0:
        return Kind("datetime", f"dates written as {form}", form)
    words = float((sample.str.count_matches(r"\s+") + 1).mean() or 1)  # type: ignore[arg-type]
    share = distinct / rows
    if share > 0.5 and rows >= FEWEST_FOR_IDENTIFIER and words >= 4:
        return Kind("text", f"{words:.0f} words a row, and {share:.0%} of the rows differ")
    if rows >= FEWEST_FOR_IDENTIFIER and distinct == rows and (words < 3 or sample.str.contains(UUID).all()):
        return Kind("identifier", "no value repeats")
    if rows >= FEWEST_FOR_IDENTIFIER and share > 0.9 and NAMED_LIKE_AN_IDENTIFIER.search(column.name):
        return Kind("identifier", f"named like an identifier, and {share:.0%} of the values differ")
    return Kind("category", f"words, {_distinct(distinct, rows, len(present))} different")


def _distinct(distinct: int, looked_at: int, rows: int) -> str:
    return f"{distinct:,}" + (f" among {looked_at:,} rows" if looked_at < rows else "")


def _as_number(table: Table, column: pl.Series) -> pl.Series:
    if column.dtype == pl.Boolean or column.dtype.is_temporal():
        return column.cast(pl.Int64).cast(pl.Float64)
    texts = column.cast(pl.String)
    texts = pl.select(pl.when(~texts.is_in(list(MARKERS))).then(texts)).to_series()
    numbers = texts.cast(pl.Float64, strict=False).fill_nan(None)
    if numbers.null_count() > texts.null_count():
        place = (numbers.is_null() & texts.is_not_null()).arg_max() or 0
        raise not_a_number(table.name, table.where(place), column.name, texts[place])
    return numbers.alias(column.name)


def _as_datetime(table: Table, column: pl.Series, form: str) -> pl.Series:
    if column.dtype.is_temporal():
        return (
            column.cast(pl.Datetime("us"))
            if not isinstance(column.dtype, pl.Datetime)
            else column.dt.cast_time_unit("us")
        )
    texts = column.cast(pl.String)
    texts = pl.select(pl.when(~texts.is_in(list(MARKERS))).then(texts)).to_series()
    parsed = parse_dates(texts, form or "iso")
    if parsed.null_count() > texts.null_count() and form != "iso":
        parsed = parsed.fill_null(parse_dates(texts, "iso"))
    if parsed.null_count() > texts.null_count():
        place = (parsed.is_null() & texts.is_not_null()).arg_max() or 0
        raise DataError(
            f"{table.name}, {table.where(place)}, column '{column.name}': expected a date written as "
            f"{form or 'YYYY-MM-DD'}, "
            f"received '{texts[place]}'.\n  Write it as the others are, or leave the cell empty, or pass "
            f"--kinds {column.name}=category."
        )
    return parsed.alias(column.name)
