"""The flags that other people's scripts rely on; a new one is a decision, so it is written down here too."""

from __future__ import annotations

from typing import get_args

import click
import pytest

from deepfit import catalog, cli
from deepfit.cli.check import COMMON as CHECK
from deepfit.cli.train import COMMON as TRAIN
from deepfit.cli.tune_rate import COMMON as TUNE_RATE
from deepfit.options import Options

FLAGS = {
    "train": "--config --help --json --out --set --task --test --valid -h",
    "check": "--config --help --json --set --task --test -h",
    "tune-rate": "--config --help --json --out --set --task --test --valid -h",
    "evaluate": "--json",
    "predict": "--out --overwrite",
    "embed": "--json --out --overwrite --text",
    "search": "--index --json --out --overwrite --text --top",
    "sample": "--count --frames --json --out --overwrite --prompt --seed --walk",
    "resume": "--checkpoint-minutes --device --epochs --json --threads",
    "tasks": "",
    "networks": "--classes --input --json --out --overwrite",
    "demo": "--json --out",
    "learn": "--open --out --seed",
}
SHARED_OPTIONS = """
    split test_fraction valid_fraction seed epochs batch_size learning_rate optimizer momentum weight_decay
    schedule warmup clip_norm accumulate ema patience precision compile device threads checkpoint_minutes
"""

TABLES = "target missing kinds network activation loss"
CLASSES = "class_weight focal_gamma label_smoothing"
OWN_OPTIONS = {
    "tabular-classification": f"{TABLES} {CLASSES}",
    "tabular-regression": f"{TABLES} target_transform huber_delta quantile",
    "token-classification": "target scheme base network width layers dropout word_dropout crf",
    "time-series-forecasting": """
        target time series known past horizon season lookback fill duplicates network
    """,
    "tabular-anomaly-detection": "target anomaly contamination missing kinds network activation width",
    "tabular-clustering": """
        target missing kinds scale activation width code clusters method neighbours tolerance
    """,
    "image-clustering": """
        target skip_broken image_size network activation code views shift zoom turn flip colour clusters
        method neighbours tolerance
    """,
    "time-series-anomaly-detection": """
        series time values target anomaly contamination missing window hidden season network activation width
    """,
    "image-classification": f"""
        target skip_broken image_size network activation loss pretrained flip shift cutout colour {CLASSES}
    """,
}
OWN_OPTIONS["tabular-generation"] = "target missing kinds width noise pack moments target_weight"
OWN_OPTIONS["unconditional-image-generation"] = """
    target skip_broken image_size network width noise loss spectral penalty r1 augment discriminator_steps
    features judge_epochs discriminator_rate
"""
OWN_OPTIONS["text-to-image"] = """
    text skip_broken image_size network width noise loss spectral penalty r1 augment discriminator_steps
    features judge_epochs discriminator_rate caption_width variety
"""
OWN_OPTIONS["sentence-similarity"] = (
    "target first second negative base network vocabulary_size width loss temperature"
)
OWN_OPTIONS["text-clustering"] = """
    text target base vocabulary dimensions activation width code clusters method neighbours tolerance
"""
OWN_OPTIONS["graph-clustering"] = """
    target id directed missing kinds words vocabulary features network layers width heads activation dropout
    norm skip neighbours clusters choose starts
"""
LOSSES = {
    "sentence-similarity": "auto in_batch_contrastive cosent mean_squared_error",
    "tabular-regression": "mean_squared_error mean_absolute_error huber log_cosh quantile poisson",
    **dict.fromkeys(
        ("tabular-classification", "image-classification"),
        "sparse_categorical_crossentropy categorical_crossentropy binary_crossentropy focal "
        "categorical_hinge hinge",
    ),
}


@pytest.mark.parametrize("name", FLAGS)
def test_the_flags_of_a_command_are_those_that_were_decided(name):
    own = {"train": TRAIN, "check": CHECK, "tune-rate": TUNE_RATE}.get(
        name, cli.deepfit.commands[name].params
    )
    flags = sorted(flag for option in own if isinstance(option, click.Option) for flag in option.opts)
    assert " ".join(flags) == FLAGS[name]


def test_the_commands_are_those_that_were_decided():
    assert sorted(cli.deepfit.commands) == sorted(FLAGS)


def test_the_options_of_every_task_are_those_that_were_decided():
    assert sorted(Options.model_fields) == sorted(SHARED_OPTIONS.split())


@pytest.mark.parametrize("task", OWN_OPTIONS)
def test_the_options_of_a_task_and_its_losses_are_those_that_were_decided(task):
    fields = catalog.find(task).Options.model_fields
    assert sorted(set(fields) - set(Options.model_fields)) == sorted(OWN_OPTIONS[task].split())
    if task in LOSSES:
        assert get_args(fields["loss"].annotation) == tuple(LOSSES[task].split())
