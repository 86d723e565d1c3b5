"""Learning to make pictures: first a judge of real ones, then two networks that play against each other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from deepfit.answers.generation import MEMORY, NEAREST, ROUND, SAMPLES, as_bytes
from deepfit.contract import Batch, Facts, Loss, Phase, Run, Splits
from deepfit.data.batches import num_rows
from deepfit.data.picture_options import PictureGanOptions
from deepfit.metrics.generation import frechet_distance, in_manifold
from deepfit.nn import optimizers, schedules
from deepfit.nn.differentiable_augment import changed
from deepfit.nn.losses.adversarial import ADVERSARIAL, alike, gradient_penalty, r1_penalty
from deepfit.nn.picture_gan import PictureGan
from deepfit.plans import picture_judge
from deepfit.plans.batches import on_device, tensors
from deepfit.plans.foresight import foresee
from deepfit.plans.picture_judge import CHECKED, features_of, scaled, spread_out

# B batch, Z noise, K width of the condition, H height, W width, C channels

PICTURES_SEEN, MOST_ROUNDS, LEAST_ROUNDS = 700_000, 100, 4
ROUND_STEPS = 50
FEW_PICTURES = 2_000
"""Training pictures below which `--augment auto` is on: it keeps a discriminator from learning them by heart,
and slows the game down. With 5,400 pictures of clothes the distance after 20 rounds was 12.6 with it and 8.6
without."""
SHOWN = 10
"""Pictures that are drawn from the same noise after each round."""
BESIDE = 12
"""Made pictures whose nearest training pictures are shown."""
COMPARED = 1_000
STRANGE = "strange_"
SAME = 1e-3
"""Conditions that differ by less say the same: padding may move the last bits."""
BETAS = {"dcgan": (0.5, 0.999), "resnet_gan": (0.0, 0.9)}
"""Of Adam: arXiv 1511.06434, section 3; arXiv 1802.05957, table 1, C."""

Condition = Callable[[Batch], Tensor]
"""A batch on the device -> condition_BK."""


def unconditional(batch: Batch) -> Tensor:
    """No condition: [B, 0]."""
    return batch["noise"].new_zeros(len(batch["noise"]), 0)


class Rounds(Sequence[dict[str, Any]]):
    """The batches of a round: rows in random order, each once or, of few, several times, and fresh noise.

    conditions: arrays that come again as `strange_NAME`, of other rows that are drawn; with them there is
    `other_noise`, too.
    """

    def __init__(
        self,
        arrays: Mapping[str, Any],
        rows: int,
        batch_size: int,
        noise: int,
        run: Run,
        number: int,
        *,
        conditions: Sequence[str] = (),
    ) -> None:
        self.rows, self.conditions = rows, conditions
        self.arrays, self.batch_size, self.noise, self.run, self.number = (
            arrays,
            batch_size,
            noise,
            run,
            number,
        )
        self.batch_size = min(batch_size, rows)
        passes = -(-steps_a_round(rows, batch_size) * self.batch_size // rows)
        generator = run.rng("shuffle", number)
        self.order = torch.cat([torch.randperm(rows, generator=generator) for _ in range(passes)])
        self.steps = steps_a_round(rows, batch_size)

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, place: int) -> dict[str, Any]:
        if not 0 <= place < self.steps:
            raise IndexError(place)
        chosen = self.order[place * self.batch_size : (place + 1) * self.batch_size]
        found = {name: array[chosen] for name, array in self.arrays.items()}
        if self.conditions:
            generator = self.run.rng("strangers", self.number, place)
            others = torch.randint(self.rows, (len(chosen),), generator=generator)
            found |= {STRANGE + name: self.arrays[name][others] for name in self.conditions}
        generator = self.run.rng("noise", self.number, place)
        for name in ("noise", "other_noise") if self.conditions else ("noise",):
            found[name] = torch.randn(len(chosen), self.noise, generator=generator)
        return found


def steps_a_round(rows: int, batch_size: int) -> int:
    """One pass over the rows, or ROUND_STEPS where a pass is shorter."""
    return max(ROUND_STEPS, rows // min(batch_size, rows))


def rounds_for(options: PictureGanOptions, rows: int) -> int:
    """The number of rounds: what was asked for, else until PICTURES_SEEN pictures have been made."""
    if options.epochs:
        return options.epochs
    pictures = steps_a_round(rows, options.batch_size) * min(options.batch_size, rows)
    return int(np.clip(round(PICTURES_SEEN / pictures), LEAST_ROUNDS, MOST_ROUNDS))


def pictures(
    net: PictureGan,
    data: Splits[Batch],
    facts: Facts,
    options: PictureGanOptions,
    run: Run,
    *,
    condition: Condition = unconditional,
    conditions: Sequence[str] = (),
    variety: float = 0.0,
) -> Iterator[Phase]:
    """Yield "features", then "contest"; the round with the least Frechet distance on validation rows is kept.

    data: `images`, `noise`, where there are classes `target`, and the arrays `conditions` that `condition`
    reads. Where the net has a reader, the discriminator's losses teach it, also by real pictures with the
    conditions of others. variety: weight of `alike`, without which the pictures of a caption come out the
    same. Afterwards the run's folder holds pictures drawn after each round, and how near made pictures come
    to training pictures.
    """
    yield from picture_judge.learn(net.judge, data, facts, options, run)
    rows = num_rows(data.train)
    arrays = tensors({name: data.train[name] for name in ("images", *conditions)}, run.device)
    few = options.augment == "on" or (options.augment == "auto" and rows < FEW_PICTURES)
    contest = Contest(net, options, condition, augmented=few, variety=variety)
    valid = {name: spread_out(data.valid[name], CHECKED) for name in ("images", "noise", *conditions)}
    real = features_of(net.judge, valid["images"])
    first = {name: spread_out(array, SHOWN) for name, array in valid.items() if name != "images"}
    done = Counter()

    def step(batch: Batch) -> Iterator[Loss]:
        return contest.step(on_device(batch, run.device))

    def score() -> Mapping[str, float]:
        done.count += 1
        made = features_of(net.judge, as_bytes(paint(net, valid, condition)))
        if run.folder is not None:
            keep(run.folder, done.count, as_bytes(paint(net, first, condition)))
        return {
            "frechet_distance": frechet_distance(real, made),
            "recall": float(in_manifold(made, real).mean()),
            "diversity": float(made.var(0).sum() / max(real.var(0).sum(), 1e-12)),
        }

    yield Phase(
        name="contest",
        batches=lambda number: Rounds(
            arrays,
            rows,
            options.batch_size * options.discriminator_steps,
            options.noise,
            run,
            number,
            conditions=() if net.reader is None else conditions,
        ),
        step=step,
        optimizers=contest.optimizers(),
        epochs=rounds_for(options, rows),
        score=score,
        keeps={"rounds": done},
        rate=schedules.build(options.schedule, options.warmup),
        best="-frechet_distance",
        varied=True,
    )
    if run.folder is not None:
        remember(run.folder, net, data, valid, real, condition)


class Counter:
    """How many rounds have been scored; saved with the run."""

    def __init__(self) -> None:
        self.count = 0

    def state_dict(self) -> dict[str, Any]:
        """The number."""
        return {"count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put it back."""
        self.count = int(state["count"])


