"""Autoencoders that learn what is ordinary by hiding parts of it: columns of a row, the last readings.

What is hidden is told from what is left; where that goes wrong, something is out of the ordinary. An
autoencoder that sees what it has to say may learn to copy it, anomalies too. Source: Vincent et al. 2008,
"Extracting and composing robust features with denoising autoencoders", ICML; for anomalies of tables Yin et
al. 2024, "MCM: masked cell modeling for anomaly detection in tabular data", ICLR. Differs: masks are drawn,
not learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfit.nn.activations import activation as named_activation
from deepfit.nn.linear import Linear

# B batch, N number columns, C category columns, D source columns, R masks, K = N + all codes of categories,
# T steps, F channels, H lengths of what is hidden

REPEATS: Final = 8
"""Random halves of the columns that are hidden in turn when rows are scored, each with its other half."""

FEWEST: Final = 1e-3
"""Least deviation of an error, so that what never varies does not divide by nothing."""


class MaskedTable(nn.Module):
    """The cells of hidden columns, told from the others.

    body: numbers [B, N + D], categories BC -> [B, 1, K], such as an `MLP`; what is hidden is 0 among the
    numbers, the unseen code among the categories, and 1 in the last D numbers.
    number_places, category_places: the source column of each number and of each category. flag_of: for each
    number the place of the number that says it is missing, or -1. mean, deviation: of each number, spread
    out, in training; numbers come bent (`data.table_encoding`) and are told on the scale of asinh(z), so that
    extremes stand out and do not drown the rest.
    masks_RD: bool, the columns hidden together when rows are scored. error_mean_RD, error_deviation_RD: of
    each column's error under each mask on ordinary rows, set after training.
    """

    number_places_N: Tensor
    category_places_C: Tensor
    flag_of_N: Tensor
    mean_N: Tensor
    deviation_N: Tensor
    masks_RD: Tensor
    error_mean_RD: Tensor
    error_deviation_RD: Tensor

    def __init__(
        self,
        body: nn.Module,
        *,
        number_places: Sequence[int],
        category_places: Sequence[int],
        category_sizes: Sequence[int],
        flag_of: Sequence[int],
        mean: Sequence[float],
        deviation: Sequence[float],
    ) -> None:
        super().__init__()
        self.body = body
        self.sizes = list(category_sizes)
        self.num_columns = 1 + max([*number_places, *category_places], default=0)
        for name, values, kind in (
            ("number_places_N", number_places, torch.long),
            ("category_places_C", category_places, torch.long),
            ("flag_of_N", flag_of, torch.long),
            ("mean_N", mean, torch.float32),
            ("deviation_N", deviation, torch.float32),
        ):
            self.register_buffer(name, torch.tensor(list(values), dtype=kind), persistent=False)
        self.register_buffer("masks_RD", hidden_halves(self.num_columns), persistent=False)
        self.register_buffer("error_mean_RD", torch.zeros(self.masks_RD.shape))
        self.register_buffer("error_deviation_RD", torch.ones(self.masks_RD.shape))

    def forward(self, numbers_BN: Tensor, categories_BC: Tensor, hidden_BD: Tensor) -> Tensor:
        """BN, BC and bool BD -> what is said of every cell: numbers as told, then logits of codes, BK."""
        shown_BN = numbers_BN.masked_fill(hidden_BD[:, self.number_places_N], 0)
        codes_BC = categories_BC.masked_fill(hidden_BD[:, self.category_places_C], 0)
        return self.body(torch.cat([shown_BN, hidden_BD.float()], 1), codes_BC).squeeze(1)

    def wanted(self, numbers_BN: Tensor) -> Tensor:
        """Bent numbers as they are told: asinh(z), mean 0 and deviation 1 in training. BN -> BN."""
        return (spread_out(numbers_BN) - self.mean_N) / self.deviation_N

    def errors(self, said_BK: Tensor, numbers_BN: Tensor, categories_BC: Tensor) -> Tensor:
        """The error of each source column, BD: squared for numbers, cross-entropy in nats for categories.

        A column of several numbers (the parts of a date) has their sum; a missing number counts only by its
        being missing.
        """
        squared_BN = (said_BK[:, : len(self.mean_N)] - self.wanted(numbers_BN)).square()
        if len(self.mean_N):
            missing_BN = numbers_BN[:, self.flag_of_N.clamp(min=0)] > 0.5
            squared_BN = squared_BN.masked_fill(missing_BN & (self.flag_of_N >= 0), 0)
        errors_BD = squared_BN.new_zeros(len(numbers_BN), self.num_columns)
        errors_BD = errors_BD.index_add(1, self.number_places_N, squared_BN)
        start = len(self.mean_N)
        for place, size in enumerate(self.sizes):
            logits = said_BK[:, start : start + size]
            entropy_B = functional.cross_entropy(logits, categories_BC[:, place].long(), reduction="none")
            errors_BD = errors_BD.index_add(1, self.category_places_C[place : place + 1], entropy_B[:, None])
            start += size
        return errors_BD


class MaskedWindow(nn.Module):
    """The last reading of a window, told from those before it, of which the latest are hidden.

    body: z_BTG -> outputs_BTD, or for `flat` bodies [B, T G] -> [B, D], G = 2 F: how far each reading lies
    from the last one that is seen, and whether it is seen. To what the network says that last value is added.
    lengths: how many readings may be hidden, the last one among them.
    error_scale_HF: root mean square of the errors on ordinary readings; threshold: of their scores. Both are
    set after training.
    """

    error_scale_HF: Tensor
    threshold: Tensor

    def __init__(
        self, body: nn.Module, *, width: int, channels: int, lengths: Sequence[int], flat: bool
    ) -> None:
        super().__init__()
        self.body = body
        self.lengths = list(lengths)
        self.flat = flat
        self.answer = nn.Linear(width, channels)
        with torch.no_grad():  # begins near "as the last one seen"
            self.answer.weight.mul_(0.1)
            self.answer.bias.zero_()
        self.register_buffer("error_scale_HF", torch.ones(len(lengths), channels))
        self.register_buffer("threshold", torch.tensor(torch.inf))

    def forward(self, window_BTG: Tensor, hidden_B: Tensor) -> tuple[Tensor, Tensor]:
        """BTG (values, then 1 where one is there) and how many are hidden -> what is said BF, known BF.

        known: whether anything is seen of a channel at all; what is said of one that is not means nothing.
        """
        values_BTF, there_BTF = window_BTG.chunk(2, dim=2)
        steps = values_BTF.shape[1]
        place_T = torch.arange(steps, device=window_BTG.device)
        seen_BTF = there_BTF * (place_T < steps - hidden_B[:, None])[..., None]
        latest_BF = (seen_BTF * (place_T + 1)[:, None]).amax(1).long()  # 0 where nothing is seen
        last_B1F = values_BTF.gather(1, (latest_BF - 1).clamp(min=0).unsqueeze(1))
        z_BTG = torch.cat([(values_BTF - last_B1F) * seen_BTF, seen_BTF], 2)
        said = self.body(z_BTG.flatten(1) if self.flat else z_BTG)
        said = said[0] if isinstance(said, tuple) else said  # recurrent networks give their state, too
        change_BF = self.answer(said if self.flat else said[:, -1])
        return last_B1F.squeeze(1) + change_BF, latest_BF > 0


class Flat(nn.Module):
    """Two hidden layers over all readings of a window at once: [B, T G] -> [B, D]."""

    def __init__(self, num_features: int, width: int, *, activation: str = "mish") -> None:
        super().__init__()
        self.first, self.second = Linear(num_features, width), Linear(width, width)
        self.activation = named_activation(activation)

    def forward(self, x_BF: Tensor) -> Tensor:
        """BF -> BD."""
        return self.activation(self.second(self.activation(self.first(x_BF))))


def hidden_halves(columns: int) -> Tensor:
    """Bool RD: random halves of the columns and their other halves, the same for every network and seed."""
    if columns == 1:
        return torch.ones(1, 1, dtype=torch.bool)
    generator = torch.Generator().manual_seed(0)
    masks = []
    for _ in range(REPEATS):
        chosen = torch.zeros(columns, dtype=torch.bool)
        chosen[torch.randperm(columns, generator=generator)[: columns // 2]] = True
        masks += [chosen, ~chosen]
    return torch.stack(masks)


def spread_out(bent: Tensor) -> Tensor:
    """asinh(z) of numbers that were bent to t = z / sqrt(1 + (z / 3)^2)."""
    return torch.asinh(bent / (1 - (bent / 3).square()).clamp(min=1e-7).sqrt())
