"""New pictures that could be from the same collection.

Data: a folder or `.zip` of pictures, at least 50 and better some thousands, optionally below `train/`,
`valid/` and `test/`; with or without a folder a class, or a `metadata.csv`; or a uint8 array [rows, height,
width] or [rows, height, width, channels], or a pair of such an array and classes. Classes are never needed:
they teach the judge in whose features pictures are compared, not the generator. Pictures are brought to the
nearest of 16 x 16, 32 x 32 and 64 x 64 pixels, grey or in colour. The task is never inferred: say `--task
unconditional-image-generation`.

First a judge learns to tell the classes of real pictures apart (without classes: groups of like pictures, and
by how many quarters one was turned). Then a generator learns to make pictures from random numbers, against a
discriminator that learns to tell them from real ones. Scores are taken in the judge's features on pictures
that training never saw: `frechet_distance` (in percent of the variance of real features; compare it with
that of `real_pictures`, which no generator can be asked to undercut), `precision` (made pictures that lie
among real ones) and `recall` (real ones that lie among made ones).

Answers: `prediction`, a made picture for each row as a PNG in a data URI. Which one follows from the row's
own picture and `--seed` alone. What the model is for is `deepfit sample RUN --out grid.png`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from deepfit.answers import generation
from deepfit.baselines.pictures import for_pictures
from deepfit.contract import Answers, Baseline, Batch, Concern, Facts, Phase, Run, Splits
from deepfit.data import made_pictures
from deepfit.data.batches import join
from deepfit.data.noise import normal_of, prints_of
from deepfit.data.picture_options import PictureGanOptions
from deepfit.errors import OptionError
from deepfit.metrics import contest
from deepfit.metrics.feature_tally import FeatureTally

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.images import ImageRows

WALK_PLACES = 4
"""Points between which a walk goes and returns to the first."""


class Options(PictureGanOptions):
    """How pictures are read, made and judged."""

    target: str | None = Field(
        None, description="column of classes in a metadata table; class folders need no name"
    )


class UnconditionalImageGeneration:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: ClassVar[str] = "-frechet_distance"
    classes: ClassVar[bool] = True
    supervised: ClassVar[bool] = False
    references: ClassVar[tuple[str, ...]] = ("real_pictures",)
    sections: ClassVar[tuple[str, ...]] = ("made_pictures", "contest", "copies")

    def __init__(self, options: Options) -> None:
        self.options = options

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Never: pictures may be for anything, so this task is asked for by its name."""
        return None

    def read(self, source: Any, facts: Facts | None = None) -> ImageRows:
        """Every picture decoded and checked; classes where there are any."""
        if self.options.features is not None and facts is None:
            made_pictures.find_features(self.options.features)
        return made_pictures.read_pictures(
            source,
            target=self.options.target,
            skip_broken=self.options.skip_broken,
            image_size=self.options.image_size,
            facts=facts,
        )

    def learn(self, train: ImageRows) -> Facts:
        """Classes, size, channels, and what the judge learns."""
        return made_pictures.learn_pictures(
            train, image_size=self.options.image_size, features=self.options.features
        )

    def encode(self, rows: ImageRows, facts: Facts) -> Batch:
        """`images` uint8 [rows, side, side, channels], `noise` float32 [rows, noise].

        `target` int64 [rows] where there are classes, -1 for one that training did not have.
        """
        batch = made_pictures.encode_pictures(rows, facts)
        noise = normal_of(prints_of(batch["images"]), self.options.noise, self.options.seed)
        return {**batch, "noise": noise}

    def build(self, facts: Facts) -> nn.Module:
        """Generator, discriminator and judge."""
        from deepfit.plans import adversarial

        return adversarial.build(facts, self.options)

    def plan(self, net: Any, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """The judge, then the two networks against each other."""
        from deepfit.plans import adversarial

        yield from adversarial.pictures(net, data, facts, self.options, run)

    def outputs(self, net: Any, batch: Batch, facts: Facts) -> Batch:
        """`images` float32 [rows, side, side, channels] in [-1, 1]."""
        from deepfit.plans import adversarial

        return {"images": adversarial.paint(net, {"noise": batch["noise"]})}

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """Nothing to learn from held-out rows."""
        return facts

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The made pictures as texts."""
        return generation.of_pictures(generation.as_bytes(outputs["images"]))

    def appraise(
        self, net: Any, answers: Answers, rows: ImageRows, facts: Facts, *, train: ImageRows | None = None
    ) -> Answers:
        """The judge's features of made and of real pictures, and which lie among the others."""
        from deepfit.plans import picture_judge

        real = {"images": made_pictures.encode_pictures(rows, facts)["images"]}
        return picture_judge.appraise(net.judge, answers, real, facts)

    def metrics(self, answers: Answers, rows: ImageRows) -> Mapping[str, float]:
        """Frechet distance, precision and recall."""
        return generation.score(answers)

    def tally(self, answers: Answers, rows: ImageRows) -> FeatureTally:
        """What intervals are made of."""
        return generation.tally(answers)

    def baselines(self, data: Splits[ImageRows]) -> Iterator[Baseline]:
        """Real training pictures, which are the floor, and a Gaussian of the pixels."""
        facts = made_pictures.learn_pictures(data.train, image_size=self.options.image_size, features=None)
        parts = [made_pictures.encode_pictures(part, facts) for part in (data.train, data.valid)]
        train = join(*({"images": part["images"]} for part in parts))["images"]
        for name, images, seconds in for_pictures(train, len(data.held_out), seed=self.options.seed):
            yield Baseline(name, generation.of_pictures(images), seconds)

    def review(self, history: Sequence[Mapping[str, Any]]) -> list[Concern]:
        """A discriminator that won outright, a generator that collapsed."""
        return contest.review(history)

    def sample(self, net: Any, facts: Facts, *, count: int, seed: int, prompts: Sequence[str] = ()) -> Batch:
        """`images` uint8 [count, side, side, channels]."""
        self.refuse(prompts)
        rng = np.random.default_rng([seed, 0x5A3F])
        noise = rng.standard_normal((count, self.options.noise), dtype=np.float32)
        return {"images": generation.as_bytes(self.outputs(net, {"noise": noise}, facts)["images"])}

    def walk(self, net: Any, facts: Facts, *, steps: int, seed: int, prompts: Sequence[str] = ()) -> Batch:
        """`images` uint8 [steps, side, side, channels] on a closed way between a few random pictures."""
        from deepfit.data.noise import round_trip

        self.refuse(prompts)
        rng = np.random.default_rng([seed, 0x3A1C])
        places = rng.standard_normal((WALK_PLACES, self.options.noise), dtype=np.float32)
        outputs = self.outputs(net, {"noise": round_trip(places, steps)}, facts)
        return {"images": generation.as_bytes(outputs["images"])}

    def refuse(self, prompts: Sequence[str]) -> None:
        """OptionError where somebody asks for something."""
        if prompts:
            raise OptionError(
                f"--prompt {prompts[0]!r}: this generator was not taught what its pictures show, so it "
                "cannot be asked for one. Train with --task text-to-image on captions or class folders."
            )

    @classmethod
    def tiny(cls, seed: int) -> tuple[UnconditionalImageGeneration, Splits[ImageRows], Mapping[str, float]]:
        """Discs and frames somewhere in the dark: 320 pictures of 16 x 16 pixels."""
        rng = np.random.default_rng(seed)
        kinds = rng.permutation(np.repeat(["disc", "frame"], 160))
        y, x = np.mgrid[:16, :16]
        pictures = np.empty((320, 16, 16), np.uint8)
        for place, kind in enumerate(kinds):
            across, down, reach = rng.uniform(5, 11), rng.uniform(5, 11), rng.uniform(3, 5)
            far = (
                np.hypot(x - across, y - down)
                if kind == "disc"
                else np.maximum(abs(x - across), abs(y - down))
            )
            shape = far < reach if kind == "disc" else abs(far - reach) < 1
            pictures[place] = np.where(shape, rng.integers(160, 256), rng.integers(0, 40))
        sizes = {"batch_size": 32, "width": 16, "noise": 16, "epochs": 12, "judge_epochs": 6}
        how = {"ema": 0.99, "augment": "off", "seed": seed, "threads": 1}
        task = cls(Options.model_validate({**sizes, **how}))
        rows = task.read((pictures, kinds))
        parts = (slice(0, 200), slice(200, 250), slice(250, 320))
        goal = {"frechet_distance": 30.0}
        return task, Splits(*(rows.take(np.arange(320)[part]) for part in parts)), goal