class Contest:
    """The rules of the game: what a batch makes both networks learn."""

    def __init__(
        self,
        net: PictureGan,
        options: PictureGanOptions,
        condition: Condition,
        *,
        augmented: bool,
        variety: float = 0.0,
    ) -> None:
        self.net, self.options, self.condition, self.augmented = net, options, condition, augmented
        self.variety = variety
        self.against, self.for_generator = ADVERSARIAL[options.loss]

    def optimizers(self) -> dict[str, Optimizer]:
        """One for each side; a reader of conditions learns with the discriminator."""
        options = self.options
        readers = [] if self.net.reader is None else [self.net.reader]
        factors = {"discriminator": options.discriminator_rate, "generator": 1.0}
        sides: dict[str, list[nn.Module]] = {
            "discriminator": [self.net.discriminator, *readers],
            "generator": [self.net.generator],
        }
        return {
            name: optimizers.build(
                options.optimizer,
                nets,
                learning_rate=factors[name] * options.learning_rate,
                weight_decay=options.weight_decay,
                momentum=options.momentum,
                betas=BETAS[network_name(options)],
            )
            for name, nets in sides.items()
        }

    def step(self, batch: Batch) -> Iterator[Loss]:
        """The discriminator's losses, then the generator's, which meets the moved discriminator."""
        parts = self.options.discriminator_steps
        cuts = np.linspace(0, len(batch["noise"]), parts + 1).round().astype(int)
        for start, stop in pairwise(cuts):
            part = {name: array[start:stop] for name, array in batch.items()}
            told = self.condition(part)
            made = self.net.generator(part["noise"], told.detach())
            yield self.discriminator_loss(part, made, told)
        asked = told.detach()
        with torch.no_grad():
            told = self.condition(part)  # anew: the reader has moved
        total = self.for_generator(self.net.discriminator(self.seen(made), told))
        parts = {}
        if self.variety:
            other = self.net.generator(part["other_noise"], asked)
            parts["alike"] = alike(made, other, part["noise"], part["other_noise"])
            total = total + self.variety * parts["alike"]
        yield Loss(total, len(made), by="generator", parts=parts)

    def discriminator_loss(self, part: Batch, made: Tensor, told: Tensor) -> Loss:
        """What the discriminator makes small of real and made pictures, with its penalties."""
        real, made = self.seen(scaled(part["images"])), self.seen(made.detach())
        both_B = self.net.discriminator(torch.cat([real, made]), torch.cat([told, told]))
        real_B, made_B = both_B.chunk(2)
        total = self.against(real_B, made_B)
        parts = {"real_above_made": (real_B > made_B).sum().detach()}
        if self.net.reader is not None:
            total = (total + self.against_strangers(part, real, real_B, told)) / 2

        def says(x: Tensor) -> Tensor:
            return self.net.discriminator(x, told)

        if self.options.loss == "wasserstein" and self.options.penalty:
            share_B = torch.rand(len(real), generator=torch.default_generator).to(real)
            parts["penalty"] = gradient_penalty(says, real, made, share_B)
            total = total + self.options.penalty * parts["penalty"]
        if self.options.r1:
            parts["r1"] = r1_penalty(says, real)
            total = total + self.options.r1 * parts["r1"]
        return Loss(total, len(real), by="discriminator", parts=parts)

    def against_strangers(self, part: Batch, real: Tensor, real_B: Tensor, told: Tensor) -> Tensor:
        """Real pictures with the caption of another picture are to be told from those with their own.

        Without it a reader learns only as made pictures betray a misunderstanding. Source: Reed et al. 2016,
        arXiv 1605.05396, algorithm 1. Differs: a caption that says the same counts nothing.
        """
        strange = self.condition(
            {name.removeprefix(STRANGE): array for name, array in part.items() if name.startswith(STRANGE)}
        )
        differs_B = (strange - told).detach().abs().amax(1) > SAME
        wrong_B = self.net.discriminator(real, strange)
        return self.against(real_B[differs_B], wrong_B[differs_B])

    def seen(self, x_BCHW: Tensor) -> Tensor:
        """Pictures as the discriminator sees them."""
        if self.augmented and self.net.training:
            x_BCHW = changed(x_BCHW, torch.default_generator)
        return x_BCHW.contiguous(memory_format=torch.channels_last)


