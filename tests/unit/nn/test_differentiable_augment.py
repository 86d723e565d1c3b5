from __future__ import annotations

import pytest
import torch

from deepfit.nn.differentiable_augment import changed, cut_out, moved, recoloured


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("change", [changed, recoloured, moved, cut_out])
def test_the_same_generator_makes_the_same_change_and_each_picture_its_own(change):
    x = torch.randn(1, 3, 8, 8).expand(16, -1, -1, -1)
    first, again = change(x, seeded()), change(x, seeded())
    assert torch.equal(first, again)
    assert len({tuple(picture.flatten().tolist()) for picture in first}) > 2


@pytest.mark.parametrize("change", [changed, recoloured, moved, cut_out])
def test_gradients_pass_through_the_change(change):
    x = torch.randn(3, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: change(x, seeded()), x)


def test_a_moved_picture_is_the_picture_at_another_place_with_zeros_behind_it():
    x = torch.rand(64, 1, 16, 16) + 1
    found = moved(x, seeded(3))
    places = set()
    for before, after in zip(x[:, 0], found[:, 0], strict=True):
        fits = [
            (down, across)
            for down in range(-2, 3)
            for across in range(-2, 3)
            if torch.equal(after, _at(before, down, across))
        ]
        assert len(fits) == 1
        places |= set(fits)
    assert {down for down, _ in places} == {across for _, across in places} == {-2, -1, 0, 1, 2}


def _at(picture, down, across):
    """out[r, c] = picture[r + down, c + across], zero outside."""
    out = torch.zeros_like(picture)
    for r in range(16):
        for c in range(16):
            if 0 <= r + down < 16 and 0 <= c + across < 16:
                out[r, c] = picture[r + down, c + across]
    return out


def test_the_hidden_square_is_half_as_wide_as_the_picture_where_the_edge_does_not_cut_it():
    hidden = cut_out(torch.ones(200, 2, 16, 16), seeded()) == 0
    assert torch.equal(hidden[:, 0], hidden[:, 1])
    heights = hidden[:, 0].any(2).sum(1)
    assert heights.max() == 8
    assert heights.min() == 4  # half of it, around an edge


def test_colours_change_by_as_much_as_the_paper_says():
    grey = torch.full((2000, 1, 2, 2), 0.3)
    shifted = recoloured(grey, seeded()) - grey
    assert shifted.abs().max() <= 0.5
    assert shifted.max() > 0.45
    assert shifted.min() < -0.45
    coloured = torch.tensor([1.0, 0.0, -1.0]).view(1, 3, 1, 1).expand(2000, -1, 2, 2)
    # saturation times 0 to 2, contrast times 0.5 to 1.5
    spread = recoloured(coloured, seeded()).std(1).mean((1, 2))
    assert spread.min() < 0.1
    assert 2 < spread.max() <= 3
