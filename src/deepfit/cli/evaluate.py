"""`deepfit evaluate`: score a trained model on data with known answers."""

from __future__ import annotations

import click


@click.command(
    short_help="Score a trained model on data with known answers.",
    epilog="\b\nExamples:\n"
    "  deepfit evaluate runs/prices test.csv\n"
    "  deepfit evaluate runs/prices test.csv --json",
)
@click.argument("run")
@click.argument("source")
@click.option("--json", "as_json", is_flag=True, help="Print the scorecard on stdout as one line of JSON.")
def evaluate(run: str, source: str, as_json: bool) -> int:
    """Score the model in RUN (a run's folder, or its model/) on SOURCE, which holds the answers too.

    Every metric comes with its 95 % interval.
    """
    from deepfit.cli.output import json_line
    from deepfit.cli.summary import metrics_table
    from deepfit.model import load

    scorecard = load(run).evaluate(source)
    click.echo(
        json_line(scorecard)
        if as_json
        else metrics_table(scorecard["metrics"], scorecard.get("baselines", {}))
    )
    return 0
