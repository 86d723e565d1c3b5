"""The options that every task shares: how the rows are split and how a loss is minimised.

A task's `Options` extends these with its own fields and may change the defaults. Every field has a default, a
range, a unit where a number has one, and a line of help; flags, `config.yaml`, the docs pages and the web
form are made from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deepfit import vocabulary
from deepfit.errors import OptionError, suggest

Seconds = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(gt=0, le=100)]


class Usual(NamedTuple):
    """What an optimizer makes of a task's defaults: factors on the learning rate and on the weight decay."""

    rate: float
    decay: float


USUAL = {
    "sgd": Usual(10.0, 1e-4),
    "adagrad": Usual(10.0, 1e-4),
    "rmsprop": Usual(1.0, 1e-4),
    "adam": Usual(1.0, 1e-4),
    "adamw": Usual(1.0, 1.0),
    "lamb": Usual(3.0, 1.0),
    "muon": Usual(1.0, 1.0),
    "schedule_free": Usual(1.0, 1.0),
}
"""A task's defaults are for adamw; these were chosen on three real sets, see docs/guides/training.md."""

RATES = "auto: chosen by a range test; the default fits adamw and is scaled for other optimizers"
DECAY = (
    "decoupled decay of weights (adamw, lamb, muon, schedule_free), L2 penalty (the others, whose default "
    "is 10,000 times less)"
)

Decay = Annotated[float, Field(ge=0, le=10, description=DECAY)]
RateSchedule = Annotated[
    Literal["constant", "cosine", "one_cycle"], Field(description="course of the learning rate over the run")
]
Warmup = Annotated[
    float, Field(ge=0, lt=1, description="share of the run over which the learning rate rises")
]
AverageDecay = Annotated[
    float,
    Field(ge=0, lt=1, description="decay of averaged weights, which are scored and kept; 0 = off"),
]
Patience = Annotated[
    int,
    Field(ge=0, description="epochs without a better validation score before stopping; 0 = never stop early"),
]
ClipNorm = Annotated[float, Field(ge=0, description="longest gradient, as Euclidean norm; 0 = no clipping")]
ValidFraction = Annotated[
    float,
    Field(
        gt=0,
        lt=1,
        description="share of the other rows held out to choose the best epoch and calibrate",
    ),
]

AVERAGING = {"schedule_free": {"schedule": "constant", "ema": 0.0}}
"""Optimizers that average the weights themselves, and the options that they take the place of."""

Activation = Literal[
    "auto",
    "linear",
    "tanh",
    "sigmoid",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "swish",
    "mish",
    "softplus",
    "softmax",
]
ClassLoss = Annotated[
    Literal[
        "sparse_categorical_crossentropy",
        "categorical_crossentropy",
        "binary_crossentropy",
        "focal",
        "categorical_hinge",
        "hinge",
    ],
    Field(description="what training makes small"),
]
AmountLoss = Literal["mean_squared_error", "mean_absolute_error", "huber", "log_cosh", "quantile", "poisson"]
TargetTransform = Annotated[
    Literal["auto", "none", "log"],
    Field(description="what is learned: the target or its logarithm; auto: the logarithm of skewed amounts"),
]
RegressionLoss = Annotated[
    AmountLoss,
    Field(
        description="what training makes small: answers are means (mean_squared_error, poisson), medians "
        "(mean_absolute_error), between the two (huber, log_cosh) or quantiles"
    ),
]
HuberDelta = Annotated[
    float,
    Field(gt=0, description="difference from which huber grows straight, in deviations of what is learned"),
]
QuantileShare = Annotated[
    float, Field(gt=0, lt=1, description="share of targets below the answers of quantile")
]

ClassWeight = Annotated[
    Literal["none", "balanced"],
    Field(description="how much a row counts; balanced: every class has the same say, however rare"),
]
FocalGamma = Annotated[
    float, Field(ge=0, le=20, description="how far focal looks away from easy rows; 0 = the cross-entropy")
]
LabelSmoothing = Annotated[
    float,
    Field(ge=0, lt=1, description="share of each target that the cross-entropies spread over all classes"),
]

CROSSENTROPIES = ("sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy")
"""The losses whose targets are shares, which label smoothing can spread."""

ONLY_WITH = {
    "momentum": ("optimizer", ("sgd", "muon")),
    "label_smoothing": ("loss", CROSSENTROPIES),
    "focal_gamma": ("loss", ("focal",)),
    "huber_delta": ("loss", ("huber",)),
    "quantile": ("loss", ("quantile",)),
}
"""Option -> the option that decides whether it has an effect, and the values with which it has one."""


def check_transform(loss: str, transform: str) -> None:
    """ValueError where a target's logarithm is asked for twice."""
    if loss == "poisson" and transform == "log":
        raise ValueError(
            "--target-transform log does not go with --loss poisson, which learns the logarithm of the "
            "expected target already; leave one away"
        )


def as_text(value: object) -> object:
    """A column's name given as a number, as those of arrays may be, as text; None as it is."""
    return None if value is None else str(value)


