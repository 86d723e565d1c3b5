from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from seqeval.metrics.sequence_labeling import get_entities

from deepfit.data import tags


def random_tags(rng, marks, rows=300):
    kinds = [f"{mark}-{kind}" for mark in marks if mark != "O" for kind in ("PER", "LOC", "x-y")]
    return [rng.choice(["O", "O", *kinds], rng.integers(0, 9)).tolist() for _ in range(rows)]


@pytest.mark.parametrize("marks", ["BIO", "BIES", "IO", "IE", "BIOES"])
def test_entities_are_those_that_seqeval_finds_in_any_scheme_also_where_tags_are_wrong(marks):
    for row in random_tags(np.random.default_rng(0), marks):
        assert [(e.type, e.start, e.stop - 1) for e in tags.entities(row)] == get_entities(row)


def test_entities_in_bilou_are_those_of_the_same_tags_in_bioes():
    for row in random_tags(np.random.default_rng(1), "BIES"):
        bilou = [tag.replace("E-", "L-").replace("S-", "U-") for tag in row]
        assert tags.entities(bilou) == tags.entities(row)


@pytest.mark.parametrize("marks", ["BIO", "BIES", "IE"])
def test_the_same_tags_in_bio_mark_the_same_entities_and_follow_the_rules(marks):
    for row in random_tags(np.random.default_rng(2), marks):
        written = tags.as_bio(row)
        assert tags.entities(written) == tags.entities(row)
        assert tags.as_bio(written) == written
        for before, tag in zip(["O", *written], written, strict=False):
            assert tag[0] != "I" or before in (f"B{tag[1:]}", tag)


def test_marks_without_a_type_are_entities_too():
    assert tags.recognise([["B", "I", "O"]]).kind == "entities"
    assert tags.entities(["B", "I", "O", "B"]) == [("", 0, 2), ("", 3, 4)]
    assert tags.as_bio(["I", "I", "O"]) == ["B", "I", "O"]


@pytest.mark.parametrize(
    ("rows", "kind", "name"),
    [
        ([["B-A", "I-A", "O"], ["B-A", "B-A"]], "entities", "BIO"),
        ([["I-A", "I-A", "O"], ["I-A", "B-A"]], "entities", "IOB1"),
        ([["I-A", "B-A"], ["B-A", "O"]], "entities", "BIO"),
        ([["S-A", "O"], ["B-A", "E-A"]], "entities", "BIOES"),
        ([["U-A", "O"], ["B-A", "L-A"]], "entities", "BILOU"),
        ([["NOUN", "VERB", "."]], "words", ""),
        ([["O", "O"]], "words", ""),
        ([["0", "1", "0"]], "words", ""),
        ([["IN", "BE", "O"]], "words", ""),
        ([], "words", ""),
    ],
)
def test_the_scheme_is_recognised_from_the_tags(rows, kind, name):
    assert tags.recognise(rows)[:2] == (kind, name)


def test_a_few_tags_that_do_not_fit_are_mistakes_and_many_are_another_scheme():
    assert tags.recognise([["B-A", "O"] * 200, ["PER"]]).strays == ("PER",)
    assert tags.recognise([["B-A", "O"], ["PER"]]).kind == "words"


def test_the_best_path_is_the_best_of_all_allowed_ones():
    rng = np.random.default_rng(0)
    names = tags.bio_tags(["A", "B"])
    allowed = tags.may_follow(names)
    for words in range(1, 5):
        scores = rng.normal(size=(words, len(names)))
        ways = [
            way
            for way in product(range(len(names)), repeat=words)
            if all(allowed[before, code] for before, code in zip((-1, *way), way, strict=False))
        ]
        best = max(ways, key=lambda way: sum(scores[place, code] for place, code in enumerate(way)))
        assert tuple(tags.best_path(scores, allowed)) == best


def test_the_path_of_no_words_is_empty():
    assert len(tags.best_path(np.empty((0, 3)), tags.may_follow(tags.bio_tags(["A"])))) == 0


def test_what_goes_on_may_follow_its_own_type_alone():
    names = ["O", "B-A", "I-A", "B-A-B", "I-A-B"]
    allowed = tags.may_follow(names)
    assert [names[row] for row in range(5) if allowed[row, 4]] == ["B-A-B", "I-A-B"]
    assert allowed[-1].tolist() == [True, True, False, True, False]
