"""Where symbol strings come from: tables, FASTA and FASTQ files and folders of them, lists of strings.

The label of a FASTA record is `label=VALUE` in its header (or `[label=VALUE]`, as NCBI writes it, or
`label:VALUE`) where the option `--target` says `label`; else the second word of a header of two words,
`>id ei`; or the name of its file or class folder; or what a second table (`--labels`) says of its id.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from deepfit.contract import Concern
from deepfit.data.fasta import SUFFIXES, Record, is_fasta, read_fasta, stem_of
from deepfit.data.files import check_exists
from deepfit.data.split import PARTS
from deepfit.data.tables import is_table, read_table
from deepfit.data.targets import target_as_read, typed_target
from deepfit.errors import DataError, suggest

SHOWN = 3


class Strings(NamedTuple):
    """Strings as they stand in a source.

    texts: the sequences. frame: a column for whatever else is known of each; target: its label, a column with
    null where there is none, or None. where: each row as the user knows it. parts: "train", "valid" or "test"
    of each row, where folders say so. guessed: labels are second words of headers or names of files, which
    may mean something else.
    """

    name: str
    texts: list[str]
    frame: pl.DataFrame
    target: pl.Series | None
    where: Sequence[str]
    parts: np.ndarray | None = None
    notes: Sequence[Concern] = ()
    guessed: bool = False


def strings_of(
    source: Any, *, sequence: str, target: str, key: str, labels: str | None, training: bool
) -> Strings:
    """The strings of a source; DataError where it holds none, or where training finds no labels."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        check_exists(path)
        if path.is_dir():
            found = _from_folder(path, target, labels)
        elif is_fasta(path):
            found = _of_records(path.name, read_fasta(path), target, second_word=not labels)
        elif is_table(path):
            found = _from_table(path, sequence, target, training)
        else:
            raise DataError(
                f"'{path.name}' holds no sequences that can be read: received '{path.suffix}'. A table, or "
                f"FASTA or FASTQ ({', '.join(SUFFIXES)}, also .gz), or a folder of these is needed."
            )
    elif isinstance(source, pl.Series) or _is_list(source):
        found = _listed("the list", _texts(source), None)
    elif isinstance(source, tuple) and len(source) == 2 and _is_list(source[0]):
        texts = _texts(source[0])
        if len(texts) != len(source[1]):
            raise DataError(
                f"the pair (sequences, labels): {len(texts):,} sequences and {len(source[1]):,} labels. Each "
                "needs the other."
            )
        given = typed_target(pl.Series(target, list(source[1])), "classification")
        found = _listed("the pair (sequences, labels)", texts, given)
    else:
        found = _from_table(source, sequence, target, training)
    if labels is not None and (training or Path(labels).exists()):
        found = _joined(found, labels, key, target)
    if training and (found.target is None or found.target.null_count() == len(found.target)):
        raise DataError(
            f"{found.name}: no sequence has a label to learn from. In FASTA write '>NAME {target}=CLASS', or "
            "'>NAME CLASS', or put each class in a file of its own, or name a table of labels with "
            "--labels FILE."
        )
    return found


def _from_table(source: Any, sequence: str, target: str, training: bool) -> Strings:
    table = read_table(source, kinds={sequence: "text"}, lenient=True)
    names = table.frame.columns
    for wanted, flag in ((sequence, "sequence"), *([(target, "target")] if training else [])):
        if wanted not in names:
            raise DataError(
                f"{table.name}: there is no column '{wanted}' (--{flag}). {suggest(wanted, names)}"
            )
    column = table.frame[sequence].cast(pl.String)
    if column.null_count():
        place = column.is_null().arg_max() or 0
        raise DataError(
            f"{table.name}, {table.where(place)}, column '{sequence}': the sequence is empty. Add its "
            "letters, or leave the row out."
        )
    labels = None
    if target in names:
        labels = target_as_read(table, target, "classification") if training else table.frame[target]
        labels = labels.alias(target)
    where = [table.where(place) for place in range(table.frame.height)]
    frame = table.frame.drop(sequence, *([target] if target in names else []))
    return Strings(table.name, column.to_list(), frame, labels, where, notes=table.notes)


def _from_folder(path: Path, target: str, labels: str | None) -> Strings:
    """Files of classes, class folders of files, or parts (train, test) of either."""
    parts = {each.name: each for each in sorted(path.iterdir()) if each.is_dir() and each.name in PARTS}
    found: list[Strings] = []
    names: list[str] = []
    guessed = False
    for part, folder in parts.items() or [("", path)]:
        for file, label in _class_files(folder):
            name = str(file.relative_to(path))
            records = _of_records(name, read_fasta(file, name), target, second_word=False)
            known = labels is not None or (records.target is not None and not records.target.null_count())
            if not known:
                given = pl.Series(target, [label] * len(records.texts), dtype=pl.String)
                records, guessed = records._replace(target=given), True
            where = [f"{name}, {each}" for each in records.where]
            found.append(records._replace(where=where))
            names += [PARTS.get(part, "")] * len(records.texts)
    if not found:
        raise DataError(
            f"'{path}': no FASTA or FASTQ file in the folder ({', '.join(SUFFIXES)}). Put each class in a "
            "file or in a folder of files."
        )
    targets = [each.target for each in found if each.target is not None]
    return Strings(
        path.name,
        [text for each in found for text in each.texts],
        pl.concat([each.frame for each in found]),
        pl.concat([each.cast(pl.String) for each in targets]) if len(targets) == len(found) else None,
        [where for each in found for where in each.where],
        np.array(names) if parts else None,
        guessed=guessed,
    )


