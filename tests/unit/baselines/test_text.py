"""TF-IDF with logistic regression is scikit-learn's own, and texts without words do not stop it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from deepfit.baselines import text as baselines_text

TRAIN = ["good soup", "bad soup", "good bread", "bad bread", "so good", "so bad"] * 3
TARGET = np.array([1, 0] * 9)
TEST = ["good tea", "bad tea", ""]


def test_it_says_what_the_pipeline_says():
    (majority, shares, _), (name, chance, seconds) = baselines_text.for_classes(TRAIN, TARGET, TEST, 3)
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(C=10, max_iter=1000).fit(words.fit_transform(TRAIN), TARGET)
    assert (majority, name) == ("majority", "tfidf")
    assert shares.tolist() == [[0.5, 0.5, 0.0]] * 3
    np.testing.assert_allclose(chance[:, :2], model.predict_proba(words.transform(TEST)), atol=1e-6)
    assert (chance[:, 2] == 0).all()
    assert seconds > 0


def test_texts_without_words_leave_the_majority_alone():
    found = list(baselines_text.for_classes(["🍲", "👍"] * 4, np.array([0, 1] * 4), ["🍲"], 2))
    assert [name for name, *_ in found] == ["majority"]


def test_each_label_is_learned_on_its_own_and_one_that_never_varies_keeps_its_share():
    holds = np.stack([TARGET == 1, TARGET == 0, np.ones(18, bool)], axis=1)
    *_, (_, chance, _) = baselines_text.for_labels(TRAIN, holds, TEST)
    assert chance[0, 0] > 0.6
    assert chance[1, 1] > 0.6
    assert chance[:, 2].tolist() == pytest.approx([1.0] * 3)
