"""What the engine costs with convolutions.

A small residual network (0.3 M weights) on 60,000 Fashion-MNIST pictures, batch 128.

    python benchmarks/engine_cnn.py --data FOLDER --rounds 3 [--peers keras_jax,lightning,fastai]
    [--peer-python PYTHON]

FOLDER holds the four `*-ubyte.gz` files of the Debian package dataset-fashion-mnist. Contenders, each in a
process of its own, in turn: `hand`, the tightest loop that we know (channels last, fused Adam); `engine`,
deepfit's loop around the same network and data; peers with the same network. `epoch_s` is the last epoch,
`process_s` the whole process, imports included.
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path
from typing import Any

import contenders
import rounds

BATCH = 128


def data(folder: Path):
    """float32 [60000, 1, 28, 28], standardised, and int64 [60000]."""
    import numpy as np

    with gzip.open(folder / "train-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(folder / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8).astype(np.int64)
    return (images.astype(np.float32) / 255 - 0.286) / 0.353, labels


def network():
    """The network that every torch contender trains."""
    from torch import nn

    def unit(width: int, out: int, stride: int = 1) -> nn.Sequential:
        convolution = nn.Conv2d(width, out, 3, stride, 1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU(inplace=True))

    class Residual(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.pair = nn.Sequential(unit(width, width), unit(width, width))

        def forward(self, x):  # noqa: ANN001
            return x + self.pair(x)

    body = (unit(1, 32), unit(32, 64, 2), Residual(64), unit(64, 128, 2), Residual(128))
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


def keras_network() -> Any:
    """The same network in Keras."""
    import keras

    layers = keras.layers

    def unit(t, out: int, stride: int = 1):  # noqa: ANN001
        t = layers.Conv2D(out, 3, stride, padding="same", use_bias=False)(t)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(t))

    inputs = layers.Input((28, 28, 1))
    t = unit(unit(inputs, 32), 64, 2)
    t = layers.Add()([t, unit(unit(t, 64), 64)])
    t = unit(t, 128, 2)
    t = layers.Add()([t, unit(unit(t, 128), 128)])
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(t)))


def run_one(name: str, chosen: argparse.Namespace) -> dict[str, float]:
    """The last epoch of one contender."""
    x, y = data(chosen.data)
    if name.startswith("keras_"):
        contenders.choose_backend(name.removeprefix("keras_"))
        taken = contenders.keras(keras_network(), x.transpose(0, 2, 3, 1).copy(), y, BATCH, chosen.epochs)
        return {"epoch_s": taken[-1]}
    import torch

    pictures, labels, net = torch.from_numpy(x), torch.from_numpy(y), network()
    if name in ("hand", "engine"):
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        net = net.to(memory_format=torch.channels_last)
    return {"epoch_s": getattr(contenders, name)(net, pictures, labels, BATCH, chosen.epochs)[-1]}


if __name__ == "__main__":
    rounds.compare(
        __file__,
        __doc__,
        run_one,
        ours=("hand", "engine"),
        claim="engine overhead on a small convolutional network",
        epochs=2,
        options=lambda parser: parser.add_argument("--data", type=Path, default=Path("fashion-mnist")),
    )