def _class_files(folder: Path) -> list[tuple[Path, str]]:
    """(file, class) of the FASTA files in a folder and in its folders."""
    found = []
    for each in sorted(folder.iterdir()):
        if each.is_file() and is_fasta(each):
            found.append((each, stem_of(each)))
        elif each.is_dir():
            found += [(file, each.name) for file in sorted(each.iterdir()) if is_fasta(file)]
    return found


def _of_records(name: str, records: Sequence[Record], target: str, *, second_word: bool) -> Strings:
    """Records with the labels of their headers."""
    tagged = re.compile(rf"(?:^|[\s\[;|,]){re.escape(target)}\s*[=:]\s*(\"[^\"]*\"|[^\s;|,\]]+|[^\]]+(?=\]))")
    bracketed = re.compile(rf"\[{re.escape(target)}\s*=\s*([^\]]+)\]")
    labels: list[str | None] = []
    for record in records:
        match = bracketed.search(record.description) or tagged.search(record.description)
        labels.append(match.group(1).strip('" ') if match else None)
    guessed = second_word and not any(labels)
    if guessed:
        labels = [each.description if len(each.description.split()) == 1 else None for each in records]
        if None in labels:  # a description of several words is no label
            labels = [None] * len(records)
    frame = pl.DataFrame(
        {"id": [each.id for each in records], "description": [each.description for each in records]}
    )
    where = [f"record '{each.id}' (line {each.line:,})" for each in records]
    known = pl.Series(target, labels, dtype=pl.String) if any(labels) else None
    return Strings(name, [each.letters for each in records], frame, known, where, guessed=guessed)


def _joined(strings: Strings, labels: str, key: str, target: str) -> Strings:
    """The strings with the labels that a second table has for their ids."""
    table = read_table(labels, kinds={key: "text"}, lenient=True)
    for wanted, flag in ((key, "id"), (target, "target")):
        if wanted not in table.frame.columns:
            raise DataError(
                f"{table.name}: there is no column '{wanted}' (--{flag}) to join labels by. "
                f"{suggest(wanted, table.frame.columns)}"
            )
    ids = table.frame[key].cast(pl.String)
    if ids.n_unique() < len(ids):
        place = int(ids.is_duplicated().arg_max() or 0)
        raise DataError(
            f"{table.name}, {table.where(place)}, column '{key}': '{ids[place]}' occurs more than once. Each "
            "sequence has one label."
        )
    if key not in strings.frame.columns and "id" not in strings.frame.columns:
        raise DataError(f"{strings.name}: the sequences have no ids, so --labels has nothing to join by.")
    own = strings.frame[key if key in strings.frame.columns else "id"].cast(pl.String)
    values = dict(zip(ids.to_list(), target_as_read(table, target, "classification").to_list(), strict=True))
    found = [values.get(each) for each in own.to_list()]
    missing = [each for each, label in zip(own.to_list(), found, strict=True) if label is None]
    notes = list(strings.notes)
    if len(missing) == len(found):
        raise DataError(
            f"{table.name}: none of the ids of {strings.name} is in its column '{key}' (sequences: "
            f"{', '.join(map(repr, missing[:SHOWN]))}; labels: "
            f"{', '.join(map(repr, ids.to_list()[:SHOWN]))}). "
            "Name the column with --id."
        )
    if missing:
        notes.append(
            Concern(
                "missing",
                strings.name,
                f"{len(missing):,} of {len(found):,} sequences have no label in {table.name} "
                f"({', '.join(missing[:SHOWN])}{', ...' if len(missing) > SHOWN else ''}).",
            )
        )
    return strings._replace(target=pl.Series(target, found, strict=False), notes=notes)


def _listed(name: str, texts: list[str], target: pl.Series | None) -> Strings:
    for place, text in enumerate(texts):
        if not text:
            raise DataError(
                f"{name}, place {place} (from 0): the sequence is empty. Add letters or leave it out."
            )
    where = [f"place {place} (from 0)" for place in range(len(texts))]
    if not texts:
        raise DataError(f"{name}: there is no sequence in it.")
    return Strings(name, texts, pl.DataFrame({"place": range(len(texts))}), target, where)


def _is_list(source: Any) -> bool:
    """Whether a source is a list of strings, or an array or a column of them."""
    if isinstance(source, np.ndarray):
        return source.ndim == 1 and source.dtype.kind in "OU"
    if isinstance(source, Mapping) or hasattr(source, "columns"):
        return False
    if isinstance(source, list | tuple):
        plain = bool(source) and all(isinstance(each, str) for each in source)
        return plain and not (isinstance(source, tuple) and len(source) == 2 and _is_list(source[0]))
    return type(source).__name__ == "Series"


def _texts(source: Any) -> list[str]:
    items = source.to_list() if hasattr(source, "to_list") else list(source)
    for place, item in enumerate(items):
        if not isinstance(item, str):
            raise DataError(
                f"the list, place {place} (from 0): expected a string of letters, received {item!r}."
            )
    return [item.strip() for item in items]
