"""Pictures of what a caption says.

Data: a folder or `.zip` of pictures with captions, at least 50 and better some thousands: a `metadata.csv`,
`.jsonl` or `.parquet` with the columns `file_name` and `text`, or a `.txt` file of the same name beside each
picture, or folders whose names say what is on their pictures (`red_circle/`); optionally below `train/`,
`valid/` and `test/`; or a pair (uint8 pictures, captions). Pictures are brought to the nearest of 16 x 16,
32 x 32 and 64 x 64 pixels. To predict: the same, or captions alone: a table with a column `text`, or a list.

Everything is learned from these captions and pictures alone, so a caption may combine the words of training
captions, and no others. First a judge learns to see what captions say; then a generator learns to make
pictures from random numbers and a caption, against a discriminator that learns whether a picture is real and
fits its caption. Scores are taken in the judge's features on pictures that training never saw:
`frechet_distance` (in percent of the variance of real features; compare it with that of `real_pictures`),
`precision`, `recall`, and `recognised`: the share of made pictures that the judge takes for what was asked.
Where captions are few and have many pictures each, it learns to tell them apart; otherwise it learns frequent
words, and a picture is recognised where the words of its caption that can be seen in real pictures are
likelier than those of each of at most 100 other captions.

Answers: `prediction`, a made picture for each caption as a PNG in a data URI, and `unknown_words`, how many
of the caption's words training has not seen. What the model is for is `deepfit sample RUN --prompt "a red
circle" --out made.png`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from deepfit.answers import generation
from deepfit.answers.pictures import from_text
from deepfit.baselines import pictures as baselines
from deepfit.contract import Answers, Baseline, Batch, Concern, Facts, Phase, Run, Splits
from deepfit.data import captioned_pictures, made_pictures
from deepfit.data.batches import join
from deepfit.data.caption_words import memberships
from deepfit.data.noise import round_trip
from deepfit.data.picture_options import PictureGanOptions
from deepfit.data.ragged import Ragged
from deepfit.metrics import contest
from deepfit.metrics.feature_tally import FeatureTally
from deepfit.metrics.generation import likeliest, visible

if TYPE_CHECKING:
    from torch import Tensor, nn

    from deepfit.data.captions import CaptionRows

WALK_PLACES = 4
"""Captions between which a walk goes where none is named, and points of a walk on one caption."""
DRAW, WALK = 0x5A3F, 0x3A1C


class Options(PictureGanOptions):
    """How pictures are read, made and judged."""

    text: str = Field("text", description="column of captions in a metadata table, or in a table to predict")
    caption_width: int = Field(
        32, ge=4, le=4096, description="numbers that a caption becomes, which both networks are given"
    )
    variety: float = Field(
        0.05, ge=0, le=1000, description="weight of the loss by which pictures of one caption differ; 0 = off"
    )


class TextToImage:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: ClassVar[str] = "-frechet_distance"
    classes: ClassVar[bool] = True
    references: ClassVar[tuple[str, ...]] = ("real_pictures",)
    sections: ClassVar[tuple[str, ...]] = ("asked_pictures", "made_pictures", "contest", "copies")

    def __init__(self, options: Options) -> None:
        self.options = options

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Captions beside the pictures are the reason; class folders and a target are for other tasks too."""
        from deepfit.data.captions import recognise

        return None if target is not None else recognise(source)

    def read(self, source: Any, facts: Facts | None = None) -> CaptionRows:
        """Every picture decoded and checked, with its caption; at predict also captions alone."""
        from deepfit.data.captions import read_captions

        if self.options.features is not None and facts is None:
            made_pictures.find_features(self.options.features)
        rows = read_captions(
            source,
            text=self.options.text,
            skip_broken=self.options.skip_broken,
            training=facts is None,
            size=tuple(facts["size"]) if facts else None,
        )
        return made_pictures.checked(rows, self.options.image_size) if facts is None else rows

    def learn(self, train: CaptionRows) -> Facts:
        """Words, kinds of picture, size, channels, and what the judge learns."""
        return captioned_pictures.learn_captioned(
            train, image_size=self.options.image_size, features=self.options.features
        )

    def encode(self, rows: CaptionRows, facts: Facts) -> Batch:
        """`words` Ragged int32, `noise` float32 [rows, noise], `unknown_words` int64 [rows].

        Where there are pictures `images` uint8 [rows, side, side, channels] and, where captions stand for
        kinds, `target` int64 [rows], -1 for a kind that training did not have.
        """
        return captioned_pictures.encode_captioned(
            rows, facts, noise=self.options.noise, seed=self.options.seed
        )

    def build(self, facts: Facts) -> nn.Module:
        """Generator, discriminator, judge, and the reader of captions."""
        from deepfit.nn.caption_encoder import CaptionEncoder
        from deepfit.plans import adversarial

        width = self.options.caption_width
        reader = CaptionEncoder(len(facts["words"]) + 1, out=width)
        return adversarial.build(facts, self.options, condition=width, reader=reader)

    def plan(self, net: Any, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """The judge, then the two networks against each other; captions are read by the discriminator's."""
        from deepfit.plans import adversarial

        yield from adversarial.pictures(
            net,
            data,
            facts,
            self.options,
            run,
            condition=reading(net),
            conditions=("words",),
            variety=self.options.variety,
        )

    def outputs(self, net: Any, batch: Batch, facts: Facts) -> Batch:
        """`images` float32 [rows, side, side, channels] in [-1, 1], and `unknown_words`."""
        from deepfit.plans import adversarial

        asked = {"noise": batch["noise"], "words": batch["words"]}
        made = adversarial.paint(net, asked, reading(net))
        return {"images": made, "unknown_words": batch["unknown_words"]}

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """Nothing to learn from held-out rows."""
        return facts

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The made pictures as texts."""
        made = generation.of_pictures(generation.as_bytes(outputs["images"]))
        return Answers({**made.columns, "unknown_words": outputs["unknown_words"]})

    def appraise(
        self, net: Any, answers: Answers, rows: CaptionRows, facts: Facts, *, train: CaptionRows | None = None
    ) -> Answers:
        """The judge's features of made and of real pictures, which lie among the others, which fit."""
        from deepfit.plans import picture_judge

        batch = self.encode(rows.labelled(), facts)
        real = {name: batch[name] for name in ("images", "target") if name in batch}
        found = picture_judge.appraise(net.judge, answers, real, facts)
        words = picture_judge.words_of(facts)
        if not words:
            return found
        made = from_text(answers.columns["prediction"])
        odds, real_odds = (
            picture_judge.words_seen(net.judge, images, facts) for images in (made, real["images"])
        )
        others = captioned_pictures.encode_prompts(facts["captions"], facts)
        told, other = (memberships(each, words) for each in (batch["words"], others))
        seen = visible(real_odds, told)
        if not seen.any():
            return found
        fits = likeliest(odds[:, seen], told[:, seen], other[:, seen])
        return Answers({**found.columns, "recognised": fits.astype(float)})

    def metrics(self, answers: Answers, rows: CaptionRows) -> Mapping[str, float]:
        """Frechet distance, precision, recall, and the share that is recognised."""
        return generation.score(answers)

    def tally(self, answers: Answers, rows: CaptionRows) -> FeatureTally:
        """What intervals are made of."""
        return generation.tally(answers)

    def baselines(self, data: Splits[CaptionRows]) -> Iterator[Baseline]:
        """Training pictures of the caption or the likest one, which are the floor; a Gaussian of the pixels.

        The Gaussian is that of the caption's pictures where captions stand for kinds.
        """
        facts = captioned_pictures.learn_captioned(
            data.train, image_size=self.options.image_size, features=None
        )
        train, valid, test = (self.encode(part, facts) for part in (data.train, data.valid, data.held_out))
        known = join(train, valid)
        seed, rows = self.options.seed, len(data.held_out)
        unknown = {"unknown_words": test["unknown_words"]}
        if facts["classes"]:
            made = baselines.for_pictures(
                known["images"], rows, seed=seed, train_classes=known["target"], classes=test["target"]
            )
        else:
            made = by_caption(known, test, len(facts["words"]), seed)
        for name, images, seconds in made:
            columns = generation.of_pictures(images).columns
            yield Baseline(name, Answers({**columns, **unknown}), seconds)

    def review(self, history: Sequence[Mapping[str, Any]]) -> list[Concern]:
        """A discriminator that won outright, a generator that collapsed."""
        return contest.review(history)

    def sample(self, net: Any, facts: Facts, *, count: int, seed: int, prompts: Sequence[str] = ()) -> Batch:
        """`images` uint8 [rows, side, side, channels], `count` of each prompt, one prompt after the other.

        Without prompts `count` of training captions that are drawn.
        """
        rng = np.random.default_rng([seed, DRAW])
        chosen = list(prompts) or drawn(facts, count, rng)
        words = captioned_pictures.encode_prompts(chosen, facts)
        words = words[np.repeat(np.arange(len(chosen)), count if prompts else 1)]
        noise = rng.standard_normal((len(words), self.options.noise), dtype=np.float32)
        return self.painted(net, {"noise": noise, "words": words}, facts)

    def walk(self, net: Any, facts: Facts, *, steps: int, seed: int, prompts: Sequence[str] = ()) -> Batch:
        """`images` uint8 [steps, side, side, channels] from prompt to prompt and back to the first.

        Of one prompt a walk between four of its pictures; without prompts between four training captions.
        """
        from deepfit.plans import adversarial
        from deepfit.plans.foresight import foresee

        rng = np.random.default_rng([seed, WALK])
        chosen = list(prompts) or drawn(facts, WALK_PLACES, rng)
        chosen = chosen * WALK_PLACES if len(chosen) == 1 else chosen
        words = captioned_pictures.encode_prompts(chosen, facts)
        told = foresee(net, {"words": words}, reading(net))
        noise = rng.standard_normal((len(chosen), self.options.noise), dtype=np.float32)
        way = {"noise": round_trip(noise, steps), "told": round_trip(told, steps)}
        images = adversarial.paint(net, way, lambda part: part["told"])
        return {"images": generation.as_bytes(images)}

    def painted(self, net: Any, batch: dict[str, Any], facts: Facts) -> Batch:
        """`images` uint8 of words and noise."""
        nothing = np.zeros(len(batch["noise"]), np.int64)
        return {
            "images": generation.as_bytes(
                self.outputs(net, {**batch, "unknown_words": nothing}, facts)["images"]
            )
        }

    @classmethod
    def tiny(cls, seed: int) -> tuple[TextToImage, Splits[CaptionRows], Mapping[str, float]]:
        """Red, green and blue discs and bars somewhere in the dark: 360 pictures of 16 x 16 pixels."""
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:16, :16]
        captions, pictures = [], np.empty((360, 16, 16, 3), np.uint8)
        colours = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}
        for place in range(360):
            colour, shape = list(colours)[place % 3], ("disc", "bar")[place // 3 % 2]
            across, down = rng.uniform(5, 11, 2)
            inside = np.hypot(x - across, y - down) < 4 if shape == "disc" else abs(y - down) < 2
            pictures[place] = rng.integers(0, 40) + inside[..., None] * (np.array(colours[colour]) * 200)
            captions.append(f"a {colour} {shape}")
        sizes = {"batch_size": 32, "width": 16, "noise": 16, "caption_width": 16, "epochs": 8}
        game = {"loss": "hinge", "discriminator_rate": 2, "learning_rate": 2e-3, "augment": "off"}
        how = {"judge_epochs": 10, "ema": 0.98, "seed": seed, "threads": 1}
        task = cls(Options.model_validate({**sizes, **game, **how}))
        rows = task.read((pictures, captions))
        order = rng.permutation(360)
        parts = (order[:220], order[220:280], order[280:])
        return task, Splits(*(rows.take(part) for part in parts)), {"recognised": 0.6}


def reading(net: Any) -> Any:
    """What a batch's captions say, as the network's reader puts it: a batch -> condition_BK."""

    def condition(batch: Batch) -> Tensor:
        return net.reader(batch["words"], batch["words_keep"])

    return condition


def drawn(facts: Facts, count: int, rng: np.random.Generator) -> list[str]:
    """Training captions at random."""
    return [facts["captions"][place] for place in rng.integers(0, len(facts["captions"]), count)]


def by_caption(known: Batch, asked: Batch, num_words: int, seed: int) -> Iterator[baselines.Made]:
    """Yield real_pictures, those of the likest training captions, and the Gaussian of all."""
    began = time.perf_counter()
    rows: Ragged = known["words"]
    likest = captioned_pictures.nearest_captions(rows, asked["words"], num_words, seed)
    yield "real_pictures", known["images"][likest], time.perf_counter() - began
    began = time.perf_counter()
    rng = np.random.default_rng([seed, 0x6A55])
    yield "gaussian", baselines.gaussian(known["images"], len(likest), rng), time.perf_counter() - began
