from __future__ import annotations

import numpy as np

from deepfit.baselines.tags import for_tags
from deepfit.data.tags import as_bio

TRAIN = [["the", "dog", "runs"], ["the", "run", "ends"], ["a", "run", "ended"], ["dogs", "run"]] * 40
TAGS = [["D", "N", "V"], ["D", "N", "V"], ["D", "N", "V"], ["N", "V"]] * 40


def answers(words, tags, test, *, entities=False):
    return {name: said for name, said, _ in for_tags(words, tags, test, entities=entities)}


def test_the_most_frequent_tag_of_a_word_is_said_and_of_all_tags_for_a_new_one():
    said = answers(TRAIN, TAGS, [["run", "the", "cat"]])["most_frequent_tag"]
    assert said == [["N", "D", "N"]]  # N has as many words as V: the first


def test_the_linear_model_learns_from_neighbours_and_from_ends():
    said = answers(TRAIN, TAGS, [["the", "walk", "started"], ["logs", "run"]])["logistic_regression"]
    assert said == [["D", "N", "V"], ["N", "V"]]


def test_entities_are_answered_in_bio_and_twice_the_same():
    rng = np.random.default_rng(0)
    words = [rng.choice(["in", "New", "York", "Paris", "we"], 5).tolist() for _ in range(60)]
    tags = [as_bio(["I-L" if word[0].isupper() else "O" for word in row]) for row in words]
    first, second = (answers(words, tags, words, entities=True) for _ in range(2))
    assert first == second
    assert all(as_bio(row) == row for said in first.values() for row in said)
