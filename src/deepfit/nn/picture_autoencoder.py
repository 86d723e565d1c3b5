"""Pictures through a narrow code and back, with clusters among the codes.

Source: Guo, Liu, Zhu, Yin 2017, "Deep clustering with convolutional autoencoders", ICONIP 2017 (DCEC).
Differs: the encoder is a network of this house (ResNet9 or LeNet), whose last layer gives the code.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfit.nn.clusters import Clusters

# B batch, C channels, H height, W width, D width of codes


class PictureAutoencoder(nn.Module):
    """An encoder of pictures, a decoder that mirrors it, and clusters among the codes.

    encoder: standardised pictures BCHW -> codes BD.  size: height and width in pixels.  widths: channels of
    the decoder, which doubles the picture after each.  told_px: the side up to which pictures are told; of
    larger ones means over blocks are.
    """

    def __init__(
        self,
        encoder: nn.Module,
        *,
        size: tuple[int, int],
        channels: int,
        code: int,
        slots: int,
        widths: Sequence[int] = (64, 32, 16),
        told_px: int = 32,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = PictureDecoder(
            code, channels, size=(min(size[0], told_px), min(size[1], told_px)), widths=widths
        )
        self.clusters = Clusters(slots, code)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Pictures -> codes BD."""
        return self.encoder(x_BCHW)

    def errors(self, codes_BD: Tensor, x_BCHW: Tensor) -> Tensor:
        """How badly each picture is drawn from its code, B: the mean square over pixels and channels."""
        small = functional.adaptive_avg_pool2d(x_BCHW, self.decoder.sizes[-1])
        return (self.decoder(codes_BD) - small).square().mean((1, 2, 3))


class PictureDecoder(nn.Module):
    """Codes BD to pictures BCHW: a linear layer to the smallest map, then doubled and convolved.

    Maps are halved rounding up from the picture's size, as a ResNet9 halves them.
    """

    def __init__(self, code: int, channels: int, *, size: tuple[int, int], widths: Sequence[int]) -> None:
        super().__init__()
        sizes = [size]
        for _ in widths[1:]:
            sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
        self.sizes = sizes[::-1]
        self.width = widths[0]
        self.spread = nn.Linear(code, widths[0] * self.sizes[0][0] * self.sizes[0][1])
        self.convs = nn.ModuleList(
            nn.Conv2d(width, out, 3, padding=1, bias=False) for width, out in pairwise(widths)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(out) for out in widths[1:])
        self.last = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(self, codes_BD: Tensor) -> Tensor:
        """BD -> BCHW."""
        x = self.spread(codes_BD).view(-1, self.width, *self.sizes[0]).relu()
        x = x.contiguous(memory_format=torch.channels_last)
        for conv, norm, size in zip(self.convs, self.norms, self.sizes[1:], strict=True):
            # convolved before it is doubled, which is four times cheaper
            x = functional.interpolate(norm(conv(x)).relu(), size=size)
        return self.last(x)
