"""What generates pictures, as one network: a generator, a discriminator, and a judge of real pictures."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deepfit.nn.nets.dcgan import DcganDiscriminator, DcganGenerator
from deepfit.nn.nets.resnet9 import ResNet9
from deepfit.nn.nets.resnet_gan import ResnetDiscriminator, ResnetGenerator

# B batch, C channels, H height, W width, F features, K classes

FEATURES = 64
"""Width of what pictures are compared in: wide enough to tell them apart, narrow enough for a thousand
covariances."""
JUDGE_WIDTHS = (32, 64, FEATURES)
SPREAD = 10.0
"""Length of the standard deviation of real pictures' features: distances are percents of their variance."""

PAIRS = {
    "dcgan": (DcganGenerator, DcganDiscriminator),
    "resnet_gan": (ResnetGenerator, ResnetDiscriminator),
}


class PictureJudge(nn.Module):
    """A small classifier of real pictures BCHW in [-1, 1], whose features pictures are compared in.

    Centred and scaled so that over the real training pictures the features' mean is 0 and their variances add
    up to 100.
    """

    mean_F: Tensor
    scale: Tensor

    def __init__(self, *, channels: int, outputs: int) -> None:
        super().__init__()
        self.body = ResNet9(num_classes=outputs, in_channels=channels, widths=JUDGE_WIDTHS)
        self.register_buffer("mean_F", torch.zeros(FEATURES))
        self.register_buffer("scale", torch.ones(()))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return logits_BK."""
        return self.body(x_BCHW)

    def features(self, x_BCHW: Tensor) -> Tensor:
        """Return features_BF, centred and scaled."""
        return (self.body.features(x_BCHW) - self.mean_F) * self.scale

    @torch.no_grad()
    def measure(self, features_BF: Tensor) -> None:
        """Centre and scale by these features of real pictures, as `features` gave them before measuring."""
        variance = features_BF.var(0).sum()
        self.mean_F.copy_(features_BF.mean(0))
        self.scale.copy_(SPREAD / variance.sqrt().clamp(min=1e-6))


class PictureGan(nn.Module):
    """generator(z_BZ, condition_BK) -> BCHW in [-1, 1]; discriminator(x_BCHW, condition_BK) -> logits_B.

    network: a name of PAIRS. condition: width of what tells the generator what to draw, 0 for nothing.
    reader: makes the condition of what is asked for (a text encoder), where it is learned.
    """

    def __init__(
        self,
        network: str,
        *,
        size: int,
        channels: int,
        noise: int,
        width: int,
        outputs: int,
        condition: int = 0,
        spectral: bool = True,
        reader: nn.Module | None = None,
    ) -> None:
        super().__init__()
        generator, discriminator = PAIRS[network]
        sizes = {"size": size, "channels": channels, "condition": condition, "width": width}
        self.generator = generator(noise=noise, **sizes)
        self.discriminator = discriminator(spectral=spectral, **sizes)
        self.judge = PictureJudge(channels=channels, outputs=outputs)
        self.reader = reader
        self.noise, self.condition = noise, condition

    def forward(self, z_BZ: Tensor, condition_BK: Tensor) -> Tensor:
        """Return made pictures BCHW."""
        return self.generator(z_BZ, condition_BK)
