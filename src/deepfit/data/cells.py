"""The cells of a text file as columns with types: whole numbers, numbers, yes and no, or text.

And the stray word among numbers.

A `Column` takes its cells block by block. What a column is follows from all its cells: a column of numbers
with a few words in it is a mistake to be named (row, column, value), a column with many words is text. In
large files each block is kept in the smallest type that loses nothing of value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

MARKERS = (
    "", "NA", "N/A", "n/a", "na", "#N/A", "<NA>", "NaN", "nan", "NAN",
    "null", "NULL", "Null", "None", "none", "NONE", "?", "-",
)  # fmt: skip
"""What means a missing value in a column of numbers or dates; in words, only the empty cell does, and what
--missing names."""

STRAY_SHARE = 0.05
"""A column of which fewer cells than this are no numbers is a column of numbers with mistakes in it."""

FLOAT32_SPREAD = 1000.0
"""float32 has 24 bits: where |median| / IQR is below this, it still tells apart steps of IQR / 16,000."""

LARGEST_FLOAT32 = 1e37

BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class TextAfterAll(Exception):
    """A column that began as numbers holds too many words: the file has to be read again with it as text."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass
class Column:
    """One column as it is read.

    as_text: never try numbers (--kinds says category or text). as_number: every word is a mistake; lenient:
    none is, but makes a column of words. kind: "" (nothing but missing values so far), "int", "float", "bool"
    or "text". strays: cells that fit no number; first_stray: (row of the table, value).
    """

    name: str
    missing: Sequence[str] = ()
    as_text: bool = False
    as_number: bool = False
    lenient: bool = False
    decimal_comma: bool = False
    kind: str = ""
    strays: int = 0
    filled: int = 0
    rows: int = 0
    first_stray: tuple[int, str] | None = None
    commas: bool = False
    chunks: list[pl.Series] = field(default_factory=list)

    def storage(self) -> pl.DataType | type[pl.DataType]:
        """The type in which the next block may be tried."""
        plain = not self.commas and not self.missing
        return {"int": pl.Int64, "float": pl.Float64}.get(self.kind, pl.String) if plain else pl.String

    def add(self, cells: pl.Series) -> None:
        """One more block; cells are texts, or numbers where the parser has found nothing but numbers."""
        if cells.dtype != pl.String:
            self.filled += len(cells) - cells.null_count()
            values = cells.fill_nan(None) if cells.dtype.is_float() else cells
        else:
            values = self._typed(cells.str.strip_chars())
        self.rows += len(values)
        self.chunks.append(values)

    def shrink(self, *, every: bool) -> None:
        """The last block, or every one, in its smallest type."""
        first = 0 if every else len(self.chunks) - 1
        self.chunks[first:] = [smallest(chunk) for chunk in self.chunks[first:]]

    def finish(self) -> pl.Series:
        """The whole column, in one piece; the blocks are given up."""
        chunks, self.chunks = self.chunks, []
        if (
            self.kind == "text"
            and chunks
            and all(isinstance(chunk.dtype, pl.Categorical) for chunk in chunks)
        ):
            words = sorted(
                {
                    word
                    for chunk in chunks
                    for word in chunk.unique().cast(pl.String).to_list()
                    if word is not None
                }
            )
            chunks = [chunk.cast(pl.Enum(words)) for chunk in chunks]
        elif self.kind in ("int", "float"):
            dtype = widest([chunk.dtype for chunk in chunks])
            chunks = [chunk.cast(dtype) for chunk in chunks]
        elif self.kind in ("", "text"):
            chunks = [chunk.cast(pl.String) for chunk in chunks]
        else:
            chunks = [chunk.cast(pl.Boolean) for chunk in chunks]
        return (
            pl.concat(chunks, rechunk=True).alias(self.name)
            if chunks
            else pl.Series(self.name, [], dtype=pl.String)
        )

    def _typed(self, texts: pl.Series) -> pl.Series:
        own = [*self.missing, ""]
        if self.as_text or self.kind == "text":
            self.kind = "text"
            return _without(texts, own)
        filled = _without(texts, [*MARKERS, *self.missing])
        present = len(filled) - filled.null_count()
        self.filled += present
        if present == 0:
            return (
                filled
                if self.kind == ""
                else filled.cast({"int": pl.Int64, "float": pl.Float64, "bool": pl.Boolean}[self.kind])
            )
        values, kind = self._numbers(filled)
        failed = values.null_count() - filled.null_count()
        if failed == 0 and not (
            kind == "int" and filled.str.contains(r"^[+-]?0\d").any() and not self.as_number
        ):
            if self.kind == "bool":
                raise TextAfterAll(self.name)
            self.kind = "float" if "float" in (kind, self.kind) else kind
            return values
        if self.kind in ("", "bool") and failed == present:
            booleans = filled.replace_strict(BOOLEANS, default=None, return_dtype=pl.Boolean)
            if booleans.null_count() == filled.null_count() and not self.as_number:
                self.kind = "bool"
                return booleans
        return self._with_strays(texts, filled, values, failed)

    def _with_strays(self, texts: pl.Series, filled: pl.Series, values: pl.Series, failed: int) -> pl.Series:
        self.strays += failed
        few = failed and self.kind != "bool" and self.strays < STRAY_SHARE * self.filled
        if self.as_number or (few and not self.lenient):
            if self.first_stray is None:
                place = (values.is_null() & filled.is_not_null()).arg_max() or 0
                self.first_stray = (self.rows + place, texts[place])
            self.kind = "float"
            return values
        if self.chunks and self.kind != "":
            raise TextAfterAll(self.name)
        self.kind = "text"
        return _without(texts, [*self.missing, ""])

    def _numbers(self, texts: pl.Series) -> tuple[pl.Series, str]:
        """Whole numbers where all are, else numbers, null where a text is neither.

        With decimal commas where the file's are.
        """
        missing = texts.null_count()
        whole = texts.cast(pl.Int64, strict=False)
        if whole.null_count() == missing:
            return whole, "int"
        numbers = texts.cast(pl.Float64, strict=False)
        if self.decimal_comma and numbers.null_count() > missing:
            with_commas = texts.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
            if with_commas.null_count() == missing:
                self.commas = True
                return with_commas, "float"
        return numbers, "float"


