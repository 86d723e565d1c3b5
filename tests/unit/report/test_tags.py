from __future__ import annotations

from types import SimpleNamespace

import pytest

from deepfit.contract import Answers
from deepfit.data.tagged import read_tagged
from deepfit.data.tagged_rows import objects
from deepfit.report.page import environment
from deepfit.report.tags import tag_confusion, tag_scores, tagged_sentences
from deepfit.report.view import View

HOSTILE = "<script>alert(1)</script>"


def view(words, actual, said, *, entities=False, unseen=None, sure=None):
    rows = read_tagged((words, actual), scheme="entities" if entities else "words")
    columns = {
        "prediction": objects(said),
        "confidence": objects(sure or [[0.9] * len(each) for each in said]),
        "unseen": objects(unseen or [[] for _ in said]),
        **({"entities": objects([[] for _ in said])} if entities else {}),
    }
    return View(SimpleNamespace(test=rows, answers=Answers(columns), task=None))


def test_entities_are_scored_by_type():
    section = tag_scores(
        view([["a", "b", "c"]], [["B-X", "I-X", "B-Y"]], [["B-X", "O", "B-Y"]], entities=True)
    )
    assert [row[0] for row in section.tables[0].rows] == ["X", "Y"]
    assert section.tables[0].rows[0][1:] == ["1", "1", "0.000", "0.000", "0.000"]
    assert section.tables[0].rows[1][1:] == ["1", "1", "1.000", "1.000", "1.000"]


def test_tags_are_scored_the_worst_first_and_unseen_words_beside_the_others():
    section = tag_scores(view([["a", "b", "c"]], [["N", "V", "N"]], [["N", "N", "N"]], unseen=[[1]]))
    assert [row[0] for row in section.tables[0].rows] == ["V", "N"]
    assert section.sentences == [
        "Of words that training had seen 100.0% are right, of the 1 unseen ones (33.3% of all) 0.0%."
    ]


def test_confused_tags_are_counted_by_word():
    table = tag_confusion(view([["a", "b", "c"]], [["N", "V", "N"]], [["N", "N", "N"]])).tables[0]
    assert table.rows == [["N", "2", "·"], ["V", "1", "·"]]
    section = tag_confusion(view([["a", "b"]], [["N", "V"]], [["N", "V"]]))
    assert section.sentences == ["Every word has the right tag."]


def test_many_tags_are_shown_as_their_most_frequent_mistakes():
    tags = [f"T{number}" for number in range(40)]
    section = tag_confusion(view([tags], [tags], [[*tags[:-1], "T0"]]))
    assert section.tables[0].rows == [["T39", "T0", "1", "100.0%"]]


def test_sentences_with_the_surest_mistakes_come_first_and_the_mistake_is_marked():
    section = tagged_sentences(
        view([["a"], ["b"], ["c"]], [["N"], ["N"], ["N"]], [["N"], ["V"], ["V"]], sure=[[0.9], [0.6], [0.8]])
    )
    shown = [str(each) for each in section.passages[1:]]
    assert [each[each.index("<bdi") :].split(">")[1][0] for each in shown] == ["c", "b", "a"]
    assert "wrong" in shown[0]
    assert "V → N" in shown[0]
    assert "wrong" not in shown[2]


def test_text_from_data_is_escaped_and_its_direction_is_its_own():
    section = tagged_sentences(
        view([[HOSTILE, "שלום", "👩‍💻"]], [[HOSTILE, "N", "N"]], [["N", "N", "N"]], unseen=[[0]])
    )
    page = (
        environment()
        .from_string("{% for each in passages %}{{ each }}{% endfor %}")
        .render(passages=section.passages)
    )
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert 'dir="auto"' in page
    assert "<bdi" in page
    assert "👩‍💻" in page


@pytest.mark.parametrize("wrong", [0, 150, 299])
def test_of_a_long_sentence_the_part_with_the_mistake_is_shown(wrong):
    words = [f"w{place}" for place in range(300)]
    said = ["N"] * 300
    said[wrong] = "V"
    section = tagged_sentences(view([words], [["N"] * 299 + ["X"]], [said]))
    body = str(section.passages[-1])
    assert f">w{wrong}<" in body
    assert body.count("<bdi") == 60


def test_a_result_without_test_rows_has_no_such_sections():
    empty = View(SimpleNamespace(test=None, answers=None, task=None))
    assert tag_scores(empty) is tag_confusion(empty) is tagged_sentences(empty) is None
