"""Rows of symbol strings: DNA, RNA, protein and other sequences of signs, read, checked and encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from deepfit.contract import Concern, Facts
from deepfit.data import alphabets
from deepfit.data.alphabets import Kind
from deepfit.data.ragged import Ragged
from deepfit.data.symbol_sources import Strings, strings_of
from deepfit.errors import DataError, suggest

EXAMPLE_LETTERS = 40


class SymbolRows:
    """Strings of one alphabet; implements `deepfit.contract.Rows`.

    letters: the signs of each row, as numbers of Unicode. strings: what the source says of each row. kind:
    of the alphabet; reason: why it is this one. index: which rows of `strings` these are.
    """

    def __init__(
        self,
        letters: Ragged,
        strings: Strings,
        kind: Kind,
        reason: str,
        *,
        sequence: str,
        target_name: str,
        key: str,
        index: np.ndarray,
        notes: Sequence[Concern] = (),
    ) -> None:
        self.letters = letters
        self.strings = strings
        self.kind: Kind = kind
        self.reason = reason
        self.sequence, self.target_name, self.key = sequence, target_name, key
        self.index = index
        self.notes = notes
        self.name = strings.name

    def __len__(self) -> int:
        return len(self.letters)

    def take(self, index: np.ndarray) -> SymbolRows:
        """The rows at these positions (or where a mask is True)."""
        index = np.flatnonzero(index) if np.asarray(index).dtype == bool else np.asarray(index, np.int64)
        return self._with(self.letters[index], self.strings, self.index[index])

    def compact(self) -> SymbolRows:
        """The same rows without the texts of others."""
        at = self.index
        strings = self.strings._replace(
            texts=[],
            frame=self.strings.frame[at],
            target=None if self.strings.target is None else self.strings.target.gather(at),
            where=[self.strings.where[row] for row in at],
            parts=None if self.strings.parts is None else self.strings.parts[at],
        )
        return self._with(self.letters, strings, np.arange(len(at)))

    def _with(self, letters: Ragged, strings: Strings, index: np.ndarray) -> SymbolRows:
        return SymbolRows(
            letters,
            strings,
            self.kind,
            self.reason,
            sequence=self.sequence,
            target_name=self.target_name,
            key=self.key,
            index=index,
            notes=self.notes,
        )

    def text(self, row: int) -> str:
        """One sequence as it was written."""
        signs = self.letters.row(row)
        if signs.dtype == np.uint8:
            return signs.tobytes().decode("latin-1")
        return signs.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")

    def column(self, name: str) -> np.ndarray:
        """The sequences, the labels, or another column of the source."""
        if name == self.sequence:
            return np.array([self.text(row) for row in range(len(self))], dtype=object)
        if name == self.target_name and (found := self.target()) is not None:
            return found
        if name not in self.strings.frame.columns:
            known = [self.sequence, *self.strings.frame.columns]
            raise DataError(f"{self.name}: there is no column '{name}'. {suggest(name, known)}")
        return self.strings.frame[name].gather(self.index).to_numpy()

    def target(self) -> np.ndarray | None:
        """Labels as int64, bool or str; None where a row has none."""
        if self.strings.target is None:
            return None
        values = self.strings.target.gather(self.index)
        if values.null_count():
            return None
        if values.dtype.is_integer():
            return values.cast(pl.Int64).to_numpy()
        if values.dtype == pl.Boolean:
            return values.to_numpy()
        return np.array(values.cast(pl.String).to_list(), dtype=np.str_)

    def keys(self) -> dict[str, np.ndarray]:
        """The ids of the sequences, where the source has them."""
        found = next((name for name in (self.key, "id") if name in self.strings.frame.columns), None)
        return {found: self.column(found)} if found else {}

    def labelled(self) -> SymbolRows:
        """The rows that have a label."""
        if self.strings.target is None:
            raise DataError(
                f"{self.name}: the sequences have no label '{self.target_name}', so nothing can be scored."
            )
        present = self.strings.target.gather(self.index).is_not_null()
        return self if present.all() else self.take(present.to_numpy())

    def parts(self) -> np.ndarray | None:
        """The part that a folder `train`, `valid` or `test` puts each row in."""
        return None if self.strings.parts is None else self.strings.parts[self.index]

    def where(self, position: int) -> str:
        """A row as the user knows it: "row 812", "record 'chr1' (line 40)"."""
        return self.strings.where[int(self.index[position])]

    def fingerprints(self) -> np.ndarray:
        """uint64 [rows], equal for equal sequences; of bases and amino acids case does not matter."""
        values = self.letters.values
        if self.kind != "symbols":
            lower = (values >= ord("a")) & (values <= ord("z"))
            values = np.where(lower, values - 32, values).astype(values.dtype)
        values = np.ascontiguousarray(values.astype(np.uint32))
        starts = self.letters.starts
        hashes = [
            blake2b(values[start:stop].tobytes(), digest_size=8).digest()
            for start, stop in pairwise(starts.tolist())
        ]
        return np.frombuffer(b"".join(hashes), np.uint64)

    def describe(self) -> list[tuple[str, str, str, str]]:
        """The sequence, the label and what else the source has."""
        if not len(self):
            return []
        lengths = self.letters.lengths
        span = f"{lengths.min():,} to {lengths.max():,}" if np.ptp(lengths) else f"{lengths[0]:,}"
        shown = self.text(0)
        example = shown[:EXAMPLE_LETTERS] + ("..." if len(shown) > EXAMPLE_LETTERS else "")
        found = [(self.sequence, self.kind, f"{self.reason}; {span} letters", example)]
        target = self.target()
        if target is not None:
            found.append((self.target_name, "target", "to be predicted (classification)", str(target[0])))
        for name in self.strings.frame.columns:
            kind = "identifier" if name in self.keys() else "ignore"
            found.append(
                (name, kind, "no input of this task", str(self.strings.frame[name][int(self.index[0])]))
            )
        return found

    def concerns(self) -> list[Concern]:
        """What a careful reader would say of these rows before training."""
        found = list(self.notes)
        counts = alphabets.count_signs(self.letters)
        total = max(len(self.letters.values), 1)
        if self.kind == "symbols":
            return found + self._contradictions()
        lower = sum(count for sign, count in counts.items() if sign.islower())
        if lower:
            found.append(
                Concern(
                    "case",
                    self.sequence,
                    f"{lower / total:.1%} of the letters are lower case (soft-masked, as a rule repeats); "
                    "--soft-masked says how they are read.",
                )
            )
        proper = {*(alphabets.AMINO_ACIDS if self.kind == "protein" else "ACGTU"), "*", "-", "."}
        doubtful = sum(count for sign, count in counts.items() if sign.upper() not in proper)
        if doubtful > 0.01 * total:
            found.append(
                Concern(
                    "ambiguous",
                    self.sequence,
                    f"{doubtful / total:.1%} of the letters stand for several (such as "
                    f"{'X' if self.kind == 'protein' else 'N'}); each counts as a share of all that "
                    "it may be.",
                )
            )
        return found + self._contradictions()

    def _contradictions(self) -> list[Concern]:
        """Equal sequences: how many, and how many with different labels."""
        target = self.target()
        if target is None or len(self) < 2:
            return []
        prints, first, group = np.unique(self.fingerprints(), return_index=True, return_inverse=True)
        repeats = len(self) - len(prints)
        if not repeats:
            return []
        differ = int((target != target[first[group]]).sum())
        other = f", and {differ:,} of them have another label than their equal" if differ else ""
        return [
            Concern(
                "duplicates",
                self.sequence,
                f"{repeats:,} of {len(self):,} sequences ({repeats / len(self):.1%}) are there "
                f"before{other}.",
            )
        ]


def read_symbols(
    source: Any,
    *,
    sequence: str = "sequence",
    target: str = "label",
    key: str = "id",
    labels: str | None = None,
    alphabet: Kind | str = "auto",
    facts: Facts | None = None,
) -> SymbolRows:
    """The strings of a source, every letter checked; DataError before any training.

    facts: of a trained model, whose alphabet the strings then have, and whose length where it reads
    positions; labels may be missing, and letters that training did not know count as unknown.
    """
    training = facts is None
    strings = strings_of(source, sequence=sequence, target=target, key=key, labels=labels, training=training)
    if facts is not None and strings.guessed and strings.target is not None:
        known = strings.target.cast(pl.String).is_in([str(each) for each in facts["classes"]])
        if not known.any():  # what looks like labels is something else: names of new files, numbers of reads
            strings = strings._replace(target=None)
    letters = alphabets.code_points(strings.texts)
    strings = strings._replace(texts=[])
    kind, reason = _kind(letters, alphabet, facts)
    notes = list(strings.notes) + _check_letters(strings, letters, kind, lenient=not training)
    if facts is not None and facts.get("length"):
        _check_length(strings, letters, facts["length"])
    index = np.arange(len(letters))
    if training and strings.target is not None and strings.target.null_count():
        index = np.flatnonzero(strings.target.is_not_null().to_numpy())
        notes.append(
            Concern(
                "missing",
                target,
                f"{len(letters) - len(index):,} of {len(letters):,} sequences have no '{target}' and are "
                "left out.",
            )
        )
    return SymbolRows(
        letters if len(index) == len(letters) else letters[index],
        strings,
        kind,
        reason,
        sequence=sequence,
        target_name=target,
        key=key,
        index=index,
        notes=notes,
    )


def _kind(letters: Ragged, alphabet: str, facts: Mapping[str, Any] | None) -> tuple[Kind, str]:
    if facts is not None:
        return facts["alphabet"], "as in training"
    if alphabet == "auto":
        return alphabets.detect(alphabets.count_signs(letters))
    return alphabet, "as the option says"  # pyright: ignore[reportReturnType]  (one of the option's values)


def _check_letters(strings: Strings, letters: Ragged, kind: Kind, *, lenient: bool) -> list[Concern]:
    """DataError naming the first sign that is no letter of the alphabet.

    lenient: letters of the Latin alphabet count as unknown, which is then said.
    """
    good = alphabets.accepted(kind)
    strange = {sign: count for sign, count in alphabets.count_signs(letters).items() if sign not in good}
    if not good or not strange:
        return []
    wrong = {sign for sign in strange if not (lenient and sign.isascii() and sign.isalpha())}
    if not wrong:
        some = ", ".join(sorted(strange))
        said = f"{sum(strange.values()):,} letters are none of {alphabets.NAMES[kind]} ({some}): unknown."
        return [Concern("ambiguous", strings.name, said)]
    place = int(np.flatnonzero(np.isin(letters.values, [ord(sign) for sign in wrong]))[0])
    row = int(np.searchsorted(letters.starts, place, side="right")) - 1
    sign = chr(letters.values[place])
    known = "amino acids" if kind == "protein" else "A, C, G, T, U and the IUPAC codes such as N"
    raise DataError(
        f"{strings.name}, {strings.where[row]}, position {place - letters.starts[row] + 1:,}: received "
        f"{sign!r}, which is no letter of {alphabets.NAMES[kind]} ({known}).\n"
        f"  {sum(strange.values()):,} signs of {len(letters.values):,} are none. Correct them, or write N "
        "or X for a letter that is not known; pass --alphabet symbols if these are other strings."
    )


def _check_length(strings: Strings, letters: Ragged, length: int) -> None:
    """DataError naming the first row of another length than a model that reads positions was trained with."""
    other = np.flatnonzero(letters.lengths != length)
    if len(other):
        row = int(other[0])
        raise DataError(
            f"{strings.name}, {strings.where[row]}: the sequence has {letters.lengths[row]:,} letters, "
            f"and all of the training rows had {length:,}, so the network reads positions. Cut the "
            "sequences as those were cut, or train with --positions off."
        )