class Options(BaseModel):
    """The base of every task's options: frozen, nothing extra."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: str = Field(
        default="auto",
        description="how rows are held out: auto, random, stratified, group:COL, time:COL or column:COL",
    )
    test_fraction: Fraction = Field(
        default=0.2, description="share of rows held out for the final scores where no test data is named"
    )
    valid_fraction: ValidFraction = 0.15
    seed: int = Field(
        default=0, ge=0, lt=2**63, description="same seed, same data, same machine: same result"
    )

    epochs: int = Field(default=20, ge=1, le=1_000_000, description="passes over the training rows")
    batch_size: int = Field(default=256, ge=1, le=10_000_000, description="rows a step")
    learning_rate: Rate | Literal["auto"] = Field(
        default=1e-3, description=f"step size at its highest; {RATES}"
    )
    optimizer: Literal["adamw", "adam", "sgd", "adagrad", "rmsprop", "lamb", "muon", "schedule_free"] = Field(
        default="adamw", description="how the gradient is followed"
    )
    momentum: float = Field(default=0.9, ge=0, lt=1, description="Nesterov momentum of sgd and muon")
    weight_decay: Decay = 0.01
    schedule: RateSchedule = "cosine"
    warmup: Warmup = 0.05
    clip_norm: ClipNorm = 0.0
    accumulate: int = Field(
        default=1, ge=1, le=65_536, description="pieces that a batch is computed in, to save memory"
    )
    ema: AverageDecay = 0.0
    patience: Patience = 0

    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="number format of the arithmetic"
    )
    compile: Literal["auto", "on", "off"] = Field(
        default="auto", description="compile the network; auto: where the run is long enough to gain"
    )
    device: str = Field(default="auto", description="auto, cpu, or an accelerator such as cuda, cuda:1, mps")
    threads: int = Field(default=0, ge=0, le=4096, description="CPU threads; 0 = chosen by cores and load")
    checkpoint_minutes: float = Field(
        default=5.0,
        gt=0,
        description="longest time between checkpoints, in minutes; one at each epoch besides",
    )

    @model_validator(mode="before")
    @classmethod
    def _as_the_optimizer_needs_it(cls, given: Any) -> Any:
        """The defaults of the optimizer where options are left at those of the task, which are for adamw."""
        fields = cls.model_fields
        if not isinstance(given, Mapping):
            return given
        filled = dict(cast("Mapping[str, Any]", given))
        name = filled.get("optimizer", fields["optimizer"].default)
        if name not in USUAL:
            return filled
        for option, factor in (("learning_rate", USUAL[name].rate), ("weight_decay", USUAL[name].decay)):
            if option not in filled and isinstance(fields[option].default, float) and factor != 1:
                filled[option] = float(f"{fields[option].default * factor:.6g}")
        for option, off in AVERAGING.get(name, {}).items():
            default = fields[option].default
            value = filled.get(option, default)
            if _same(value, default):
                filled[option] = off
            elif not _same(value, off):
                raise ValueError(
                    f"--{option} {value} has no effect with --optimizer {name}, which averages the weights "
                    f"itself and needs no schedule. Leave --{option} away"
                )
        return filled

    @model_validator(mode="after")
    def _everything_set_has_an_effect(self) -> Self:
        fields = type(self).model_fields
        for name, (chooser, values) in ONLY_WITH.items():
            if name not in fields or chooser not in fields or getattr(self, chooser) in values:
                continue
            if getattr(self, name) != fields[name].default:
                raise ValueError(
                    f"--{name.replace('_', '-')} has no effect with --{chooser} {getattr(self, chooser)}; "
                    f"it is of {' and '.join(values)}"
                )
        return self


def _same(value: Any, other: Any) -> bool:
    """Whether two values of an option are equal; one may still be text."""
    try:
        return float(value) == float(other)
    except (TypeError, ValueError):
        return value == other


T = TypeVar("T", bound=BaseModel)


def resolve(model: type[T], given: Mapping[str, Any]) -> T:
    """Options from names and values (text is converted).

    OptionError with a suggestion for a name or value that does not fit; a name of the vocabulary that is not
    for this task is refused with the reason.
    """
    known = model.model_fields
    for name in given:
        if name not in known:
            raise OptionError(f"There is no option '{name}' here. {suggest(name, known)}")
    try:
        return model(**given)
    except ValidationError as error:
        raise OptionError("\n".join(_lines(model, error))) from None


def _lines(model: type[BaseModel], error: ValidationError) -> list[str]:
    """A sentence or two an option; where it may be of several types ("0.01", "auto"), what each expects."""
    lines = [f"{each['msg'].removeprefix('Value error, ')}." for each in error.errors() if not each["loc"]]
    problems: dict[str, list[Any]] = {}
    for problem in error.errors():
        if problem["loc"]:
            problems.setdefault(str(problem["loc"][0]), []).append(problem)
    return lines + [
        f"--{name.replace('_', '-')}: {_wrong(model, name, some)}" for name, some in problems.items()
    ]


def _wrong(model: type[BaseModel], name: str, problems: list[Any]) -> str:
    """What is wrong with the value of an option."""
    received = problems[0]["input"]
    if [each["type"] for each in problems] == ["literal_error"] and isinstance(received, str):
        offered = get_args(model.model_fields[name].annotation)
        if name in vocabulary.NAMES:
            folder, _, file = model.__module__.rpartition(".")
            task = file.replace("_", "-") if folder.endswith("tasks") else "this task"
            return vocabulary.why_not(name, received, offered, task)
        return f"received {received!r}. {suggest(received, offered)}"
    wanted = ", or: ".join(str(problem["msg"]) for problem in problems)
    return f"{wanted}, received {received!r}."
