"""The flags that other people's scripts rely on; a new one is a decision, so it is written down here too."""

from __future__ import annotations

import click
import pytest

from deepfit import cli
from deepfit.cli.check import COMMON as CHECK
from deepfit.cli.train import COMMON as TRAIN
from deepfit.options import Options

FLAGS = {
    "train": "--config --help --json --out --set --task --test --valid -h",
    "check": "--config --help --json --set --task --test -h",
    "evaluate": "--json",
    "predict": "--out --overwrite",
    "resume": "--checkpoint-minutes --device --epochs --json --threads",
    "tasks": "",
    "demo": "--json --out",
    "learn": "--open --out --seed",
}
SHARED_OPTIONS = """
    split test_fraction valid_fraction seed epochs batch_size learning_rate optimizer momentum weight_decay
    schedule warmup clip_norm accumulate ema patience precision compile device threads checkpoint_minutes
"""


@pytest.mark.parametrize("name", FLAGS)
def test_the_flags_of_a_command_are_those_that_were_decided(name):
    own = {"train": TRAIN, "check": CHECK}.get(name, cli.deepfit.commands[name].params)
    flags = sorted(flag for option in own if isinstance(option, click.Option) for flag in option.opts)
    assert " ".join(flags) == FLAGS[name]


def test_the_commands_are_those_that_were_decided():
    assert sorted(cli.deepfit.commands) == sorted(FLAGS)


def test_the_options_of_every_task_are_those_that_were_decided():
    assert sorted(Options.model_fields) == sorted(SHARED_OPTIONS.split())
