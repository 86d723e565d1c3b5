"""Texts in a report are escaped, run in their own direction, and show the words that told."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest

from deepfit.answers import of_classes
from deepfit.answers.labels import of_labels
from deepfit.data.texts import read_texts
from deepfit.report import sections
from deepfit.report.texts import LETTERS, drawn
from deepfit.report.view import View


def view(source, answers, task, goal="class"):
    rows = read_texts(source, goal=goal)
    model = SimpleNamespace(net=None, facts={})
    return View(SimpleNamespace(test=rows, answers=answers, task=task, model=model))


@pytest.fixture
def classes():
    source = {
        "text": ["<b>bad</b> soup", "good 🍲", "شكرا جزيلا", "so\x00so"],
        "label": ["blame", "praise", "praise", "blame"],
    }
    chances = np.array([[0.1, 0.9], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
    asked = []

    def saliency(net, rows, facts, chosen):
        asked.append((rows.texts(), chosen.tolist()))
        return [(text, [(0, 4, 1.0), (5, 6, -0.5)], False) for text in rows.texts()]

    task = SimpleNamespace(saliency=saliency)
    return view(source, of_classes(chances, ["blame", "praise"]), task), asked


def test_the_most_wrong_come_first_and_the_predicted_class_is_explained(classes):
    seen, asked = classes
    section = sections.make("texts", seen)
    assert asked == [(["<b>bad</b> soup", "شكرا جزيلا", "so\x00so", "good 🍲"], [1, 0, 0, 1])]
    assert "2 of 2 wrong test texts" in section.sentences[0]
    assert section.figures[0].caption == "Row 0: blame → praise, said to be praise with 90.0%."
    assert "var(--c0)" in section.figures[0].chart
    assert "var(--c1)" in section.figures[0].chart


def test_texts_are_escaped_and_what_cannot_be_printed_is_marked(classes):
    section = sections.make("texts", classes[0])
    page = "".join(figure.chart for figure in section.figures)
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert "\x00" not in page
    assert "�" in page
    assert page.count('dir="auto"') == len(section.figures)


def test_a_long_text_is_cut_around_its_strongest_word_and_the_cut_is_marked():
    text = "x " * 3000 + "told " + "y " * 3000
    place = text.index("told")
    html = str(drawn(text, [(0, 1, 0.2), (place, place + 4, 2.0)], False))
    plain = re.sub("<[^>]*>", "", html)
    assert ">told</span>" in html
    assert plain.startswith("… ")
    assert plain.endswith(" …")
    assert len(plain) <= LETTERS + 4


def test_labels_are_counted_each_on_its_own():
    source = {"text": list("abc"), "label": [["hot"], ["hot", "sweet"], ["odd"]]}
    answers = of_labels(np.array([[0.9, 0.1], [0.8, 0.3], [0.7, 0.2]]), ["hot", "sweet"])
    seen = view(source, answers, SimpleNamespace(), goal="labels")
    section = sections.make("labels", seen)
    assert section.tables[0].rows == [
        ["hot", "2", "3", "0.667", "1.000", "0.800"],
        ["sweet", "1", "0", "0.000", "0.000", "0.000"],
    ]
    assert "1 labels of test rows were never seen" in section.sentences[0]
    worst = sections.make("wrong_labels", seen)
    assert worst.figures[0].caption == "Row 1: has hot, sweet; was given hot."


def test_where_nothing_was_held_out_there_is_no_section():
    nothing = View(SimpleNamespace(test=None, answers=None, task=SimpleNamespace(), model=None))
    assert [sections.make(name, nothing) for name in ("texts", "labels", "wrong_labels")] == [None] * 3
