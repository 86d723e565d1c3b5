"""What the engine costs: a multilayer network 50-256-256-256-2 on 200,000 rows, batch 256, Adam 1e-3.

    python benchmarks/engine_mlp.py --rounds 5 [--peers keras,skorch,lightning,sklearn] [--peer-python PYTHON]

Contenders, each in a process of its own, in turn: `hand`, the tightest loop that we know; `engine`, deepfit's
loop around the same network and data; `deepfit`, the same with deepfit's own linear layer (by oneDNN on
processors of AMD); `estimator`, DeepClassifier from arrays to a fitted model (encoding,
validation and calibration included); peers with the same network. `epoch_s` is the median epoch, `process_s`
the whole process, imports included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path

ROWS, COLUMNS, WIDTH, BATCH = 200_000, 50, 256, 256


def data():
    """float32 [200000, 50] and int64 [200000]."""
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, COLUMNS), dtype=np.float32)
    y = (x[:, 0] * x[:, 1] + x[:, 2] > 0).astype(np.int64)
    return x, y


def network(linear: type | None = None):
    """The network that every torch contender trains; linear: another class than torch's."""
    from torch import nn

    linear = linear or nn.Linear
    sizes = [COLUMNS, WIDTH, WIDTH, WIDTH]
    layers = [layer for i, o in pairwise(sizes) for layer in (linear(i, o), nn.ReLU())]
    return nn.Sequential(*layers, linear(WIDTH, 2))


def hand(epochs: int) -> list[float]:
    """The tightest loop: index_select, fused Adam, nothing else."""
    import torch
    from torch.nn import functional as F

    x, y = map(torch.from_numpy, data())
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), 1e-3, fused=True)
    taken = []
    for _ in range(epochs):
        begun = time.perf_counter()
        order = torch.randperm(ROWS)
        for start in range(0, ROWS, BATCH):
            index = order[start : start + BATCH]
            loss = F.cross_entropy(net(x.index_select(0, index)), y.index_select(0, index))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        taken.append(time.perf_counter() - begun)
    return taken


def engine(epochs: int, linear: type | None = None) -> list[float]:
    """Deepfit's loop, with its progress, checks of the loss and checkpoints."""
    import tempfile

    from torch.nn import functional as F

    from deepfit import plans
    from deepfit.contract import Splits
    from deepfit.engine import Run, train
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
                score=dict,
                best=None,
            )

    x, y = data()
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        batch = {"x": x, "target": y}
        for progress in train(Classify(), network(linear), Splits(batch, batch), {}, Run(options, folder)):
            if progress.kind == "epoch":
                taken.append(time.perf_counter() - begun)
                begun = time.perf_counter()
    return taken


def deepfit(epochs: int) -> list[float]:
    """Deepfit's loop and deepfit's linear layer."""
    from deepfit.nn.linear import Linear

    return engine(epochs, Linear)


def estimator(epochs: int) -> list[float]:
    """From arrays to a fitted classifier."""
    from deepfit import DeepClassifier

    x, y = data()
    begun = time.perf_counter()
    DeepClassifier(network="mlp", epochs=epochs, batch_size=BATCH).fit(x, y)
    return [(time.perf_counter() - begun) / epochs] * epochs


def keras(epochs: int) -> list[float]:
    """Keras on the backend that KERAS_BACKEND names."""
    import keras

    x, y = data()
    dense = keras.layers.Dense
    net = keras.Sequential(
        [keras.layers.Input((COLUMNS,)), *[dense(WIDTH, "relu") for _ in range(3)], dense(2)]
    )
    net.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    taken = []
    for _ in range(epochs):
        begun = time.perf_counter()
        net.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
        taken.append(time.perf_counter() - begun)
    return taken


def skorch(epochs: int) -> list[float]:
    """Skorch without its validation split."""
    import torch
    from skorch import NeuralNetClassifier

    x, y = data()
    net = NeuralNetClassifier(
        network(),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=BATCH,
        max_epochs=epochs,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )
    net.fit(x, y)
    return list(net.history[:, "dur"])


def lightning(epochs: int) -> list[float]:
    """Lightning with a DataLoader, as its guide shows, without logger, bar and checkpoints."""
    import torch
    from lightning.pytorch import LightningModule, Trainer
    from torch.utils.data import DataLoader, TensorDataset

    x, y = map(torch.from_numpy, data())
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

    trainer = Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Module(), DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True))
    return taken


def sklearn(epochs: int) -> list[float]:
    """scikit-learn's MLPClassifier."""
    import warnings

    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")
    x, y = data()
    begun = time.perf_counter()
    MLPClassifier((WIDTH,) * 3, batch_size=BATCH, max_iter=epochs, alpha=0.0).fit(x, y)
    return [(time.perf_counter() - begun) / epochs] * epochs


OURS = ("hand", "engine", "deepfit", "estimator")


def main() -> None:
    """Run one contender, or all of them in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--one", help="run this contender alone and print its RESULT line")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--peers", default="", help="keras,skorch,lightning,sklearn: those to run besides")
    parser.add_argument("--peer-python", default=sys.executable, help="the interpreter that has the peers")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "engine_mlp.json")
    chosen = parser.parse_args()
    if chosen.one:
        taken = globals()[chosen.one](chosen.epochs)
        print("RESULT " + json.dumps({"epoch_s": statistics.median(taken)}))
        return
    import rounds

    peers = [name for name in chosen.peers.split(",") if name]
    contenders = {
        name: [
            sys.executable if name in OURS else chosen.peer_python,
            __file__,
            "--one",
            name,
            "--epochs",
            str(chosen.epochs),
        ]
        for name in (*OURS, *peers)
    }
    found = rounds.run(contenders, chosen.rounds)
    table = rounds.summary(found, ("epoch_s", "process_s"), "hand")
    for name, row in table.items():
        print(name, row)
    rounds.write(
        chosen.out,
        claim="engine overhead on a multilayer network",
        epochs=chosen.epochs,
        table=table,
        records=found,
    )


if __name__ == "__main__":
    main()
