"""Making rows: a generator and a critic in turns on packs of rows, and what the generator makes then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepfit.contract import Batch, Facts, Loss, Phase, Run, Splits
from deepfit.data import row_chance
from deepfit.data.conditions import Conditions, by_share, conditioned
from deepfit.data.generation_encoding import decode_cells
from deepfit.nn import optimizers, schedules
from deepfit.nn.losses.adversarial import gradient_penalty
from deepfit.nn.nets.ctgan import CTGAN
from deepfit.plans.batches import on_device
from deepfit.plans.foresight import foresee

# B rows = P packs x R rows, Z noise, W choices of all columns, O offsets, G columns, X = O + W

PENALTY = 10.0
"""Weight of the gradient penalty (Gulrajani et al. 2017, arXiv 1704.00028, algorithm 1)."""
BETAS = (0.5, 0.9)
"""Of Adam, as the authors' implementation has them."""
ROWS_AT_ONCE = 2048
GUMBEL_SALT, NOISE_SALT = 1, 2


class Draws(Sequence[Mapping[str, Tensor]]):
    """The batches of an epoch: real rows that meet drawn conditions, and noise to make as many.

    offsets PRO, choices PRG, condition PR (a place among all choices, -1 for none); noise P2RZ and gumbel
    P2RW (first what the critic judges, then what the generator is judged by), mix P in [0, 1).
    """

    def __init__(
        self, net: CTGAN, arrays: Mapping[str, Tensor], conditions: Conditions, packs: int, steps: int
    ) -> None:
        self.net, self.arrays, self.conditions = net, arrays, conditions
        self.packs, self.steps = packs, steps
        self.rng: Callable[[int], torch.Generator] = lambda place: torch.Generator()

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, place: int) -> dict[str, Tensor]:
        if not 0 <= place < self.steps:
            raise IndexError(place)
        rng, net = self.rng(place), self.net
        rows = self.packs * net.pack
        chance = torch.rand(rows, 3, generator=rng, dtype=torch.float64).numpy()
        condition, row = self.conditions.draw(chance)
        shape = (self.packs, 2, net.pack)
        uniform = torch.rand(*shape, net.num_choices, generator=rng)
        chosen = torch.from_numpy(row)
        return {
            "offsets": self.arrays["offsets"][chosen].reshape(self.packs, net.pack, -1),
            "choices": self.arrays["choices"][chosen].reshape(self.packs, net.pack, -1),
            "condition": torch.from_numpy(condition).reshape(self.packs, net.pack),
            "noise": torch.randn(*shape, net.noise, generator=rng),
            "gumbel": -torch.log(-torch.log(uniform.clamp(1e-9, 1 - 1e-7))),
            "mix": torch.rand(self.packs, generator=rng),
        }


