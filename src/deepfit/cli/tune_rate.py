"""`deepfit tune-rate`: find a learning rate by a range test, without training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import click

from deepfit.cli.train import COMMON as TRAIN_COMMON

INTRO = """Find a good learning rate for SOURCE: a hundred steps at ever higher rates, and the loss at each.
Takes the options of `deepfit train`, trains nothing and leaves a picture of the curve.
`deepfit train --learning-rate auto` does the same and then trains at the rate found."""

EXAMPLES = """
deepfit tune-rate prices.csv --target price
deepfit tune-rate prices.csv --target price --optimizer sgd --json
deepfit tune-rate photos/ --out runs/rates
"""

COMMON = (
    *(option for option in TRAIN_COMMON if option.name in ("task", "test", "valid", "config", "set", "help")),
    click.Option(["--out"], metavar="FOLDER", help="Where the picture goes. [default runs/<time>-tune-rate]"),
    click.Option(["--json"], is_flag=True, help="Print rates and losses on stdout as one line of JSON."),
)


@click.command(
    short_help="Find a learning rate by a range test, and draw its curve.",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def tune_rate(words: tuple[str, ...]) -> int:
    """Test rates; the flags are those of the task, so the words are read when the task is known."""
    from deepfit.cli import flags
    from deepfit.cli.help import command_help

    given = flags.read("tune-rate", words, COMMON)
    if isinstance(given, flags.Asked):
        click.echo(command_help("tune-rate", INTRO, EXAMPLES, COMMON, given.task), nl=False)
        return 0
    if given.reason is not None:
        click.echo(f"task: {given.task}, because {given.reason} (--task NAME chooses another)", err=True)
    from deepfit.cli.output import json_line
    from deepfit.errors import OptionError
    from deepfit.job.prepare import new_folder, prepare
    from deepfit.job.tune_rate import tune_rate as tuned
    from deepfit.report import rates

    if str(given.options.get("learning_rate", "auto")) != "auto":
        raise OptionError("--learning-rate has no effect on tune-rate, which looks for one. Leave it away.")
    job = prepare(
        given.source,
        task=given.task,
        options={**given.options, "learning_rate": "auto"},
        test=given.test,
        valid=given.valid,
        out=new_folder(given.out, "tune-rate"),
    )
    curve = tuned(job)
    job.out.mkdir(parents=True, exist_ok=True)
    path = rates.picture(curve, job.out / "rate_test.svg")
    if given.json:
        shown = {name: curve[name] for name in ("learning_rate", "rates", "losses")}
        click.echo(json_line({**shown, "picture": str(path)}))
    else:
        click.echo(as_text(curve, str(path)))
    return 0


def as_text(curve: Mapping[str, Any], picture: str) -> str:
    """A line a half power of ten, the chosen rate, and where the picture is."""
    from deepfit.cli.summary import aligned
    from deepfit.report.display import number

    rows = [["learning rate", "loss"]]
    half_powers = -math.inf
    for rate, loss in zip(curve["rates"], curve["smoothed"], strict=True):
        if math.floor(2 * math.log10(rate) + 1e-6) > half_powers:
            half_powers = math.floor(2 * math.log10(rate) + 1e-6)
            rows.append([f"{rate:.2g}", "not finite" if loss is None else number(loss)])
    chosen = number(curve["learning_rate"])
    return "\n".join([aligned(rows, numbers_from=0), "", f"learning rate: {chosen}", f"picture: {picture}"])
