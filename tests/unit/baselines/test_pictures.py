from __future__ import annotations

import numpy as np

from deepfit.baselines.pictures import for_pictures, gaussian, real_pictures


def pictures(rows=400, seed=0):
    """Smooth shades: neighbouring pixels hang together."""
    rng = np.random.default_rng(seed)
    light = 128 + 20 * rng.standard_normal((rows, 1, 1, 1)) + np.linspace(-30, 30, 6)[None, None, :, None]
    return np.clip(light + 3 * rng.standard_normal((rows, 6, 6, 1)), 0, 255).astype(np.uint8)


def test_the_gaussian_has_mean_and_covariance_of_the_training_pictures():
    train = pictures()
    made = gaussian(train, 20_000, np.random.default_rng(1)).reshape(20_000, -1).astype(float)
    known = train.reshape(len(train), -1).astype(float)
    np.testing.assert_allclose(made.mean(0), known.mean(0), atol=1.0)
    known_covariance = np.cov(known, rowvar=False)
    assert np.abs(np.cov(made, rowvar=False) - known_covariance).max() < 0.05 * known_covariance.max()


def test_the_gaussian_copies_no_picture():
    train = pictures()
    made = gaussian(train, 50, np.random.default_rng(1))
    assert not {each.tobytes() for each in made} & {each.tobytes() for each in train}


def test_real_pictures_are_training_pictures_none_twice_where_there_are_enough():
    train = pictures()
    known = {each.tobytes() for each in train}
    made = {each.tobytes() for each in real_pictures(train, 400, np.random.default_rng(0))}
    assert made == known
    assert len(real_pictures(train, 900, np.random.default_rng(0))) == 900


def test_with_classes_each_picture_is_of_the_class_that_was_asked_for():
    dark, light = pictures() // 2, pictures() // 2 + 128
    train, classes = np.concatenate([dark, light]), np.repeat([0, 1], len(dark))
    asked = np.array([1, 0, 0, 1, -1])
    found = dict(
        (name, made) for name, made, _ in for_pictures(train, 5, seed=0, train_classes=classes, classes=asked)
    )
    assert list(found) == ["real_pictures", "gaussian"]
    for made in found.values():
        assert (made.mean((1, 2, 3)) > 110)[:4].tolist() == [True, False, False, True]


def test_the_same_seed_makes_the_same_pictures():
    first, again, other = (
        [made for _, made, _ in for_pictures(pictures(), 7, seed=seed)] for seed in (1, 1, 2)
    )
    for one, same, another in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert (one != another).any()
