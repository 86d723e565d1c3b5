"""Words for counting: any script, emoji, markup, and the same words however they are written."""

from __future__ import annotations

import time

import pytest

from deepfit.data.text_words import counted_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It DON\u2019T work, don't it?", ["it", "don't", "work", "don't", "it"]),
        ("a 404 page (version 2.0) is a page", ["404", "page", "version", "is", "page"]),
        ("late<br />again <a href='x'>here</a> 3 < 5 > 2", ["late", "again", "here"]),
        ("soup🍲👍🏽 ❤️👩‍🍳", ["soup", "🍲", "👍", "❤", "👩", "🍳"]),
        ("Größe ＦＵＬＬ ﬁne café", ["größe", "full", "fine", "café"]),  # noqa: RUF001
        ("التوصيل متأخر جدا", ["التوصيل", "متأخر", "جدا"]),
        ("משלוח מאוחר", ["משלוח", "מאוחר"]),
        ("डिलीवरी देर से", ["डिलीवरी", "देर", "से"]),
        ("配送很慢 app闪退", ["配送", "送很", "很慢", "app", "闪退"]),
        ("ส่งช้า", ["ส่", "่ง", "งช", "ช้", "้า"]),
        ("\u202bהזמנה\u202c co\u00adoperate", ["הזמנה", "cooperate"]),
        ("' '' - ... !", []),
        ("", []),
    ],
)
def test_words_are_lower_cased_without_marks_in_any_script(text, words):
    assert counted_words(text) == words


def test_composed_and_decomposed_letters_are_the_same_word():
    assert counted_words("cafe\u0301") == counted_words("caf\u00e9")


def test_a_text_of_a_megabyte_without_a_space_or_a_letter_takes_no_longer_than_its_length():
    begun = time.perf_counter()
    assert counted_words("x" * 1_000_000) == ["x" * 1_000_000]
    assert counted_words("<" * 1_000_000) == []
    assert len(counted_words("慢" * 300_000)) == 299_999
    assert time.perf_counter() - begun < 20
