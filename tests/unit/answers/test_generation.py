from __future__ import annotations

import numpy as np
import pytest

from deepfit.answers.generation import as_bytes, of_pictures, score
from deepfit.answers.pictures import from_text
from deepfit.contract import Answers


def appraised(real, made, **more):
    flags = {"precise": np.ones(len(made), bool), "covered": np.zeros(len(made), bool)}
    return Answers(
        {"prediction": np.zeros(len(made)), "features": made, "real_features": real, **flags, **more}
    )


def test_numbers_are_rounded_to_the_nearest_byte_and_cut_at_the_ends():
    found = as_bytes(np.array([-2.0, -1.0, 0.0039, 1.0, 1.5]))
    assert found.tolist() == [0, 0, 128, 255, 255]
    levels = np.arange(256)
    np.testing.assert_array_equal(as_bytes(levels / 127.5 - 1), levels)


def test_pictures_come_back_from_answers_as_they_were():
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3), dtype=np.uint8)
    np.testing.assert_array_equal(from_text(of_pictures(images).columns["prediction"]), images)


def test_equal_features_have_distance_zero_and_moved_ones_the_square_of_the_move():
    real = np.random.default_rng(0).standard_normal((50, 4))
    assert score(appraised(real, real))["frechet_distance"] == pytest.approx(0, abs=1e-9)
    moved = score(appraised(real, real + np.array([3.0, 0, 0, 4.0])))
    assert moved["frechet_distance"] == pytest.approx(25)
    assert (moved["precision"], moved["recall"]) == (1, 0)
    assert "recognised" not in moved


def test_recognised_leaves_out_rows_of_unknown_classes():
    real = np.random.default_rng(0).standard_normal((4, 2))
    found = score(appraised(real, real, recognised=np.array([1.0, np.nan, 0.0, 1.0])))
    assert found["recognised"] == pytest.approx(2 / 3)
    assert "recognised" not in score(appraised(real, real, recognised=np.full(4, np.nan)))


def test_one_row_has_no_scores():
    assert score(appraised(np.zeros((1, 2)), np.zeros((1, 2)))) == {}
