"""What the engine costs: a multilayer network 50-256-256-256-2 on 200,000 rows, batch 256, Adam 1e-3.

    python benchmarks/engine_mlp.py --rounds 5 [--peers keras_jax,keras_tensorflow,keras_torch,fastai,skorch,
    lightning,sklearn] [--peer-python PYTHON]

Contenders, each in a process of its own, in turn: `hand`, the tightest loop that we know; `engine`, deepfit's
loop around the same network and data; `deepfit`, the same with deepfit's own linear layer (by oneDNN on
processors of AMD); `estimator`, DeepClassifier from arrays to a fitted model (encoding,
validation and calibration included); peers with the same network. `epoch_s` is the median epoch, `process_s`
the whole process, imports included.
"""

from __future__ import annotations

import argparse
import statistics
import time
from itertools import pairwise
from typing import Any

import contenders
import rounds

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


def fit_estimator(epochs: int) -> list[float]:
    """From arrays to a fitted classifier."""
    from deepfit import DeepClassifier

    x, y = data()
    begun = time.perf_counter()
    DeepClassifier(network="mlp", epochs=epochs, batch_size=BATCH).fit(x, y)
    return [(time.perf_counter() - begun) / epochs] * epochs


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


def sklearn(epochs: int) -> list[float]:
    """scikit-learn's MLPClassifier."""
    import warnings

    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")
    x, y = data()
    begun = time.perf_counter()
    MLPClassifier((WIDTH,) * 3, batch_size=BATCH, max_iter=epochs, alpha=0.0).fit(x, y)
    return [(time.perf_counter() - begun) / epochs] * epochs


def keras_network() -> Any:
    """The same network in Keras."""
    import keras

    dense = keras.layers.Dense
    hidden = [dense(WIDTH, "relu") for _ in range(3)]
    return keras.Sequential([keras.layers.Input((COLUMNS,)), *hidden, dense(2)])


def run_one(name: str, chosen: argparse.Namespace) -> dict[str, float]:
    """The median epoch of one contender."""
    own = {"estimator": fit_estimator, "skorch": skorch, "sklearn": sklearn}
    if name in own:
        return {"epoch_s": statistics.median(own[name](chosen.epochs))}
    x, y = data()
    if name.startswith("keras_"):
        contenders.choose_backend(name.removeprefix("keras_"))
        taken = contenders.keras(keras_network(), x, y, BATCH, chosen.epochs)
        return {"epoch_s": statistics.median(taken)}
    import torch

    way = contenders.engine if name == "deepfit" else getattr(contenders, name)
    if name == "deepfit":
        from deepfit.nn.linear import Linear

        net = network(Linear)
    else:
        net = network()
    taken = way(net, torch.from_numpy(x), torch.from_numpy(y), BATCH, chosen.epochs)
    return {"epoch_s": statistics.median(taken)}


if __name__ == "__main__":
    rounds.compare(
        __file__,
        __doc__,
        run_one,
        ours=("hand", "engine", "deepfit", "estimator"),
        claim="engine overhead on a multilayer network",
        epochs=4,
    )
