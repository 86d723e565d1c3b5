"""Simple clustering of texts: what it finds, also of a chosen number, and when there is nothing to count."""

from __future__ import annotations

import numpy as np
import pytest

from deepfit.baselines.text_clusters import among, of_words
from deepfit.metrics.clusters import agreement

TOPICS = (
    "parcel late courier box damaged waiting postman arrived",
    "price coupon refund money paid cost charge cheaper",
    "login crash screen update password button slow error",
)


def texts(count, seed):
    rng = np.random.default_rng(seed)
    topic = rng.integers(0, 3, count)
    return [" ".join(rng.permutation(TOPICS[each].split())[:6]) for each in topic], topic


@pytest.mark.parametrize("clusters", [3, 0])
def test_counts_of_words_find_topics_in_texts_that_were_not_seen(clusters):
    train, (test, topic) = texts(90, 0)[0], texts(40, 1)
    [(name, shares, seconds)] = of_words(train, test, clusters, seed=0)
    assert name == "tfidf_k_means"
    assert agreement(shares.argmax(1), topic)["accuracy"] == 1
    assert seconds > 0


def test_texts_without_shared_words_have_no_such_baseline():
    assert list(of_words(["one", "two", "!"], ["one"], 2, seed=0)) == []


def test_points_are_named_for_what_they_are_and_their_making_is_counted():
    rng = np.random.default_rng(0)
    topic = rng.integers(0, 2, 80)
    points = np.eye(2, 5)[topic] + 0.1 * rng.normal(size=(80, 5))
    found = list(among("lsa", points[:60], points[60:], 2, seed=0, seconds=100.0))
    assert [name for name, *_ in found] == ["lsa_k_means", "lsa_gaussian_mixture"]
    for _, shares, seconds in found:
        assert agreement(shares.argmax(1), topic[60:])["accuracy"] == 1
        assert seconds > 100
