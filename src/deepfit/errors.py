"""Every error that a user can meet, in one tree.

A message says what was wrong, where, what was received and what to do. The command line prints it and ends
with status 2 for these errors, and with 1 for anything else, which is then a fault of deepfit.
"""

from __future__ import annotations

from collections.abc import Iterable


class DeepfitError(Exception):
    """A mistake that the user can fix. `str(error)` is the whole message, fit to print."""


class DataError(DeepfitError, ValueError):
    """The data break the task's contract."""


class OptionError(DeepfitError, ValueError):
    """An option is misspelt, out of range, or has no effect here."""


class ArtifactError(DeepfitError):
    """A saved model or run cannot be read: missing, truncated, newer, or not what it claims to be."""


class TrainingError(DeepfitError):
    """Training cannot go on: a loss that is not finite, a disk that is full."""


class ExtraError(DeepfitError):
    """A feature needs a package that is not installed; the message gives the `pip install` line."""


def suggest(name: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known spellings, or lists what is known.

    >>> suggest("pirce", ["price", "rooms"])
    "Did you mean 'price'?"
    """
    from difflib import get_close_matches

    names = [str(each) for each in known]
    lower = {each.lower(): each for each in names}
    near = get_close_matches(name.strip().lower(), lower, n=2, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(repr(lower[each]) for each in near)}?"
    if not names:
        return "There is none to choose from."
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    return f"Known: {shown}."