def _without(texts: pl.Series, markers: Sequence[str]) -> pl.Series:
    """The texts with null in place of the markers."""
    found = texts.is_in(list(markers))
    return pl.select(pl.when(~found).then(texts)).to_series().alias(texts.name) if found.any() else texts


def smallest(values: pl.Series) -> pl.Series:
    """The same values in the smallest type.

    Whole numbers exactly, numbers as float32 where their spread allows it, few words as codes.
    """
    if values.dtype.is_integer():
        if values.null_count() == len(values):
            return values.cast(pl.Int8)
        low, high = int(values.min()), int(values.max())  # type: ignore[arg-type]
        for dtype in (pl.Int8, pl.Int16, pl.Int32):
            if -(2 ** (_bits(dtype) - 1)) <= low <= high < 2 ** (_bits(dtype) - 1):
                return values.cast(dtype)
        return values
    if values.dtype == pl.Float64:
        return values.cast(pl.Float32) if fits_float32(values) else values
    if values.dtype == pl.String and len(values):
        sample = values.head(10_000)
        if sample.n_unique() <= len(sample) / 10 and values.n_unique() <= min(65_000, len(values) / 10):
            return values.cast(pl.Categorical)
    return values


def fits_float32(values: pl.Series) -> bool:
    """Whether rounding to float32 changes the values by little against their spread.

    And none of them overflows.
    """
    finite = values.gather_every(max(1, len(values) // 20_000)).drop_nulls().to_numpy()
    finite = finite[np.isfinite(finite)]
    if len(finite) == 0:
        return True
    low, middle, high = np.quantile(finite, (0.25, 0.5, 0.75))
    spread = high - low or np.ptp(finite)
    limit = float(values.abs().max() or 0.0)  # type: ignore[arg-type]
    return bool(abs(middle) < FLOAT32_SPREAD * spread and (limit < LARGEST_FLOAT32 or np.isinf(limit)))


def widest(dtypes: Sequence[pl.DataType]) -> pl.DataType | type[pl.DataType]:
    """The type that holds the values of all these number types."""
    kinds = set(dtypes)
    if pl.Float64 in kinds or (
        pl.Float32 in kinds and any(kind.is_integer() and _bits(kind) > 16 for kind in kinds)
    ):
        return pl.Float64
    if pl.Float32 in kinds:
        return pl.Float32
    return next((kind for kind in (pl.Int64, pl.Int32, pl.Int16, pl.Int8) if kind in kinds), pl.Float64)


def _bits(dtype: pl.DataType | type[pl.DataType]) -> int:
    return int(str(dtype).removeprefix("UInt").removeprefix("Int"))
