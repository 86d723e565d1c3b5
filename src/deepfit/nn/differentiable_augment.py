"""The same random changes for real and made pictures, which gradients pass through.

With few pictures a discriminator learns them by heart. When all that it sees is changed at random, real and
made alike, it cannot, and the generator still learns the unchanged pictures, since its gradient goes through
the change.  Source: Zhao et al. 2020, arXiv 2006.10738, "Color + Translation + Cutout".
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# B batch, C channels, H height, W width

SHIFT = 1 / 8
"""Largest move, as a share of the side."""
CUT = 1 / 2
"""Side of the hidden square, as a share of the side."""


def changed(x_BCHW: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures in [-1, 1] with changed colours, moved, and with a hidden square; each by its own draw."""
    return cut_out(moved(recoloured(x_BCHW, generator), generator), generator)


def recoloured(x_BCHW: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness up or down by at most half, saturation times 0 to 2, contrast times 0.5 to 1.5."""
    batch, channels = x_BCHW.shape[:2]

    def draw() -> Tensor:
        return torch.rand(batch, 1, 1, 1, generator=generator).to(x_BCHW)

    x_BCHW = x_BCHW + (draw() - 0.5)
    if channels > 1:
        grey = x_BCHW.mean(1, keepdim=True)
        x_BCHW = grey + (x_BCHW - grey) * (2 * draw())
    middle = x_BCHW.mean((1, 2, 3), keepdim=True)
    return middle + (x_BCHW - middle) * (draw() + 0.5)


def moved(x_BCHW: Tensor, generator: torch.Generator) -> Tensor:
    """Moved by up to an eighth of the side each way; zero comes into view."""
    batch, _, height, width = x_BCHW.shape
    down, across = round(SHIFT * height), round(SHIFT * width)
    rows_B = torch.randint(-down, down + 1, (batch,), generator=generator)
    columns_B = torch.randint(-across, across + 1, (batch,), generator=generator)
    padded = functional.pad(x_BCHW, (across, across, down, down)).permute(0, 2, 3, 1)
    rows_BH = (torch.arange(height) + down + rows_B[:, None]).to(x_BCHW.device)
    columns_BW = (torch.arange(width) + across + columns_B[:, None]).to(x_BCHW.device)
    picture_B = torch.arange(batch, device=x_BCHW.device)
    return padded[picture_B[:, None, None], rows_BH[:, :, None], columns_BW[:, None, :]].permute(0, 3, 1, 2)


def cut_out(x_BCHW: Tensor, generator: torch.Generator) -> Tensor:
    """Half the side hidden behind zero, centred anywhere in the picture."""
    batch, _, height, width = x_BCHW.shape
    hidden_BH, hidden_BW = (_span(side, batch, generator) for side in (height, width))
    shown_BHW = ~(hidden_BH[:, :, None] & hidden_BW[:, None, :])
    return x_BCHW * shown_BHW[:, None].to(x_BCHW)


def _span(side: int, batch: int, generator: torch.Generator) -> Tensor:
    """[B, side], True on half of the positions, fewer where the edge cuts them off."""
    length = round(CUT * side)
    start_B1 = torch.randint(0, side + 1 - length % 2, (batch, 1), generator=generator) - length // 2
    position = torch.arange(side)
    return (position >= start_B1) & (position < start_B1 + length)
