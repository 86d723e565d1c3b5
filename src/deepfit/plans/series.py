"""What tasks on series share: the network by its name, training on windows, forecasts for encoded points."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepfit.contract import Batch, Facts, Phase, Run, Splits
from deepfit.data.series_encoding import QUANTILES, num_columns, training_origins, windows
from deepfit.data.series_time import calendar
from deepfit.data.windows import Windows
from deepfit.nn.forecaster import Forecaster, StepReader
from deepfit.plans.foresight import foresee
from deepfit.plans.supervised import supervised

STEPS = 2000
"""Steps of training, about, where no number of epochs is given."""

WIDTH = 128


def network(name: str, facts: Facts, num_features: tuple[int, int]) -> nn.Module:
    """The forecaster whose body is the network of this name; num_features: of the past and of the future."""
    horizon, steps = int(facts["horizon"]), int(facts["lookback"])
    past, future = num_features
    future += 2 * len(facts["lags"])
    season = int(facts["season"])
    body = _body(name, steps, horizon, past, future)
    return Forecaster(body, steps=steps, horizon=horizon, season=season)


def _body(name: str, steps: int, horizon: int, past: int, future: int) -> nn.Module:
    if name == "tide":
        from deepfit.nn.nets.tide import TiDE

        return TiDE(steps, horizon, past, future, len(QUANTILES), width=WIDTH)
    return StepReader(
        _reader(name, past), width=WIDTH, horizon=horizon, future_features=future, num_answers=len(QUANTILES)
    )


def _reader(name: str, features: int) -> nn.Module:
    if name == "temporal_cnn":
        from deepfit.nn.nets.temporal_cnn import TemporalCNN

        return TemporalCNN(features, (64, 64, 64, 64, WIDTH))
    if name == "lstm":
        from deepfit.nn.nets.lstm import LSTM

        return LSTM(features, WIDTH)
    if name == "gru":
        from deepfit.nn.nets.gru import GRU

        return GRU(features, WIDTH)
    from deepfit.nn.nets.rnn import RNN

    return RNN(features, WIDTH)


def num_features(facts: Facts) -> tuple[int, int]:
    """Columns of the past and of the future windows."""
    dates = calendar(np.zeros(1, np.int64), facts["calendar"]).shape[1]
    future = num_columns(facts["known"]) + dates
    return 2 + num_columns(facts["past"]) + future, future


def plan(
    net: nn.Module,
    data: Splits[Batch],
    options: Any,
    facts: Facts,
    run: Run,
    *,
    score: Callable[[], Mapping[str, float]],
    best: str,
) -> Iterator[Phase]:
    """Supervised learning on every window whose whole horizon lies within the training points."""
    train = training_windows(data.train, facts)
    rows = len(train["target"])
    size = min(options.batch_size, max(1, rows // 4))
    options = options.model_copy(
        update={"batch_size": size, "epochs": options.epochs or int(np.clip(STEPS * size // rows, 4, 100))}
    )
    levels = torch.tensor(QUANTILES, device=run.device)

    def loss(said_BHQ: Tensor, batch: Batch) -> Tensor:
        difference_BHQ = (batch["target"] - said_BHQ) / batch["scale"].float()[:, None, None]
        return torch.maximum(levels * difference_BHQ, (levels - 1) * difference_BHQ).mean((1, 2)).sum()

    yield from supervised(
        net,
        Splits(train, data.valid),
        options,
        run,
        forward=forward(net),
        loss=loss,
        score=score,
        best=best,
    )


def training_windows(batch: Batch, facts: Facts) -> dict[str, Any]:
    """What a network learns from: windows at every origin of the encoded training points, not on the grid."""
    rows = training_origins(batch, facts)
    history, future = batch["history"], batch["future"]
    origin = batch["origin"][rows] + batch["step"][rows]
    firsts, lasts = history.firsts[rows], future.lasts[rows]
    found: dict[str, Any] = dict(windows(history.values, future.values, origin, firsts, lasts, facts))
    found["target"] = Windows(history.values[:, :1], origin, int(facts["horizon"]), firsts, lasts)
    found["scale"] = batch["scale"][rows]
    return found


def forward(net: nn.Module) -> Callable[[Batch], Tensor]:
    """The network as a function of a batch: quantiles BHQ."""

    def said(batch: Batch) -> Tensor:
        lagged = [batch[name] for name in sorted(batch) if name.startswith("lagged_")]
        return net(batch["history"], batch["future"], lagged)

    return said


def quantiles(net: nn.Module, batch: Batch) -> np.ndarray:
    """The quantiles of each encoded point in its series' own unit, in ascending order: float64 [rows, Q].

    Points of the same origin are one forecast, which is made once. Crossing quantiles are sorted, which never
    makes their loss worse (Chernozhukov et al. 2010, Econometrica 78(3)).
    """
    blocks = np.stack([batch["origin"], batch["history"].firsts], 1)
    _, first, which = np.unique(blocks, axis=0, return_index=True, return_inverse=True)
    inputs = {name: each.at(first) for name, each in batch.items() if isinstance(each, Windows)}
    said = (
        foresee(net, inputs, forward(net), rows_at_once=1024)
        if len(first)
        else np.zeros((0, 1, len(QUANTILES)))
    )
    own = np.sort(said[which.reshape(-1), batch["step"]].astype(np.float64), axis=1)
    return own * batch["deviation"][:, None] + batch["centre"][:, None]
