"""`deepfit predict`: answers of a trained model for new data."""

from __future__ import annotations

import click


@click.command(
    short_help="Write a trained model's answers for new data.",
    epilog="\b\nExamples:\n  deepfit predict runs/prices new.csv --out answers.csv\n"
    "  deepfit predict runs/photos new-photos/ --out answers.parquet\n"
    "  deepfit predict runs/names new.txt --out names.conll\n"
    "  deepfit predict runs/prices new.csv | head",
)
@click.argument("run")
@click.argument("source")
@click.option(
    "--out",
    metavar="FILE",
    help="Where to write: .csv, .parquet, .jsonl, or .conll for tags of words. [default: CSV on stdout]",
)
@click.option("--overwrite", is_flag=True, help="Replace the file of --out if it exists.")
def predict(run: str, source: str, out: str | None, overwrite: bool) -> int:
    """Answer SOURCE, data without the target, with the model in RUN (a run's folder, or its model/).

    One row of answers a row of data, in the same order. Classification adds a column a class with its
    probability; in a CSV file lists of tags are JSON texts.
    """
    from deepfit.cli.output import answers_csv, check_destination, write_answers

    if overwrite and out is None:
        raise click.UsageError("--overwrite has no effect without --out FILE.")
    if out is not None:
        check_destination(out, overwrite=overwrite)
    from deepfit.model import load

    answers = load(run).answers(source)
    if out is None:
        click.echo(answers_csv(answers), nl=False)
    else:
        write_answers(answers, out)
        click.echo(f"{len(answers):,} answers in {out}", err=True)
    return 0
