"""The same training, by the tightest loop that we know, by deepfit's engine and by peers: seconds an epoch.

Each takes a network, float32 inputs and int64 classes as NumPy arrays or tensors, the batch size and the
number of epochs, minimises the cross-entropy by Adam at 1e-3, and returns the seconds of each epoch.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

RATE = 1e-3


class Epochs:
    """Seconds between the beginning and the end of each epoch."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    @contextmanager
    def one(self) -> Iterator[None]:
        """An epoch from here to the end of the block."""
        begun = time.perf_counter()
        yield
        self.taken.append(time.perf_counter() - begun)


def hand(net: Any, x: Any, y: Any, batch: int, epochs: int) -> list[float]:
    """The tightest loop: index_select, fused Adam, nothing else."""
    import torch
    from torch.nn import functional as F

    optimizer = torch.optim.Adam(net.parameters(), RATE, fused=True)
    clock = Epochs()
    for _ in range(epochs):
        with clock.one():
            order = torch.randperm(len(x))
            for start in range(0, len(x), batch):
                index = order[start : start + batch]
                loss = F.cross_entropy(net(x.index_select(0, index)), y.index_select(0, index))
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
    return clock.taken


def engine(net: Any, x: Any, y: Any, batch: int, epochs: int) -> list[float]:
    """Deepfit's loop, with its progress, checks of the loss and checkpoints."""
    from torch.nn import functional as F

    from deepfit import plans
    from deepfit.contract import Splits
    from deepfit.engine import Run, train
    from deepfit.options import Options

    options = Options(
        epochs=epochs,
        batch_size=batch,
        learning_rate=RATE,
        optimizer="adam",
        weight_decay=0.0,
        schedule="constant",
        warmup=0.0,
    )

    class Classify:
        def plan(self, net: Any, data: Any, facts: Any, run: Any) -> Any:
            return plans.supervised(
                net,
                data,
                options,
                run,
                forward=lambda batch: net(batch["x"]),
                loss=lambda outputs, batch: F.cross_entropy(outputs, batch["target"], reduction="sum"),
            )

    rows = {"x": x, "target": y}
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        for progress in train(Classify(), net, Splits(rows, rows), {}, Run(options, folder)):
            if progress.kind == "epoch":
                taken.append(time.perf_counter() - begun)
                begun = time.perf_counter()
    return taken


def lightning(net: Any, x: Any, y: Any, batch: int, epochs: int) -> list[float]:
    """Lightning with a DataLoader, as its guide shows, without logger, bar and checkpoints."""
    stand_in_for_torchvision()
    import torch
    from lightning.pytorch import LightningModule, Trainer
    from torch.utils.data import DataLoader, TensorDataset

    taken: list[float] = []

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def training_step(self, batch: Any, place: int) -> Any:
            return torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), RATE)

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
    loader = DataLoader(TensorDataset(x, y), batch_size=batch, shuffle=True)
    Trainer(max_epochs=epochs, accelerator="cpu", **quiet).fit(Module(), loader)
    return taken


def fastai(net: Any, x: Any, y: Any, batch: int, epochs: int) -> list[float]:
    """Fastai's Learner, without its bar and log."""
    stand_in_for_torchvision()
    import fastai.callback.progress  # noqa: F401 (gives Learner its no_bar)
    from fastai.basics import Callback, CrossEntropyLossFlat, DataLoader, DataLoaders, Learner
    from fastai.optimizer import Adam
    from torch.utils.data import TensorDataset

    taken: list[float] = []

    class Clock(Callback):
        def before_epoch(self) -> None:
            self.begun = time.perf_counter()

        def after_epoch(self) -> None:
            taken.append(time.perf_counter() - self.begun)

    loaders = DataLoaders(
        DataLoader(TensorDataset(x, y), bs=batch, shuffle=True, num_workers=0),
        DataLoader(TensorDataset(x[:batch], y[:batch]), bs=batch, num_workers=0),
    )
    learner = Learner(loaders, net, loss_func=CrossEntropyLossFlat(), opt_func=Adam, wd=0.0)
    with learner.no_bar(), learner.no_logging():
        learner.fit(epochs, RATE, cbs=Clock())
    return taken


def keras(net: Any, x: Any, y: Any, batch: int, epochs: int) -> list[float]:
    """Keras' fit on the backend that KERAS_BACKEND names."""
    import keras

    net.compile(keras.optimizers.Adam(RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    clock = Epochs()
    for _ in range(epochs):
        with clock.one():
            net.fit(x, y, batch_size=batch, epochs=1, verbose=0)
    return clock.taken


def choose_backend(name: str) -> None:
    """Let Keras compute with "jax", "tensorflow" or "torch"; before its first import."""
    os.environ.update(KERAS_BACKEND=name, TF_CPP_MIN_LOG_LEVEL="3")


def stand_in_for_torchvision() -> None:
    """Declare two operators that torchvision asks for, where its compiled part does not load.

    fastai and Lightning import torchvision; the CPU build of PyTorch has none that fits.
    """
    import sys

    import torch

    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        kept.append(library)


kept: list[Any] = []
"""Declarations last as long as the library that made them."""
