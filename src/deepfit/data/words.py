"""Words of plain text, by a rule that needs no language.

White space stands between words. At either end of what is left, punctuation and symbols (Unicode P and S) are
words of their own, repeated ones together: `("Really?!` gives `(`, `"`, `Really`, `?`, `!`, and `...` stays
one. A leading @ or # before a letter stays (names and topics of tweets), an underscore too, and marks within
a word stay where they are: `don't`, `e-mail`, `3.5`. What combines with a sign (accents, joined emoji) stays
with it. Chinese, Japanese and Thai need a segmenter of their own: give lists of words.
"""

from __future__ import annotations

import unicodedata

JOINER = "\u200d"
SKIN_TONES = ("\U0001f3fb", "\U0001f3ff")


def words_of(text: str) -> list[str]:
    """The words of a text, in order."""
    return [word for part in text.split() for word in _split_ends(_signs(part))]


def _signs(text: str) -> list[str]:
    """Each character with what combines with it."""
    found: list[str] = []
    for character in text:
        joined = bool(found) and (found[-1].endswith(JOINER) or _combines(character))
        if joined:
            found[-1] += character
        else:
            found.append(character)
    return found


def _combines(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me", "Mc", "Cf") or (
        SKIN_TONES[0] <= character <= SKIN_TONES[1]
    )


def _split_ends(signs: list[str]) -> list[str]:
    start, stop = 0, len(signs)
    while start < stop and _is_mark(signs[start]):
        start += 1
    while stop > start and _is_mark(signs[stop - 1]):
        stop -= 1
    if 0 < start < stop and signs[start - 1] in ("@", "#"):
        start -= 1
    middle = ["".join(signs[start:stop])] if start < stop else []
    return [*_runs(signs[:start]), *middle, *_runs(signs[stop:])]


def _is_mark(sign: str) -> bool:
    return sign[0] != "_" and unicodedata.category(sign[0])[0] in "PS"


def _runs(signs: list[str]) -> list[str]:
    """The same sign several times in a row is one word."""
    found: list[str] = []
    for place, sign in enumerate(signs):
        if place and sign == signs[place - 1]:
            found[-1] += sign
        else:
            found.append(sign)
    return found
