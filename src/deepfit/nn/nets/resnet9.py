"""A small residual network for small pictures, quick to train on a processor: a stem and three groups.

group(x) = r + f(f(r)),  r = relu(norm(pool(conv(x)))),  f(x) = relu(norm(conv(x)))

Each group halves the picture and its residual pair looks at what is left. Pooling before the norm makes the
norm and the activation four times cheaper than after it. The full-size picture meets only the cheap stem and
one convolution of few channels, and it has to: on clothes of 28x28 pixels, eight epochs, a stem that strides
cost 0.7 points of accuracy, one that packs 2x2 pixels into channels 1.3 points (one seed each).

Source: Page 2018, "How to train your ResNet" (davidcpage/cifar10-fast), a ResNet of nine weighted layers; the
pool before the norm as in Jordan 2024, arXiv 2404.00498.
Differs: an eighth of the width, a residual pair in every group, an average over the whole picture before the
linear layer.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from deepfit.nn.activations import activation as named_activation

# B batch, C channels, H height, W width, K classes


class ResNet9(nn.Module):
    """Pictures x_BCHW of any height and width to logits_BK.

    widths: channels of the groups; each group halves the picture (rounding up).  stem: channels of the first
    convolution.  activation: what takes the place of relu.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        in_channels: int = 1,
        widths: Sequence[int] = (32, 64, 128),
        stem: int = 8,
        activation: str = "relu",
    ) -> None:
        super().__init__()
        self.activation = named_activation(activation, axis=1)
        self.stem = nn.Conv2d(in_channels, stem, 3, padding=1)
        self.groups = nn.Sequential(
            *(Group(width, out, activation) for width, out in zip([stem, *widths[:-1]], widths, strict=True))
        )
        self.head = nn.Linear(widths[-1], num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, x_BCHW: Tensor) -> Tensor:
        """Return what the classifier sees: one vector a picture, [B, widths[-1]]."""
        return self.groups(self.activation(self.stem(x_BCHW))).mean((2, 3))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return logits_BK."""
        return self.head(self.features(x_BCHW))


class Group(nn.Module):
    """Halve the picture, change the number of channels, and add what two more convolutions see."""

    def __init__(self, width: int, out: int, activation: str) -> None:
        super().__init__()
        self.activation = named_activation(activation, axis=1, fresh=True)
        self.conv = nn.Conv2d(width, out, 3, padding=1, bias=False)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.norm = nn.BatchNorm2d(out)
        self.conv1 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the group's output, half as high and wide (rounded up)."""
        x = self.activation(self.norm(self.pool(self.conv(x_BCHW))))
        y = self.activation(self.norm1(self.conv1(x)))
        return x + self.activation(self.norm2(self.conv2(y)))
