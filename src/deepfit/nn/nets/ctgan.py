"""A generator and a critic for the rows of a table with mixed columns: CTGAN.

Letters: B rows, Z noise, W choices of all columns together, G columns, O offsets, X = O + W, P packs,
R rows a pack.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

TEMPERATURE = 0.2


class CTGAN(nn.Module):
    """Noise and a condition -> a row; packs of rows -> how real they look.

    A row is X numbers: offsets within the modes of numbers (tanh), then for each column its choices, one of
    which is 1. The generator's hidden layers each add their features to what they were given; the critic sees
    R rows at once with their conditions, so that it notices a generator that always makes the same.
    sizes: choices of each column. conditioned: the columns that a condition may name.
    Source: Xu et al. 2019, arXiv 1907.00503, section 4.4; packing: Lin et al. 2018, arXiv 1712.04086.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        num_offsets: int,
        *,
        noise: int = 128,
        width: int = 256,
        pack: int = 10,
        drop: float = 0.5,
        norm: str = "batch",
        norm_critic: bool = False,
    ) -> None:
        super().__init__()
        choices = sum(sizes)
        self.sizes, self.num_offsets, self.num_choices = list(sizes), num_offsets, choices
        self.noise, self.pack = noise, pack
        self.generator = Generator(noise + choices, width, num_offsets + choices, norm)
        self.critic = Critic(pack * (num_offsets + 2 * choices), width, drop, norm_critic)
        column_W = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
        self.register_buffer("column_W", column_W, persistent=False)
        self.register_buffer("first_G", torch.tensor([0, *sizes]).cumsum(0)[:-1], persistent=False)
        member_WG = functional.one_hot(column_W, len(sizes)).float()
        self.register_buffer("member_WG", member_WG, persistent=False)

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

    def judge(self, rows_BX: Tensor, condition_BW: Tensor) -> Tensor:
        """How real packs of rows look, P; B = P R."""
        return self.critic(torch.cat([rows_BX, condition_BW], 1).reshape(-1, self.critic.first.in_features))

    def missed(self, logits_BW: Tensor, condition_BW: Tensor) -> Tensor:
        """Cross-entropy of each row's condition, B; 0 for a row without one."""
        asked_BG = condition_BW @ self.member_WG
        inside_BW = (asked_BG @ self.member_WG.T) > 0
        there_B = asked_BG.sum(1) > 0
        total_B = logits_BW.masked_fill(~inside_BW & there_B[:, None], -torch.inf).logsumexp(1)
        return (total_B - (logits_BW * condition_BW).sum(1)) * there_B


class Generator(nn.Module):
    """h = [relu(norm(W h)), h] twice, then linear (arXiv 1907.00503, section 4.4)."""

    def __init__(self, num_features: int, width: int, num_outputs: int, norm: str) -> None:
        super().__init__()
        kind = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[norm]
        sizes = [num_features, num_features + width]
        self.layers = nn.ModuleList(nn.Linear(size, width) for size in sizes)
        self.norms = nn.ModuleList(kind(width) for _ in sizes)
        self.last = nn.Linear(num_features + 2 * width, num_outputs)

    def forward(self, h: Tensor) -> Tensor:
        """[rows, features] -> [rows, outputs]."""
        for layer, norm in zip(self.layers, self.norms, strict=True):
            h = torch.cat([torch.relu(norm(layer(h))), h], 1)
        return self.last(h)


class Critic(nn.Module):
    """Two hidden layers, leaky ReLU and dropout (arXiv 1907.00503, section 4.4)."""

    def __init__(self, num_features: int, width: int, drop: float, norm: bool) -> None:
        super().__init__()
        self.first = nn.Linear(num_features, width)
        self.second = nn.Linear(width, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) if norm else nn.Identity() for _ in range(2))
        self.last = nn.Linear(width, 1)
        self.drop = drop

    def forward(self, packs: Tensor) -> Tensor:
        """[packs, features] -> [packs]."""
        h = packs
        for layer, norm in zip((self.first, self.second), self.norms, strict=True):
            h = functional.dropout(functional.leaky_relu(norm(layer(h)), 0.2), self.drop, self.training)
        return self.last(h).squeeze(1)
