"""A residual pair for generation: stronger than DCGAN picture for picture seen, and several times slower.

The generator doubles the side from 4 x 4 pixels in blocks h(x) = conv(f(conv(up(f(x))))) + conv1(up(x)), with
f a conditional norm and relu; the discriminator halves it to 4 x 4 and looks twice more without halving.

Source: Miyato et al. 2018, arXiv 1802.05957, appendix B.4 (tables 3 and 4), with the projection of Miyato and
Koyama 2018, arXiv 1802.05637, eq. 3.
Differs: `width` channels throughout as in its CIFAR-10 pair (there 256 and 128); one block more or fewer for
other sizes; one block without halving at the end instead of two; the last layer is not normalised, as in
`dcgan`; noise and condition enter the generator's norms as there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfit.nn.conditional_norm import ConditionalNorm
from deepfit.nn.nets.dcgan import LEAST_PX, projected, projection
from deepfit.nn.spectral import bounded

# B batch, Z noise, K width of the condition (0: none), C channels, H height, W width


class ResnetGenerator(nn.Module):
    """Noise z_BZ and condition_BK to pictures BCHW in [-1, 1]."""

    def __init__(self, *, size: int, channels: int, noise: int, condition: int = 0, width: int = 48) -> None:
        super().__init__()
        stages = (size // LEAST_PX).bit_length() - 1
        self.first = nn.Linear(noise + condition, width * LEAST_PX**2)
        self.blocks = nn.ModuleList(Up(width, noise + condition) for _ in range(stages))
        self.norm = nn.BatchNorm2d(width)
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        _draw(self)

    def forward(self, z_BZ: Tensor, condition_BK: Tensor) -> Tensor:
        """Return pictures BCHW."""
        told = torch.cat([z_BZ, condition_BK], dim=1)
        x = self.first(told)
        x = x.view(len(x), LEAST_PX, LEAST_PX, -1).permute(0, 3, 1, 2)
        for block in self.blocks:
            x = block(x, told)
        return torch.tanh(self.last(functional.relu(self.norm(x))))


class Up(nn.Module):
    """Double the side of x_BCHW."""

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = ConditionalNorm(width, condition), ConditionalNorm(width, condition)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.short = nn.Conv2d(width, width, 1)

    def forward(self, x_BCHW: Tensor, condition_BK: Tensor) -> Tensor:
        """Return BCHW of twice the height and width."""
        y = functional.interpolate(functional.relu(self.norm1(x_BCHW, condition_BK)), scale_factor=2.0)
        y = self.conv2(functional.relu(self.norm2(self.conv1(y), condition_BK)))
        # convolving single pixels and repeating them may change places: this order is four times cheaper
        return y + functional.interpolate(self.short(x_BCHW), scale_factor=2.0)


class ResnetDiscriminator(nn.Module):
    """Pictures BCHW and condition_BK to logits_B, above zero for "real".

    linear(h) + h . embed(condition), h the sum over places of what the last block sees.
    """

    def __init__(
        self, *, size: int, channels: int, condition: int = 0, width: int = 48, spectral: bool = True
    ) -> None:
        super().__init__()
        stages = (size // LEAST_PX).bit_length() - 1
        blocks = [Down(channels, width, spectral, first=True)]
        blocks += [Down(width, width, spectral) for _ in range(stages - 1)]
        self.blocks = nn.Sequential(*blocks, Down(width, width, spectral, halves=False))
        self.last = nn.Linear(width, 1)
        self.embed = projection(condition, width, spectral)
        _draw(self)

    def forward(self, x_BCHW: Tensor, condition_BK: Tensor) -> Tensor:
        """Return logits_B."""
        features_BC = functional.relu(self.blocks(x_BCHW)).sum((2, 3))
        return self.last(features_BC)[:, 0] + projected(self.embed, features_BC, condition_BK)


class Down(nn.Module):
    """Halve the side of x_BCHW, or leave it; the first block sees bare pixels, so it does not bend them."""

    def __init__(
        self, width: int, out: int, spectral: bool, *, first: bool = False, halves: bool = True
    ) -> None:
        super().__init__()
        self.first, self.halves = first, halves
        self.conv1 = bounded(nn.Conv2d(width, out, 3, padding=1), spectral)
        self.conv2 = bounded(nn.Conv2d(out, out, 3, padding=1), spectral)
        self.short = bounded(nn.Conv2d(width, out, 1), spectral) if first or halves else None

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return BCHW of half the height and width where the block halves."""
        y = x_BCHW if self.first else functional.relu(x_BCHW)
        y = self.conv2(functional.relu(self.conv1(y)))
        if self.halves:
            y, x_BCHW = functional.avg_pool2d(y, 2), functional.avg_pool2d(x_BCHW, 2)
        return y + (x_BCHW if self.short is None else self.short(x_BCHW))


def _draw(net: nn.Module) -> None:
    """Glorot's uniform weights (arXiv 1802.05957, appendix), with a gain of sqrt(2) before a relu."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_uniform_(module.weight, gain=2**0.5 if module.kernel_size == (3, 3) else 1.0)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
