"""Texts as tokens for a network: the vocabulary and the sizes as facts, and rows of tokens by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from deepfit.contract import Facts
from deepfit.data.ragged import Ragged
from deepfit.data.tokens import Vocabulary, load_vocabulary
from deepfit.data.word_pieces import learn_vocabulary
from deepfit.errors import OptionError

if TYPE_CHECKING:
    from deepfit.data.text_options import TextOptions

AUTO = "temporal_cnn"
"""The network that a few thousand texts teach best, by validation on two sets; see quality_texts.py."""
WINDOW, SHORT_WINDOW = 1024, 256
LEAST_WINDOW = 8
SPECIALS = 2
"""Places that the tokens around a text take."""


def learn_texts(
    texts: Sequence[str], options: TextOptions, encoder: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What a network for these training texts needs to know, plain JSON.

    vocabulary: as `Vocabulary.to_json`; num_tokens; first and last: the numbers of the tokens around a text,
    None where there is none; window: tokens of a text that are read at once; network: its name; encoder: the
    arguments of a published one, as they are given, else empty. OptionError for a window that the network has
    no places for.
    """
    most = None
    if options.base is not None and encoder:
        vocabulary = load_vocabulary(options.base)
        name = "transformer_encoder"
        most = encoder["positions"] - encoder.get("first_position", 0) - SPECIALS
        if options.window > most:
            raise OptionError(
                f"--window {options.window}: the encoder in {options.base} has places for {most} tokens of a"
                " text. Name at most so many; longer texts are read in several windows."
            )
    else:
        vocabulary = learn_vocabulary(texts, size=options.vocabulary)
        name = AUTO if options.network == "auto" else options.network
    usual = SHORT_WINDOW if name == "transformer_encoder" else WINDOW
    window = options.window or min(usual, most or usual)
    if window < LEAST_WINDOW:
        raise OptionError(f"--window {window}: a text is read {LEAST_WINDOW} tokens at once, or more.")
    ids = {role: vocabulary.id_of(token) for role, token in vocabulary.specials.items()}
    return {
        "vocabulary": vocabulary.to_json(),
        "num_tokens": len(vocabulary),
        "first": ids.get("cls_token"),
        "last": ids.get("sep_token"),
        "window": window,
        "network": name,
        "encoder": dict(encoder or {}),
    }


def encode_texts(texts: Sequence[str], facts: Facts) -> Ragged:
    """The tokens of each text, all of them, without any around it."""
    return vocabulary_of(facts).encode_ragged(texts, specials=False)[0]


def long_texts(tokens: Ragged, facts: Facts) -> str | None:
    """A sentence on the encoded texts that are longer than the window; None where there is none."""
    lengths, window = tokens.lengths, facts["window"]
    count = int((lengths > window).sum())
    if not count:
        return None
    return (
        f"{count:,} of {len(lengths):,} texts are longer than the {window:,} tokens read at once (the"
        f" longest has {int(lengths.max()):,}). Training reads one window of each an epoch, drawn anew;"
        " answers are the mean over windows that hold all of the text."
    )


def vocabulary_of(facts: Facts) -> Vocabulary:
    """The vocabulary that facts hold."""
    return _vocabulary(facts["vocabulary"])


@lru_cache(maxsize=2)
def _vocabulary(text: str) -> Vocabulary:
    return Vocabulary.from_json(text)
