"""A network over series as a forecaster: each window by its own level and spread, answers as quantiles.

Every window is normalised by the mean and deviation of its past, and what the network says is put back by
the same two numbers, so one network serves series of any level, and a level that moves.
Source: Kim et al. 2022, "Reversible Instance Normalization", ICLR (RevIN), without its learned affine part.

To what the network says of each step a straight line from the past is added, W x + b. It begins as the mean
of the last cycles at the same place of the season, so that training starts at a seasonal naive forecast.
Source: Zeng et al. 2022, arXiv 2205.13504 (linear forecasts), for the line; the start is ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

# B batch, T past steps, H steps of the horizon, F features, C points of context, Q quantiles

CYCLES = 4
"""Cycles of the season that the straight line begins as the mean of."""

FLOOR = 0.01
"""Added to the variance of a window, in variances of its series: a flat one is not blown up."""


class Forecaster(nn.Module):
    """history_BTF (value, whether it is there, further columns), future_BHF, lagged blocks -> quantiles_BHQ.

    body: past_BTF, future_BHF -> BHQ. lagged: earlier stretches of value and whether it is there, C points
    before and H points at the same place of an earlier cycle; normalised by their own C points they join the
    future's features. Values go in and come out in the same unit.
    """

    def __init__(self, body: nn.Module, *, steps: int, horizon: int, season: int) -> None:
        super().__init__()
        self.body = body
        self.horizon = horizon
        self.line = nn.Linear(steps, horizon)
        with torch.no_grad():
            self.line.weight.zero_()
            self.line.bias.zero_()
            cycles = min(CYCLES, steps // season)
            for ahead in range(horizon):
                for cycle in range(1, cycles + 1):
                    place = steps + ahead % season - cycle * season
                    self.line.weight[ahead, place] += 1 / cycles

    def forward(self, history_BTF: Tensor, future_BHF: Tensor, lagged: Sequence[Tensor] = ()) -> Tensor:
        """Quantiles BHQ, in no order: `sorted_quantiles` mends those that cross."""
        value_BT, there_BT = history_BTF[..., 0], history_BTF[..., 1]
        level_B1, spread_B1 = moments(value_BT, there_BT)
        value_BT = (value_BT - level_B1) / spread_B1 * there_BT
        past_BTF = torch.cat([value_BT.unsqueeze(2), history_BTF[..., 1:]], 2)
        features = [future_BHF]
        for earlier_BSF in lagged:
            value_BS, there_BS = earlier_BSF[..., 0], earlier_BSF[..., 1]
            context = value_BS.shape[1] - self.horizon
            own_B1, width_B1 = moments(value_BS[:, :context], there_BS[:, :context])
            known_BH = there_BS[:, context:] * there_BS[:, :1]
            features.append(
                torch.stack([(value_BS[:, context:] - own_B1) / width_B1 * known_BH, known_BH], 2)
            )
        said_BHQ = self.body(past_BTF, torch.cat(features, 2)) + self.line(value_BT).unsqueeze(2)
        return said_BHQ * spread_B1.unsqueeze(2) + level_B1.unsqueeze(2)


def moments(value_BT: Tensor, there_BT: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the values that are there, B1 each; 0 and a small number where none is."""
    count_B1 = there_BT.sum(1, keepdim=True).clamp(min=1)
    mean_B1 = (value_BT * there_BT).sum(1, keepdim=True) / count_B1
    variance_B1 = ((value_BT - mean_B1).square() * there_BT).sum(1, keepdim=True) / count_B1
    return mean_B1, (variance_B1 + FLOOR).sqrt()


class StepReader(nn.Module):
    """A network over the past, whose last output is read once for each step of the horizon: -> BHQ.

    body: past_BTF -> outputs_BTD. Every step is answered from that last output and its own features, all
    steps at once. Source: Wen et al. 2017, arXiv 1711.11053 (MQ-RNN), with one decoder for all steps.
    """

    def __init__(
        self,
        body: nn.Module,
        *,
        width: int,
        horizon: int,
        future_features: int,
        num_answers: int,
        step_width: int = 16,
    ) -> None:
        super().__init__()
        self.body = body
        self.horizon, self.step_width = horizon, step_width
        self.steps = nn.Sequential(nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, horizon * step_width))
        self.answer = nn.Sequential(
            nn.Linear(step_width + future_features, 64), nn.ReLU(), nn.Linear(64, num_answers)
        )

    def forward(self, past_BTF: Tensor, future_BHF: Tensor) -> Tensor:
        """BTF and BHF -> BHQ."""
        said = self.body(past_BTF)  # recurrent networks give their state, too
        last_BD = (said[0] if isinstance(said, tuple) else said)[:, -1]
        steps_BHR = self.steps(last_BD).unflatten(1, (self.horizon, self.step_width))
        return self.answer(torch.cat([steps_BHR, future_BHF], 2))
