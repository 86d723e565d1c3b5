"""Training an LSTM: 12,800 windows of 96 steps of a series, hidden 128, batch 128, Adam 1e-3.

    python benchmarks/sequence_lstm.py --rounds 3 [--peers keras_jax,keras_tensorflow] [--peer-python PYTHON]

Contenders, each in a process of its own, in turn: `hand`, the tightest loop around `nn.LSTM` that we know;
`hand_kept`, the same with the C library told to keep freed memory, as deepfit's engine tells it; `deepfit`,
deepfit's LSTM through its engine, with progress, checks of the loss and checkpoints; Keras on the backend
that its name ends in. All predict the step after the window. `epoch_s` is the median epoch without the
first, which compiles, `mse` the mean squared error on the windows after training (0.01 is the noise).
"""

from __future__ import annotations

import argparse
import statistics
import time

import rounds

ROWS, STEPS, WIDTH, BATCH = 12_800, 96, 128, 128
FORESEEN = 2_048


def windows():
    """float32 [12800, 97]: 96 steps and the one after them."""
    import numpy as np

    rng = np.random.default_rng(0)
    t = np.arange(ROWS + STEPS)
    series = (
        np.sin(t * 2 * np.pi / 24) + 0.5 * np.sin(t * 2 * np.pi / 168) + 0.1 * rng.standard_normal(len(t))
    )
    return np.ascontiguousarray(
        np.lib.stride_tricks.sliding_window_view(series.astype(np.float32), STEPS + 1)
    )


def hand(epochs: int) -> tuple[list[float], float]:
    """The tightest loop: index_select, nn.LSTM, fused Adam, nothing else."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    rows = torch.from_numpy(windows())
    lstm, head = nn.LSTM(1, WIDTH, batch_first=True), nn.Linear(WIDTH, 1)
    optimizer = torch.optim.Adam([*lstm.parameters(), *head.parameters()], 1e-3, fused=True)
    taken = []
    for _ in range(epochs):
        begun = time.perf_counter()
        order = torch.randperm(len(rows))
        for start in range(0, len(rows), BATCH):
            batch = rows.index_select(0, order[start : start + BATCH])
            said = head(lstm(batch[:, :STEPS, None])[0][:, -1])
            loss = F.mse_loss(said[:, 0], batch[:, STEPS])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        taken.append(time.perf_counter() - begun)
    with torch.no_grad():
        some = rows[:FORESEEN]
        return taken, float(F.mse_loss(head(lstm(some[:, :STEPS, None])[0][:, -1])[:, 0], some[:, STEPS]))


def hand_kept(epochs: int) -> tuple[list[float], float]:
    """`hand`, with freed memory kept by the process."""
    from deepfit.machine import memory_kept

    with memory_kept():
        return hand(epochs)


def deepfit(epochs: int) -> tuple[list[float], float]:
    """Deepfit's LSTM through deepfit's loop."""
    import tempfile

    import torch
    from torch import nn
    from torch.nn import functional as F

    from deepfit import plans
    from deepfit.contract import Splits
    from deepfit.engine import Run, train
    from deepfit.nn.nets.lstm import LSTM
    from deepfit.nn.recurrent import pooled
    from deepfit.options import Options

    options = Options(
        epochs=epochs, batch_size=BATCH, optimizer="adam", weight_decay=0.0, schedule="constant", warmup=0.0
    )

    class Forecaster(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = LSTM(1, WIDTH), nn.Linear(WIDTH, 1)

        def forward(self, window_BT):  # noqa: ANN001
            return self.head(pooled(self.body(window_BT.unsqueeze(2))[0]))[:, 0]

    class Forecast:
        def plan(self, net, data, facts, run):  # noqa: ANN001
            return plans.supervised(
                net,
                data,
                options,
                run,
                forward=lambda batch: net(batch["x"]),
                loss=lambda said, batch: F.mse_loss(said, batch["target"], reduction="sum"),
                score=dict,
                best=None,
            )

    rows = windows()
    net = Forecaster()
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        batch = {"x": rows[:, :STEPS], "target": rows[:, STEPS]}
        for progress in train(Forecast(), net, Splits(batch, batch), {}, Run(options, folder)):
            if progress.kind == "epoch":
                taken.append(time.perf_counter() - begun)
                begun = time.perf_counter()
    some = torch.from_numpy(rows[:FORESEEN])
    with torch.no_grad():
        return taken, float(F.mse_loss(net(some[:, :STEPS]), some[:, STEPS]))


def keras_on(backend: str, epochs: int) -> tuple[list[float], float]:
    """Keras on one of its backends."""
    import os

    os.environ["KERAS_BACKEND"] = backend
    import keras
    import numpy as np

    rows = windows()
    x, y = np.ascontiguousarray(rows[:, :STEPS, None]), np.ascontiguousarray(rows[:, STEPS])
    net = keras.Sequential([keras.layers.Input((STEPS, 1)), keras.layers.LSTM(WIDTH), keras.layers.Dense(1)])
    net.compile(keras.optimizers.Adam(1e-3), "mse")
    taken = []
    for _ in range(epochs):
        begun = time.perf_counter()
        net.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
        taken.append(time.perf_counter() - begun)
    return taken, float(net.evaluate(x[:FORESEEN], y[:FORESEEN], batch_size=BATCH, verbose=0))


def keras_jax(epochs: int) -> tuple[list[float], float]:
    """Keras on JAX."""
    return keras_on("jax", epochs)


def keras_tensorflow(epochs: int) -> tuple[list[float], float]:
    """Keras on TensorFlow."""
    return keras_on("tensorflow", epochs)


def run_one(name: str, chosen: argparse.Namespace) -> dict[str, float]:
    """The median epoch after the first of one contender, and its error at the end."""
    taken, mse = globals()[name](chosen.epochs)
    return {"epoch_s": statistics.median(taken[1:] or taken), "mse": mse}


if __name__ == "__main__":
    rounds.compare(
        __file__,
        __doc__,
        run_one,
        ours=("hand", "hand_kept", "deepfit"),
        claim="training an LSTM is level with a hand-written loop and faster than Keras",
        figures=("epoch_s", "process_s", "mse"),
        epochs=2,
    )
