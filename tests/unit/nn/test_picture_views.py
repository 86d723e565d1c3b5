"""Random views of pictures: held to SciPy's interpolation, each picture by its own draw."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from deepfit.nn.picture_views import Views, viewed


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(rows=4, channels=2, height=9, width=12, seed=1):
    return torch.randn(rows, channels, height, width, generator=generator(seed))


def test_without_any_change_a_view_is_the_picture():
    x = pictures()
    torch.testing.assert_close(viewed(x, generator(), how=Views()), x, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(9, 12), (12, 9), (8, 8)])
def test_moves_zooms_and_turns_are_those_of_scipys_interpolation(size):
    x = pictures(height=size[0], width=size[1])
    how = Views(shift=0.1, zoom=0.3, turn=40)
    found = viewed(x, generator(), how=how).numpy()
    draws = generator()
    turn, down, across, right, below = (
        2 * torch.rand(4, generator=draws).double().numpy() - 1 for _ in range(5)
    )
    angle, down, across = np.deg2rad(40 * turn), 1.3**down, 1.3**across
    rows, columns = np.mgrid[: size[0], : size[1]].astype(float)
    up, side = rows - (size[0] - 1) / 2, columns - (size[1] - 1) / 2
    for place in range(4):
        cos, sin = np.cos(angle[place]), np.sin(angle[place])
        x_there = cos * across[place] * side - sin * down[place] * up + 0.1 * right[place] * size[1]
        y_there = sin * across[place] * side + cos * down[place] * up + 0.1 * below[place] * size[0]
        where = [y_there + (size[0] - 1) / 2, x_there + (size[1] - 1) / 2]
        for channel in range(2):
            wanted = map_coordinates(x[place, channel].double().numpy(), where, order=1, mode="nearest")
            np.testing.assert_allclose(found[place, channel], wanted, atol=1e-4)


def test_mirrored_views_are_the_picture_or_its_mirror_image_and_both_occur():
    x = pictures(rows=40)
    found = viewed(x, generator(), how=Views(flip=True))
    plain = [torch.allclose(one, other, atol=1e-5) for one, other in zip(found, x, strict=True)]
    mirrored = [torch.allclose(one, other.flip(2), atol=1e-5) for one, other in zip(found, x, strict=True)]
    assert all(one != other for one, other in zip(plain, mirrored, strict=True))
    assert 5 < sum(plain) < 35


def test_the_same_generator_gives_the_same_views_and_equal_pictures_get_different_ones():
    x = pictures(rows=1).expand(6, -1, -1, -1)
    how = Views(shift=0.1, zoom=0.1, turn=5, colour=0.2)
    found = viewed(x, generator(3), how=how)
    assert torch.equal(found, viewed(x, generator(3), how=how))
    assert len(found.flatten(1).unique(dim=0)) == 6


def test_recoloured_views_differ_by_a_straight_line_from_grey_pictures():
    x = pictures(rows=3, channels=1)
    found = viewed(x, generator(), how=Views(colour=0.3))
    for before, after in zip(x, found, strict=True):
        slope, level = np.polyfit(before.flatten(), after.flatten(), 1)
        assert abs(slope - 1) <= 0.3
        np.testing.assert_allclose(after.flatten(), slope * before.flatten() + level, atol=1e-4)
