"""ResNet-18, 34, 50, 101 and 152, with the parameter names of the published ImageNet weights.

Every block learns what to add to its input: y = relu(x + f(x)). Where a block halves the picture or changes
the channels, the shortcut is a 1x1 convolution, so shapes agree. f is two 3x3 convolutions in ResNet-18 and
34, and in the deeper ones a 1x1 that narrows, a 3x3, and a 1x1 that widens fourfold.

Names and shapes are those of the weights that are usually published (`conv1`, `bn1`, `layer1.0.conv1`, ...,
`fc`), so a file of them loads unchanged; the architecture is then the so-called v1.5: the 3x3 convolution of
a bottleneck strides, not the first 1x1.

Source: He, Zhang, Ren, Sun 2015, arXiv 1512.03385, table 1 and figure 5; zero start of the last norm of each
block: Goyal et al. 2017, arXiv 1706.02677, section 5.1.
Differs: v1.5 strides; any number of input channels and classes; an optional stem for small pictures; another
activation in the place of relu where one is named.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from deepfit.nn.activations import activation as named_activation

# B batch, C channels, H height, W width, K classes

DEPTHS: dict[int, tuple[int, int, int, int]] = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
"""Layers in the name -> blocks in each of the four stages (table 1)."""
WIDTHS = (64, 128, 256, 512)
"""Channels within the blocks of each stage (table 1)."""


def resnet(
    layers: int, *, num_classes: int, in_channels: int = 3, small: bool = False, activation: str = "relu"
) -> ResNet:
    """The ResNet of table 1 with this many layers: 18, 34, 50, 101 or 152 (KeyError for others).

    small: a 3x3 stem that keeps the picture's size, without pooling, for pictures below about 64 px (section
    4.2 of the paper);
        its first convolution then has another shape than the published weights.
    """
    return ResNet(
        DEPTHS[layers],
        bottleneck=layers >= 50,
        num_classes=num_classes,
        in_channels=in_channels,
        small=small,
        activation=activation,
    )


class ResNet(nn.Module):
    """Pictures x_BCHW of any height and width to logits_BK."""

    def __init__(
        self,
        blocks: Sequence[int],
        *,
        bottleneck: bool,
        num_classes: int,
        in_channels: int = 3,
        small: bool = False,
        activation: str = "relu",
    ) -> None:
        super().__init__()
        block = Bottleneck if bottleneck else BasicBlock
        kernel, stride = (3, 1) if small else (7, 2)
        self.conv1 = nn.Conv2d(in_channels, 64, kernel, stride, kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.activation = named_activation(activation, axis=1, fresh=True)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, 2, 1)
        inner = WIDTHS
        out = [width * block.expansion for width in inner]
        self.layer1 = _stage(block, 64, inner[0], repeats=blocks[0], stride=1, activation=activation)
        self.layer2 = _stage(block, out[0], inner[1], repeats=blocks[1], stride=2, activation=activation)
        self.layer3 = _stage(block, out[1], inner[2], repeats=blocks[2], stride=2, activation=activation)
        self.layer4 = _stage(block, out[2], inner[3], repeats=blocks[3], stride=2, activation=activation)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(out[3], num_classes)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, BasicBlock):
                nn.init.zeros_(module.bn2.weight)
            elif isinstance(module, Bottleneck):
                nn.init.zeros_(module.bn3.weight)

    def features(self, x_BCHW: Tensor) -> Tensor:
        """What the classifier sees, one vector a picture: [B, 512], from ResNet-50 on [B, 2048]."""
        x = self.maxpool(self.activation(self.bn1(self.conv1(x_BCHW))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.avgpool(x).flatten(1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return logits_BK."""
        return self.fc(self.features(x_BCHW))


class BasicBlock(nn.Module):
    """relu(x + bn(conv3x3(relu(bn(conv3x3(x))))))  (figure 5, left)."""

    expansion = 1

    def __init__(self, width: int, inner: int, *, stride: int, activation: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, inner, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.activation = named_activation(activation, axis=1, fresh=True)
        self.downsample = _shortcut(width, inner, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.activation(self.bn1(self.conv1(x)))
        return self.activation(self.bn2(self.conv2(x)).add_(shortcut))


class Bottleneck(nn.Module):
    """relu(x + bn(conv1x1(relu(bn(conv3x3(relu(bn(conv1x1(x)))))))))  (figure 5, right); the 3x3 strides."""

    expansion = 4

    def __init__(self, width: int, inner: int, *, stride: int, activation: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, inner * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(inner * self.expansion)
        self.activation = named_activation(activation, axis=1, fresh=True)
        self.downsample = _shortcut(width, inner * self.expansion, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.activation(self.bn1(self.conv1(x)))
        x = self.activation(self.bn2(self.conv2(x)))
        return self.activation(self.bn3(self.conv3(x)).add_(shortcut))


def _stage(
    block: type[BasicBlock | Bottleneck],
    width: int,
    inner: int,
    *,
    repeats: int,
    stride: int,
    activation: str,
) -> nn.Sequential:
    """Blocks in a row (a row of table 1); only the first changes the width and strides."""
    out = inner * block.expansion
    return nn.Sequential(
        block(width, inner, stride=stride, activation=activation),
        *(block(out, inner, stride=1, activation=activation) for _ in range(repeats - 1)),
    )


def _shortcut(width: int, out: int, *, stride: int) -> nn.Sequential | None:
    """The projection of equation 2 where shapes differ, else None, which leaves no trace in the names."""
    if stride == 1 and width == out:
        return None
    return nn.Sequential(nn.Conv2d(width, out, 1, stride, bias=False), nn.BatchNorm2d(out))
