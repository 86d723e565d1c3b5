"""Texts as points: scikit-learn's weights and axes, and a point that depends on nothing but its text."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer

from deepfit.data import latent_semantics as ls
from deepfit.data.text_words import counted_words


def made(count=60, seed=0):
    rng = np.random.default_rng(seed)
    words = np.array([f"word{place}" for place in range(40)])
    rare = rng.dirichlet(np.full(40, 0.3))
    return [" ".join(rng.choice(words, 12, p=rare)) for _ in range(count)]


def encoded(texts, words):
    return ls.weighted(ls.count_words(texts, words), len(words))


def test_words_of_one_text_alone_are_left_out_and_the_most_frequent_come_first():
    texts = ["tea tea rice", "tea soup", "rice rice", "bread"]
    assert ls.learn_words(texts, 10) == ["rice", "tea"]
    assert ls.learn_words([*texts, "tea"], 1) == ["tea"]


def test_counts_are_those_of_scikit_learn():
    texts = made()
    words = ls.learn_words(texts, 1000)
    counter = CountVectorizer(analyzer=counted_words, vocabulary=words)
    counts = counter.fit_transform(texts).toarray()
    batch = ls.count_words(texts, words)
    found = np.zeros_like(counts)
    for row in range(len(texts)):
        found[row, batch["words"].row(row)] = batch["counts"].row(row)
    np.testing.assert_array_equal(found, counts)
    expected = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0)
    np.testing.assert_allclose(encoded(texts, words).toarray(), expected, rtol=1e-6)


def test_a_word_of_every_text_has_no_weight_and_rarer_words_weigh_more():
    counts = encoded(["tea rice", "tea rice", "tea", "tea"], ["tea", "rice", "soup"])
    np.testing.assert_allclose(ls.rarity(counts), [0, np.log(5 / 3) ** 1.5, np.log(5) ** 1.5], rtol=1e-6)


def test_points_are_those_of_scikit_learns_exact_decomposition_of_unit_length():
    texts = made()
    words = ls.learn_words(texts, 1000)
    counts = encoded(texts, words)
    weighed = ls.tfidf(counts, ls.rarity(counts))
    np.testing.assert_allclose(np.linalg.norm(weighed.toarray(), axis=1), 1, rtol=1e-5)
    reference = TruncatedSVD(5, algorithm="arpack").fit_transform(weighed.astype(np.float64))
    reference /= np.linalg.norm(reference, axis=1, keepdims=True)
    found = ls.points(counts, ls.learn_axes(counts, 5, seed=0))
    np.testing.assert_allclose(found @ found.T, reference @ reference.T, atol=1e-3)


def test_a_point_is_the_same_bit_for_bit_in_any_company():
    texts = made()
    words = ls.learn_words(texts, 1000)
    axes = ls.learn_axes(encoded(texts, words), 5, seed=0)
    whole = ls.points(encoded(texts, words), axes)
    alone = [ls.points(encoded([text], words), axes)[0] for text in texts]
    np.testing.assert_array_equal(whole, alone)
    batch = ls.count_words(texts, words)
    part = {name: array[20:33] for name, array in batch.items()}
    np.testing.assert_array_equal(ls.points(ls.weighted(part, len(words)), axes), whole[20:33])


def test_a_text_of_no_known_word_is_zero_and_repeating_a_text_leaves_its_direction():
    words = ["rice", "tea"]
    axes = np.eye(2, dtype=np.float32)
    found = ls.points(encoded(["tea", "unheard of", "", "tea tea tea tea"], words), axes)
    np.testing.assert_allclose(found, [[0, 1], [0, 0], [0, 0], [0, 1]])


def test_the_same_seed_gives_the_same_axes():
    counts = encoded(made(), ls.learn_words(made(), 1000))
    np.testing.assert_array_equal(ls.learn_axes(counts, 5, seed=3), ls.learn_axes(counts, 5, seed=3))
