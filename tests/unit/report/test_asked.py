"""Made pictures stand beside the captions that they were made for."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from deepfit.answers.generation import of_pictures
from deepfit.contract import Answers
from deepfit.report.asked import CAPTIONS, asked_pictures
from deepfit.report.view import View


def section(captions, recognised=None):
    images = np.random.default_rng(0).integers(0, 256, (len(captions), 4, 4, 3), dtype=np.uint8)
    columns = dict(of_pictures(images).columns)
    if recognised is not None:
        columns["recognised"] = np.array(recognised, float)
    test = SimpleNamespace(column=lambda name: np.array(captions, object))
    return asked_pictures(View(SimpleNamespace(answers=Answers(columns), test=test, history=[], run="")))


def test_each_caption_comes_with_its_pictures_and_the_share_that_fits():
    found = section(["a <b> cat", "a dog", "a dog", "a cow"], [1, 0, 1, np.nan])
    captions = [str(passage).partition("<figcaption>")[2].partition("<")[0] for passage in found.passages]
    assert captions == ["a &lt;b&gt; cat: 100% recognised", "a cow", "a dog: 50% recognised"]
    assert "most frequent" not in found.sentences[0]


def test_of_many_captions_the_most_frequent_are_shown():
    names = [f"caption {number}" for number in range(20)]
    found = section([*names, "caption 19"])
    assert len(found.passages) == CAPTIONS
    assert "caption 19" in str(found.passages[-1])
    assert "12 most frequent of 20 captions" in found.sentences[0]


def test_without_test_rows_there_is_nothing_to_show():
    empty = SimpleNamespace(answers=None, test=None, history=[], run="")
    assert asked_pictures(View(empty)) is None
