"""What the engine costs with convolutions.

A small residual network (0.3 M weights) on 60,000 Fashion-MNIST pictures, batch 128.

    python benchmarks/engine_cnn.py --data FOLDER --rounds 3 [--peers keras,lightning,fastai] [--peer-python
    PYTHON]

FOLDER holds the four `*-ubyte.gz` files of the Debian package dataset-fashion-mnist. Contenders, each in a
process of its own, in turn: `hand`, the tightest loop that we know (channels last, fused Adam); `engine`,
deepfit's loop around the same network and data; peers with the same network. `epoch_s` is the last epoch,
`process_s` the whole process, imports included.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from pathlib import Path

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


def hand(folder: Path, epochs: int) -> list[float]:
    """The tightest loop: channels last, index_select, fused Adam."""
    import torch
    from torch.nn import functional as F

    x, y = map(torch.from_numpy, data(folder))
    x = x.contiguous(memory_format=torch.channels_last)
    net = network().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3, fused=True)
    taken = []
    for _ in range(epochs):
        begun = time.perf_counter()
        order = torch.randperm(len(x))
        for start in range(0, len(x), BATCH):
            index = order[start : start + BATCH]
            loss = F.cross_entropy(net(x.index_select(0, index)), y.index_select(0, index))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        taken.append(time.perf_counter() - begun)
    return taken


def engine(folder: Path, epochs: int) -> list[float]:
    """Deepfit's loop, with its progress, checks of the loss and checkpoints."""
    import tempfile

    import torch
    from torch.nn import functional as F

    from deepfit import plans
    from deepfit.contract import Splits
    from deepfit.engine import Run, channels_last, train
    from deepfit.options import Options

    options = Options(
        epochs=epochs, batch_size=BATCH, optimizer="adam", weight_decay=0.0, schedule="constant", warmup=0.0
    )

    class Classify:
        def plan(self, net, data, facts, run):  # noqa: ANN001
            return plans.supervised(
                net,
                data,
                options,
                run,
                forward=lambda batch: net(batch["x"]),
                loss=lambda outputs, batch: F.cross_entropy(outputs, batch["target"], reduction="sum"),
            )

    x, y = map(torch.from_numpy, data(folder))
    batch = {"x": x.contiguous(memory_format=torch.channels_last), "target": y}
    taken = []
    with tempfile.TemporaryDirectory() as run_folder:
        begun = time.perf_counter()
        for progress in train(
            Classify(), channels_last(network()), Splits(batch, batch), {}, Run(options, run_folder)
        ):
            if progress.kind == "epoch":
                taken.append(time.perf_counter() - begun)
                begun = time.perf_counter()
    return taken


def keras(folder: Path, epochs: int) -> list[float]:
    """The same network in Keras, on the backend that KERAS_BACKEND names."""
    import keras

    layers = keras.layers

    def unit(t, out: int, stride: int = 1):  # noqa: ANN001
        t = layers.Conv2D(out, 3, stride, padding="same", use_bias=False)(t)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(t))

    x, y = data(folder)
    x = x.transpose(0, 2, 3, 1).copy()
    inputs = layers.Input((28, 28, 1))
    t = unit(unit(inputs, 32), 64, 2)
    t = layers.Add()([t, unit(unit(t, 64), 64)])
    t = unit(t, 128, 2)
    t = layers.Add()([t, unit(unit(t, 128), 128)])
    net = keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(t)))
    net.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    taken = []
    for _ in range(epochs):
        begun = time.perf_counter()
        net.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
        taken.append(time.perf_counter() - begun)
    return taken


def lightning(folder: Path, epochs: int) -> list[float]:
    """Lightning with a DataLoader, without logger, bar and checkpoints."""
    import torch
    from lightning.pytorch import LightningModule, Trainer
    from torch.utils.data import DataLoader, TensorDataset

    taken: list[float] = []

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = network()

        def training_step(self, batch, place):  # noqa: ANN001
            return torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), 1e-3)

        def on_train_epoch_start(self) -> None:
            self.begun = time.perf_counter()

        def on_train_epoch_end(self) -> None:
            taken.append(time.perf_counter() - self.begun)

    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    loader = DataLoader(TensorDataset(*map(torch.from_numpy, data(folder))), batch_size=BATCH, shuffle=True)
    Trainer(max_epochs=epochs, accelerator="cpu", **quiet).fit(Module(), loader)
    return taken


OURS = ("hand", "engine")


def main() -> None:
    """Run one contender, or all of them in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--one", help="run this contender alone and print its RESULT line")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2, help="the last one counts")
    parser.add_argument("--peers", default="", help="keras,lightning: those to run besides")
    parser.add_argument("--peer-python", default=sys.executable, help="the interpreter that has the peers")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "engine_cnn.json")
    chosen = parser.parse_args()
    if chosen.one:
        taken = globals()[chosen.one](chosen.data, chosen.epochs)
        print("RESULT " + json.dumps({"epoch_s": taken[-1]}))
        return
    import rounds

    names = (*OURS, *(name for name in chosen.peers.split(",") if name))
    fixed = ["--data", str(chosen.data), "--epochs", str(chosen.epochs)]
    contenders = {
        name: [sys.executable if name in OURS else chosen.peer_python, __file__, "--one", name, *fixed]
        for name in names
    }
    found = rounds.run(contenders, chosen.rounds)
    table = rounds.summary(found, ("epoch_s", "process_s"), "hand")
    for name, row in table.items():
        print(name, row)
    rounds.write(
        chosen.out,
        claim="engine overhead on a small convolutional network",
        epochs=chosen.epochs,
        table=table,
        records=found,
    )


if __name__ == "__main__":
    main()
