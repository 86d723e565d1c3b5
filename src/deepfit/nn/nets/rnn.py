"""The plain recurrent network.

h_t = tanh(W x_t + b + U h_{t-1} + b'); a layer above reads the h of the layer below.

Source: Elman 1990, "Finding structure in time", Cognitive Science 14(2).
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from deepfit.nn import recurrent

# B batch, T steps, F features, D width (twice of it in both directions), L layers times directions


class RNN(nn.RNN):
    """Sequences x_BTF to outputs_BTD; the parameters are those of `torch.nn.RNN`, by the same names.

    activation relu: Le et al. 2015, arXiv 1504.00941. How it starts: `recurrent.start`.
    """

    def __init__(
        self,
        num_features: int,
        width: int = 128,
        *,
        layers: int = 1,
        dropout: float = 0.0,
        bidirectional: bool = False,
        activation: Literal["tanh", "relu"] = "tanh",
    ) -> None:
        recurrent.check_dropout(layers, dropout)
        super().__init__(
            num_features,
            width,
            layers,
            nonlinearity=activation,
            batch_first=True,
            dropout=dropout,
            bidirectional=bidirectional,
        )
        recurrent.start(self, gates=1)

    def forward(
        self, x_BTF: Tensor, lengths_B: Tensor | None = None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """BTF -> outputs_BTD, zero from each length on, and h_LBD after the last steps, without its past."""
        outputs_BTD, after = recurrent.unroll(super().forward, x_BTF, lengths_B, state)
        return outputs_BTD, recurrent.detached(after)
