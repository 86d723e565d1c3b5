"""TiDE, the time-series dense encoder: multilayer networks over the past and the known future.

Each step's covariates pass a small block of their own; past values and all covariates are encoded to one
vector; decoded, it gives a vector to each step of the horizon, and a block reads that vector together with
the step's own covariates, so that a holiday or a price of that day has a short way to its forecast.

block(x) = norm(drop(W2 relu(W1 x)) + W3 x)

Source: Das et al. 2023, arXiv 2304.08424, section 4 and figure 1. Differs: the straight line from the past to
the forecast (the global residual) is not in here but in `nn.forecaster`, for every network alike; covariates
known of the past only are encoded too; the block behind the norm ends without one where it gives answers.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from deepfit.nn.dropout import dropout
from deepfit.nn.linear import Linear

# B batch, T past steps, H steps of the horizon, F features, D width, R features of a step, Q answers a step


class TiDE(nn.Module):
    """Past x_BTF (values first) and future x_BHF to answers BHQ.

    steps, horizon: T and H; past_features, future_features: F of each; width: D of the dense layers; layers:
    blocks of the encoder and of the decoder; step_width: R of a step's decoded vector.
    """

    def __init__(
        self,
        steps: int,
        horizon: int,
        past_features: int,
        future_features: int,
        num_answers: int,
        *,
        width: int = 128,
        layers: int = 2,
        step_width: int = 16,
        covariate_width: int = 8,
        drop: float = 0.3,
    ) -> None:
        super().__init__()
        self.horizon, self.step_width = horizon, step_width
        covariates = past_features - 2  # beside the value and whether it is there
        self.past = Block(covariates, 4 * covariate_width, covariate_width, drop=drop) if covariates else None
        self.future = (
            Block(future_features, 4 * covariate_width, covariate_width, drop=drop)
            if future_features
            else None
        )
        size = 2 * steps + (steps * covariate_width if covariates else 0)
        size += horizon * covariate_width if future_features else 0
        widths = [size, *[width] * layers]
        self.encoder = nn.Sequential(
            *(Block(before, width, after, drop=drop) for before, after in pairwise(widths))
        )
        self.decoder = nn.Sequential(
            *(Block(width, width, width, drop=drop) for _ in range(layers - 1)),
            Block(width, width, horizon * step_width, drop=drop),
        )
        self.answer = Block(step_width + future_features, width // 2, num_answers, drop=drop, norm=False)

    def forward(self, past_BTF: Tensor, future_BHF: Tensor) -> Tensor:
        """BTF and BHF -> BHQ."""
        parts = [past_BTF[..., :2].flatten(1)]
        if self.past is not None:
            parts.append(self.past(past_BTF[..., 2:]).flatten(1))
        if self.future is not None:
            parts.append(self.future(future_BHF).flatten(1))
        code_BD = self.encoder(torch.cat(parts, 1))
        steps_BHR = self.decoder(code_BD).unflatten(1, (self.horizon, self.step_width))
        return self.answer(torch.cat([steps_BHR, future_BHF], 2))


class Block(nn.Module):
    """norm(drop(W2 relu(W1 x)) + W3 x) over the last axis; norm False leaves the norm away."""

    def __init__(self, before: int, hidden: int, after: int, *, drop: float, norm: bool = True) -> None:
        super().__init__()
        self.drop = drop
        self.first = Linear(before, hidden)
        self.second = Linear(hidden, after)
        self.straight = Linear(before, after)
        self.norm = nn.LayerNorm(after) if norm else None

    def forward(self, x: Tensor) -> Tensor:
        """[..., before] -> [..., after]."""
        said = dropout(self.second(self.first(x).relu()), self.drop, self.training) + self.straight(x)
        return said if self.norm is None else self.norm(said)
