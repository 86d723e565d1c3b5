"""A temporal convolutional network: convolutions over time, each block looking twice as far back.

block(x) = relu(x + f(f(x))),  f(x) = drop(relu(conv(x))),  conv with kernel k and dilation 2^block

The output at step t sees the steps from t - 2 (k - 1) (2^blocks - 1) to t and none after it; where it need
not be causal, half of them lie after it.

Source: Bai, Kolter, Koltun 2018, arXiv 1803.01271, section 3 and figure 1: dilation, two convolutions a
block with weight norm (Salimans and Kingma 2016, arXiv 1602.07868), dropout of whole channels, and a 1x1
convolution where the number of channels changes.
Differs: lengths; causality can be switched off; weights start by He et al. 2015, arXiv 1502.01852, not with
a deviation of 0.01.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from deepfit.nn.recurrent import valid

# B batch, T steps, F features, C channels in between, D width of the output


class TemporalCNN(nn.Module):
    """Sequences x_BTF to outputs_BTD, D the last of the widths.

    widths: channels of the blocks, the first with dilation 1, each next with twice that of the one before.
    causal False: each step sees as far ahead as back, for the classification of whole sequences; the kernel
    must then be odd.
    """

    def __init__(
        self,
        num_features: int,
        widths: Sequence[int] = (64, 64, 64, 64),
        *,
        kernel: int = 3,
        dropout: float = 0.1,
        causal: bool = True,
    ) -> None:
        super().__init__()
        if not causal and kernel % 2 == 0:
            raise ValueError(f"to see as far ahead as back, the kernel must be odd; received kernel={kernel}")
        self.receptive_field = 1 + 2 * (kernel - 1) * (2 ** len(widths) - 1)
        self.blocks = nn.ModuleList(
            Block(before, width, kernel=kernel, dilation=2**number, dropout=dropout, causal=causal)
            for number, (before, width) in enumerate(zip([num_features, *widths[:-1]], widths, strict=True))
        )

    def forward(self, x_BTF: Tensor, lengths_B: Tensor | None = None) -> Tensor:
        """BTF -> outputs_BTD, zero from each length on; what lies there in x changes nothing."""
        keep_B1T = None if lengths_B is None else valid(lengths_B, x_BTF.shape[1]).unsqueeze(1)
        x_BCT = _kept(x_BTF.transpose(1, 2), keep_B1T)
        for block in self.blocks:
            x_BCT = block(x_BCT, keep_B1T)
        return x_BCT.transpose(1, 2)


class Block(nn.Module):
    """relu(x + f(f(x))), x by a 1x1 convolution where the widths differ: BCT -> BCT (figure 1b)."""

    def __init__(
        self, before: int, width: int, *, kernel: int, dilation: int, dropout: float, causal: bool
    ) -> None:
        super().__init__()
        self.dropout = dropout
        reach = (kernel - 1) * dilation
        self.frame = (reach, 0) if causal else (reach // 2, reach // 2)
        self.conv1 = weight_norm(_conv(before, width, kernel, dilation))
        self.conv2 = weight_norm(_conv(width, width, kernel, dilation))
        self.shortcut = None if before == width else _conv(before, width, 1, 1)

    def forward(self, x_BCT: Tensor, keep_B1T: Tensor | None = None) -> Tensor:
        """Zeros where keep_B1T is False."""
        h_BCT = x_BCT
        for conv in (self.conv1, self.conv2):
            h_BCT = conv(functional.pad(h_BCT, self.frame)).relu()
            h_BCT = _kept(functional.dropout1d(h_BCT, self.dropout, self.training), keep_B1T)
        shortcut = x_BCT if self.shortcut is None else self.shortcut(x_BCT)
        return _kept((h_BCT + shortcut).relu(), keep_B1T)


def _conv(before: int, width: int, kernel: int, dilation: int) -> nn.Conv1d:
    conv = nn.Conv1d(before, width, kernel, dilation=dilation)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="linear" if kernel == 1 else "relu")
    nn.init.zeros_(conv.bias)  # pyright: ignore[reportArgumentType]  (there is one)
    return conv


def _kept(x_BCT: Tensor, keep_B1T: Tensor | None) -> Tensor:
    """What is kept of x, and zeros where keep is False, even in the place of NaN."""
    return x_BCT if keep_B1T is None else torch.where(keep_B1T, x_BCT, 0.0)
