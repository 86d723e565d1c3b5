"""The options that every task shares: how the rows are split and how a loss is minimised.

A task's `Options` extends these with its own fields and may change the defaults. Every field has a default, a
range, a unit where a number has one, and a line of help; flags, `config.yaml`, the docs pages and the web
form are made from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deepfit.errors import OptionError, suggest

Seconds = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


class Options(BaseModel):
    """The base of every task's options: frozen, nothing extra."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: str = Field(
        "auto",
        description="how rows are held out: auto, random, stratified, group:COL, time:COL or column:COL",
    )
    test_fraction: Fraction = Field(
        0.2, description="share of rows held out for the final scores where no test data is named"
    )
    valid_fraction: float = Field(
        0.15,
        gt=0,
        lt=1,
        description="share of the other rows held out to choose the best epoch and calibrate",
    )
    seed: int = Field(0, ge=0, lt=2**63, description="same seed, same data, same machine: same result")

    epochs: int = Field(20, ge=1, le=1_000_000, description="passes over the training rows")
    batch_size: int = Field(256, ge=1, le=10_000_000, description="rows a step")
    learning_rate: float = Field(1e-3, gt=0, le=100, description="step size at its highest")
    optimizer: Literal["adamw", "adam", "sgd"] = Field("adamw", description="how the gradient is followed")
    momentum: float = Field(0.9, ge=0, lt=1, description="Nesterov momentum of sgd")
    weight_decay: float = Field(
        0.01, ge=0, le=10, description="decoupled decay of weights (adamw), L2 penalty (adam, sgd)"
    )
    schedule: Literal["constant", "cosine", "one_cycle"] = Field(
        "cosine", description="course of the learning rate over the run"
    )
    warmup: Fraction = Field(0.05, description="share of the run over which the learning rate rises")
    clip_norm: float = Field(0.0, ge=0, description="longest gradient, as Euclidean norm; 0 = no clipping")
    accumulate: int = Field(
        1, ge=1, le=65_536, description="pieces that a batch is computed in, to save memory"
    )
    ema: float = Field(
        0.0, ge=0, lt=1, description="decay of averaged weights, which are scored and kept; 0 = off"
    )
    patience: int = Field(
        0, ge=0, description="epochs without a better validation score before stopping; 0 = never stop early"
    )

    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="number format of the arithmetic"
    )
    compile: Literal["auto", "on", "off"] = Field(
        "auto", description="compile the network; auto: where the run is long enough to gain"
    )
    device: str = Field("auto", description="auto, cpu, or an accelerator such as cuda, cuda:1, mps")
    threads: int = Field(0, ge=0, le=4096, description="CPU threads; 0 = chosen by cores and load")
    checkpoint_minutes: float = Field(
        5.0, gt=0, description="longest time between checkpoints, in minutes; one at each epoch besides"
    )

    @model_validator(mode="after")
    def _momentum_has_an_effect(self) -> Self:
        if self.optimizer != "sgd" and self.momentum != type(self).model_fields["momentum"].default:
            raise ValueError(f"--momentum has no effect with --optimizer {self.optimizer}; it is of sgd")
        return self


T = TypeVar("T", bound=BaseModel)


def resolve(model: type[T], given: Mapping[str, Any]) -> T:
    """Options from names and values (text is converted).

    OptionError with a suggestion for a name or value that does not fit.
    """
    known = model.model_fields
    for name in given:
        if name not in known:
            raise OptionError(f"There is no option '{name}' here. {suggest(name, known)}")
    try:
        return model(**given)
    except ValidationError as error:
        lines = [
            f"--{str(problem['loc'][0]).replace('_', '-')}: {problem['msg']}, received {problem['input']!r}."
            if problem["loc"]
            else f"{problem['msg'].removeprefix('Value error, ')}."
            for problem in error.errors()
        ]
        raise OptionError("\n".join(lines)) from None
