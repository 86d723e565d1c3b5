from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from seqeval.metrics import f1_score, precision_score, recall_score
from sklearn.metrics import balanced_accuracy_score
from sklearn.metrics import f1_score as f1_of_classes

from deepfit.contract import Answers
from deepfit.data.tagged import read_tagged
from deepfit.data.tags import as_bio, bio_tags
from deepfit.judge.intervals import bootstrap
from deepfit.metrics import tags as metrics_tags

ALL = slice(None)


def tagged(seed, rows=60):
    """True tags, and an answer that is mostly right."""
    rng = np.random.default_rng(seed)
    names = bio_tags(["A", "B", "C"])
    actual = [as_bio(rng.choice(names, rng.integers(1, 12)).tolist()) for _ in range(rows)]
    said = [as_bio([t if rng.random() < 0.7 else str(rng.choice(names)) for t in row]) for row in actual]
    return said, actual


def test_entities_are_scored_as_seqeval_does():
    for seed in range(5):
        said, actual = tagged(seed)
        scores = metrics_tags.tally_entities(said, actual).of(ALL)
        assert scores["f1"] == pytest.approx(f1_score(actual, said), abs=1e-12)
        assert scores["precision"] == pytest.approx(precision_score(actual, said), abs=1e-12)
        assert scores["recall"] == pytest.approx(recall_score(actual, said), abs=1e-12)


def test_words_are_scored_as_scikit_learn_does():
    said, actual = tagged(7)
    flat = [[tag for row in each for tag in row] for each in (said, actual)]
    scores = metrics_tags.tally_words(said, actual, [()] * len(actual)).of(ALL)
    assert scores["accuracy"] == pytest.approx(np.mean([a == b for a, b in zip(*flat, strict=True)]))
    assert scores["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(flat[1], flat[0]))
    assert scores["f1"] == pytest.approx(f1_of_classes(flat[1], flat[0], average="macro"))
    assert "accuracy_unseen" not in scores


def test_unseen_words_have_an_accuracy_of_their_own():
    tally = metrics_tags.tally_words([["X", "Y", "X"], ["Y"]], [["X", "X", "Y"], ["Y"]], [[1, 2], [0]])
    assert tally.of(ALL)["accuracy_unseen"] == pytest.approx(1 / 3)


def test_without_a_denominator_scores_are_zero_or_absent():
    said, actual = [["O", "O"]], [["B-A", "O"]]
    assert metrics_tags.tally_entities(said, actual).of(ALL)["precision"] == 0
    assert metrics_tags.tally_entities(actual, said).of(ALL)["recall"] == 0
    assert metrics_tags.tally_entities(said, said).of(ALL) == {"accuracy": 1.0}
    assert metrics_tags.tally_entities([], []).of(ALL) == {}
    assert metrics_tags.tally_words([], [], []).of(ALL) == {}


def test_a_part_of_the_rows_is_scored_by_its_counts_as_by_itself():
    said, actual = tagged(3)
    index = np.random.default_rng(0).integers(0, len(said), 40)
    whole = metrics_tags.tally_entities(said, actual).of(index)
    part = metrics_tags.tally_entities([said[i] for i in index], [actual[i] for i in index]).of(ALL)
    assert whole == part


def test_the_bootstrap_gives_the_same_intervals_from_counts_as_from_rows():
    said, actual = tagged(4, rows=30)
    rows = read_tagged(([["w"] * len(row) for row in actual], actual))
    column = np.empty(len(said), object)
    column[:] = said
    answers = {"network": Answers({"prediction": column})}
    tally = lambda given, some: metrics_tags.tally_entities(given.columns["prediction"], some.target())  # noqa: E731
    slow = SimpleNamespace(main_metric="f1", metrics=lambda given, some: tally(given, some).of(ALL))
    fast = SimpleNamespace(**vars(slow), tally=tally)
    assert bootstrap(fast, rows, answers, resamples=60) == bootstrap(slow, rows, answers, resamples=60)


def test_types_are_counted_each_by_itself():
    counts = metrics_tags.of_types([["B-A", "I-A", "B-B"]], [["B-A", "O", "B-B"]])
    assert counts == {"A": (0, 1, 1), "B": (1, 1, 1)}
