"""Learning what is ordinary: hide some, tell it from the rest, and learn how large errors ordinarily are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfit.contract import Batch, Phase, Run, Splits
from deepfit.data.batches import num_rows
from deepfit.data.windows import Windows
from deepfit.metrics.anomalies import threshold
from deepfit.nn.masked import FEWEST, MaskedTable, MaskedWindow
from deepfit.plans.foresight import foresee
from deepfit.plans.supervised import supervised

# B batch, D source columns, R masks, K cells told, F channels, H lengths of what is hidden

MEASURED_ROWS, MEASURED_VALUES = 50_000, 20_000_000
"""Rows and errors from which it is learned how large errors ordinarily are."""


def ordinary(batch: Batch) -> dict[str, Any]:
    """The rows of a batch to learn from: all that are not labelled as anomalies, nor look at one."""
    keep = batch.get("ordinary")
    if keep is None and "target" in batch:
        keep = ~batch["target"]
    if keep is None or keep.all():
        return dict(batch)
    return taken(batch, np.flatnonzero(keep))


def taken(batch: Batch, index: np.ndarray) -> dict[str, Any]:
    """The rows at these places; windows are not gathered."""
    return {
        name: array.at(index) if isinstance(array, Windows) else array[index] for name, array in batch.items()
    }


def learn(
    net: nn.Module,
    data: Splits[Batch],
    options: Any,
    run: Run,
    *,
    error: Callable[[Batch], Tensor],
    measure: Callable[[Batch], None],
) -> Iterator[Phase]:
    """One phase of supervised learning on the ordinary rows, then the measuring of their errors.

    error: a batch on the device -> the error of each row, B; what it hides is drawn in training and the same
    for every row otherwise. measure: called with ordinary rows of training and validation after training.
    """
    train, valid = ordinary(data.train), ordinary(data.valid)
    judged = valid if num_rows(valid) else train

    def score() -> Mapping[str, float]:
        return {"loss": float(foresee(net, judged, error).mean(dtype=np.float64))}

    yield from supervised(
        net,
        Splits(train, valid),
        options,
        run,
        forward=error,
        loss=lambda errors, batch: errors.sum(),
        score=score,
        best="-loss",
    )
    for part in (train, valid):
        rows = num_rows(part)
        chosen = np.unique(np.linspace(0, rows - 1, min(rows, MEASURED_ROWS)).astype(np.int64))
        measure(taken(part, chosen) if rows else {})


def table_error(net: MaskedTable) -> Callable[[Batch], Tensor]:
    """A batch -> the mean error of its rows' hidden columns, B.

    In training each row hides columns by a chance of its own, drawn evenly from 0 to 1; otherwise every
    second column is hidden.
    """

    def error(batch: Batch) -> Tensor:
        numbers_BN, categories_BC = batch["numbers"], batch["categories"]
        rows, columns = len(numbers_BN), net.num_columns
        if net.training:
            chance_B1 = torch.rand(rows, 1, device=numbers_BN.device)
            hidden_BD = torch.rand(rows, columns, device=numbers_BN.device) < chance_B1
        else:
            every_second = torch.arange(columns, device=numbers_BN.device) % 2 == 0
            hidden_BD = every_second.expand(rows, -1)
        said_BK = net(numbers_BN, categories_BC, hidden_BD)
        errors_BD = net.errors(said_BK, numbers_BN, categories_BC) * hidden_BD
        return errors_BD.sum(1) / hidden_BD.sum(1).clamp(min=1)

    return error


def masked_errors(net: MaskedTable) -> Callable[[Batch], Tensor]:
    """A batch -> each column's error under each of the masks that hide it, BRD; NaN where it is shown."""

    def answer(batch: Batch) -> Tensor:
        numbers_BN, categories_BC = batch["numbers"], batch["categories"]
        found = []
        for mask_D in net.masks_RD:
            said_BK = net(numbers_BN, categories_BC, mask_D.expand(len(numbers_BN), -1))
            errors_BD = net.errors(said_BK, numbers_BN, categories_BC)
            found.append(errors_BD.masked_fill(~mask_D, torch.nan))
        return torch.stack(found, 1)

    return answer


