"""Sentences whose words have tags: files of the CoNLL kind, tables with lists of words, lists in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from deepfit.contract import Concern, Facts
from deepfit.data import conll, tables, tags
from deepfit.data.split import PARTS
from deepfit.data.tagged_rows import WORDS, TaggedRows, objects
from deepfit.data.words import words_of
from deepfit.errors import DataError, suggest

TAGS = ("tags", "ner_tags", "pos_tags")
TEXT = "text"


def read_tagged(
    source: Any, *, target: str | None = None, scheme: str = "auto", facts: Facts | None = None
) -> TaggedRows:
    """The sentences of a source; DataError naming file, line and column where it cannot be read.

    Without facts tags are required. With the facts of training rows (tag_column, kind, tags) they may be
    missing, and texts without words are cut by `words_of`.
    """
    if isinstance(source, TaggedRows):
        return source
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        rows = _from_folder(path, target, facts) if path.is_dir() else _from_file(path, target, facts)
    else:
        rows = _from_memory(source, target, facts)
    if facts is None and rows.tags is not None:
        rows = rows.labelled()
    return _in_scheme(rows, scheme if facts is None else facts["kind"], learned=facts is not None)


def _from_folder(path: Path, target: str | None, facts: Facts | None) -> TaggedRows:
    files = {each: PARTS.get(each.name.partition(".")[0].lower()) for each in sorted(path.iterdir())}
    files = {each: part for each, part in files.items() if part and each.is_file()}
    if "train" not in files.values() and facts is None:
        raise DataError(
            f"{path}: a folder of tagged sentences holds a file train.conll (or .jsonl, .parquet), and valid "
            "and test files beside it if there are any. Name a file, or add one."
        )
    if not files:
        raise DataError(f"{path}: the folder holds no file named train, valid or test.")
    found = [_from_file(each, target, facts) for each in files]
    parts = [np.full(len(rows), part) for rows, part in zip(found, files.values(), strict=True)]
    known = [each.tags for each in found if each.tags is not None]
    shared = set.intersection(*(set(each.columns) for each in found))
    return TaggedRows(
        f"{path.name}/",
        np.concatenate([each.words for each in found]),
        np.concatenate(known) if len(known) == len(found) else None,
        "words",
        np.concatenate(
            [np.array([f"{rows.places[i]} of {rows.name}" for i in range(len(rows))]) for rows in found]
        ),
        found[0].unit,
        {name: np.concatenate([each.columns[name] for each in found]) for name in shared},
        found[0].tag_column,
        np.concatenate(parts),
    )


def _from_file(path: Path, target: str | None, facts: Facts | None) -> TaggedRows:
    suffix, _ = conll.split_suffix(path)
    if suffix in (".jsonl", ".ndjson", ".json", ".parquet", ".pq", ".arrow", ".feather", ".ipc"):
        return _from_table(path, target, facts)
    if suffix in (".csv", ".xlsx", ".xls"):
        raise DataError(
            f"'{path}': lists of words do not fit into the cells of a table of text. Write a word a line "
            "with its tag in the last column (.conll), or JSON lines with tokens and tags (.jsonl)."
        )
    if suffix == ".txt" and facts is not None and not _looks_tagged(path, facts):
        return _from_text(conll.read_text(path).split("\n"), path.name)
    lines = conll.read_lines(path)
    column = _column_number(lines, target, facts)
    found = conll.sentences_of(lines, column)
    many = len(set(found.documents)) > 1
    return TaggedRows(
        path.name,
        objects(found.words),
        None if column is None else objects(found.tags),
        "words",
        np.array(found.lines),
        "line",
        {"document": np.array(found.documents)} if many else {},
        "" if column is None else str(column),
    )


def _column_number(lines: conll.Lines, target: str | None, facts: Facts | None) -> int | None:
    """Where the tags of a file are; None where it has none, which training does not take."""
    if facts is not None:
        known = str(facts["tag_column"])
        column = int(known) if known.isdigit() else conll.usual_tag_column(lines)
        return None if column is None or column >= lines.columns else column
    if target is not None:
        if not target.strip().isdigit():
            raise DataError(
                f"{lines.name}: --target takes the number of the column of tags, counted from 0; received "
                f"'{target}'. The lines have {lines.columns} columns."
            )
        return int(target)
    column = conll.usual_tag_column(lines)
    if column is None:
        number, cells = next((number, cells) for number, cells in lines.rows if cells)
        raise DataError(
            f"{lines.name}, line {number}: expected a word and its tag, received one column: "
            f"'{cells[0][:60]}'. Add the tags behind a tab."
        )
    return column


def _looks_tagged(path: Path, facts: Facts) -> bool:
    """Whether a .txt file at predict holds a word a line: tabs, a word in every line, or tags we know."""
    filled = [line.strip(conll.SPACES) for line in conll.read_text(path).split("\n")]
    filled = [line for line in filled if line]
    if any("\t" in line for line in filled) or all(" " not in line for line in filled):
        return True
    return 2 * sum(line.rpartition(" ")[2] in set(facts["tags"]) for line in filled) > len(filled)


def _from_table(source: Any, target: str | None, facts: Facts | None) -> TaggedRows:
    table = tables.read_table(source)
    names = table.frame.columns
    if WORDS not in names:
        if facts is not None and TEXT in names:
            texts = [text or "" for text in table.frame[TEXT].to_list()]
            return replace(_from_text(texts, table.name, blank=True), unit=table.unit)
        raise DataError(
            f"{table.name}: there is no column '{WORDS}' with a list of words a row. {suggest(WORDS, names)}"
        )
    column = _column_name(table.name, names, target, facts)
    words = _lists(table, WORDS)
    for row, each in enumerate(words):
        if not each:
            raise DataError(
                f"{table.name}, {table.where(row)}, column '{WORDS}': expected a list of words, received "
                f"{'nothing' if each is None else 'an empty list'}. Leave the row out."
            )
    found = None if column is None else _lists(table, column)
    if found is not None:
        _check_lengths(words, found, table.name, table.where, column or "")
    others = {
        name: table.frame[name].to_numpy()
        for name in names
        if name not in (WORDS, column) and not table.frame[name].dtype.is_nested()
    }
    first = int(table.where(0).rpartition(" ")[2])
    return TaggedRows(
        table.name,
        objects(words),
        None if found is None else objects(found),
        "words",
        np.arange(first, first + len(words)),
        table.unit,
        others,
        column or "",
    )


def _column_name(name: str, names: Sequence[str], target: str | None, facts: Facts | None) -> str | None:
    usual = [each for each in TAGS if each in names]
    if facts is not None:
        return facts["tag_column"] if facts["tag_column"] in names else next(iter(usual), None)
    if target is not None:
        if target not in names:
            raise DataError(f"{name}: there is no column '{target}' to predict. {suggest(target, names)}")
        return target
    if len(usual) != 1:
        holds = f"there are several columns of tags, {', '.join(usual)}" if usual else "no column holds tags"
        raise DataError(
            f"{name}: {holds}. Name the one to predict with --target; there are {', '.join(names)}."
        )
    return usual[0]


def _lists(table: tables.Table, column: str) -> list[list[str] | None]:
    """A column of lists as text; DataError for a column of anything else, or an item that is missing."""
    import polars as pl

    values = table.frame[column]
    if not isinstance(values.dtype, pl.List | pl.Array) and values.dtype != pl.Null:
        raise DataError(
            f"{table.name}, {table.where(0)}, column '{column}': expected a list of texts a row, received "
            f"{str(values[0])[:40]!r}."
        )
    found = values.to_list()
    for row, each in enumerate(found):
        if each is not None and any(
            item is None or item == "" or isinstance(item, list | dict) for item in each
        ):
            place = next(
                i for i, item in enumerate(each) if item in (None, "") or isinstance(item, list | dict)
            )
            raise DataError(
                f"{table.name}, {table.where(row)}, column '{column}', item {place} (from 0): expected a "
                f"text, received {each[place]!r}."
            )
    return [None if each is None else [str(item) for item in each] for each in found]


def _check_lengths(
    words: Sequence[Sequence[str] | None],
    found: Sequence[Sequence[str] | None],
    name: str,
    where: Any,
    column: str,
) -> None:
    for row, (some, their) in enumerate(zip(words, found, strict=True)):
        if some and their is not None and len(some) != len(their):
            raise DataError(
                f"{name}, {where(row)}, column '{column}': expected a tag for each of the {len(some)} words, "
                f"received {len(their)}: {' '.join(some)[:60]}"
            )


def _from_memory(source: Any, target: str | None, facts: Facts | None) -> TaggedRows:
    """A table, a pair (sentences, tags), or at predict a list of sentences or texts."""
    if isinstance(source, tuple) and len(source) == 2 and not isinstance(source[0], str):
        words, found = (_sequences(each, what) for each, what in zip(source, ("words", "tags"), strict=True))
        if len(words) != len(found):
            raise DataError(
                f"the pair (sentences, tags): received {len(words)} sentences and {len(found)} lists of tags."
            )
        _check_lengths(words, found, "the pair (sentences, tags)", "sentence {} (from 0)".format, "tags")
        return TaggedRows(
            "the pair (sentences, tags)", objects(words), objects(found), "words", np.arange(len(words))
        )
    listed = (
        isinstance(source, list | tuple | np.ndarray) and len(source) and not isinstance(source[0], Mapping)
    )
    if listed and facts is not None:
        if all(isinstance(each, str) for each in source):
            return _from_text(source, "the texts", blank=True)
        words = _sequences(source, "words")
        return TaggedRows("the sentences", objects(words), None, "words", np.arange(len(words)))
    if listed:
        raise DataError(
            "the sentences have no tags, and nothing can be learned without. Pass (sentences, tags), a list "
            "of words and a list of tags for each."
        )
    return _from_table(source, target, facts)


def _sequences(source: Iterable[Any], what: str) -> list[list[str]]:
    found = []
    for row, each in enumerate(source):
        items = each.tolist() if isinstance(each, np.ndarray) else each
        if isinstance(items, str) or not isinstance(items, Sequence) or not len(items):
            raise DataError(f"sentence {row} (from 0): expected a list of {what}, received {items!r}.")
        if not all(isinstance(item, str) and item for item in items):
            raise DataError(f"sentence {row} (from 0): expected {what} as texts, received {str(items)[:60]}.")
        found.append(list(items))
    return found


def _from_text(texts: Iterable[str], name: str, *, blank: bool = False) -> TaggedRows:
    """Each text with a word is a sentence; blank: one without is an error, since answers must match."""
    found, places = [], []
    for place, text in enumerate(texts):
        words = words_of(text)
        if words:
            found.append(words)
            places.append(place if blank else place + 1)
        elif blank:
            raise DataError(f"{name}, text {place} (from 0): it holds no word. Leave it out.")
    if not found:
        raise DataError(f"{name}: there is no text. A sentence a line is expected.")
    unit = "text" if blank else "line"
    return TaggedRows(name, objects(found), None, "words", np.array(places), unit)


def _in_scheme(rows: TaggedRows, scheme: str, *, learned: bool) -> TaggedRows:
    """The rows with entities in BIO, and a note of what was changed; DataError for tags of no scheme."""
    if rows.tags is None:
        return replace(rows, kind=scheme if learned else rows.kind)
    given = [each for each in rows.tags if each is not None]
    found = tags.recognise(given)
    kind = found.kind if scheme == "auto" else scheme
    if kind == "words":
        return replace(rows, kind="words")
    strays = set(found.strays) if found.kind == "entities" else {
        tag for each in given for tag in each if tag != tags.OUTSIDE and not tags.MARKED.fullmatch(tag)
    }  # fmt: skip
    if strays and learned and found.kind == "words":  # another column, such as lemmas, which nobody asked for
        return replace(rows, kind="entities", tags=None)
    if strays:
        row, place = next(
            (row, place)
            for row, each in enumerate(rows.tags)
            for place, tag in enumerate(each or ())
            if tag in strays
        )
        raise DataError(
            f"{rows.name}, sentence at {rows.where(row)}, word {place + 1} "
            f"('{rows.words[row][place][:40]}'): expected O, B-TYPE or I-TYPE, "
            f"received '{rows.tags[row][place]}'. Correct the tag, or say --scheme words where tags mark no "
            "entities."
        )
    written = [None if each is None else tags.as_bio(each) for each in rows.tags]
    notes = _changes(rows, written, found.name or "BIO")
    return replace(rows, kind="entities", tags=objects(written), notes=[*rows.notes, *notes])


def _changes(rows: TaggedRows, written: Sequence[Sequence[str] | None], scheme: str) -> list[Concern]:
    """What became of tags that were not written in BIO."""
    if scheme != "BIO":
        return [Concern("scheme", rows.name, f"the tags are in {scheme}; they were read as BIO.")]
    before = rows.tags if rows.tags is not None else ()
    changed = [
        (row, place)
        for row, (old, new) in enumerate(zip(before, written, strict=True))
        for place in range(len(new or ()))
        if old[place] != new[place]  # pyright: ignore[reportOptionalSubscript]
    ]
    if not changed:
        return []
    row, place = changed[0]
    return [
        Concern(
            "scheme",
            rows.name,
            f"{len(changed):,} entities begin with I- where BIO has B-; they were read as entities all the "
            f"same (the first: sentence at {rows.where(row)}, word {place + 1}, "
            f"'{rows.words[row][place][:40]}').",
        )
    ]
