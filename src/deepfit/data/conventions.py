"""Which kind of data a source holds, by the names of its columns or of its files.

These names are the field's conventions: the Hugging Face Hub's `text` and `label`, `sentence1`, `sentence2`
and `score`, `tokens` and `tags`; the forecasters' `unique_id`, `ds` and `y`. A source that has them suits the
task of that kind and no task on ordinary tables. Data with other names is no less welcome with `--task`.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

from deepfit.data.fasta import SUFFIXES as FASTA_SUFFIXES
from deepfit.data.fasta import class_folder
from deepfit.data.files import table_format
from deepfit.data.tables import is_table, read_table

Convention = Literal["pairs", "sequences", "series", "tags", "texts"]

CLASSES = frozenset({"label", "labels"})

SUFFIXES: dict[str, Convention] = {
    ".conll": "tags", ".conllu": "tags", ".bio": "tags", ".iob": "tags",
    **dict.fromkeys(FASTA_SUFFIXES, "sequences"),
}  # fmt: skip


def convention(source: Any, target: str | None = None) -> tuple[Convention, str] | None:
    """The kind of a source and the reason in words, or None where it follows none of the conventions.

    Reads no more than the first rows of a file; DataError where they cannot be read. target: the column that
    the user wants predicted.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in (".gz", ".zst")]
        if suffixes and suffixes[-1] in SUFFIXES:
            return SUFFIXES[suffixes[-1]], f"the name ends with {suffixes[-1]}"
        if path.is_dir():
            return _folder(path)
        if not path.is_file() or table_format(path) is None:
            return None
    return _columns(source, target)


def _folder(path: Path) -> tuple[Convention, str] | None:
    """Folders of texts or sequences by class, also below train/, valid/ and test/; files of tagged words."""
    if any(path.glob("train.conll*")):
        return "tags", "a folder with a file train.conll"
    if reason := class_folder(path):
        return "sequences", reason
    for pattern in ("*/*.txt", "train/*/*.txt"):
        if any(path.glob(pattern)):
            return "texts", "folders of .txt files, one folder a class"
    return None


def _columns(source: Any, target: str | None) -> tuple[Convention, str] | None:
    if not is_table(source):
        return None
    names = frozenset(read_table(source, head=True, lenient=True).frame.columns)
    kind = _kind(names, frozenset({target}) if target else CLASSES)
    return kind and (kind[0], f"it has the columns {', '.join(kind[1])}")


def _kind(names: Collection[str], answers: frozenset[str]) -> tuple[Convention, tuple[str, ...]] | None:
    known = {each.lower() for each in names}
    for kind, needed in (
        ("series", ("unique_id", "ds", "y")),
        ("pairs", ("sentence1", "sentence2")),
        ("pairs", ("anchor", "positive")),
    ):
        if known.issuperset(needed):
            return kind, needed  # pyright: ignore[reportReturnType]  (literals of the tuple above)
    if "tokens" in known and known & {"tags", "ner_tags", "pos_tags", *answers}:
        return "tags", ("tokens", *sorted(known & {"tags", "ner_tags", "pos_tags"}))
    for kind, column in (("texts", "text"), ("sequences", "sequence")):
        answer = sorted(answers & set(names))
        if column in known and answer:
            return kind, (column, *answer)  # pyright: ignore[reportReturnType]
    return None
