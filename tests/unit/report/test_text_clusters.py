"""What a report says of clusters of texts: telling words with their shares, and the texts at the centres."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from deepfit.answers.clusters import of_belonging
from deepfit.data.telling_words import Telling
from deepfit.data.texts import read_texts
from deepfit.report import sections
from deepfit.report.text_clusters import _places
from deepfit.report.view import View


@pytest.fixture
def view():
    texts = [f"<b>Parcel</b> late number {place}" for place in range(12)] + [
        f"coupon refund number {place}" for place in range(12)
    ]
    rows = read_texts({"text": texts}, target=None, goal="grouping")
    first = np.arange(24) < 12
    answers = of_belonging(np.stack([first, ~first], axis=1) * 0.8 + 0.1)
    # codes at growing distances from the centres 0 and 100: rows 7 and 20 are nearest
    codes = np.where(first, 0.0, 100.0) + np.abs(np.arange(24) - np.where(first, 7, 20))
    task = SimpleNamespace(
        codes=lambda net, batch, facts: codes[batch][:, None], encode=lambda some, facts: np.arange(24)
    )
    clusters = SimpleNamespace(centres_SD=torch.tensor([[0.0], [100.0]]))
    model = SimpleNamespace(task=task, net=SimpleNamespace(clusters=clusters), facts={})
    return View(SimpleNamespace(answers=answers, test=rows, model=model, task=task, history=[]))


def test_each_cluster_is_told_by_its_words_and_how_many_texts_hold_them(view):
    section = sections.make("cluster_words", view)
    assert {row[0]: set(row[1].split(", ")) for row in section.tables[0].rows} == {
        "0": {"parcel", "late"},
        "1": {"coupon", "refund"},
    }
    assert section.sentences[1].startswith("Cluster 0 (50% of the texts):")
    assert "“parcel” in 100% against 0% of others" in section.sentences[1]


def test_the_texts_nearest_the_centres_are_shown_escaped_with_their_words_coloured(view):
    figures = sections.make("cluster_texts", view).figures
    assert [each.caption.split(",")[0] for each in figures] == [
        "Cluster 0: row 7", "Cluster 0: row 6", "Cluster 0: row 8",
        "Cluster 1: row 20", "Cluster 1: row 19", "Cluster 1: row 21",
    ]  # fmt: skip
    assert "&lt;b&gt;" in figures[0].chart
    assert "<b>" not in figures[0].chart
    assert figures[0].chart.count("<span") == 2


def test_words_are_coloured_where_they_stand_whole_in_any_case_and_never_twice():
    words = [Telling("late", 1, 0, 3.0), Telling("late fee", 1, 0, 2.0), Telling("慢", 1, 0, 1.0)]
    text = "Late, later, LATE fee 很慢"
    found = [(text[start:stop], sure) for start, stop, sure in _places(text, words)]
    assert found == [("Late", 3.0), ("LATE", 3.0), ("慢", 1.0)]


def test_without_answers_or_texts_there_is_nothing_to_show():
    empty = View(SimpleNamespace(answers=None, test=None, model=None, task=None))
    assert sections.make("cluster_words", empty) is None
    assert sections.make("cluster_texts", empty) is None
