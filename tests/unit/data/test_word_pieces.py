from __future__ import annotations

import pytest

from deepfit.data.tokens import Vocabulary
from deepfit.data.word_pieces import learn_vocabulary

TEXTS = ["the cat sat on the mat", "the dog sat on the log", "cats and dogs sat"] * 3


@pytest.fixture(scope="module")
def vocabulary():
    return learn_vocabulary(TEXTS, size=320)


@pytest.mark.parametrize(
    "text", ["the cat", "emoji \U0001f600 and e\u0301", "\u05e9\u05dc\u05d5\u05dd", "\x00 tab\t", ""]
)
def test_every_text_can_be_written_and_read_back(vocabulary, text):
    ids, spans = vocabulary.encode_ragged([text])
    import unicodedata

    assert vocabulary.decode([ids.row(0)])[0].removeprefix(" ") == unicodedata.normalize("NFKC", text).lower()
    assert vocabulary.tokens(ids.row(0))[0] == "[CLS]"
    assert spans.row(0).max(initial=0) <= len(text)


def test_frequent_words_become_one_piece_and_spans_point_into_the_text(vocabulary):
    ids, spans = vocabulary.encode_ragged(["on the CAT"])
    assert [("on the CAT"[a:b].strip()) for a, b in spans.row(0)[1:-1]] == ["on", "the", "CAT"]
    assert len(vocabulary) <= 320
    assert ids.lengths.tolist() == [5]


def test_it_survives_json_and_the_same_texts_give_the_same_vocabulary(vocabulary):
    again = Vocabulary.from_json(vocabulary.to_json())
    assert again.to_json() == vocabulary.to_json() == learn_vocabulary(TEXTS, size=320).to_json()
    assert again.pad_id == vocabulary.pad_id == 0
