from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest

from deepfit.data.tagged import read_tagged
from deepfit.data.tagged_encoding import encode_tagged, learn_tagged, num_letters, word_key

PAIR = ([["Ann", "saw", "ann"], ["Bob", "1999"]], [["B-P", "O", "B-P"], ["B-P", "O"]])


@pytest.fixture
def rows():
    return read_tagged(PAIR)


def test_words_are_known_whatever_their_capitals_and_digits(rows):
    facts = learn_tagged(rows)
    counts = dict(zip(facts["words"], facts["word_rows"], strict=True))
    assert counts == {"ann": 2, "saw": 1, "bob": 1, "0000": 1}
    again = encode_tagged(read_tagged(([["ANN", "2024", "Zoë"]], [["O", "O", "B-P"]])), facts)
    assert again["unseen"].values.tolist() == [False, False, True]
    assert again["words"].values[2] == 1


def test_every_type_has_the_tag_that_goes_on_though_training_had_none(rows):
    assert learn_tagged(rows)["tags"] == ["O", "B-P", "I-P"]


def test_a_tag_that_training_did_not_have_is_minus_one(rows):
    facts = learn_tagged(rows)
    encoded = encode_tagged(read_tagged(([["a", "b"]], [["B-Q", "O"]])), facts)
    assert encoded["target"].values.tolist() == [-1, 0]


def test_of_long_words_the_first_and_last_eight_letters_are_kept():
    words = ["abcdefgh" + "x" * 30 + "stuvwxyz", "abcdefghstuvwxyz"]
    rows = read_tagged(([words] * 3, [["X", "Y"]] * 3))
    letters = encode_tagged(rows, learn_tagged(rows))["letters"].row(0)
    np.testing.assert_array_equal(letters[0], letters[1])
    assert (letters > 0).all()


def test_letters_that_training_did_not_have_are_told_apart_by_their_kind(rows):
    facts = learn_tagged(rows)
    kinds = read_tagged(([["\u0416", "ж", "木", "٣", "!", "👍", "\u200d"]], [["O"] * 7]))
    letters = encode_tagged(kinds, facts)
    assert letters["letters"].values[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert num_letters(facts) > 7


def test_the_key_of_a_word_is_composed():
    assert word_key("CAFE\u0301") == word_key("café")
    assert word_key("ﬁ12") == "fi00"


class Pieces:
    """A vocabulary that cuts words into pairs of letters, with 101 and 102 around a text."""

    specials = MappingProxyType({"unk_token": "?"})

    def id_of(self, token):
        return 100

    def encode_ragged(self, texts, specials=True):
        from deepfit.data.ragged import Ragged

        def ids(text):
            word = text.strip()
            inner = [ord(word[at]) for at in range(0, len(word), 2)] if word.isalpha() else []
            return [101, *inner, 102] if specials else inner

        return Ragged.of(map(ids, texts), np.int32), None


def test_the_first_piece_of_each_word_is_known_in_the_whole_sentence():
    rows = read_tagged(([["abc", "?", "d"], ["efghi"]], [["X", "Y", "X"], ["Y"]]))
    encoded = encode_tagged(rows, learn_tagged(rows), Pieces())
    assert encoded["pieces"].row(0).tolist() == [101, ord("a"), ord("c"), 100, ord("d"), 102]
    assert encoded["firsts"].row(0).tolist() == [1, 3, 4]
    assert encoded["pieces"].row(1).tolist() == [101, ord("e"), ord("g"), ord("i"), 102]
    assert encoded["firsts"].row(1).tolist() == [1]
    assert "words" not in encoded