def table_answer(net: MaskedTable) -> Callable[[Batch], Tensor]:
    """A batch -> how surprising each column is and what it was expected to be, [B, 2 D].

    Surprise: the error in deviations above the mean of ordinary rows under the same mask, averaged over the
    masks; so one under which a column cannot be told says little. Expected: of a number (the first where a
    column has several) the mean of what is said, of a category the likeliest code; masks under which errors
    are small weigh more.
    """

    def answer(batch: Batch) -> Tensor:
        numbers_BN, categories_BC = batch["numbers"], batch["categories"]
        places_K = cell_places(net)
        surprise_BD = torch.zeros(len(numbers_BN), net.num_columns, device=numbers_BN.device)
        said_BK, weights_K = torch.zeros(()), torch.zeros(())
        for number, mask_D in enumerate(net.masks_RD):
            said = net(numbers_BN, categories_BC, mask_D.expand(len(numbers_BN), -1))
            mean_D, deviation_D = net.error_mean_RD[number], net.error_deviation_RD[number]
            errors_BD = net.errors(said, numbers_BN, categories_BC)
            surprise_BD += (errors_BD - mean_D) / deviation_D * mask_D
            weight_K = (mask_D / (mean_D + FEWEST))[places_K]
            said_BK, weights_K = said_BK + said * weight_K, weights_K + weight_K
        surprise_BD /= net.masks_RD.sum(0)
        return torch.cat([surprise_BD, _expected(net, said_BK / weights_K)], 1)

    return answer


def cell_places(net: MaskedTable) -> Tensor:
    """The source column of each cell that is told, K."""
    codes = [place.expand(size) for place, size in zip(net.category_places_C, net.sizes, strict=True)]
    return torch.cat([net.number_places_N, *codes])


def _expected(net: MaskedTable, said_BK: Tensor) -> Tensor:
    expected_BD = said_BK.new_zeros(len(said_BK), net.num_columns)
    for number in reversed(range(len(net.number_places_N))):  # the first of a column stays
        expected_BD[:, net.number_places_N[number]] = said_BK[:, number]
    start = len(net.mean_N)
    for place, size in enumerate(net.sizes):
        expected_BD[:, net.category_places_C[place]] = said_BK[:, start : start + size].argmax(1).float()
        start += size
    return expected_BD


