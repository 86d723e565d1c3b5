"""Which class each picture belongs to.

Data: a folder with one folder of pictures a class, optionally below `train/`, `valid/` and `test/`; or
pictures beside a `metadata.csv`, `.jsonl` or `.parquet` with the columns `file_name` and `label`; or a `.zip`
of either; or a pair of arrays (uint8 pictures [rows, height, width] or [rows, height, width, channels],
labels). PNG, JPEG, WebP, BMP, TIFF and GIF of any mode are read. To predict: the same without labels, one
picture, or a list of paths.

Answers: `prediction`, the class, and `probability_CLASS` for each class, calibrated on validation rows by one
temperature. With `class_weight balanced` they are the probabilities of a world in which every class is
equally frequent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from deepfit import answers, baselines, metrics
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data.batches import join, num_rows
from deepfit.data.labels import check_loss, targets_of
from deepfit.options import (
    RATES,
    Activation,
    AverageDecay,
    ClassLoss,
    ClassWeight,
    Decay,
    FocalGamma,
    LabelSmoothing,
    Rate,
    RateSchedule,
    ValidFraction,
    Warmup,
)
from deepfit.options import Options as SharedOptions

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.images import ImageRows

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
"""What published ResNets see their pictures scaled by, red, green, blue, in [0, 1]."""

PICTURES_SEEN = 200_000
"""Pictures that training sees, repeats included, where no number of epochs is given."""

SMALL_SIDE_PX = 64
"""Pictures up to this side get the small network where none is named; larger ones ResNet-18."""


class Options(SharedOptions):
    """How pictures are read, changed and classified."""

    target: str = Field("label", description="column of labels in a metadata table")
    skip_broken: bool = Field(
        False, description="leave out pictures that cannot be read, and count them, instead of stopping"
    )
    image_size: int = Field(
        0,
        ge=0,
        le=1024,
        description="side that pictures are brought to, in pixels; 0 = as they are, at most 224",
    )
    network: Literal[
        "auto", "lenet", "resnet9", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152"
    ] = Field("auto", description="auto: resnet9 up to 64 pixels, resnet18 above")
    activation: Activation = Field(
        "auto", description="bend between the layers; auto: relu in the ResNets, tanh in lenet"
    )
    pretrained: str | None = Field(
        None, description="local .safetensors or .pth file with weights of the ResNet to begin with"
    )
    flip: Literal["auto", "on", "off"] = Field(
        "auto", description="mirror pictures at random; auto: where the classes survive it"
    )
    shift: float = Field(0.08, ge=0, le=0.5, description="largest random move, as a share of the side")
    cutout: float = Field(
        0.0, ge=0, le=1, description="side of a hidden square, as a share of the side; 0 = none"
    )
    colour: float = Field(
        0.0, ge=0, le=1, description="largest random change of brightness, contrast and saturation"
    )
    loss: ClassLoss = "sparse_categorical_crossentropy"
    class_weight: ClassWeight = "none"
    focal_gamma: FocalGamma = 2.0
    label_smoothing: LabelSmoothing = 0.1

    epochs: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="passes over the training rows; 0 = 10 to 100, so that about 200,000 pictures are seen",
    )
    batch_size: int = Field(128, ge=1, le=10_000_000, description="rows a step")
    learning_rate: Rate | Literal["auto"] = Field(5e-3, description=f"step size at its highest; {RATES}")
    weight_decay: Decay = 0.05
    schedule: RateSchedule = "one_cycle"
    warmup: Warmup = 0.2
    ema: AverageDecay = 0.99
    valid_fraction: ValidFraction = 0.1

    @model_validator(mode="after")
    def _pretrained_fits(self) -> Options:
        if self.pretrained and self.network in ("lenet", "resnet9"):
            raise ValueError(
                "weights in a file are for the ResNets; leave --network away, or name resnet18 to resnet152"
            )
        if self.pretrained and self.activation not in ("auto", "relu"):
            raise ValueError(
                f"--activation {self.activation} does not go with --pretrained: the published weights were "
                "learned with relu, and mean nothing with another bend; leave one away"
            )
        return self


class ImageClassification:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: ClassVar[str] = "accuracy"
    classes: ClassVar[bool] = True
    sections: ClassVar[tuple[str, ...]] = ("curves", "confusion", "calibration", "pictures")

    def __init__(self, options: Options) -> None:
        self.options = options

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Pictures in the source are the reason."""
        from deepfit.data.images import recognise

        return recognise(source)

    def read(self, source: Any, facts: Facts | None = None) -> ImageRows:
        """Every picture decoded and checked.

        At predict brought to the size of training, with labels where there are any.
        """
        from deepfit.data.images import read_images

        if self.options.pretrained and facts is None:
            self.check_pretrained(self.options.pretrained)
        side = self.options.image_size
        return read_images(
            source,
            target=self.options.target,
            skip_broken=self.options.skip_broken,
            require_labels=facts is None,
            size=tuple(facts["size"]) if facts else (side, side) if side else None,
        )

    def check_pretrained(self, path: str) -> None:
        """ArtifactError, before pictures are read, where the file is not one of weights for the network."""
        import torch

        from deepfit.nn import pretrained
        from deepfit.nn.nets.resnet import resnet

        named = "resnet18" if self.options.network == "auto" else self.options.network
        with torch.device("meta"):
            net = resnet(int(named.removeprefix("resnet")), in_channels=3, num_classes=2)
        pretrained.fit(net, path)

    def learn(self, train: ImageRows) -> Facts:
        """Classes, size, channels, mean and standard deviation a channel.

        And whether a mirrored picture keeps its class.
        """
        from deepfit.data.images import learn_images

        facts = learn_images(train, image_size=self.options.image_size)
        if self.options.pretrained:
            facts.update(pretrained_moments(facts["channels"]))
        check_loss(self.options.loss, facts["classes"], train.name)
        return {**facts, **self.judged_mirror(train, facts)}

    def judged_mirror(self, train: ImageRows, facts: Facts) -> dict[str, Any]:
        """Whether pictures are mirrored in training, and why."""
        from deepfit.data.mirror import SAMPLE, judge_mirror

        if self.options.flip != "auto":
            return {"flip": self.options.flip == "on", "flip_reason": "as the option says"}
        chosen = np.random.default_rng(self.options.seed).permutation(len(train))[:SAMPLE]
        sample = self.encode(train.take(np.sort(chosen)), facts)
        mirror = judge_mirror(sample["images"], sample["target"], seed=self.options.seed)
        return {"flip": mirror.harmless, "flip_reason": mirror.why}

    def encode(self, rows: ImageRows, facts: Facts) -> Batch:
        """`images` uint8 [rows, height, width, channels]; `target` int64 [rows] where there are labels."""
        from deepfit.data.images import encode_images

        return encode_images(rows, facts)

    def build(self, facts: Facts) -> nn.Module:
        """The network that the options name; published weights come at the start of `plan`."""
        from deepfit.nn.nets.lenet import LeNet
        from deepfit.nn.nets.resnet import resnet
        from deepfit.nn.nets.resnet9 import ResNet9

        name = self.network_name(facts)
        sizes = {"in_channels": facts["channels"], "num_classes": len(facts["classes"])}
        if self.options.activation != "auto":
            sizes["activation"] = self.options.activation
        if name == "lenet":
            return LeNet(size=(facts["size"][0], facts["size"][1]), **sizes)
        if name == "resnet9":
            return ResNet9(**sizes)
        small = max(facts["size"]) <= SMALL_SIDE_PX and not self.options.pretrained
        return resnet(int(name.removeprefix("resnet")), small=small, **sizes)

    def network_name(self, facts: Facts) -> str:
        """The network for pictures of this size."""
        if self.options.network != "auto":
            return self.options.network
        return "resnet18" if self.options.pretrained or max(facts["size"]) > SMALL_SIDE_PX else "resnet9"

    def plan(self, net: nn.Module, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """Supervised learning on augmented pictures, from published weights where a file gives them.

        The epoch with the best validation accuracy is kept, with balanced class weights the balanced one.
        """
        import torch

        from deepfit import plans
        from deepfit.nn import pretrained
        from deepfit.nn.augment import Augmentation, augment
        from deepfit.plans import objectives

        if self.options.pretrained:
            pretrained.load_pretrained(net, self.options.pretrained)
        epochs = self.options.epochs or min(100, max(10, PICTURES_SEEN // num_rows(data.train)))
        options = self.options.model_copy(update={"epochs": epochs})
        how = Augmentation(
            flip=facts["flip"], shift=options.shift, cutout=options.cutout, colour=options.colour
        )

        def forward(batch: Batch) -> torch.Tensor:
            if not net.training:
                return net(self.standard(batch, facts))
            return net(augment(batch["images"], torch.default_generator, how=how, **moments(facts)))

        objective = objectives.of_classes(options, data.train["target"], len(facts["classes"]))
        best = "balanced_accuracy" if options.class_weight == "balanced" else "accuracy"

        def score() -> Mapping[str, float]:
            logits = self.outputs(net, data.valid, facts)["logits"]
            scores = metrics.classification(answers.softmax(logits), data.valid["target"])
            return {name: scores[name] for name in dict.fromkeys(("accuracy", "log_loss", best))}

        yield from plans.supervised(
            net,
            data,
            options,
            run,
            forward=forward,
            loss=lambda logits, batch: objective(logits, batch["target"]),
            score=score,
            best=best,
        )

    def standard(self, batch: Batch, facts: Facts) -> Any:
        """Pictures as the network sees them outside training."""
        from deepfit.nn.augment import standardise

        return standardise(batch["images"], **moments(facts))

    def outputs(self, net: nn.Module, batch: Batch, facts: Facts) -> Batch:
        """`logits` float32 [rows, classes]."""
        return {"logits": self.foreseen(net, net, batch, facts)}

    def embed(self, net: nn.Module, batch: Batch, facts: Facts) -> np.ndarray:
        """What the classifier sees of each picture, float32 [rows, width]."""
        return self.foreseen(net, net.features, batch, facts)  # pyright: ignore[reportArgumentType]  (a method)

    def foreseen(self, net: nn.Module, says: Callable[[Any], Any], batch: Batch, facts: Facts) -> np.ndarray:
        """What the network, or a part of it, says of pictures."""
        from deepfit import plans

        rows_at_once = max(1, 2**22 // max(1, int(np.prod(facts["size"])) * facts["channels"]))
        forward = lambda part: says(self.standard(part, facts))  # noqa: E731 (one expression)
        return plans.foresee(net, batch, forward, rows_at_once=rows_at_once)

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """The temperature of the probabilities."""
        return answers.calibrate(outputs, batch, facts)

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The class of each picture and a probability for every class."""
        return answers.decode(outputs, facts)

    def metrics(self, answers_: Answers, rows: ImageRows) -> Mapping[str, float]:
        """Accuracy, balanced accuracy, F1, ROC AUC, log loss and calibration error."""
        return answers.score(answers_, targets_of(rows))

    def baselines(self, data: Splits[ImageRows]) -> Iterator[Baseline]:
        """The most frequent class, a linear model on pixels, and gradient boosting on pixels."""
        facts = self.learn(data.train)
        train = join(self.encode(data.train, facts), self.encode(data.valid, facts))
        test = self.encode(data.held_out, facts)
        for name, probabilities, seconds in baselines.for_images(
            train, test, len(facts["classes"]), seed=self.options.seed
        ):
            yield Baseline(name, answers.of_classes(probabilities, facts["classes"]), seconds)

    @classmethod
    def tiny(cls, seed: int) -> tuple[ImageClassification, Splits[ImageRows], Mapping[str, float]]:
        """Bars that lie, stand or lean in grey noise: 240 pictures of 12 x 12 pixels."""
        rng = np.random.default_rng(seed)
        labels = rng.permutation(np.repeat(["lying", "standing", "leaning"], 80))
        pictures = rng.integers(0, 90, (240, 12, 12), dtype=np.uint8)
        for picture, label in zip(pictures, labels, strict=True):
            place = rng.integers(2, 10)
            if label == "lying":
                picture[place, 1:11] += 150
            elif label == "standing":
                picture[1:11, place] += 150
            else:
                picture[np.arange(1, 11), np.roll(np.arange(1, 11), place - 6)] += 150
        task = cls(Options.model_validate({"epochs": 4, "batch_size": 32, "seed": seed, "threads": 1}))
        rows = task.read((pictures, labels))
        parts = (slice(0, 140), slice(140, 180), slice(180, 240))
        return task, Splits(*(rows.take(np.arange(240)[part]) for part in parts)), {"accuracy": 0.9}


def moments(facts: Facts) -> dict[str, list[float]]:
    """Mean and standard deviation a channel, on the scale of bytes."""
    return {name: [255 * value for value in facts[name]] for name in ("mean", "std")}


def pretrained_moments(channels: int) -> dict[str, list[float]]:
    """The mean and deviation that published weights were trained with.

    For grey pictures their mean over the colours.
    """
    if channels == 3:
        return {name: list(values) for name, values in IMAGENET.items()}
    return {name: [sum(values) / 3] for name, values in IMAGENET.items()}
