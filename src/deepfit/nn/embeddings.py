"""Embeddings of the columns of a table: numbers and categories to vectors that a network can bend.

Every module takes `members`: that many independent embeddings side by side, for networks that are several in
one.

Letters: B batch, M members, N number columns, C category columns, H frequencies, I intervals, W width, F
features = N * W.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn


class PeriodicEmbedding(nn.Module):
    """Each number with W - 1 learned mixtures of waves beside it ("PBLD").

    f(x) = [x, sin(2 pi w x + b) V + c] with w, b [H], V [H, W - 1] and c [W - 1] of that column alone.
    numbers_BN float32 -> MBF float32. spread: standard deviation that w starts with.
    Source: Holzmueller et al. 2024, arXiv 2407.04491, section 3; after Gorishniy et al. 2022, arXiv
    2203.05556, section 3.3. Differs: the tenfold lower learning rate that the first paper gives to w, b, V
    and c is the factor 0.1 before them (the same thing under Adam), so one learning rate fits all
    parameters. Sine for cosine: b turns the one into the other, and the gradient takes a pass less.
    """

    slowness: Final = 0.1

    def __init__(
        self,
        num_numbers: int,
        width: int,
        *,
        members: int = 1,
        frequencies: int = 16,
        spread: float = 0.1,
    ) -> None:
        super().__init__()
        self.width = width
        self.num_features = num_numbers * width
        self.frequency_MNH = nn.Parameter(torch.empty(members, num_numbers, frequencies))
        self.shift_MNH = nn.Parameter(torch.empty(members, num_numbers, frequencies))
        self.mix_MNHW = nn.Parameter(torch.empty(members, num_numbers, frequencies, width - 1))
        self.bias_MNW = nn.Parameter(torch.empty(members, num_numbers, width - 1))
        bound = 1 / math.sqrt(frequencies)
        nn.init.normal_(self.frequency_MNH, std=spread / self.slowness)
        nn.init.uniform_(self.shift_MNH, -math.pi / self.slowness, math.pi / self.slowness)
        nn.init.uniform_(self.mix_MNHW, -bound / self.slowness, bound / self.slowness)
        nn.init.uniform_(self.bias_MNW, -bound / self.slowness, bound / self.slowness)

    def forward(self, numbers_BN: Tensor) -> Tensor:
        """BN -> MBF."""
        members, rows = len(self.bias_MNW), len(numbers_BN)
        x_NB1 = numbers_BN.T.unsqueeze(2)
        frequency_MN1H = (2 * math.pi * self.slowness * self.frequency_MNH).unsqueeze(2)
        waves_MNBH = torch.sin(
            torch.addcmul(self.slowness * self.shift_MNH.unsqueeze(2), x_NB1, frequency_MN1H)
        )
        mixed_MNBW = waves_MNBH @ (self.slowness * self.mix_MNHW) + self.slowness * self.bias_MNW.unsqueeze(2)
        together_MNBW = torch.cat([x_NB1.expand(members, -1, -1, -1), mixed_MNBW], dim=3)
        return together_MNBW.permute(0, 2, 1, 3).reshape(members, rows, self.num_features)


class PiecewiseLinearEmbedding(nn.Module):
    """Each number as how full each of its intervals is, mixed linearly, beside a linear part.

    f(x) = x u + c + sum_i e_i(x) V_i with e_i(x) = clip((x - t_i) / (t_(i+1) - t_i), 0, 1); the first
    interval is open below and the last above, so values beyond the training range stay distinct. V starts at
    zero: linear at first, then as bent as needed.
    edges: for each number column its t_0 < ... < t_I, usually quantiles of the training rows; at least two
    each.
    numbers_BN float32 -> MBF float32.
    Source: Gorishniy et al. 2022, arXiv 2203.05556, eq. 1 and section 3.2. The start at zero is that of
    version B of the library by its authors (rtdl_num_embeddings).
    """

    slope_NI: Tensor
    offset_NI: Tensor
    low_NI: Tensor
    high_NI: Tensor

    def __init__(self, edges: Sequence[Sequence[float]], width: int, *, members: int = 1) -> None:
        super().__init__()
        num_numbers, intervals = len(edges), max((len(column) - 1 for column in edges), default=1)
        self.num_features = num_numbers * width
        # e_i(x) = clip(slope_i x + offset_i, low_i, high_i). A column of fewer intervals gets idle ones: 0.
        slope_NI, offset_NI, low_NI, high_NI = (torch.zeros(num_numbers, intervals) for _ in range(4))
        for row, column in enumerate(edges):
            points = torch.tensor(column, dtype=torch.float64)
            count = len(points) - 1
            slope_NI[row, :count] = 1 / points.diff()
            offset_NI[row, :count] = -points[:-1] / points.diff()
            high_NI[row, :count] = 1
            low_NI[row, 0] = -math.inf
            high_NI[row, count - 1] = math.inf
        for name, value in (
            ("slope_NI", slope_NI),
            ("offset_NI", offset_NI),
            ("low_NI", low_NI),
            ("high_NI", high_NI),
        ):
            self.register_buffer(name, value, persistent=False)  # the edges are facts, not weights
        self.mix_MNIW = nn.Parameter(torch.zeros(members, num_numbers, intervals, width))
        self.linear_MNW = nn.Parameter(torch.empty(members, num_numbers, width))
        self.bias_MNW = nn.Parameter(torch.empty(members, num_numbers, width))
        nn.init.uniform_(self.linear_MNW, -1 / math.sqrt(width), 1 / math.sqrt(width))
        nn.init.uniform_(self.bias_MNW, -1 / math.sqrt(width), 1 / math.sqrt(width))

    def fullness(self, numbers_BN: Tensor) -> Tensor:
        """BNI: how full each interval is, from 0 to 1 (below 0 or above 1 only beyond the outer edges)."""
        full_BNI = torch.addcmul(self.offset_NI, self.slope_NI, numbers_BN.unsqueeze(2))
        return torch.minimum(torch.maximum(full_BNI, self.low_NI), self.high_NI)

    def forward(self, numbers_BN: Tensor) -> Tensor:
        """BN -> MBF."""
        members, rows = len(self.bias_MNW), len(numbers_BN)
        bent_MNBW = self.fullness(numbers_BN).transpose(0, 1) @ self.mix_MNIW
        line_MNBW = torch.addcmul(
            self.bias_MNW.unsqueeze(2), numbers_BN.T.unsqueeze(2), self.linear_MNW.unsqueeze(2)
        )
        return (bent_MNBW + line_MNBW).permute(0, 2, 1, 3).reshape(members, rows, self.num_features)


class CategoryEmbedding(nn.Module):
    """Each category column one-hot where it has few values, as a learned vector where it has many.

    categories_BC int, 0 = unseen, 1 to sizes[c] - 1 = known; an unseen value gives zeros. -> MBF float32, the
    one-hot columns first.
    Source: Holzmueller et al. 2024, arXiv 2407.04491, section 3: one-hot up to 9 values, else vectors of
    width 8.
    """

    short_columns: Tensor
    short_offsets: Tensor
    long_columns: Tensor
    long_offsets: Tensor

    def __init__(
        self, sizes: Sequence[int], *, members: int = 1, width: int = 8, one_hot_up_to: int = 9
    ) -> None:
        super().__init__()
        short = [column for column, size in enumerate(sizes) if size <= one_hot_up_to + 1]
        long = [column for column, size in enumerate(sizes) if size > one_hot_up_to + 1]
        self.members, self.width = members, width
        self.num_hot = sum(sizes[column] - 1 for column in short)
        self.num_features = self.num_hot + len(long) * width
        # Value v of a column stands at its offset + v; place 0 is for the unseen values of all columns.
        for name, columns in (("short", short), ("long", long)):
            offsets = [0, *(sizes[column] - 1 for column in columns)]
            self.register_buffer(f"{name}_columns", torch.tensor(columns, dtype=torch.long), persistent=False)
            self.register_buffer(f"{name}_offsets", torch.tensor(offsets).cumsum(0)[:-1], persistent=False)
        num_places = 1 + sum(sizes[column] - 1 for column in long)
        self.vectors = nn.Embedding(num_places, members * width, padding_idx=0) if long else None

    def forward(self, categories_BC: Tensor) -> Tensor:
        """BC -> MBF."""
        places_BC = _places(categories_BC, self.short_columns, self.short_offsets)
        hot_BF = torch.zeros(len(categories_BC), 1 + self.num_hot, device=categories_BC.device)
        hot_MBF = hot_BF.scatter_(1, places_BC, 1.0)[:, 1:].expand(self.members, -1, -1)
        if self.vectors is None:
            return hot_MBF
        places_BC = _places(categories_BC, self.long_columns, self.long_offsets)
        vectors_BCMW = self.vectors(places_BC).unflatten(2, (self.members, self.width))
        return torch.cat([hot_MBF, vectors_BCMW.permute(2, 0, 1, 3).flatten(2)], dim=2)


def _places(categories_BC: Tensor, columns: Tensor, offsets: Tensor) -> Tensor:
    """BC: where each value stands among the values of these columns; 0 for unseen ones."""
    values_BC = categories_BC.index_select(1, columns).long()
    return torch.where(values_BC > 0, values_BC + offsets, 0)
