"""`deepfit resume`: go on with a run that was stopped, or extend one that is done."""

from __future__ import annotations

import click


@click.command(
    short_help="Go on with a run that was stopped, or extend it.",
    epilog="\b\nExamples:\n  deepfit resume runs/prices\n  deepfit resume runs/prices --epochs 80",
)
@click.argument("run")
@click.option(
    "--epochs", metavar="N", help="Passes over the training rows in all: more than before extends the run."
)
@click.option("--device", metavar="NAME", help="Where to compute from now on: auto, cpu, cuda, mps.")
@click.option("--threads", metavar="N", help="CPU threads from now on; 0 = chosen by cores and load.")
@click.option("--checkpoint-minutes", metavar="MINUTES", help="Longest time between checkpoints from now on.")
@click.option("--json", "as_json", is_flag=True, help="Print the scorecard on stdout as one line of JSON.")
def resume(run: str, as_json: bool, **options: str | None) -> int:
    """Go on with RUN, the folder of an earlier `deepfit train`, from its last checkpoint.

    Stopped at any moment and resumed on the same machine, a run ends with the very weights of one that was
    never stopped.
    """
    from deepfit.cli.train import carry_out
    from deepfit.job.prepare import resume as resumed

    return carry_out(
        resumed(run, options={name: value for name, value in options.items() if value is not None}),
        as_json=as_json,
    )
