"""LeNet-5: two convolutions, each followed by a mean over 2 x 2, then three linear layers.

    1 x 32 x 32 -> 6 x 28 x 28 -> 6 x 14 x 14 -> 16 x 10 x 10 -> 16 x 5 x 5 -> 120 -> 84 -> classes

Source: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86(11), section II.B and figure 2.
Differs, as nearly everywhere today: every map of the third layer sees all six maps before it (table I leaves
some out), the means have no weight and bias of their own, tanh is not scaled by 1.7159, and the output is
linear, not a distance to drawn digits. With 10 classes it has 61,706 parameters.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from deepfit.nn.activations import activation as named_activation
from deepfit.nn.linear import Linear
from deepfit.nn.nets.mlp import UNSCALED

# B batch, C channels, H height, W width, K classes

SIDE_PX = 32
"""Smaller pictures get a frame of zeros up to this side, as the paper's digits of 28 x 28 did."""


class LeNet(nn.Module):
    """Pictures x_BCHW of one size, to logits_BK.

    activation: a name in `deepfit.nn.activations`, between the layers; softmax looks along the maps, then the
    features. Weights start normal with variance 1 / inputs (appendix A of the paper), with 2 / inputs before
    activations that are near zero for half of their inputs (He et al. 2015, arXiv 1502.01852, eq. 10); biases
    at zero.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        in_channels: int = 1,
        size: tuple[int, int] = (28, 28),
        activation: str = "tanh",
    ) -> None:
        super().__init__()
        self.bend_maps = named_activation(activation, axis=1)
        self.bend = named_activation(activation)
        frame = [max(0, SIDE_PX - side + 1) // 2 for side in size]
        height, width = (_halved(_halved(side + 2 * more)) for side, more in zip(size, frame, strict=True))
        self.conv1 = nn.Conv2d(in_channels, 6, 5, padding=(frame[0], frame[1]))
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = Linear(16 * height * width, 120)
        self.fc2 = Linear(120, 84)
        self.fc3 = Linear(84, num_classes)
        self._initialise("linear" if activation in UNSCALED else "relu")

    def _initialise(self, before: str) -> None:
        for module in self.children():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(
                    module.weight,
                    nonlinearity="linear" if module is self.fc3 else before,  # pyright: ignore[reportArgumentType]  (one of two names)
                )
                nn.init.zeros_(module.bias)  # pyright: ignore[reportArgumentType]  (all have a bias)

    def features(self, x_BCHW: Tensor) -> Tensor:
        """Return what the classifier sees: one vector a picture, [B, 84]."""
        x = functional.avg_pool2d(self.bend_maps(self.conv1(x_BCHW)), 2)
        x = functional.avg_pool2d(self.bend_maps(self.conv2(x)), 2)
        return self.bend(self.fc2(self.bend(self.fc1(x.flatten(1)))))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return logits_BK."""
        return self.fc3(self.features(x_BCHW))


def _halved(side: int) -> int:
    """The side after a convolution of 5 without a frame, and a mean over 2."""
    return (side - 4) // 2
