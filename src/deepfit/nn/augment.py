"""Random changes to batches of pictures that leave their label true: mirror, shift, colour, a hidden square.

Every picture of a batch gets its own draw, all at once on tensors, without a loop over pictures. Draws come
from the generator that is given, on the CPU, and are then moved to the pictures: the same generator gives the
same changes on every device.

Pictures stay as they are stored, BHWC, until the last line: seen as BCHW they are channels-last tensors, so
that convolutions need no copy. Geometry runs on bytes, colour and the hidden square on standardised floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# B batch, H height, W width, C channels, R = W C one row of a picture


@dataclass(frozen=True)
class Augmentation:
    """How much pictures are changed; zero or False turns a change off.

    flip: mirror left and right with probability 1/2.
    shift: largest move up, down and sideways, as a share of height and width.
    cutout: side of the hidden square, as a share of the shorter side.
    colour: largest change of brightness, contrast and saturation (0.2: up to a fifth).
    """

    flip: bool = False
    shift: float = 0.0
    cutout: float = 0.0
    colour: float = 0.0


def augment(
    images_BHWC: Tensor,
    generator: torch.Generator,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    how: Augmentation,
) -> Tensor:
    """Change pictures at random and standardise them: float32 BCHW, channels last.

    images_BHWC: uint8, left untouched.  mean, std: one a channel, on the scale 0 to 255.
    """
    height, width = images_BHWC.shape[1:3]
    if how.flip:
        images_BHWC = flip(images_BHWC, generator)
    if how.shift > 0:
        most_px = (round(how.shift * height), round(how.shift * width))
        images_BHWC = shift(images_BHWC, generator, most_px=most_px)
    x_BHWC = _scale(images_BHWC, mean=mean, std=std)
    if how.colour > 0:
        x_BHWC = colour(x_BHWC, generator, strength=how.colour)
    if how.cutout > 0:
        x_BHWC = cutout(x_BHWC, generator, side_px=round(how.cutout * min(height, width)))
    return x_BHWC.permute(0, 3, 1, 2)


def standardise(images_BHWC: Tensor, *, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """(images - mean) / std for every channel, otherwise unchanged: float32 BCHW, channels last."""
    return _scale(images_BHWC, mean=mean, std=std).permute(0, 3, 1, 2)


def _scale(images_BHWC: Tensor, *, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    batch, height, width, channels = images_BHWC.shape
    # One row of pixels at a time: three channels alone are too short for vector arithmetic.
    scale_R = (1.0 / torch.tensor(std, dtype=torch.float32, device=images_BHWC.device)).repeat(width)
    offset_R = -torch.tensor(mean, dtype=torch.float32, device=images_BHWC.device).repeat(width) * scale_R
    x = torch.addcmul(offset_R, images_BHWC.reshape(batch, height, width * channels).float(), scale_R)
    return x.view(batch, height, width, channels)


def flip(images_BHWC: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each picture left and right with probability 1/2."""
    mirrored_B = torch.rand(len(images_BHWC), generator=generator) < 0.5
    return torch.where(_each(mirrored_B, images_BHWC), images_BHWC.flip(2), images_BHWC)


def shift(images_BHWC: Tensor, generator: torch.Generator, *, most_px: tuple[int, int]) -> Tensor:
    """Move each picture by up to most_px = (vertical, horizontal); the edge's mirror image comes into view.

    The same as a random crop of a picture that was padded by reflection.  Source: He et al. 2015, arXiv
    1512.03385, section 4.2.  Differs: there the padding is zero, here a border leaves no trace.
    """
    batch, height, width = images_BHWC.shape[:3]
    device = images_BHWC.device
    rows_BH = _moved(height, most_px[0], batch, generator).to(device)
    columns_BW = _moved(width, most_px[1], batch, generator).to(device)
    picture_B = torch.arange(batch, device=device)
    return images_BHWC[picture_B[:, None, None], rows_BH[:, :, None], columns_BW[:, None, :]]


def _moved(size: int, most: int, batch: int, generator: torch.Generator) -> Tensor:
    """[B, size]: which position is seen at each position, after a move of each picture's own."""
    most = min(most, size - 1)
    start_B1 = torch.randint(-most, most + 1, (batch, 1), generator=generator)
    index = (start_B1 + torch.arange(size)).abs()
    return (size - 1) - ((size - 1) - index).abs()


def cutout(x_BHWC: Tensor, generator: torch.Generator, *, side_px: int) -> Tensor:
    """Hide a square of side_px, centred anywhere in the picture, behind zero, the mean.

    Source: DeVries and Taylor 2017, arXiv 1708.04552.
    """
    batch, height, width = x_BHWC.shape[:3]
    hidden_BH = _span(height, side_px, batch, generator)
    hidden_BW = _span(width, side_px, batch, generator)
    shown_BHW = ~(hidden_BH[:, :, None] & hidden_BW[:, None, :])
    return x_BHWC * shown_BHW[..., None].to(x_BHWC.device, x_BHWC.dtype)


def _span(size: int, side: int, batch: int, generator: torch.Generator) -> Tensor:
    """[B, size], True on `side` positions around a random centre, fewer where the edge cuts them off."""
    start_B1 = torch.randint(0, size, (batch, 1), generator=generator) - side // 2
    position = torch.arange(size)
    return (position >= start_B1) & (position < start_B1 + side)


def colour(x_BHWC: Tensor, generator: torch.Generator, *, strength: float) -> Tensor:
    """Change brightness, contrast and, of pictures with three channels, saturation, each by up to `strength`.

    Of standardised pictures: brightness adds up to `strength` standard deviations, contrast scales the
    distance to the picture's mean, saturation the distance to the pixel's mean over channels, by 1 - strength
    to 1 + strength.
    """
    batch, height, width, channels = x_BHWC.shape

    def draw() -> Tensor:
        uniform_B = torch.rand(batch, generator=generator) * 2 - 1
        return (strength * uniform_B).to(x_BHWC.device, x_BHWC.dtype)

    brightness_B, contrast_B, saturation_B = draw(), 1 + draw(), 1 + draw()
    offset_B = (1 - contrast_B) * x_BHWC.mean((1, 2, 3)) + brightness_B
    if channels != 3:
        return torch.addcmul(_each(offset_B, x_BHWC), x_BHWC, _each(contrast_B, x_BHWC))
    # All three are linear in a pixel's channels, so they are one 3x3 matrix a picture.
    unit_CC = torch.eye(channels, dtype=x_BHWC.dtype, device=x_BHWC.device)
    mix_BCC = torch.lerp(torch.full_like(unit_CC, 1 / channels), unit_CC, saturation_B[:, None, None])
    mixed = torch.baddbmm(
        offset_B[:, None, None],
        x_BHWC.reshape(batch, height * width, channels),
        contrast_B[:, None, None] * mix_BCC,
    )
    return mixed.view(batch, height, width, channels)


def _each(value_B: Tensor, x_BHWC: Tensor) -> Tensor:
    """One value a picture, ready to meet its pixels: [B, 1, 1, 1] on the pictures' device."""
    return value_B.to(x_BHWC.device)[:, None, None, None]
