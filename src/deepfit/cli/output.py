"""What commands hand to other programs: one line of JSON, or a file that appears whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from deepfit.errors import DataError, OptionError

if TYPE_CHECKING:
    import numpy as np

    from deepfit.contract import Answers

FORMATS = (".csv", ".parquet", ".jsonl", ".conll")
VECTOR_FORMATS = (".npz", ".npy", ".parquet", ".jsonl")


def json_line(value: Any) -> str:
    """A value as one line of strict JSON: no NaN, no infinity."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, default=str)


def check_destination(path: str, *, overwrite: bool, formats: tuple[str, ...] = FORMATS) -> None:
    """OptionError, before any work is done, where nothing can be written to this path in these formats."""
    if not path.lower().endswith(formats):
        raise OptionError(f"--out {path}: the file's ending says its format: one of {', '.join(formats)}.")
    if os.path.exists(path) and not overwrite:
        raise OptionError(f"--out {path}: the file exists already. Name another, or pass --overwrite.")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise OptionError(f"--out {path}: there is no folder '{folder}'. Create it first.")


def write_answers(answers: Answers, path: str) -> None:
    """Write answers in the format that the path's ending names (.csv, .parquet, .jsonl, .conll).

    A CoNLL file is for tags of words: a word and its tag a line.
    """
    if path.lower().endswith(".conll"):
        text = answers_conll(answers, path)
        with replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        return
    frame = _frame(answers)
    with replacing(path) as temporary:
        if path.lower().endswith(".csv"):
            _flat(frame).write_csv(temporary)
        elif path.lower().endswith(".parquet"):
            frame.write_parquet(temporary)
        else:
            frame.write_ndjson(temporary)


def write_vectors(vectors: np.ndarray, names: Mapping[str, np.ndarray], path: str) -> None:
    """Write vectors [rows, width] in the format that the path's ending names, without a pickle in any.

    .npy: the vectors alone. .npz: `vectors`, and `files` where they are of files. .parquet and .jsonl: a row
    each, what it is of (`file`, `text`) and `embedding`, a list of numbers.
    """
    import numpy as np
    import polars

    with replacing(path) as temporary, open(temporary, "wb") as file:
        if path.lower().endswith(".npy"):
            np.save(file, vectors, allow_pickle=False)
        elif path.lower().endswith(".npz"):
            short = {f"{name}s": values.astype(np.str_) for name, values in names.items() if name != "text"}
            np.savez(file, vectors=vectors, **short)  # pyright: ignore[reportArgumentType]  (its flag is no array)
        else:
            columns = {name: values.tolist() for name, values in names.items()}
            width = vectors.shape[1]
            frame = polars.DataFrame(columns).with_columns(
                polars.Series("embedding", vectors, dtype=polars.Array(polars.Float32, width)).cast(
                    polars.List(polars.Float32)
                )
            )
            frame.write_parquet(file) if path.lower().endswith(".parquet") else frame.write_ndjson(file)


def answers_csv(answers: Answers) -> str:
    """Answers as the text of a CSV file with a header line."""
    return _flat(_frame(answers)).write_csv()


def answers_conll(answers: Answers, path: str) -> str:
    """A word and its tag a line, a tab between them, an empty line behind each sentence."""
    words, tags = answers.columns.get("tokens"), answers.columns.get("prediction")
    if words is None or tags is None:
        raise OptionError(
            f"--out {path}: these answers are no tags of words. Write .csv, .parquet or .jsonl."
        )
    lines: list[str] = []
    for sentence, said in zip(words, tags, strict=True):
        lines += [f"{word}\t{tag}" for word, tag in zip(sentence, said, strict=True)]
        lines.append("")
    return "\n".join(lines) + "\n"


def _flat(frame: Any) -> Any:
    """The frame as CSV can hold it: lists as texts with ";" between their values.

    Where lists have an item a word, which may itself be ";", and for lists of records, as JSON texts.
    """
    import polars

    nested = {name: dtype for name, dtype in frame.schema.items() if dtype.is_nested()}
    by_word = "tokens" in nested
    return frame.with_columns(
        polars.Series(name, [None if each is None else json_line(each) for each in frame[name].to_list()])
        if by_word or not isinstance(dtype, polars.List) or dtype.inner.is_nested()
        else frame[name].cast(polars.List(polars.String)).list.join(";")
        for name, dtype in nested.items()
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
