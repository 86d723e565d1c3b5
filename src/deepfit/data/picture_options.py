"""The options of tasks that learn to make pictures by two networks that play against each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from pydantic import Field, model_validator

from deepfit.options import Decay, Options, Rate, Warmup

PENALTY = 10.0
"""Weight of the gradient penalty: arXiv 1704.00028, section 4."""


class PictureGanOptions(Options):
    """How pictures are read, made and judged."""

    skip_broken: bool = Field(
        False, description="leave out pictures that cannot be read, and count them, instead of stopping"
    )
    image_size: Literal["auto", "16", "32", "64"] = Field(
        "auto", description="side of the made pictures, in pixels; auto: the nearest to the pictures' own"
    )
    network: Literal["auto", "dcgan", "resnet_gan"] = Field(
        "auto", description="the pair of networks; auto: dcgan, several times faster a picture"
    )
    width: int = Field(
        32, ge=4, le=1024, description="channels of both networks, of dcgan where pictures are half as large"
    )
    noise: int = Field(64, ge=1, le=4096, description="random numbers that a picture is made of")
    loss: Literal["non_saturating", "hinge", "wasserstein"] = Field(
        "hinge",
        description="what the two networks play for; wasserstein: with a gradient penalty",
    )
    spectral: Literal["auto", "on", "off"] = Field(
        "auto", description="spectral normalisation of the discriminator; auto: but for wasserstein"
    )
    penalty: float = Field(PENALTY, ge=0, le=1e6, description="weight of the gradient penalty of wasserstein")
    r1: float = Field(
        0.0, ge=0, le=1e6, description="weight of the R1 penalty on gradients at real pictures; 0 = none"
    )
    augment: Literal["auto", "on", "off"] = Field(
        "auto",
        description="change all that the discriminator sees at random; auto: below 2,000 training pictures",
    )
    discriminator_steps: int = Field(
        1, ge=1, le=100, description="steps of the discriminator for each of the generator"
    )
    features: str | None = Field(
        None,
        description="model folder or .safetensors of another run, whose judge is to compare the pictures",
    )
    judge_epochs: int = Field(
        0,
        ge=0,
        le=10_000,
        description="passes over the pictures in which the judge learns; 0 = so many that 150,000 are seen, "
        "at most 30",
    )

    epochs: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="rounds of training: passes over the pictures, of small sets as many as make 50 steps; "
        "0 = chosen so that about 700,000 pictures are made, at most 100 rounds",
    )
    batch_size: int = Field(64, ge=2, le=100_000, description="pictures a step")
    learning_rate: Rate = Field(
        1e-3, description="step size at its highest; the default fits adam and is scaled for other optimizers"
    )
    discriminator_rate: float = Field(
        2.0, gt=0, le=100, description="learning rate of the discriminator, in those of the generator"
    )
    optimizer: Literal["adamw", "adam", "sgd", "adagrad", "rmsprop", "lamb", "muon", "schedule_free"] = Field(
        "adamw", description="how both networks follow their gradients"
    )
    weight_decay: Decay = 0.0
    warmup: Warmup = 0.02
    ema: float = Field(
        0.999, ge=0, lt=1, description="decay of averaged weights, which draw, are scored and kept; 0 = off"
    )
    valid_fraction: float = Field(
        0.1, gt=0, lt=1, description="share of the other pictures held out to choose the best round"
    )

    @model_validator(mode="before")
    @classmethod
    def _no_range_test(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and cast("Mapping[str, Any]", given).get("learning_rate") == "auto":
            raise ValueError(
                "--learning-rate auto: a range test looks where the loss falls fastest, and in a game of two "
                "networks no loss falls. Leave --learning-rate away, or name a number"
            )
        return given

    @model_validator(mode="after")
    def _every_choice_has_an_effect(self) -> PictureGanOptions:
        if self.penalty != PENALTY and self.loss != "wasserstein":
            raise ValueError(f"--penalty has no effect with --loss {self.loss}; it is of wasserstein")
        if self.features is not None and self.judge_epochs:
            raise ValueError("--judge-epochs has no effect with --features, whose judge has learned already")
        if self.compile == "on":
            raise ValueError(
                "--compile on has no effect here: the two networks are called apart. Leave --compile away"
            )
        return self
