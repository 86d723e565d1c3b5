"""`deepfit sample`: new pictures or rows by a trained generator."""

from __future__ import annotations

import click


@click.command(
    short_help="Write new pictures or rows that a trained model makes.",
    epilog="\b\nExamples:\n  deepfit sample runs/photos --count 64 --seed 1 --out grid.png\n"
    '  deepfit sample runs/shapes --prompt "a red circle" --prompt "a blue square" --out shapes.png\n'
    "  deepfit sample runs/photos --walk walk.gif --frames 60\n"
    "  deepfit sample runs/customers --count 1000 --out made.csv",
)
@click.argument("run")
@click.option(
    "--out",
    metavar="PATH",
    help="Where to write. Pictures: a grid as .png or .webp, in turn as .gif, arrays as .npz, a folder of one"
    " PNG each. Rows of a table: .csv, .parquet or .jsonl.",
)
@click.option(
    "--count", metavar="N", type=click.IntRange(min=1), help="How many, of each prompt. [default: 64]"
)
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    help="The same seed makes the same. [default: 0]",
)
@click.option(
    "--prompt",
    "prompts",
    metavar="TEXT",
    multiple=True,
    help="What is to be made: a caption, or a class. May be given several times.",
)
@click.option("--walk", metavar="FILE", help="Write a walk between what can be made: .gif or .webp.")
@click.option("--frames", metavar="N", type=click.IntRange(min=2), help="Pictures of the walk. [default: 60]")
@click.option("--overwrite", is_flag=True, help="Replace the files of --out and --walk if they exist.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written on stdout as one line of JSON.")
def sample(
    run: str,
    out: str | None,
    count: int | None,
    seed: int,
    prompts: tuple[str, ...],
    walk: str | None,
    frames: int | None,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Make new pictures or rows with the model in RUN (a run's folder, or its model/).

    Tasks that generate do: unconditional-image-generation, text-to-image, tabular-generation. A folder that
    is written for prompts holds a metadata.csv with the prompt of each picture.
    """
    from deepfit.cli.output import json_line
    from deepfit.cli.samples import check_places, write_samples, write_walk

    if out is None and walk is None:
        raise click.UsageError("Say where to write: --out PATH, --walk FILE, or both.")
    for flag, value, needed, there in (
        ("--count", count, "--out", out),
        ("--frames", frames, "--walk", walk),
    ):
        if value is not None and there is None:
            raise click.UsageError(f"{flag} has no effect without {needed}.")
    check_places(out, walk, overwrite=overwrite)
    from deepfit.model import load

    model = load(run)
    done: dict[str, object] = {"out": out, "walk": walk, "seed": seed, "prompts": list(prompts)}
    if out is not None:
        made = model.sample(64 if count is None else count, seed=seed, prompts=prompts)
        done["rows"] = write_samples(made, out, prompts=prompts)
        what = "pictures" if "images" in made else "rows"
        click.echo(f"{done['rows']:,} {what} in {out}", err=True)
    if walk is not None:
        done["frames"] = write_walk(
            model.walk(60 if frames is None else frames, seed=seed, prompts=prompts), walk
        )
        click.echo(f"{done['frames']:,} frames in {walk}", err=True)
    if as_json:
        click.echo(json_line(done))
    return 0
