"""DanQ: convolutions that find motifs, and an LSTM in both directions that reads their arrangement.

h = drop(pool(relu(conv(x)))),  outputs = LSTM(h)

Source: Quang and Xie 2016, Nucleic Acids Research 44(11), e107, figure 1.
Differs: fewer and shorter filters, padded so that both ends are seen; the pool's width is given by the
length of the sequences (the paper, for 1,000 letters: 320 filters of 26 letters, a pool of 13, an LSTM of
width 320).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfit.nn.nets.lstm import LSTM
from deepfit.nn.recurrent import valid

# B batch, T steps, F features, C filters, S steps after the pool, D width of the outputs


class DanQ(nn.Module):
    """Sequences x_BTF to outputs_BSD with S = ceil(T / pool) and D = 2 * width.

    filters, kernel: of the convolution, whose kernel must be odd; dropout: of what the filters found; direct:
    what they found stands beside the LSTM's outputs, and D = 2 * width + filters.
    """

    def __init__(
        self,
        num_features: int,
        *,
        filters: int = 32,
        kernel: int = 9,
        pool: int = 3,
        width: int = 16,
        dropout: float = 0.5,
        direct: bool = False,
    ) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"the kernel must be odd, so that steps keep their places; received {kernel}")
        self.pool = pool
        self.dropout = dropout
        self.direct = direct
        self.conv = nn.Conv1d(num_features, filters, kernel, padding=kernel // 2)
        self.lstm = LSTM(filters, width, bidirectional=True)

    def forward(self, x_BTF: Tensor, lengths_B: Tensor | None = None) -> Tensor:
        """BTF -> outputs_BSD, zero from each pooled length on; what lies there in x changes nothing."""
        keep_BT1 = None if lengths_B is None else valid(lengths_B, x_BTF.shape[1]).unsqueeze(2)
        x_BTF = x_BTF if keep_BT1 is None else x_BTF.masked_fill(~keep_BT1, 0.0)
        h_BCT = self.conv(x_BTF.transpose(1, 2)).relu()
        if keep_BT1 is not None:  # zero is the least that relu gives, so it wins in no pool
            h_BCT = h_BCT.masked_fill(~keep_BT1.transpose(1, 2), 0.0)
        h_BCS = functional.max_pool1d(h_BCT, self.pool, ceil_mode=True) if self.pool > 1 else h_BCT
        h_BSC = functional.dropout(h_BCS, self.dropout, self.training).transpose(1, 2)
        outputs_BSD, _ = self.lstm(h_BSC, self.steps(lengths_B))
        return torch.cat([outputs_BSD, h_BSC], 2) if self.direct else outputs_BSD

    def steps(self, lengths_B: Tensor | None) -> Tensor | None:
        """How many of the S steps are of each sequence: ceil(length / pool)."""
        return None if lengths_B is None else (lengths_B + self.pool - 1) // self.pool
