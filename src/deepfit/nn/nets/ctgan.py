"""A generator and a critic for the rows of a table with mixed columns: CTGAN.

Letters: B rows, Z noise, W choices of all columns together, G columns, O offsets, X = O + W, P packs,
R rows a pack.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

TEMPERATURE = 0.2
CRITIC_DROPOUT = 0.5
PREDICTOR_DROPOUT = 0.3


class Number(NamedTuple):
    """A column of numbers: level + reach * offset of its choice is the number, scaled."""

    column: int
    offset: int | None
    levels: Sequence[float]
    reach: Sequence[float]


class CTGAN(nn.Module):
    """Noise and a condition -> a row; packs of rows -> how real they look.

    A row is X numbers: offsets within the modes of numbers (tanh), then for each column its choices, one of
    which is 1. The generator's hidden layers each add their features to what they were given; the critic sees
    R rows at once with their conditions, so that it notices a generator that always makes the same.
    Beside them a predictor tells the choice and the offset of one column from the others, where one is named:
    what it has learned of real rows, made rows shall meet (CTAB-GAN+, Zhao et al. 2022, arXiv 2204.00401).
    Differs: the critic also sees the numbers themselves (`values`).
    sizes: choices of each column. numbers: the columns that are. target: (column, its place among the
    offsets or None) of the predictor.
    Source: Xu et al. 2019, arXiv 1907.00503, section 4.4; packing: Lin et al. 2018, arXiv 1712.04086.
    """

    column_W: Tensor
    first_G: Tensor
    member_WG: Tensor
    level_WN: Tensor
    reach_WN: Tensor
    others_X: Tensor

    def __init__(
        self,
        sizes: Sequence[int],
        num_offsets: int,
        *,
        noise: int = 128,
        width: int = 256,
        pack: int = 10,
        numbers: Sequence[Number] = (),
        target: tuple[int, int | None] | None = None,
    ) -> None:
        super().__init__()
        choices = sum(sizes)
        self.sizes, self.num_offsets, self.num_choices = list(sizes), num_offsets, choices
        self.noise, self.pack = noise, pack
        self.generator = Generator(noise + choices, width, num_offsets + choices)
        seen = num_offsets + 2 * choices + len(numbers)
        self.critic = Critic(pack * seen, width, 1, drop=CRITIC_DROPOUT)
        self.target = target
        self.target_choices = slice(0, 0)
        if target is not None:
            wide = num_offsets + choices
            self.predictor = Critic(wide, width, sizes[target[0]] + 1, drop=PREDICTOR_DROPOUT)
            first = num_offsets + sum(sizes[: target[0]])
            self.target_choices = slice(first, first + sizes[target[0]])
            others_X = torch.ones(wide)
            others_X[self.target_choices] = 0
            if target[1] is not None:
                others_X[target[1]] = 0
            self.register_buffer("others_X", others_X, persistent=False)
        column_W = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
        self.register_buffer("column_W", column_W, persistent=False)
        self.register_buffer("first_G", torch.tensor([0, *sizes]).cumsum(0)[:-1], persistent=False)
        member_WG = functional.one_hot(column_W, len(sizes)).float()
        self.register_buffer("member_WG", member_WG, persistent=False)
        level_WN, reach_WN = torch.zeros(choices, len(numbers)), torch.zeros(choices, len(numbers))
        for place, number in enumerate(numbers):
            own = column_W == number.column
            level_WN[own, place] = torch.tensor(number.levels)
            reach_WN[own, place] = torch.tensor(number.reach)
        self.register_buffer("level_WN", level_WN, persistent=False)
        self.register_buffer("reach_WN", reach_WN, persistent=False)
        # a number without an offset looks at a column of zeros behind the offsets
        self.offset_of = [num_offsets if number.offset is None else number.offset for number in numbers]

    def forward(self, noise_BZ: Tensor, condition_BW: Tensor) -> tuple[Tensor, Tensor]:
        """Offsets BO in [-1, 1] and the logits of all choices BW."""
        made_BX = self.generator(torch.cat([noise_BZ, condition_BW], 1))
        return torch.tanh(made_BX[:, : self.num_offsets]), made_BX[:, self.num_offsets :]

    def soften(self, offsets_BO: Tensor, logits_BW: Tensor, gumbel_BW: Tensor) -> Tensor:
        """A row that is nearly one choice a column and still has a gradient, BX: softmax((l + g) / 0.2).

        Source: Jang et al. 2017, arXiv 1611.01144, eq. 2.
        """
        return torch.cat([offsets_BO, self.softmax((logits_BW + gumbel_BW) / TEMPERATURE)], 1)

    def softmax(self, logits_BW: Tensor) -> Tensor:
        """Softmax over the choices of each column, BW."""
        with torch.no_grad():
            top_BG = logits_BW.new_full((len(logits_BW), len(self.sizes)), -torch.inf)
            top_BG.scatter_reduce_(1, self.column_W.expand(len(logits_BW), -1), logits_BW, "amax")
        raised_BW = (logits_BW - top_BG[:, self.column_W]).exp()
        total_BG = raised_BW @ self.member_WG
        return raised_BW / (total_BG @ self.member_WG.T)

    def dense(self, offsets_BO: Tensor, choices_BG: Tensor) -> Tensor:
        """Real rows in the form of made ones, BX."""
        places_BG = choices_BG.long() + self.first_G
        chosen_BW = offsets_BO.new_zeros(len(offsets_BO), len(self.column_W)).scatter_(1, places_BG, 1.0)
        return torch.cat([offsets_BO, chosen_BW], 1)

    def choose(self, logits_BW: Tensor) -> Tensor:
        """The likeliest choice of each column, int64 BG."""
        return torch.stack([part.argmax(1) for part in logits_BW.split(self.sizes, 1)], 1)

    def condition(self, places_B: Tensor) -> Tensor:
        """Places among all choices, -1 for none, as rows with at most one 1, BW."""
        given_BW = torch.zeros(len(places_B), self.num_choices, device=places_B.device)
        there_B1 = (places_B >= 0).float()[:, None]
        return given_BW.scatter_(1, places_B.clamp(min=0)[:, None], there_B1)

    def values(self, rows_BX: Tensor) -> Tensor:
        """What the offsets and choices of a row say of its numbers, of mean 0 and deviation 1, BN.

        Of softened choices the mean. Modes overlap, so how numbers hang together shows little in the choices.
        """
        offsets_BO, choices_BW = rows_BX[:, : self.num_offsets], rows_BX[:, self.num_offsets :]
        placed_BN = functional.pad(offsets_BO, (0, 1))[:, self.offset_of]
        return choices_BW @ self.level_WN + choices_BW @ self.reach_WN * placed_BN

    def judge(self, rows_BX: Tensor, condition_BW: Tensor) -> Tensor:
        """How real packs of rows look, P; B = P R."""
        packs = torch.cat([rows_BX, self.values(rows_BX), condition_BW], 1).reshape(
            -1, self.critic.first.in_features
        )
        return self.critic(packs).squeeze(1)

    def unforeseen(self, rows_BX: Tensor) -> Tensor:
        """How far the predictor is off the target column of rows, B.

        The cross-entropy of the choice, and of an offset twice the difference, squared (in units in which an
        offset's deviation is about 1/2).
        """
        said = self.predictor(rows_BX * self.others_X)
        wanted = rows_BX[:, self.target_choices]
        found_B = -(wanted * said[:, :-1].log_softmax(1)).sum(1)
        place = self.target[1] if self.target else None
        if place is not None:
            found_B = found_B + (2 * (rows_BX[:, place] - said[:, -1])).square()
        return found_B

    def missed(self, logits_BW: Tensor, condition_BW: Tensor) -> Tensor:
        """Cross-entropy of each row's condition, B; 0 for a row without one."""
        asked_BG = condition_BW @ self.member_WG
        inside_BW = (asked_BG @ self.member_WG.T) > 0
        there_B = asked_BG.sum(1) > 0
        total_B = logits_BW.masked_fill(~inside_BW & there_B[:, None], -torch.inf).logsumexp(1)
        return (total_B - (logits_BW * condition_BW).sum(1)) * there_B


class Generator(nn.Module):
    """h = [relu(norm(W h)), h] twice, then linear (arXiv 1907.00503, section 4.4)."""

    def __init__(self, num_features: int, width: int, num_outputs: int) -> None:
        super().__init__()
        sizes = [num_features, num_features + width]
        self.layers = nn.ModuleList(nn.Linear(size, width) for size in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in sizes)
        self.last = nn.Linear(num_features + 2 * width, num_outputs)

    def forward(self, h: Tensor) -> Tensor:
        """[rows, features] -> [rows, outputs]."""
        for layer, norm in zip(self.layers, self.norms, strict=True):
            h = torch.cat([torch.relu(norm(layer(h))), h], 1)
        return self.last(h)


class Critic(nn.Module):
    """Two hidden layers, leaky ReLU and dropout (arXiv 1907.00503, section 4.4); also the predictor."""

    def __init__(self, num_features: int, width: int, num_outputs: int, *, drop: float) -> None:
        super().__init__()
        self.first = nn.Linear(num_features, width)
        self.second = nn.Linear(width, width)
        self.last = nn.Linear(width, num_outputs)
        self.drop = drop

    def forward(self, packs: Tensor) -> Tensor:
        """[packs, features] -> [packs, outputs]."""
        h = packs
        for layer in (self.first, self.second):
            h = functional.dropout(functional.leaky_relu(layer(h), 0.2), self.drop, self.training)
        return self.last(h)
