"""What commands hand to other programs: one line of JSON, or a file that appears whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from deepfit.errors import DataError, OptionError

if TYPE_CHECKING:
    from deepfit.contract import Answers

FORMATS = (".csv", ".parquet", ".jsonl")


def json_line(value: Any) -> str:
    """A value as one line of strict JSON: no NaN, no infinity."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, default=str)


def check_destination(path: str, *, overwrite: bool) -> None:
    """OptionError, before any work is done, where answers cannot be written to this path."""
    if not path.lower().endswith(FORMATS):
        raise OptionError(f"--out {path}: the file's ending says its format: one of {', '.join(FORMATS)}.")
    if os.path.exists(path) and not overwrite:
        raise OptionError(f"--out {path}: the file exists already. Name another, or pass --overwrite.")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise OptionError(f"--out {path}: there is no folder '{folder}'. Create it first.")


def write_answers(answers: Answers, path: str) -> None:
    """Write a table of answers in the format that the path's ending names (.csv, .parquet, .jsonl)."""
    frame = _frame(answers)
    with replacing(path) as temporary:
        if path.lower().endswith(".csv"):
            _flat(frame).write_csv(temporary)
        elif path.lower().endswith(".parquet"):
            frame.write_parquet(temporary)
        else:
            frame.write_ndjson(temporary)


def answers_csv(answers: Answers) -> str:
    """Answers as the text of a CSV file with a header line."""
    return _flat(_frame(answers)).write_csv()


def _flat(frame: Any) -> Any:
    """The frame as CSV can hold it: lists as texts with ";" between their values."""
    import polars

    lists = [name for name, dtype in frame.schema.items() if dtype == polars.List]
    return frame.with_columns(
        polars.col(name).cast(polars.List(polars.String)).list.join(";") for name in lists
    )


def _frame(answers: Answers) -> Any:
    import polars

    return polars.DataFrame(
        {
            name: values.tolist() if hasattr(values, "tolist") else list(values)
            for name, values in answers.columns.items()
        }
    )


@contextmanager
def replacing(path: str) -> Iterator[str]:
    """A temporary name beside the path, renamed to it when all is written and removed when anything fails."""
    temporary = f"{path}.{os.getpid()}.partial"
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise DataError(f"{path}: the file cannot be written: {error.strerror or error}.") from None
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)
