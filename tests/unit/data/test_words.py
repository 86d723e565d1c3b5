from __future__ import annotations

import pytest

from deepfit.data.words import words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("She lives in Paris.", "She lives in Paris ."),
        ('("Really?!"', '( " Really ? ! "'),
        ("wait... what?!", "wait ... what ? !"),
        ("don't e-mail 3.5%", "don't e-mail 3.5 %"),
        ("@user loves #music_now!!", "@user loves #music_now !!"),
        ("__init__ # x @", "__init__ # x @"),
        ("U.S. costs $5", "U.S . costs $ 5"),
        ("«Genève», dit-il…", "« Genève » , dit-il …"),
        ("שלום, עולם!", "שלום , עולם !"),
        ("हिन्दी में।", "हिन्दी में ।"),
    ],
)
def test_punctuation_at_the_ends_stands_by_itself(text, words):
    assert words_of(text) == words.split()


def test_joined_emoji_and_accents_stay_whole():
    assert words_of("hi👩‍💻👍🏽👍🏽!") == ["hi", "👩‍💻", "👍🏽👍🏽", "!"]
    assert words_of("cafe\u0301.") == ["cafe\u0301", "."]


def test_white_space_alone_has_no_words():
    assert words_of(" \u00a0\n\t") == words_of("") == []


def test_no_sign_is_lost_in_a_megabyte_of_text():
    text = "x.y-z!? (é) 👍🏽 " * 60_000
    assert "".join(words_of(text)) == "".join(text.split())
