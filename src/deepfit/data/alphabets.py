"""The letters of symbol strings and their codes: DNA, RNA, protein, or whatever signs there are.

A letter becomes a code, and a table gives each code its vector. A letter proper has a one in its own channel;
a letter that stands for several (N, or R for A or G) has an equal share in each, so what is not known counts
for nothing in particular. Codes: 0 is padding, 1 to L are the letters proper, the last is what training did
not know.

Source of the letters and of what they stand for: IUPAC-IUB, Cornish-Bowden 1985, Nucleic Acids Research 13(9)
(nucleotides); IUPAC-IUB 1984, European Journal of Biochemistry 138(1) (amino acids).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from deepfit.contract import Facts
from deepfit.data.ragged import Ragged
from deepfit.errors import DataError

Kind = Literal["dna", "rna", "protein", "symbols"]
SoftMasked = Literal["same", "hidden", "channel"]

NUCLEOTIDES = {
    "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
    "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT", "X": "ACGT", "?": "ACGT",
}  # fmt: skip
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
RESIDUES = {"B": "DN", "Z": "EQ", "J": "IL", "U": "C", "O": "K", "X": AMINO_ACIDS, "?": AMINO_ACIDS}
"""U and O, selenocysteine and pyrrolysine, count as the amino acids that they replace."""
COMPLEMENT = dict(zip("ACGTRYSWKMBDHVNX?-", "TGCAYRSWMKVHDBNX?-", strict=True))

GAPS = "-."
NUCLEOTIDE_SHARE = 0.9
STRAY_SHARE = 0.05
FEWEST_AMINO_ACIDS = 10
MOST_SYMBOLS = 1000
NAMES = {"dna": "DNA", "rna": "RNA", "protein": "protein"}


def code_points(texts: list[str]) -> Ragged:
    """The signs of each text as numbers of Unicode, uint8 where all are small."""
    joined = "".join(texts)
    try:
        values = np.frombuffer(joined.encode("latin-1"), np.uint8)
    except UnicodeEncodeError:
        values = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    return Ragged(values, np.cumsum([0, *map(len, texts)], dtype=np.int64))


def count_signs(letters: Ragged) -> dict[str, int]:
    """How often each sign occurs."""
    if letters.dtype == np.uint8:
        counts = np.bincount(letters.values, minlength=256)
        return {chr(sign): int(counts[sign]) for sign in np.flatnonzero(counts)}
    signs, counts = np.unique(letters.values, return_counts=True)
    return {chr(sign): int(count) for sign, count in zip(signs.tolist(), counts.tolist(), strict=True)}


def detect(counts: Mapping[str, int]) -> tuple[Kind, str]:
    """What kind of strings these signs make, and why.

    DNA or RNA where nine letters in ten are A, C, G, T, U or N; protein where nearly all are amino acids and
    at least ten different ones; symbols otherwise.
    """
    folded: dict[str, int] = {}
    for sign, count in counts.items():
        if sign not in f"{GAPS}*":
            folded[sign.upper()] = folded.get(sign.upper(), 0) + count
    total = max(sum(folded.values()), 1)
    share = sum(folded.get(each, 0) for each in "ACGTUN") / total
    if share >= NUCLEOTIDE_SHARE and sum(folded.get(each, 0) for each in "ACGTU"):
        kind: Kind = "rna" if folded.get("U", 0) > folded.get("T", 0) else "dna"
        return kind, f"{share:.1%} of the letters are {'A, C, G, U' if kind == 'rna' else 'A, C, G, T'} or N"
    present = [each for each in AMINO_ACIDS if folded.get(each)]
    proper = sum(folded[each] for each in present) / total
    if proper >= 1 - STRAY_SHARE and len(present) >= FEWEST_AMINO_ACIDS:
        return "protein", f"{proper:.1%} of the letters are amino acids, {len(present)} different ones"
    return "symbols", f"{len(counts):,} different signs, which are neither bases nor amino acids"


def learn_alphabet(letters: Ragged, kind: Kind, soft_masked: SoftMasked = "same") -> dict[str, Any]:
    """{"alphabet", "letters", "soft_masked"} of training rows: the channels of the vectors in their order.

    Gaps, and the stop `*` of proteins, get a channel of their own where the training rows have any.
    """
    counts = count_signs(letters)
    if kind == "symbols":
        proper = sorted(counts)
        if len(proper) > MOST_SYMBOLS:
            raise DataError(
                f"the sequences are made of {len(proper):,} different signs; at most {MOST_SYMBOLS:,} can be "
                "told apart as symbols. If they are texts, use --task text-classification."
            )
    else:
        proper = list(AMINO_ACIDS if kind == "protein" else "ACGT")
        proper += ["*"] if kind == "protein" and counts.get("*") else []
        proper += ["-"] if any(counts.get(gap) for gap in GAPS) else []
    return {"alphabet": kind, "letters": proper, "soft_masked": soft_masked}


def meanings(facts: Facts) -> dict[str, str]:
    """Every sign that the alphabet knows -> the letters proper that it stands for, in the order of codes."""
    proper = list(facts["letters"])
    found = {each: each for each in proper}
    if facts["alphabet"] == "symbols":
        return found
    return {**found, **(RESIDUES if facts["alphabet"] == "protein" else NUCLEOTIDES)}


def vectors(facts: Facts) -> np.ndarray:
    """float32 [codes, channels]: the vector of each code.

    With soft_masked "channel" codes of lower case follow those of upper case, and have a last channel of 1.
    """
    proper = list(facts["letters"])
    known = meanings(facts)
    rows = np.zeros((len(known) + 2, len(proper)), np.float32)
    for code, stands_for in enumerate(known.values(), start=1):
        rows[code, [proper.index(each) for each in stands_for]] = 1 / len(stands_for)
    if facts["alphabet"] != "symbols":
        everything = AMINO_ACIDS if facts["alphabet"] == "protein" else "ACGT"
        rows[-1, [proper.index(each) for each in everything]] = 1 / len(everything)
    if facts["soft_masked"] != "channel":
        return rows
    plain, lower = (np.pad(rows, ((0, 0), (0, 1)), constant_values=value) for value in (0, 1))
    return np.concatenate([plain, lower[1:]])


def encode_letters(letters: Ragged, facts: Facts) -> Ragged:
    """Codes of the letters, uint8, or uint16 where there are many symbols."""
    known = meanings(facts)
    unknown = len(known) + 1
    codes = {sign: code for code, sign in enumerate(known, start=1)}
    if facts["alphabet"] in ("dna", "rna"):
        codes["U"] = codes["T"]
    if facts["alphabet"] != "symbols":
        for gap in GAPS:
            codes[gap] = codes.get("-", unknown)
        lower = {"same": lambda code: code, "hidden": lambda code: unknown}.get(
            facts["soft_masked"], lambda code: code + unknown
        )
        codes |= {sign.lower(): lower(code) for sign, code in codes.items() if sign.isalpha()}
    signs = np.array(sorted(map(ord, codes)), np.uint32)
    found = np.array([codes[chr(sign)] for sign in signs], np.uint16)
    small = np.uint8 if max(unknown * 2, 1) < 256 else np.uint16
    if letters.dtype == np.uint8:
        table = np.full(256, unknown, small)
        few = signs < 256
        table[signs[few]] = found[few]
        return Ragged(table[letters.values], letters.starts)
    place = np.minimum(np.searchsorted(signs, letters.values), len(signs) - 1)
    return Ragged(
        np.where(signs[place] == letters.values, found[place], unknown).astype(small), letters.starts
    )


def complements(facts: Facts) -> np.ndarray:
    """int64 [codes]: the code of the base on the other strand, for each code of DNA or RNA."""
    known = list(meanings(facts))
    codes = {sign: code for code, sign in enumerate(known, start=1)}
    unknown = len(known) + 1
    table = np.array([0, *(codes[COMPLEMENT[sign]] for sign in known), unknown], np.int64)
    return np.append(table, table[1:] + unknown) if facts["soft_masked"] == "channel" else table


def accepted(kind: Kind) -> frozenset[str]:
    """The signs that strings of a kind may have, in both cases; empty where all may be."""
    if kind == "symbols":
        return frozenset()
    known = {*AMINO_ACIDS, *RESIDUES, "*"} if kind == "protein" else {*"ACGTU", *NUCLEOTIDES}
    return frozenset({*known, *(each.lower() for each in known), *GAPS})
