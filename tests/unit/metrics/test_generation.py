"""Distances of made from real features equal closed forms, SciPy's matrix root and a loop over all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from deepfit.metrics import generation


def draws(rows, width, seed, spread=1.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, width)) @ rng.normal(0, spread, size=(width, width)) + rng.normal(
        size=width
    )


def exactly(mean, deviations):
    """Four rows whose mean and (diagonal) covariance are these to the last digit."""
    corners = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) * np.sqrt(3) / 2
    return np.array(mean) + corners * np.array(deviations)


def test_gaussians_with_diagonal_covariances_have_the_distance_of_the_closed_form():
    found = generation.frechet_distance(exactly([0, 0], [1, 3]), exactly([2, -1], [4, 0.5]))
    assert found == pytest.approx(2**2 + 1**2 + (1 - 4) ** 2 + (3 - 0.5) ** 2)


def test_the_distance_is_that_by_scipys_matrix_root():
    real, made = draws(200, 12, 0), draws(150, 12, 1, spread=0.5)
    one, other = np.cov(real, rowvar=False), np.cov(made, rowvar=False)
    apart = real.mean(0) - made.mean(0)
    expected = apart @ apart + np.trace(one + other - 2 * np.real(linalg.sqrtm(one @ other)))
    assert generation.frechet_distance(real, made) == pytest.approx(expected, rel=1e-9)
    assert generation.frechet_distance(made, real) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("rows", "width"), [(50, 6), (5, 40), (2, 3), (9, 1)])
def test_equal_features_are_no_distance_apart_though_covariances_are_singular(rows, width):
    real = 100 * draws(rows, width, 2)
    assert generation.frechet_distance(real, real[::-1]) == pytest.approx(0, abs=1e-6 * (real**2).sum())


def test_features_moved_by_a_vector_are_its_square_apart():
    real = draws(5, 40, 3)
    moved = real + np.linspace(0, 1, 40)
    assert generation.frechet_distance(real, moved) == pytest.approx((np.linspace(0, 1, 40) ** 2).sum())


def test_what_has_no_covariance_or_another_width_is_refused():
    with pytest.raises(ValueError, match="two rows, received 1 and 4"):
        generation.frechet_distance(np.zeros((1, 3)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match="of 3 and of 2"):
        generation.frechet_distance(np.zeros((4, 3)), np.zeros((4, 2)))
    with pytest.raises(ValueError, match=r"\[rows, width\]"):
        generation.frechet_distance(np.zeros(4), np.zeros((4, 2)))


def by_a_loop(reference, points, nearest):
    radii = []
    for row, known in enumerate(reference):
        others = [np.linalg.norm(known - other) for at, other in enumerate(reference) if at != row]
        radii.append(sorted(others)[min(nearest, len(others)) - 1] if others else 0.0)
    return [
        any(np.linalg.norm(point - known) <= radius for known, radius in zip(reference, radii, strict=True))
        for point in points
    ]


@pytest.mark.parametrize("nearest", [1, 3, 5, 1000])
@pytest.mark.parametrize("block_values", [1 << 22, 130])
def test_the_manifold_is_that_of_a_loop_over_all_pairs_in_any_blocks(monkeypatch, nearest, block_values):
    monkeypatch.setattr(generation, "BLOCK_VALUES", block_values)
    reference, points = draws(60, 4, 0), draws(80, 4, 1)
    found = generation.in_manifold(reference, points, nearest)
    assert found.tolist() == by_a_loop(reference, points, nearest)
    assert nearest == 1000 or 0 < found.mean() < 1


def test_far_from_zero_points_of_the_reference_are_still_within():
    reference = np.repeat(np.random.default_rng(0).normal(size=(6, 8)) + 1e4, 7, axis=0)
    assert generation.in_manifold(reference, reference[::7], nearest=5).all()  # radii are 0: six equal rows
    assert not generation.in_manifold(reference, reference[::7] + 1e-2, nearest=5).any()


def test_one_known_row_holds_only_itself():
    assert generation.in_manifold(np.ones((1, 2)), np.array([[1.0, 1], [1, 1.1]])).tolist() == [True, False]
    assert generation.in_manifold(np.ones((1, 2)), np.zeros((0, 2))).tolist() == []


def test_an_empty_reference_is_refused():
    with pytest.raises(ValueError, match="0 rows"):
        generation.in_manifold(np.zeros((0, 2)), np.ones((1, 2)))


def test_the_likeliest_caption_is_that_of_the_highest_product_of_probabilities():
    rng = np.random.default_rng(0)
    logits, asked = rng.normal(size=(40, 5)), (rng.random((40, 5)) < 0.5).astype(np.float32)
    candidates = np.unique((rng.random((9, 5)) < 0.5).astype(np.float32), axis=0)
    chance = 1 / (1 + np.exp(-logits))

    def likelihood(row, words):
        return np.prod(np.where(words > 0, chance[row], 1 - chance[row]))

    expected = [
        all(
            likelihood(row, asked[row]) > likelihood(row, each)
            for each in candidates
            if (each != asked[row]).any()
        )
        for row in range(40)
    ]
    assert generation.likeliest(logits, asked, candidates).tolist() == expected
    assert 0 < np.mean(expected) < 1


def test_what_says_the_same_is_no_rival_and_a_tie_is_not_won():
    same, other = np.array([[1.0, 0]]), np.array([[0.0, 1]])
    assert generation.likeliest(np.array([[-3.0, -5]]), same, same).tolist() == [True]
    assert generation.likeliest(np.array([[2.0, 2]]), same, other).tolist() == [False]


def test_visible_words_are_those_whose_auc_is_high_enough():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    told = (rng.random((80, 6)) < 0.4).astype(np.float32)
    logits = rng.normal(size=(80, 6)) + told * np.array([0, 0.6, 1.2, 1.4, 3, 8])
    areas = [roc_auc_score(told[:, word], logits[:, word]) for word in range(6)]
    assert generation.visible(logits, told).tolist() == [area >= generation.SEEN for area in areas]
    assert generation.visible(logits, told).sum() in range(1, 6)
    told[4:, 5] = 0
    assert not generation.visible(logits, told)[5]  # four pictures are too few to say
    assert not generation.visible(logits[:0], told[:0]).any()
