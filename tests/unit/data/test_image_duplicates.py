import io

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from deepfit.data.image_duplicates import TOLERANCE, groups, matches, near_pairs, signatures


def digits() -> np.ndarray:
    """uint8 [1797, 32, 32, 1]: handwritten digits, smoothly enlarged."""
    small = np.rint(load_digits().images * (255 / 16)).astype(np.uint8)
    large = [np.asarray(Image.fromarray(each).resize((32, 32), Image.Resampling.BICUBIC)) for each in small]
    return np.stack(large)[..., None]


def saved_again(pixels: np.ndarray, kind: str, quality: int) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(pixels[..., 0]).save(stream, kind, quality=quality)
    return np.asarray(Image.open(stream).convert("L"))[..., None]


def every_pair(first: np.ndarray, second: np.ndarray) -> set[tuple[int, int]]:
    """All near-duplicates by comparing all with all."""
    one, other = first[:, None].astype(float), second[None].astype(float)
    distance = np.sqrt(np.square(one - other).mean(axis=2))
    contrast = np.minimum(one.std(axis=2), other.std(axis=2))
    return set(
        zip(
            *(axis.tolist() for axis in np.nonzero(distance <= np.minimum(TOLERANCE, 0.5 + 0.1 * contrast))),
            strict=True,
        )
    )


def test_a_signature_is_the_mean_of_each_area():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 1), np.uint8)
    means = pixels.reshape(3, 16, 2, 16, 3).mean(axis=(2, 4)).reshape(3, 256)
    assert np.abs(signatures(pixels) - means).max() <= 0.51


def test_a_signature_of_colours_is_that_of_their_grey():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 20, 20, 3), np.uint8)
    grey = np.stack([np.asarray(Image.fromarray(each).convert("L")) for each in pixels])[..., None]
    assert np.abs(signatures(pixels).astype(int) - signatures(grey)).max() <= 1


def test_a_picture_smaller_than_the_grid_has_a_signature():
    pixels = np.array([[[10, 20], [30, 40]]], np.uint8)[..., None]
    np.testing.assert_array_equal(signatures(pixels).reshape(16, 16)[::8, ::8], [[10, 20], [30, 40]])


def test_no_pair_is_missed_and_none_invented():
    random = np.random.default_rng(1)
    base = random.integers(0, 256, (75, 256)).astype(float)
    smooth = np.repeat(random.integers(0, 256, (75, 4)), 64, axis=1).astype(float)
    rows = np.concatenate([base, smooth])
    near = rows + random.normal(0, random.uniform(1, 6, (150, 1)), rows.shape)
    everything = np.clip(np.rint(np.concatenate([rows, near])), 0, 255).astype(np.uint8)
    first, second = everything[:150], everything[150:]
    found = {
        pair
        for left, right in near_pairs(first, second)
        for pair in zip(left.tolist(), right.tolist(), strict=True)
    }
    expected = every_pair(first, second)
    assert 25 < len(expected) < 125
    assert found == expected
    inside = {
        pair
        for left, right in near_pairs(everything)
        for pair in zip(left.tolist(), right.tolist(), strict=True)
    }
    assert inside == {(left, right) for left, right in every_pair(everything, everything) if left < right}


@pytest.mark.parametrize(("kind", "quality"), [("JPEG", 90), ("WEBP", 90)])
def test_pictures_saved_again_are_found_and_different_digits_are_not(kind, quality):
    pictures = digits()[:300]
    again = np.stack([saved_again(each, kind, quality) for each in pictures])
    assert matches(signatures(pictures), signatures(again)) == [(row, row) for row in range(300)]


def test_pale_pictures_are_not_all_alike():
    shapes = np.full((2, 16, 16, 1), 200, np.uint8)
    shapes[0, 4:8, 4:8] = 204
    shapes[1, 9:13, 9:13] = 204
    assert list(near_pairs(signatures(shapes))) == []


def test_a_group_shares_the_least_print_of_its_chain():
    row = np.tile(np.array([0, 255], np.uint8), 128)
    chain = np.stack(
        [row, np.clip(row.astype(int) + 3, 0, 255), 255 - row, np.clip(row.astype(int) + 6, 0, 255)]
    )
    chain = chain.astype(np.uint8)
    found = groups(chain, np.array([40, 30, 20, 50], np.uint64))
    assert found.tolist() == [30, 30, 20, 30]


def test_the_same_pixels_ten_thousand_times_cost_one_comparison():
    same = np.zeros((10_000, 256), np.uint8)
    assert set(groups(same, np.full(10_000, 7, np.uint64)).tolist()) == {7}


def test_each_row_matches_the_earliest_one():
    rows = np.stack([np.arange(256), np.arange(256), np.arange(256)[::-1]]).astype(np.uint8)
    assert matches(rows, rows[[1, 2, 0]]) == [(0, 0), (2, 1), (0, 2)]


def test_nothing_has_no_matches():
    none = np.zeros((0, 256), np.uint8)
    assert matches(none, none) == []
    assert matches(np.zeros((3, 256), np.uint8), none) == []
