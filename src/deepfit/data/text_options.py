"""The options of tasks that learn something of whole texts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from deepfit.options import (
    RATES,
    AverageDecay,
    Decay,
    Options,
    RateSchedule,
    ValidFraction,
    Warmup,
    as_text,
)

SCRATCH = {"vocabulary": 8192, "token_dropout": 0.2}
"""Options that only a network learned from nothing has, and their defaults."""

TUNED = {"layer_decay": 0.9}
"""Options that only a published encoder has."""


PublishedEncoder = Annotated[
    str | None,
    Field(description="folder of a published encoder (BERT, RoBERTa, DistilBERT, MiniLM) to fine-tune"),
]


class TextOptions(Options):
    """How texts are read and by which network.

    The defaults were chosen by validation within the training rows of two real sets; see
    `benchmarks/quality_texts.py`.
    """

    text: str = Field("text", description="column of the texts")
    target: str = Field("label", description="column to predict")
    network: Literal["auto", "lstm", "gru", "temporal_cnn", "transformer_encoder"] = Field(
        "auto", description="learned from nothing on your rows alone; auto: temporal_cnn; without --base"
    )
    base: PublishedEncoder = None
    vocabulary: int = Field(
        SCRATCH["vocabulary"],
        ge=300,
        le=1_000_000,
        description="word pieces learned from the training rows, at most; without --base",
    )
    pairs: int = Field(
        200_000,
        ge=0,
        le=10_000_000,
        description="pairs of neighbouring word pieces with a weight of their own, at most; 0 = no linear"
        " part beside the network; for classes",
    )
    window: int = Field(
        0,
        ge=0,
        le=65_536,
        description="tokens read at once, longer texts in overlapping windows; 0 = 256 with --base or"
        " transformer_encoder, else 1,024",
    )
    dropout: float = Field(
        -1.0, ge=-1, lt=1, description="share of numbers dropped before the answer; -1 = 0.5, with --base 0.1"
    )
    token_dropout: float = Field(
        SCRATCH["token_dropout"],
        ge=0,
        lt=1,
        description="share of tokens hidden while training; without --base",
    )
    layer_decay: float = Field(
        TUNED["layer_decay"],
        gt=0,
        le=1,
        description="each layer below the top learns slower by this factor; with --base",
    )

    epochs: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="passes over the training rows; 0 = 4 to 60 so that about 30,000 rows are seen, with"
        " --base 1 to 10 so that about a million tokens are",
    )
    batch_size: int = Field(0, ge=0, le=10_000_000, description="rows a step; 0 = 64, with --base 16")
    learning_rate: Annotated[float, Field(ge=0, le=100)] | Literal["auto"] = Field(
        0.0, description=f"step size at its highest; 0 = 0.002, with --base 0.0001; {RATES}"
    )
    weight_decay: Decay = 0.01
    schedule: RateSchedule = "one_cycle"
    warmup: Warmup = 0.1
    ema: AverageDecay = 0.98
    valid_fraction: ValidFraction = 0.1

    _as_text = field_validator("text", "target", mode="before")(as_text)

    @model_validator(mode="after")
    def _fits_the_network(self) -> TextOptions:
        if self.base is not None and self.network != "auto":
            raise ValueError(
                f"--network {self.network} has no effect with --base, which brings its own; leave one away"
            )
        unused: dict[str, Any] = SCRATCH if self.base is not None else TUNED
        for name, default in unused.items():
            if getattr(self, name) != default:
                when = "with" if self.base is not None else "without"
                raise ValueError(f"--{name.replace('_', '-')} has no effect {when} --base; leave it away")
        if -1 < self.dropout < 0:
            raise ValueError("--dropout is a share from 0 up, or -1 for the usual one")
        return self
