"""What holds a table in memory, as a Polars frame.

Other frames, named arrays, records, a matrix, a pair of inputs and target.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np
import polars as pl

from deepfit.errors import DataError

PAIR_TARGET = "target"
"""The name that the second of a pair (X, y) goes by."""

NOT_BY_ARROW = (ImportError, TypeError, ValueError, NotImplementedError, pl.exceptions.PolarsError)
"""How a conversion fails where pyarrow is missing, or where a column's objects are of mixed types."""


def frame_of(source: Any) -> tuple[pl.DataFrame, str, bool]:
    """(frame, name, matrix) of what holds a table; the user's object is never changed.

    name: for messages. matrix: the columns are numbers without names of their own. DataError where it holds
    no table.
    """
    if is_pair(source):
        inputs, _, matrix = frame_of(source[0])
        return _joined(inputs, series_of(PAIR_TARGET, source[1])), "the pair (X, y)", matrix
    if isinstance(source, np.ndarray) or (isinstance(source, list | tuple) and _is_nested(source)):
        matrix = np.asarray(source)
        return _from_matrix(matrix), "the array", matrix.dtype.kind in "iuf"
    if isinstance(source, Mapping):
        return _from_mapping(source), "the arrays", False
    if isinstance(source, list | tuple) and source and all(isinstance(record, Mapping) for record in source):
        return from_records(source), "the records", False
    return _from_frame(source), "the frame", False


def is_pair(source: Any) -> TypeGuard[tuple[Any, Any]]:
    """Whether a source is (X, y): a table without its target, and the target."""
    return (
        isinstance(source, tuple)
        and len(source) == 2
        and not isinstance(source[0], str | bytes)
        and np.ndim(source[1]) == 1
        and (hasattr(source[0], "columns") or np.ndim(source[0]) == 2 or isinstance(source[0], Mapping))
    )


def from_records(records: Sequence[Mapping]) -> pl.DataFrame:
    """A column for every key of any record, null where a record lacks it."""
    names = list(dict.fromkeys(name for record in records for name in record))
    return pl.DataFrame([series_of(str(name), [record.get(name) for record in records]) for name in names])


def series_of(name: str, values: Any) -> pl.Series:
    """A column from an array, a list or another library's column; mixed values become words."""
    import narwhals as nw

    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise DataError(
                f"column '{name}': expected one axis, received shape {values.shape}. Give each column its "
                "own name."
            )
        return pl.Series(name, _plain(values), strict=False)
    column = nw.from_native(values, series_only=True, pass_through=True)
    if isinstance(column, nw.Series):
        try:
            return column.to_polars().alias(name)
        except NOT_BY_ARROW:
            absent = column.is_null().to_list()
            cells = [None if empty else cell for cell, empty in zip(column.to_list(), absent, strict=True)]
            return pl.Series(name, cells, strict=False)
    return pl.Series(name, values, strict=False)


def check_names(names: Sequence[str], source: str) -> None:
    """DataError where two columns share a name."""
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise DataError(
            f"{source}: {names.count(repeated[0])} columns share the name '{repeated[0]}'. Rename all but "
            "one."
        )


def _is_nested(source: Sequence) -> bool:
    return bool(source) and all(isinstance(row, list | tuple | np.ndarray) for row in source)


def _joined(inputs: pl.DataFrame, target: pl.Series) -> pl.DataFrame:
    if len(inputs) != len(target):
        raise DataError(
            f"the pair (X, y): X has {len(inputs)} rows and y has {len(target)}. Each row needs its target."
        )
    check_names([*inputs.columns, target.name], "the pair (X, y)")
    return inputs.with_columns(target)


def _from_matrix(matrix: np.ndarray) -> pl.DataFrame:
    if matrix.ndim != 2:
        raise DataError(
            f"the array: expected two axes, [rows, columns], received shape {matrix.shape}. "
            "One column is array.reshape(-1, 1)."
        )
    if matrix.dtype.names is not None or matrix.dtype.kind not in "biufOUS":
        raise DataError(
            f"the array: expected numbers or words, received values of type {matrix.dtype}. "
            "Convert them, or pass a frame."
        )
    return pl.DataFrame([series_of(f"x{place}", matrix[:, place]) for place in range(matrix.shape[1])])


def _from_mapping(source: Mapping) -> pl.DataFrame:
    columns = [
        series_of(str(name), values if hasattr(values, "__len__") else [values])
        for name, values in source.items()
    ]
    lengths = {column.name: len(column) for column in columns}
    if len(set(lengths.values())) > 1:
        raise DataError(f"the arrays differ in length: received {lengths}. Each needs one value a row.")
    check_names(list(map(str, source)), "the arrays")
    return pl.DataFrame(columns)


def _plain(values: np.ndarray) -> Any:
    """NumPy values that Polars takes: objects, words and half precision go by way of Python or float32."""
    if values.dtype.kind in "OSU":
        return [each.decode() if isinstance(each, bytes) else each for each in values.tolist()]
    if values.dtype in (np.float16, np.longdouble):
        return values.astype(np.float32 if values.dtype == np.float16 else np.float64)
    if values.dtype.kind == "M":  # Polars knows no years, months, hours, minutes and seconds
        days = np.datetime_data(values.dtype)[0] in ("Y", "M", "W", "D")
        return values.astype("datetime64[D]" if days else "datetime64[us]")
    return np.ascontiguousarray(values)


def _from_frame(source: Any) -> pl.DataFrame:
    import narwhals as nw

    if isinstance(source, pl.DataFrame | pl.LazyFrame):
        return source.lazy().collect()
    check_names([str(name) for name in getattr(source, "columns", ())], "the frame")
    try:
        frame = nw.from_native(source)
    except TypeError:
        raise DataError(
            f"the source is a {type(source).__name__}, which is no table. Pass a path, a frame (pandas, "
            "Polars, ...), "
            "a mapping of arrays, a list of records, a NumPy matrix or a pair (X, y)."
        ) from None
    if isinstance(frame, nw.LazyFrame):
        return frame.collect("polars").to_native()
    return pl.DataFrame([series_of(str(name), frame[name].to_native()) for name in frame.columns])
