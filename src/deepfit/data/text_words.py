"""The words of a text for counting: lower-cased, without punctuation and markup, in any script.

Compatible characters are made one (NFKC). Letters, digits, their marks and apostrophes within make words; an
emoji or another pictorial sign is a word of its own, without joiners and skin tones; tags such as `<br />`
stand between words. In scripts without spaces (Chinese, Japanese, Thai and others) every two neighbouring
characters are a word. Single letters are none.
"""

from __future__ import annotations

import re
import unicodedata

MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]+"
)
"""Thai, Lao, Burmese, Khmer, kana, Chinese characters."""
APOSTROPHES = "'\u2019\u02bc"
GONE = "\ufe0e\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
"""Which form an emoji has, and its skin tones."""


class _Letters(dict[int, str | None]):
    """What each character becomes, found when it is first met: itself, a space, nothing, or a word apart."""

    def __missing__(self, code: int) -> str | None:
        self[code] = found = _become(chr(code))
        return found


def _become(character: str) -> str | None:
    kind = unicodedata.category(character)
    if character in APOSTROPHES:
        return "'"
    if character in GONE or kind == "Cf":
        return None
    if kind[0] in "LNM":
        return character
    return f" {character} " if kind == "So" else " "


LETTERS = _Letters()


def counted_words(text: str) -> list[str]:
    """The words of a text in their order, repeats included."""
    plain = unicodedata.normalize("NFKC", MARKUP.sub(" ", text)).lower().translate(LETTERS)
    found = []
    for part in plain.split():
        word = part.strip("'")
        if word and (word[-1] >= "\u0e00" or word[0] >= "\u0e00") and SPACELESS.search(word):
            found += _pairs(word)
        elif len(word) > 1 or (word and not word.isalnum()):
            found.append(word)
    return found


def _pairs(word: str) -> list[str]:
    """The runs of a script without spaces as pairs of characters, what stands between them as it is."""
    found, place = [], 0
    for run in SPACELESS.finditer(word):
        found.append(word[place : run.start()])
        signs = run.group()
        found += [signs[at : at + 2] for at in range(max(1, len(signs) - 1))]
        place = run.end()
    return [each for each in (*found, word[place:]) if each]
