"""`deepfit demo`: train on one of the real data sets that ship with deepfit."""

from __future__ import annotations

import click

EXAMPLES = {
    "house-prices": (
        "ames/train.csv",
        {"task": "tabular-regression", "test": "ames/test.csv", "target": "Sale_Price"},
    ),
    "credit": (
        "credit/train.csv",
        {"task": "tabular-classification", "test": "credit/test.csv", "target": "Status"},
    ),
    "fashion": ("fashion.zip", {"task": "image-classification"}),
}

LIST = """\b
Examples that ship:
  house-prices  what a house in Ames, Iowa sold for (the default)
  credit        whether a credit was repaid
  fashion       ten kinds of clothing on small grey pictures

\b
Examples:
  deepfit demo
  deepfit demo credit --out runs/credit
"""


@click.command(short_help="Train on real data that ship with deepfit.", epilog=LIST)
@click.argument("name", default="house-prices")
@click.option(
    "--out", metavar="FOLDER", help="The run's folder, which must not exist yet. [default runs/<time>-<task>]"
)
@click.option("--json", "as_json", is_flag=True, help="Print the scorecard on stdout as one line of JSON.")
def demo(name: str, out: str | None, as_json: bool) -> int:
    """Train on the example NAME with the default options, and say where the report is."""
    from deepfit.cli.train import carry_out
    from deepfit.data.examples import data_folder
    from deepfit.errors import OptionError, suggest

    if name not in EXAMPLES:
        raise OptionError(f"There is no example '{name}'. {suggest(name, EXAMPLES)}")
    source, settings = EXAMPLES[name]
    folder = data_folder()
    test = f"{folder}/{settings['test']}" if "test" in settings else None
    options = {"target": settings["target"]} if "target" in settings else {}
    given = [
        f"{folder}/{source}",
        f"--task {settings['task']}",
        *(f"--target {each}" for each in options.values()),
        *([f"--test {test}"] if test else []),
    ]
    click.echo(f"deepfit train {' '.join(given)}", err=True)
    from deepfit.job.prepare import prepare

    return carry_out(
        prepare(f"{folder}/{source}", task=settings["task"], options=options, test=test, out=out),
        as_json=as_json,
    )