def network_name(options: PictureGanOptions) -> str:
    """The pair of networks that is meant."""
    return "dcgan" if options.network == "auto" else options.network


def build(
    facts: Facts, options: PictureGanOptions, *, condition: int = 0, reader: nn.Module | None = None
) -> PictureGan:
    """The networks that options and facts name; condition and reader: see `PictureGan`."""
    return PictureGan(
        network_name(options),
        size=facts["size"][0],
        channels=facts["channels"],
        noise=options.noise,
        width=options.width,
        outputs=facts["judge"]["outputs"],
        condition=condition,
        spectral=options.spectral == "on" or (options.spectral == "auto" and options.loss != "wasserstein"),
        reader=reader,
    )


def paint(net: PictureGan, batch: Batch, condition: Condition = unconditional) -> np.ndarray:
    """The pictures that the generator makes of `noise` and conditions, float32 [rows, H, W, C] in [-1, 1]."""
    asked = {name: array for name, array in batch.items() if name not in ("images", "target")}
    return foresee(
        net,
        asked,
        lambda part: net.generator(part["noise"], condition(part)),
        rows_at_once=256,
        answer=lambda x_BCHW: x_BCHW.permute(0, 2, 3, 1),
    )


def keep(folder: Path, number: int, images: np.ndarray) -> None:
    """Write the pictures of a round side by side, as `samples/round-0001.png`."""
    from deepfit.answers.pictures import as_picture

    place = folder / SAMPLES
    place.mkdir(parents=True, exist_ok=True)
    as_picture(np.concatenate(list(images), axis=1)).save(place / ROUND.format(number))


def remember(
    folder: Path, net: PictureGan, data: Splits[Batch], valid: Batch, real: np.ndarray, condition: Condition
) -> None:
    """Write how near made pictures come to training pictures, by the judge's features.

    `memory.json`: `nearer`, the share of made pictures whose nearest training picture is nearer than that of
    the median held-out real picture (about one half where nothing is copied), and `copies`, the share nearer
    than for 99 % of held-out ones (about 0.01). `samples/nearest.png`: made pictures above the training
    pictures nearest to them.
    """
    from deepfit.answers.pictures import as_picture

    trained = data.train["images"]
    known = features_of(net.judge, trained)
    asked = {name: array[:COMPARED] for name, array in valid.items()}
    made = as_bytes(paint(net, asked, condition))
    near, far = nearest(known, features_of(net.judge, made)), nearest(known, real[:COMPARED])
    share = [float((near[1] < np.quantile(far[1], part)).mean()) for part in (0.5, 0.01)]
    pair = np.concatenate(
        [np.concatenate(list(images[:BESIDE]), axis=1) for images in (made, trained[near[0]])]
    )
    (folder / SAMPLES).mkdir(parents=True, exist_ok=True)
    as_picture(pair).save(folder / SAMPLES / NEAREST)
    record = {"nearer": share[0], "copies": share[1], "compared": len(made)}
    (folder / SAMPLES / MEMORY).write_text(json.dumps(record), encoding="utf-8")


def nearest(known: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(place, squared distance) of the known row nearest to each asked one."""
    squares = (known * known).sum(1)
    places, found = np.empty(len(asked), np.int64), np.empty(len(asked))
    for start in range(0, len(asked), 256):
        part = asked[start : start + 256]
        far = squares - 2 * part @ known.T
        places[start : start + 256] = far.argmin(1)
        found[start : start + 256] = far.min(1) + (part * part).sum(1)
    return places, found