def plan(
    net: CTGAN,
    data: Splits[Batch],
    facts: Facts,
    options: Any,
    run: Run,
    *,
    steps: int,
    score: Callable[[], Mapping[str, float]],
    best: str,
) -> Iterator[Phase]:
    """One phase, two losses a batch: the critic's, then the generator's against the moved critic.

    Critic: D(made) - D(real) + 10 (|grad D| - 1)^2 a pack, the gradient taken between made and real ones.
    Generator: -D(made) a pack, plus the cross-entropy of the choice that the condition names a row, plus
    `options.moments` times how far means and covariances of made rows are from those of the real ones that
    meet the same conditions. These look across the batch, so the phase is coupled.
    With a predictor of the target column there is a loss between these two: what it misses on real rows; and
    the generator's has `options.target_weight` times how much more it misses on made ones. Without "how much
    more" the target of made rows would be told too easily, and scores of likeness suffer.
    steps: batches an epoch. options: settled.
    """
    arrays = {name: torch.from_numpy(np.asarray(data.train[name])) for name in ("offsets", "choices")}
    conditions = Conditions(data.train["choices"], facts["sizes"], conditioned(facts))
    packs = max(1, options.batch_size // net.pack)

    def batches(epoch: int) -> Draws:
        draws = Draws(net, arrays, conditions, packs, steps)
        draws.rng = lambda place: run.rng("draw", epoch, place)
        return draws

    def step(batch: Batch) -> Iterator[Loss]:
        batch = on_device(batch, run.device)
        count = len(batch["mix"])
        condition_BW = net.condition(batch["condition"].flatten())
        real_BX = net.dense(batch["offsets"].flatten(0, 1), batch["choices"].flatten(0, 1))
        noise_2BZ, gumbel_2BW = (batch[name].transpose(0, 1).flatten(1, 2) for name in ("noise", "gumbel"))
        with torch.no_grad():
            offsets_BO, logits_BW = net(noise_2BZ[0], condition_BW)
            made_BX = net.soften(offsets_BO, logits_BW, gumbel_2BW[0])
        realness = (net.judge(real_BX, condition_BW) - net.judge(made_BX, condition_BW)).sum()
        penalty = penalty_of_packs(net, real_BX, made_BX, condition_BW, batch["mix"])
        yield Loss(
            PENALTY * penalty - realness, count, by="critic", parts={"distance": realness, "penalty": penalty}
        )
        usual = real_BX.new_zeros(())
        if net.target is not None:
            usual = net.unforeseen(real_BX).sum() / net.pack
            yield Loss(usual, count, by="predictor")
        offsets_BO, logits_BW = net(noise_2BZ[1], condition_BW)
        made_BX = net.soften(offsets_BO, logits_BW, gumbel_2BW[1])
        missed = net.missed(logits_BW, condition_BW).sum() / net.pack
        judged = net.judge(made_BX, condition_BW).sum()
        apart = (
            moments_apart(*(torch.cat([rows, net.values(rows)], 1) for rows in (made_BX, real_BX))) * count
        )
        parts = {"condition": missed, "moments": apart}
        total = missed - judged + options.moments * apart
        if net.target is not None:
            parts["unforeseen"] = net.unforeseen(made_BX).sum() / net.pack
            total = total + options.target_weight * (parts["unforeseen"] - usual.detach()).clamp(min=0)
        yield Loss(total, count, by="generator", parts=parts)

    def optimizer(part: Any) -> Any:
        return optimizers.build(
            options.optimizer,
            part,
            learning_rate=options.learning_rate,
            weight_decay=options.weight_decay,
            momentum=options.momentum,
            betas=BETAS,
        )

    yield Phase(
        name="train",
        batches=batches,
        step=step,
        optimizers={
            "critic": optimizer(net.critic),
            **({} if net.target is None else {"predictor": optimizer(net.predictor)}),
            "generator": optimizer(net.generator),
        },
        epochs=options.epochs,
        score=score,
        rate=schedules.build(options.schedule, options.warmup),
        best=best,
        coupled=True,
    )


def moments_apart(made_BX: Tensor, real_BX: Tensor) -> Tensor:
    """How far means and covariances are apart: sum |mean - mean'| + |C - C'| (Frobenius); a scalar.

    A critic says slowly how columns hang together; this says it at once for all pairs, also of choices.
    After the information loss of table-GAN, Park et al. 2018, arXiv 1806.03384, section 4.2.2, which is of
    the critic's features; here it is of the rows themselves, with their numbers beside them, so
    that there is nothing to learn before.
    """
    made_X, real_X = made_BX.mean(0), real_BX.mean(0)
    covariances = [
        (rows_BX - mean_X).T @ (rows_BX - mean_X) / len(rows_BX)
        for rows_BX, mean_X in ((made_BX, made_X), (real_BX, real_X))
    ]
    apart = (covariances[0] - covariances[1]).square().sum()
    return (made_X - real_X).abs().sum() + (apart + 1e-12).sqrt()


def penalty_of_packs(
    net: CTGAN, real_BX: Tensor, made_BX: Tensor, condition_BW: Tensor, mix_P: Tensor
) -> Tensor:
    """The gradient penalty summed over packs; the length is that of a whole pack's gradient."""
    real_PRX, made_PRX = (rows.unflatten(0, (-1, net.pack)) for rows in (real_BX, made_BX))
    return gradient_penalty(
        lambda x_PRX: net.judge(x_PRX.flatten(0, 1), condition_BW), real_PRX, made_PRX, mix_P
    )


def made_batch(
    net: CTGAN, rows: NDArray[np.uint64], facts: Facts, *, seed: int, condition: NDArray[Any] | None = None
) -> dict[str, NDArray[Any]]:
    """What the generator makes of one number a row: `offsets`, `choices` and `chance`, as arrays.

    A row's noise is of its number and the seed alone. condition: [rows]; None: as often as in training.
    """
    parts = []
    for start in range(0, max(len(rows), 1), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        chance = row_chance.uniform(some, 3 + net.num_choices, seed + GUMBEL_SALT)
        given = (
            by_share(chance[:, :2], facts) if condition is None else condition[start : start + ROWS_AT_ONCE]
        )
        batch = {
            "noise": row_chance.normal(some, net.noise, seed + NOISE_SALT).astype(np.float32),
            "gumbel": -np.log(-np.log(chance[:, 3:])).astype(np.float32),
            "condition": given.astype(np.int64),
        }
        said = foresee(net, batch, lambda each: _made(net, each))
        parts.append(np.concatenate([said, chance[:, 2:3].astype(np.float32)], axis=1))
    joined = np.concatenate(parts)
    return {
        "offsets": joined[:, : net.num_offsets],
        "choices": joined[:, net.num_offsets : -1].astype(np.int32),
        "chance": joined[:, -1],
    }


def _made(net: CTGAN, batch: Batch) -> Tensor:
    offsets_BO, logits_BW = net(batch["noise"], net.condition(batch["condition"]))
    return torch.cat([offsets_BO, net.choose(logits_BW + batch["gumbel"]).float()], 1)


def made_cells(net: CTGAN, count: int, facts: Facts, *, seed: int) -> NDArray[np.float64]:
    """The cells of `count` new rows; the same seed makes the same."""
    rows = np.arange(count, dtype=np.uint64)
    return decode_cells(made_batch(net, rows, facts, seed=seed), facts)
