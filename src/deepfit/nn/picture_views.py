"""Random views of pictures that leave what they show the same: moved, zoomed, turned, mirrored, recoloured.

Every picture of a batch gets its own draw, all at once. Draws come from the generator that is given, on the
CPU: the same generator gives the same views on every device.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from deepfit.nn.augment import colour

# B batch, H height, W width, C channels


@dataclass(frozen=True)
class Views:
    """How far a view may differ from its picture; zero or False turns a change off.

    shift: largest move up, down and sideways, as a share of height and width.
    zoom: largest change of height and width, each by its own draw (0.1: 1 / 1.1 to 1.1 times).
    turn: largest turn, in degrees either way.
    flip: mirrored left and right with probability 1/2.
    colour: largest change of brightness, contrast and saturation, see `augment.colour`.
    """

    shift: float = 0.0
    zoom: float = 0.0
    turn: float = 0.0
    flip: bool = False
    colour: float = 0.0


def viewed(x_BCHW: Tensor, generator: torch.Generator, *, how: Views) -> Tensor:
    """A random view of each standardised picture, BCHW in channels last; the edge is drawn out."""
    batch, _, height, width = x_BCHW.shape

    def draw(most: float) -> Tensor:
        return most * (2 * torch.rand(batch, generator=generator) - 1)

    turn_B = torch.deg2rad(draw(how.turn))
    down_B, across_B = ((1 + how.zoom) ** draw(1.0) for _ in range(2))
    moved_B2 = torch.stack([draw(2 * how.shift), draw(2 * how.shift)], dim=1)  # a side is 2 long
    if how.flip:
        across_B = across_B * (1 - 2.0 * (torch.rand(batch, generator=generator) < 0.5))
    cos_B, sin_B = turn_B.cos(), turn_B.sin()
    # where each place of the view looks in the picture, in its own units of half a side
    turned_B22 = torch.stack(
        [
            torch.stack([across_B * cos_B, -down_B * sin_B * (height / width)], dim=1),
            torch.stack([across_B * sin_B * (width / height), down_B * cos_B], dim=1),
        ],
        dim=1,
    )
    where_B23 = torch.cat([turned_B22, moved_B2[:, :, None]], dim=2).to(x_BCHW.device)
    grid_BHW2 = functional.affine_grid(where_B23, list(x_BCHW.shape), align_corners=False)
    seen = functional.grid_sample(x_BCHW, grid_BHW2, padding_mode="border", align_corners=False)
    if how.colour > 0:
        seen = colour(seen.permute(0, 2, 3, 1), generator, strength=how.colour).permute(0, 3, 1, 2)
    return seen.contiguous(memory_format=torch.channels_last)
