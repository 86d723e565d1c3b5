"""Every network for sequences learns a series through the engine, from sequences of several lengths."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from deepfit import plans
from deepfit.contract import Splits
from deepfit.engine import Run, train
from deepfit.nn.nets.gru import GRU
from deepfit.nn.nets.lstm import LSTM
from deepfit.nn.nets.rnn import RNN
from deepfit.nn.nets.temporal_cnn import TemporalCNN
from deepfit.nn.recurrent import pooled
from deepfit.options import Options

BODIES = {
    "rnn": lambda: RNN(1, 24),
    "lstm": lambda: LSTM(1, 24),
    "gru": lambda: GRU(1, 12, bidirectional=True),
    "temporal_cnn": lambda: TemporalCNN(1, (24, 24, 24), dropout=0.0),
}


class Foresee(nn.Module):
    """What a sine will be three steps after the last one seen."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.body, self.head = BODIES[name](), nn.Linear(24, 1)

    def forward(self, x_BT1, lengths_B):
        outputs = self.body(x_BT1, lengths_B)
        outputs_BTD = outputs[0] if isinstance(outputs, tuple) else outputs
        both = getattr(self.body, "bidirectional", False)
        return self.head(pooled(outputs_BTD, lengths_B, bidirectional=both))[:, 0]


class Series:
    def __init__(self, options):
        self.options = options

    def plan(self, net, data, facts, run):
        return plans.supervised(
            net,
            data,
            self.options,
            run,
            forward=lambda batch: net(batch["x"], batch["lengths"]),
            loss=lambda said, batch: (said - batch["target"]).square().sum(),
        )


def sines(rows, *, seed):
    """Sines of random phase and frequency, of 6 to 16 steps, with nonsense in the padding."""
    rng = np.random.default_rng(seed)
    phase, speed = rng.uniform(0, 6.28, (rows, 1)), rng.uniform(0.3, 0.6, (rows, 1))
    lengths = rng.integers(6, 17, rows)
    step = np.arange(16)
    x = np.where(step < lengths[:, None], np.sin(phase + speed * step), 9.0)
    target = np.sin(phase[:, 0] + speed[:, 0] * (lengths + 2))
    return {"x": x[..., None].astype(np.float32), "lengths": lengths, "target": target.astype(np.float32)}


@pytest.mark.parametrize("name", BODIES)
def test_a_series_is_foreseen(name, tmp_path):
    options = Options(epochs=30, batch_size=64, learning_rate=1e-2, threads=1, clip_norm=1.0)
    torch.manual_seed(0)
    net, train_rows, held_out = Foresee(name), sines(512, seed=1), sines(256, seed=2)
    for _ in train(Series(options), net, Splits(train_rows, held_out), {}, Run(options, tmp_path)):
        pass
    said = plans.foresee(net, held_out, lambda batch: net(batch["x"], batch["lengths"]))
    error = np.square(said - held_out["target"]).mean()
    assert error < 0.1 * held_out["target"].var()
