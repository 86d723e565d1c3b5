"""`deepfit train`: from a source of data to a run folder with a model, a scorecard and a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from deepfit.job.prepare import Job

INTRO = """Train a network on SOURCE: a table (.csv, .tsv, .parquet, .arrow, .jsonl), a folder of pictures or
texts with one folder a class, or what else a task takes (`deepfit tasks NAME`). The task is inferred from
the source, or named by --task."""

EXAMPLES = """
deepfit train prices.csv --target price
deepfit train prices.csv --target price --test test.csv --out runs/prices --epochs 40 --seed 1
deepfit train photos/ --task image-classification --batch-size 64
deepfit train prices.csv --config prices.yaml --set learning_rate=0.0005
deepfit train prices.csv --target price --json > metrics.json
"""

COMMON = (
    click.Option(["--task"], metavar="NAME", help="What to learn; `deepfit tasks` lists the names."),
    click.Option(["--test"], metavar="PATH", help="Data for the final scores; otherwise rows are held out."),
    click.Option(
        ["--valid"], metavar="PATH", help="Data to choose the best epoch by; otherwise rows are held out."
    ),
    click.Option(
        ["--out"],
        metavar="FOLDER",
        help="The run's folder, which must not exist yet. [default runs/<time>-<task>]",
    ),
    click.Option(
        ["--config"],
        metavar="FILE",
        help="A YAML file of options, and of task, source, test, valid, out; flags win.",
    ),
    click.Option(
        ["--set"], metavar="NAME=VALUE", multiple=True, help="Any option by its name; may be repeated."
    ),
    click.Option(["--json"], is_flag=True, help="Print the scorecard on stdout as one line of JSON."),
    click.Option(["-h", "--help"], is_flag=True, help="Show this page; with a task, its options."),
)


@click.command(
    short_help="Train a network on a table, pictures, texts, series or strings.",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def train(words: tuple[str, ...]) -> int:
    """Train; the flags are those of the task, so the words are read when the task is known."""
    from deepfit.cli import flags
    from deepfit.cli.help import command_help

    given = flags.read("train", words, COMMON)
    if isinstance(given, flags.Asked):
        click.echo(command_help("train", INTRO, EXAMPLES, COMMON, given.task), nl=False)
        return 0
    if given.reason is not None:
        click.echo(f"task: {given.task}, because {given.reason} (--task NAME chooses another)", err=True)
    from deepfit.job.prepare import prepare

    job = prepare(
        given.source,
        task=given.task,
        options=given.options,
        test=given.test,
        valid=given.valid,
        out=given.out,
    )
    return carry_out(job, as_json=given.json)


def carry_out(job: Job, *, as_json: bool) -> int:
    """Do the whole job, all that is for people on stderr, the scorecard alone on stdout; the exit status."""
    import sys
    from contextlib import redirect_stdout

    from deepfit.api import follow
    from deepfit.cli.output import json_line
    from deepfit.cli.summary import run_summary

    try:
        with redirect_stdout(sys.stderr):
            scorecard = follow(job).scorecard
    except KeyboardInterrupt:
        begun = (job.out / "config.yaml").exists()
        how = (
            f"`deepfit resume {job.out}` goes on from the last checkpoint."
            if begun
            else "Nothing was written yet."
        )
        click.echo(f"\nStopped. {how}", err=True)
        return 130
    click.echo(run_summary(scorecard), err=True)
    if as_json:
        click.echo(json_line(scorecard))
    return 0