def table_plan(net: MaskedTable, data: Splits[Batch], options: Any, run: Run) -> Iterator[Phase]:
    """Learn the table, then mean and deviation of each column's errors on ordinary rows."""
    found: list[np.ndarray] = []
    at_most = max(100, MEASURED_VALUES // net.masks_RD.numel())

    def measure(batch: Batch) -> None:
        if batch:
            rows = np.arange(min(num_rows(batch), at_most))
            found.append(foresee(net, taken(batch, rows), masked_errors(net), rows_at_once=1024))

    yield from learn(net, data, options, run, error=table_error(net), measure=measure)
    errors = np.concatenate(found).astype(np.float64)
    hidden = net.masks_RD.cpu().numpy()
    errors = np.where(hidden, errors, 0.0)
    with torch.no_grad():
        net.error_mean_RD.copy_(torch.from_numpy(errors.mean(0)))
        net.error_deviation_RD.copy_(torch.from_numpy(errors.std(0)).clamp(min=FEWEST))


def table_outputs(net: MaskedTable, batch: Batch) -> dict[str, np.ndarray]:
    """`surprise` and `expected` [rows, columns]: see `table_answer`."""
    said = foresee(net, batch, table_answer(net), rows_at_once=1024)
    return {"surprise": said[:, : net.num_columns].copy(), "expected": said[:, net.num_columns :].copy()}


def window_error(net: MaskedWindow) -> Callable[[Batch], Tensor]:
    """A batch -> the Huber error of the last reading, B: mean over the channels that can be judged.

    In training a row hides one of the lengths at random, otherwise the shortest.
    """

    def error(batch: Batch) -> Tensor:
        window_BTG = batch["window"]
        lengths = torch.tensor(net.lengths, device=window_BTG.device)
        chosen_B = (
            torch.randint(len(lengths), (len(window_BTG),), device=window_BTG.device)
            if net.training
            else torch.zeros(len(window_BTG), dtype=torch.long, device=window_BTG.device)
        )
        said_BF, known_BF = net(window_BTG, lengths[chosen_B])
        values_BF, there_BF = window_BTG[:, -1].chunk(2, dim=1)
        judged_BF = known_BF & (there_BF > 0)
        errors_BF = functional.huber_loss(said_BF, values_BF, reduction="none") * judged_BF
        return errors_BF.sum(1) / judged_BF.sum(1).clamp(min=1)

    return error


def window_answer(net: MaskedWindow) -> Callable[[Batch], Tensor]:
    """A batch -> for each length hidden the squared error (NaN where unknown) and what was expected.

    [B, 2, H, F].
    """

    def answer(batch: Batch) -> Tensor:
        window_BTG = batch["window"]
        values_BF, there_BF = window_BTG[:, -1].chunk(2, dim=1)
        errors, expected = [], []
        for length in net.lengths:
            hidden_B = torch.full((len(window_BTG),), length, device=window_BTG.device)
            said_BF, known_BF = net(window_BTG, hidden_B)
            squared_BF = (said_BF - values_BF).square()
            errors.append(squared_BF.masked_fill(~(known_BF & (there_BF > 0)), torch.nan))
            expected.append(said_BF.masked_fill(~known_BF, torch.nan))
        return torch.stack([torch.stack(errors, 1), torch.stack(expected, 1)], 1)

    return answer


def window_plan(
    net: MaskedWindow, data: Splits[Batch], options: Any, run: Run, *, contamination: float
) -> Iterator[Phase]:
    """Learn the windows, then the errors' root mean square and the threshold by ordinary readings."""
    found: list[np.ndarray] = []

    def measure(batch: Batch) -> None:
        if batch:
            found.append(foresee(net, batch, window_answer(net), rows_at_once=2048)[:, 0])

    yield from learn(net, data, options, run, error=window_error(net), measure=measure)
    errors = np.concatenate(found).astype(np.float64)
    there = ~np.isnan(errors)
    mean = np.where(there, errors, 0).sum(0) / np.maximum(there.sum(0), 1)
    scale = np.where(there.any(0), np.sqrt(mean), 1.0)
    with torch.no_grad():
        net.error_scale_HF.copy_(torch.from_numpy(scale).clamp(min=FEWEST))
        scores = _scores(errors.astype(np.float32), net.error_scale_HF.cpu().numpy())[0]
        net.threshold.fill_(threshold(scores, contamination))


def _scores(squared: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores [rows] and blame [rows, channels] of squared errors [rows, H, channels]: `window_outputs`."""
    ratio = squared / np.square(scale)
    there = ~np.isnan(ratio)
    ratio = np.where(there, ratio, 0)
    by_length = np.log1p(ratio.sum(2) / np.maximum(there.sum(2), 1))
    counted = there.any(2)
    score = (by_length * counted).sum(1) / np.maximum(counted.sum(1), 1)
    return score, np.log1p(ratio).sum(1) / np.maximum(there.sum(1), 1)


def window_outputs(net: MaskedWindow, batch: Batch) -> dict[str, np.ndarray]:
    """`score` [rows], `blame` [rows, channels] and `expected` [rows, channels] (scaled, NaN where unknown).

    r = error / root mean square of ordinary errors; score = mean over lengths of log(1 + mean over channels
    of r^2), blame = mean over lengths of log(1 + r^2); 0 where nothing can be judged. Expected: with the most
    readings hidden that leave one to be seen. `floor` [rows]: the threshold by ordinary readings of training.
    """
    said = foresee(net, batch, window_answer(net), rows_at_once=2048)
    score, blame = _scores(said[:, 0], net.error_scale_HF.cpu().numpy())
    floor = np.full(len(score), float(net.threshold), np.float32)
    expected = said[:, 1, 0]
    for length in range(1, len(net.lengths)):
        expected = np.where(np.isnan(said[:, 1, length]), expected, said[:, 1, length])
    return {"score": score, "blame": blame, "expected": expected, "floor": floor}
