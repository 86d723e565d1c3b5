"""Learning what real pictures look like: the features in which made pictures are compared with real ones.

Where pictures have classes, the judge learns these. Where they have none, or so few that telling them apart
would teach it little, it learns two things that can be told without anybody's help: which of some groups of
like pictures each belongs to (k-means on the pictures seen small; Caron et al. 2018, arXiv 1807.05520, with
groups that stay), and by how many quarters it was turned (Gidaris et al. 2018, arXiv 1803.07728).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfit.answers.pictures import from_text
from deepfit.contract import Answers, Batch, Facts, Loss, Phase, Run, Splits
from deepfit.data.batches import Selection, num_rows
from deepfit.data.caption_words import memberships
from deepfit.data.made_pictures import TURNS, find_features
from deepfit.data.picture_options import PictureGanOptions
from deepfit.metrics.generation import in_manifold
from deepfit.nn import optimizers, schedules
from deepfit.nn.augment import shift
from deepfit.nn.picture_gan import PictureJudge
from deepfit.plans.batches import Shuffled, on_device, tensors
from deepfit.plans.foresight import foresee

# B batch, H height, W width, C channels, F features, K outputs, N goals

PICTURES_SEEN, MOST_PASSES = 150_000, 30
BATCH, LEAST_BATCH = 128, 16
RATE, DECAY, WARMUP = 5e-3, 0.05, 0.2
SHIFT = 0.08
MEASURED = 10_000
"""Training pictures from which it is learned how features spread."""
CHECKED = 2_000
"""Held-out pictures that an epoch is scored on."""
GROUPED = 5_000
"""Training pictures among which groups are looked for."""
SMALL_PX = 8
IGNORED = -1
VALUES_AT_ONCE = 2**22


def scaled(images_BHWC: Tensor) -> Tensor:
    """Bytes as numbers in [-1, 1], BCHW in channels-last order."""
    return (images_BHWC.float() / 127.5 - 1).permute(0, 3, 1, 2)


def learn(
    judge: PictureJudge, data: Splits[Batch], facts: Facts, options: PictureGanOptions, run: Run
) -> Iterator[Phase]:
    """Yield the phase "features", then measure how features spread; or take the judge of a file.

    It is always trained in the same way, whatever the options of the two networks, so that runs on the same
    data are compared in much the same features.
    """
    if options.features is not None:
        load(judge, options.features)
        judge.requires_grad_(False)
        return
    rows = num_rows(data.train)
    size = min(BATCH, max(LEAST_BATCH, rows // 8))
    goals = goals_of(data, facts, options.seed)
    arrays = tensors({"images": data.train["images"], "goals": goals.train}, run.device)
    held = spread_out(data.valid["images"], CHECKED), spread_out(goals.valid, CHECKED)
    heads, turned = heads_of(facts), bool(facts["judge"]["turns"])
    named = max(1, bool(facts["judge"]["classes"]) + len(words_of(facts)))  # given by people

    def batches(epoch: int) -> Sequence[Selection]:
        return Shuffled(arrays, rows, size, run.rng("features", epoch))

    def step(batch: Batch) -> Iterator[Loss]:
        batch = on_device(batch, run.device)
        images, goals_BN = batch["images"], batch["goals"]
        quarters_B = torch.zeros(len(images), dtype=torch.int64)
        if judge.training:
            generator = torch.default_generator
            most = round(SHIFT * images.shape[1])
            images = shift(images, generator, most_px=(most, most))
            quarters_B = torch.randint(TURNS, quarters_B.shape, generator=generator)
        x_BCHW = scaled(images)
        if turned:
            quarters_B = quarters_B.to(run.device)
            x_BCHW, goals_BN = turn(x_BCHW, goals_BN, quarters_B)
        yield Loss(wrongness(judge(x_BCHW), goals_BN, heads), len(images))

    def score() -> Mapping[str, float]:
        images, target = held[0], held[1][:, :named]
        ends = np.cumsum(heads)[: named - 1]
        said = np.split(logits_of(judge, images)[:, : sum(heads[:named])], ends, axis=1)
        right = np.stack([each.argmax(1) for each in said], axis=1) == target
        known = target != IGNORED
        return {"accuracy": float(right[known].mean()) if known.any() else 0.0}

    optimizer = optimizers.build("adamw", judge, learning_rate=RATE, weight_decay=DECAY)
    yield Phase(
        name="features",
        batches=batches,
        step=step,
        optimizers={"main": optimizer},
        epochs=options.judge_epochs or min(MOST_PASSES, max(1, round(PICTURES_SEEN / rows))),
        score=score,
        rate=schedules.build("one_cycle", WARMUP),
        best="accuracy",
        varied=True,
    )
    judge.mean_F.zero_()
    judge.scale.fill_(1.0)
    real = features_of(judge, spread_out(data.train["images"], MEASURED))
    judge.measure(torch.from_numpy(real).to(run.device))


def heads_of(facts: Facts) -> list[int]:
    """How many outputs each thing that the judge learns has: classes, each word, groups, quarters."""
    judge = facts["judge"]
    learned = [judge["classes"], *(2 for _ in words_of(facts)), judge["clusters"], judge["turns"]]
    return [outputs for outputs in learned if outputs]


def words_of(facts: Facts) -> list[int]:
    """The numbers of the words that the judge learns to see."""
    return list(facts["judge"].get("words", ()))


def turn(x_BCHW: Tensor, goals_BN: Tensor, quarters_B: Tensor) -> tuple[Tensor, Tensor]:
    """Each picture turned by its quarters, and its goals with the quarters last; in another order."""
    pictures = [torch.rot90(x_BCHW[quarters_B == each], each, (2, 3)) for each in range(TURNS)]
    order_B = torch.cat([(quarters_B == each).nonzero()[:, 0] for each in range(TURNS)])
    goals_BN = torch.cat([goals_BN, quarters_B[:, None]], dim=1)[order_B]
    return torch.cat(pictures).contiguous(memory_format=torch.channels_last), goals_BN


def wrongness(logits_BK: Tensor, goals_BN: Tensor, heads: Sequence[int]) -> Tensor:
    """Sum over pictures and goals of the cross-entropy; a goal of -1 is unknown and counts nothing."""
    pairs = zip(logits_BK.split(list(heads), dim=1), goals_BN.unbind(1), strict=True)
    return torch.stack(
        [
            functional.cross_entropy(logits, goal, reduction="sum", ignore_index=IGNORED)
            for logits, goal in pairs
        ]
    ).sum()


def goals_of(data: Splits[Batch], facts: Facts, seed: int) -> Splits[np.ndarray]:
    """int64 [rows, goals] of training and validation, as far as they are learned.

    The class; of each word whether the caption has it; the group of like pictures.
    """
    parts: list[list[np.ndarray]] = [[], []]
    if facts["judge"]["classes"]:
        for part, batch in zip(parts, (data.train, data.valid), strict=True):
            part.append(batch["target"])
    if words := words_of(facts):
        for part, batch in zip(parts, (data.train, data.valid), strict=True):
            part.extend(memberships(batch["words"], words).astype(np.int64).T)
    if clusters := facts["judge"]["clusters"]:
        from sklearn.cluster import KMeans

        small = [_small(batch["images"]) for batch in (data.train, data.valid)]
        found: Any = KMeans(clusters, n_init="auto", max_iter=50, random_state=seed % 2**32)
        found.fit(spread_out(small[0], GROUPED))
        for part, rows in zip(parts, small, strict=True):
            part.append(found.predict(rows).astype(np.int64))
    return Splits(*(np.stack(part, axis=1) for part in parts))


def _small(images: np.ndarray) -> np.ndarray:
    """Pictures as means over squares, float32 [rows, 8 * 8 * channels]."""
    rows, side, _, channels = images.shape
    step = side // SMALL_PX
    squares = images.reshape(rows, SMALL_PX, step, SMALL_PX, step, channels)
    return squares.mean(axis=(2, 4), dtype=np.float32).reshape(rows, -1)


def load(judge: PictureJudge, features: str) -> None:
    """Take the judge of a file, which was checked when the data were read."""
    from safetensors.torch import load_file

    found = load_file(find_features(features))
    judge.load_state_dict(
        {name.removeprefix("judge."): value for name, value in found.items() if name.startswith("judge.")}
    )


def spread_out(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many rows, evenly spread."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]


def features_of(judge: PictureJudge, images: np.ndarray) -> np.ndarray:
    """float32 [rows, F] of pictures uint8 [rows, H, W, C]."""
    return _foreseen(judge, judge.features, images)


def logits_of(judge: PictureJudge, images: np.ndarray) -> np.ndarray:
    """float32 [rows, K] of pictures uint8 [rows, H, W, C]."""
    return _foreseen(judge, judge, images)


def words_seen(judge: PictureJudge, images: np.ndarray, facts: Facts) -> np.ndarray:
    """float32 [rows, words]: the log odds that pictures show each word that the judge has learned."""
    first, count = facts["judge"]["classes"], len(words_of(facts))
    pairs = logits_of(judge, images)[:, first : first + 2 * count].reshape(len(images), count, 2)
    return pairs[..., 1] - pairs[..., 0]


def _foreseen(net: nn.Module, says: Callable[[Tensor], Tensor], images: np.ndarray) -> np.ndarray:
    at_once = max(1, VALUES_AT_ONCE // max(1, int(np.prod(images.shape[1:]))))
    return foresee(net, {"images": images}, lambda part: says(scaled(part["images"])), rows_at_once=at_once)


def knows_classes(facts: Facts) -> bool:
    """Whether the judge's first outputs are the classes of the data."""
    return bool(facts["judge"]["classes"])


def appraise(judge: PictureJudge, answers: Answers, real: Batch, facts: Facts) -> Answers:
    """Answers whose predictions are pictures, with what scores are made of.

    real: `images` of the rows, and `target`, -1 where unknown, where made pictures were asked to be of the
    rows' classes. Adds `features` and `real_features` [rows, F], `precise` (the made picture lies among the
    real ones), `covered` (the real one lies among the made ones), and with targets that the judge knows
    `recognised` (it takes the made picture for what was asked; NaN for an unknown class).
    """
    made = from_text(answers.columns["prediction"])
    found, known = features_of(judge, made), features_of(judge, real["images"])
    columns: dict[str, Any] = {
        **answers.columns,
        "features": found,
        "real_features": known,
        "precise": in_manifold(known, found),
        "covered": in_manifold(found, known),
    }
    if "target" in real and knows_classes(facts):
        said = logits_of(judge, made)[:, : facts["judge"]["classes"]]
        right = said.argmax(1) == real["target"]
        columns["recognised"] = np.where(real["target"] == IGNORED, np.nan, right)
    return Answers(columns, answers.classes)
