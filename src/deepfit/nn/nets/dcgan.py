"""DCGAN: a generator of transposed convolutions and a discriminator of strided ones, without pooling.

Both begin or end at 4 x 4 pixels and double or halve the side at each of log2(size / 4) stages, with half or
twice the channels (at most 8 times `width`).

Source: Radford et al. 2016, arXiv 1511.06434.
Differs: `width` is the number of channels at half the picture's side, 64 there at 32 pixels; in the
discriminator spectral normalisation (arXiv 1802.05957) takes the place of batch normalisation, so a picture
is judged without regard to its batch, in all layers but the last, so that logits reach the hinge's margin;
noise and condition enter the generator's first layer and every norm (Brock et al. 2018, arXiv 1809.11096,
section 3; there each norm gets a part of the noise), without which pictures of one condition come out the
same; the discriminator is told the condition by projection (Miyato and Koyama 2018, arXiv 1802.05637, eq. 3).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfit.nn.conditional_norm import ConditionalNorm
from deepfit.nn.spectral import bounded

# B batch, Z noise, K width of the condition (0: none), C channels, H height, W width

LEAST_PX = 4
MOST_WIDTHS = 8
SLOPE = 0.2
WEIGHT_DEVIATION = 0.02


def stage_widths(size: int, width: int) -> list[int]:
    """Channels after each halving of a picture of so many pixels a side, down to 4."""
    stages = (size // LEAST_PX).bit_length() - 1
    return [width * min(2**stage, MOST_WIDTHS) for stage in range(stages)]


class DcganGenerator(nn.Module):
    """Noise z_BZ and condition_BK to pictures BCHW in [-1, 1]."""

    def __init__(self, *, size: int, channels: int, noise: int, condition: int = 0, width: int = 48) -> None:
        super().__init__()
        widths = stage_widths(size, width)[::-1]
        self.first = nn.Linear(noise + condition, widths[0] * LEAST_PX**2, bias=False)
        self.norms = nn.ModuleList(ConditionalNorm(each, noise + condition) for each in widths)
        outs = [*widths[1:], channels]
        self.convs = nn.ModuleList(
            nn.ConvTranspose2d(width, out, 4, stride=2, padding=1, bias=place == len(widths) - 1)
            for place, (width, out) in enumerate(zip(widths, outs, strict=True))
        )
        for module in (self.first, *self.convs):
            nn.init.normal_(module.weight, std=WEIGHT_DEVIATION)  # pyright: ignore[reportArgumentType]  (a tensor)

    def forward(self, z_BZ: Tensor, condition_BK: Tensor) -> Tensor:
        """Return pictures BCHW."""
        told = torch.cat([z_BZ, condition_BK], dim=1)
        x = self.first(told)
        x = x.view(len(x), LEAST_PX, LEAST_PX, -1).permute(
            0, 3, 1, 2
        )  # channels last, as convolutions like it
        for norm, conv in zip(self.norms, self.convs, strict=True):
            x = conv(functional.relu(norm(x, told)))
        return torch.tanh(x)


class DcganDiscriminator(nn.Module):
    """Pictures BCHW and condition_BK to logits_B, above zero for "real".

    linear(h) + h . embed(condition) with h what the last stage sees, for the projection averaged over places.
    """

    def __init__(
        self, *, size: int, channels: int, condition: int = 0, width: int = 48, spectral: bool = True
    ) -> None:
        super().__init__()
        widths = stage_widths(size, width)
        self.convs = nn.ModuleList(
            bounded(nn.Conv2d(into, out, 4, stride=2, padding=1), spectral)
            for into, out in zip([channels, *widths[:-1]], widths, strict=True)
        )
        self.last = nn.Linear(widths[-1] * LEAST_PX**2, 1)
        self.embed = projection(condition, widths[-1], spectral)

    def forward(self, x_BCHW: Tensor, condition_BK: Tensor) -> Tensor:
        """Return logits_B."""
        for conv in self.convs:
            x_BCHW = functional.leaky_relu(conv(x_BCHW), SLOPE)
        logits_B = self.last(x_BCHW.flatten(1))[:, 0]
        return logits_B + projected(self.embed, x_BCHW.mean((2, 3)), condition_BK)


def projection(condition: int, width: int, spectral: bool) -> nn.Module | None:
    """The linear map of a condition into the features of a discriminator; None without a condition."""
    return bounded(nn.Linear(condition, width, bias=False), spectral) if condition else None


def projected(embed: nn.Module | None, features_BC: Tensor, condition_BK: Tensor) -> Tensor:
    """The product features . embed(condition), [B]; zeros without a condition."""
    if embed is None:
        return features_BC.new_zeros(len(features_BC))
    return (features_BC * embed(condition_BK)).sum(1)
