import itertools

import pytest
import torch

from deepfit.nn.augment import Augmentation, augment, colour, cutout, flip, shift, standardise


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(batch: int, height: int, width: int, channels: int) -> torch.Tensor:
    """uint8 BHWC, every picture different."""
    return torch.randint(0, 256, (batch, height, width, channels), dtype=torch.uint8, generator=generator(1))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_without_changes_augment_is_the_textbook_standardisation(channels):
    images_BHWC = pictures(5, 7, 6, channels)
    mean, std = [100.0, 90.0, 80.0, 70.0][:channels], [50.0, 60.0, 70.0, 80.0][:channels]
    got = augment(images_BHWC, generator(), mean=mean, std=std, how=Augmentation())
    for channel in range(channels):
        expected = (images_BHWC[..., channel].double() - mean[channel]) / std[channel]
        torch.testing.assert_close(got[:, channel].double(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_augmented_pictures_are_float32_and_channels_last(channels):
    everything = Augmentation(flip=True, shift=0.1, cutout=0.3, colour=0.2)
    got = augment(
        pictures(4, 20, 20, channels),
        generator(),
        mean=[120.0] * channels,
        std=[60.0] * channels,
        how=everything,
    )
    assert got.dtype == torch.float32
    assert got.is_contiguous(memory_format=torch.channels_last)
    # With one channel every layout counts as channels last; the stride tells convolutions which one is meant.
    assert got.stride(1) == 1


def test_the_same_generator_state_gives_the_same_pictures_and_another_gives_others():
    everything = Augmentation(flip=True, shift=0.1, cutout=0.3, colour=0.2)
    images_BHWC = pictures(8, 20, 20, 3)

    def once(seed: int) -> torch.Tensor:
        return augment(images_BHWC, generator(seed), mean=[120.0] * 3, std=[60.0] * 3, how=everything)

    assert torch.equal(once(0), once(0))
    assert not torch.equal(once(0), once(1))


def test_augment_leaves_the_stored_pictures_untouched():
    images_BHWC = pictures(8, 20, 20, 3)
    before = images_BHWC.clone()
    everything = Augmentation(flip=True, shift=0.1, cutout=0.3, colour=0.2)
    augment(images_BHWC, generator(), mean=[120.0] * 3, std=[60.0] * 3, how=everything)
    assert torch.equal(images_BHWC, before)


def test_each_picture_is_mirrored_or_left_alone_about_half_of_them():
    images_BHWC = pictures(2000, 3, 5, 2)
    got = flip(images_BHWC, generator())
    mirrored = 0
    for before, after in zip(images_BHWC, got, strict=True):
        is_mirrored = torch.equal(after, torch.stack(before.unbind(1)[::-1], 1))
        assert is_mirrored or torch.equal(after, before)
        mirrored += is_mirrored
    # Binomial(2000, 1/2) has standard deviation 22.4; four of them.
    assert abs(mirrored - 1000) < 90


@pytest.mark.parametrize("most_px", [(1, 2), (0, 2), (2, 0)])
def test_each_picture_is_a_crop_of_its_reflection_and_every_move_occurs(most_px):
    up, left = most_px
    images_BHWC = pictures(400, 5, 6, 1)
    got = shift(images_BHWC, generator(), most_px=most_px)
    padded = torch.nn.functional.pad(images_BHWC[..., 0].float(), (left, left, up, up), mode="reflect").byte()
    moves = list(itertools.product(range(2 * up + 1), range(2 * left + 1)))
    seen = set()
    for picture in range(len(images_BHWC)):
        fitting = [
            (top, start)
            for top, start in moves
            if torch.equal(got[picture, ..., 0], padded[picture, top : top + 5, start : start + 6])
        ]
        assert fitting
        seen.update(fitting)
    assert seen == set(moves)


def test_a_move_larger_than_the_picture_is_held_inside_it():
    images_BHWC = pictures(50, 3, 2, 1)
    got = shift(images_BHWC, generator(), most_px=(10, 10))
    for before, after in zip(images_BHWC, got, strict=True):
        assert set(after.unique().tolist()) <= set(before.unique().tolist())


@pytest.mark.parametrize("side_px", [1, 4, 5])
def test_cutout_hides_one_square_cut_off_only_by_the_edge(side_px):
    hidden_BHWC = cutout(torch.ones(600, 9, 11, 2), generator(), side_px=side_px) == 0
    assert torch.equal(hidden_BHWC[..., 0], hidden_BHWC[..., 1])
    corners = set()
    for picture in hidden_BHWC[..., 0]:
        rows, columns = picture.any(1).nonzero().flatten(), picture.any(0).nonzero().flatten()
        top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
        assert picture[top : bottom + 1, left : right + 1].all()
        assert bottom - top + 1 == side_px or top == 0 or bottom == 8
        assert right - left + 1 == side_px or left == 0 or right == 10
        corners.add((int(top), int(left)))
    assert len(corners) > 20


def test_every_inner_pixel_is_hidden_equally_often():
    hidden_HW = cutout(torch.ones(20_000, 12, 12, 1), generator(), side_px=3).eq(0).float().mean(0)[..., 0]
    # p = 9/144; the standard deviation of a share over 20,000 pictures is 0.0017; five of them.
    assert (hidden_HW[1:-1, 1:-1] - 9 / 144).abs().max() < 0.0086


def test_colour_equals_saturation_then_contrast_then_brightness_within_the_strength():
    torch.manual_seed(0)
    x_BHWC, strength = torch.randn(500, 8, 8, 3), 0.3
    got = colour(x_BHWC, generator(), strength=strength)
    grey, grey_after = x_BHWC.mean(3, keepdim=True), got.mean(3, keepdim=True)
    mean, mean_after = grey.mean((1, 2), keepdim=True), grey_after.mean((1, 2), keepdim=True)
    brightness = mean_after - mean
    contrast = (grey_after - mean_after).square().mean((1, 2, 3), keepdim=True).sqrt() / (
        grey - mean
    ).square().mean((1, 2, 3), keepdim=True).sqrt()
    tint, tint_after = x_BHWC - grey, got - grey_after
    saturation = (
        (tint * tint_after).sum((1, 2, 3), keepdim=True)
        / tint.square().sum((1, 2, 3), keepdim=True)
        / contrast
    )
    for factor, middle in [(brightness, 0.0), (contrast, 1.0), (saturation, 1.0)]:
        assert (factor - middle).abs().max() < strength + 1e-4
        assert (factor - middle).abs().max() > 0.9 * strength
        assert abs(factor.mean() - middle) < 0.05
    saturated = grey + saturation * tint
    expected = mean + contrast * (saturated - mean) + brightness
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("channels", [1, 4])
def test_colour_of_other_than_three_channels_is_one_line_a_picture(channels):
    torch.manual_seed(0)
    x_BHWC = torch.randn(20, 6, 6, channels)
    got = colour(x_BHWC, generator(), strength=0.4)
    slopes = set()
    for before, after in zip(x_BHWC.flatten(1), got.flatten(1), strict=True):
        slope = (after.max() - after.min()) / (before.max() - before.min())
        torch.testing.assert_close(
            after - after.mean(), slope * (before - before.mean()), atol=1e-4, rtol=1e-4
        )
        slopes.add(round(slope.item(), 3))
    assert len(slopes) > 15


def test_unchanged_pictures_are_standardised_as_in_training():
    images_BHWC = pictures(3, 4, 5, 3)
    mean, std = [1.0, 2.0, 3.0], [2.0, 3.0, 4.0]
    changed = augment(images_BHWC, generator(), mean=mean, std=std, how=Augmentation())
    assert torch.equal(standardise(images_BHWC, mean=mean, std=std), changed)
