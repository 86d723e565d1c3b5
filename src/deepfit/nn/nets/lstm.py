"""Long short-term memory: a recurrent network whose cells keep what they hold until a gate says otherwise.

i = sigmoid(W_i x_t + U_i h_{t-1} + b_i)      what is written
f = sigmoid(W_f x_t + U_f h_{t-1} + b_f)      what is kept
g = tanh(W_g x_t + U_g h_{t-1} + b_g)         the new content
o = sigmoid(W_o x_t + U_o h_{t-1} + b_o)      what is shown
c_t = f * c_{t-1} + i * g,  h_t = o * tanh(c_t)

Source: Hochreiter and Schmidhuber 1997, Neural Computation 9(8); the forget gate: Gers et al. 2000, Neural
Computation 12(10).
"""

from __future__ import annotations

from torch import Tensor, nn

from deepfit.nn import recurrent

# B batch, T steps, F features, D width (twice of it in both directions), L layers times directions


class LSTM(nn.LSTM):
    """Sequences x_BTF to outputs_BTD; the parameters are those of `torch.nn.LSTM`, by the same names.

    How it starts: `recurrent.start`, with the forget gate open.
    """

    def __init__(
        self,
        num_features: int,
        width: int = 128,
        *,
        layers: int = 1,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        recurrent.check_dropout(layers, dropout)
        super().__init__(
            num_features,
            width,
            layers,
            batch_first=True,
            dropout=dropout,
            bidirectional=bidirectional,
        )
        recurrent.start(self, gates=4, open_gate=1)

    def forward(
        self,
        x_BTF: Tensor,
        lengths_B: Tensor | None = None,
        state: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """BTF -> outputs_BTD, zero from each length on, and (h_LBD, c_LBD) after the last steps.

        The returned state has no past, so it may be given to the next window.
        """
        outputs_BTD, after = recurrent.unroll(super().forward, x_BTF, lengths_B, state)
        return outputs_BTD, recurrent.detached(after)
