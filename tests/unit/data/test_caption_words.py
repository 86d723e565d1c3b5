"""Captions as numbers of the words that training has seen."""

from __future__ import annotations

import pytest

from deepfit.data.caption_words import (
    LONGEST,
    caption_words,
    encode_words,
    explain_unknown,
    learn_words,
    unknown_words,
)


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ('A red-brown "T-shirt".', ["a", "red", "brown", "t", "shirt"]),
        ("ankle_boot", ["ankle", "boot"]),
        ("don't stop; 3.5 km!", ["don't", "stop", "3.5", "km"]),
        ("\uff22\uff2c\uff35\uff25  Œuvre", ["blue", "œuvre"]),
        ("... - !", []),
        ("", []),
    ],
)
def test_words_are_lower_case_without_punctuation_and_hyphens_are_spaces(caption, words):
    assert caption_words(caption) == words


def test_the_most_frequent_words_come_first_whatever_the_order_of_captions():
    captions = ["a red cat", "a dog", "A cat"]
    assert learn_words(captions) == learn_words(captions[::-1]) == ["a", "cat", "dog", "red"]


def test_unknown_words_are_passed_over_and_long_captions_cut():
    words = ["a", "cat"]
    found = encode_words(["A purple cat", "cat " * (LONGEST + 5), "dog"], words)
    assert found.row(0).tolist() == [0, 1]
    assert found.lengths.tolist() == [2, LONGEST, 0]
    assert unknown_words("a purple, PURPLE dog", words) == ["purple", "dog"]


def test_an_unknown_word_gets_a_suggestion():
    assert explain_unknown(["squarr"], ["square", "red"]) == (
        "the word is in no training caption: 'squarr'. Did you mean 'square'?"
    )
    assert "the words are in no training caption: 'x', 'y'. Known: red." in explain_unknown(
        ["x", "y"], ["red"]
    )
