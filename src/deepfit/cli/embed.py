"""`deepfit embed`: vectors of texts or pictures by a trained model or a published encoder."""

from __future__ import annotations

import click


@click.command(
    short_help="Write vectors of texts or pictures (feature-extraction).",
    epilog="\b\nExamples:\n  deepfit embed runs/verses texts.csv --out vectors.npz\n"
    "  deepfit embed runs/photos new-photos/ --out vectors.parquet\n"
    "  deepfit embed all-MiniLM-L6-v2/ letters/ --out vectors.jsonl",
)
@click.argument("model")
@click.argument("source")
@click.option("--out", metavar="FILE", required=True, help="Where to write: .npz, .npy, .parquet or .jsonl.")
@click.option("--text", metavar="COLUMN", help="The column of texts in a table. [default: text]")
@click.option("--overwrite", is_flag=True, help="Replace the file of --out if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written on stdout as one line of JSON.")
def embed(model: str, source: str, out: str, text: str | None, overwrite: bool, as_json: bool) -> int:
    """Write one vector for every text or picture in SOURCE, in its order: what the last layer of MODEL reads.

    MODEL is the folder of a run or model, or of a published sentence encoder. SOURCE is a folder of pictures
    for a model of pictures; for one of texts a table with a column `text`, or a folder of .txt files.
    """
    from deepfit.cli.output import VECTOR_FORMATS, check_destination, json_line, write_vectors

    check_destination(out, overwrite=overwrite, formats=VECTOR_FORMATS)
    from deepfit.model.embedded import names_of, with_texts
    from deepfit.model.published import open_embedder

    embedder = open_embedder(model)
    found = embedder.embedded(with_texts(embedder, source, text))
    write_vectors(found.vectors, names_of(found.rows), out)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    rows, width = found.vectors.shape
    click.echo(f"{rows:,} vectors of {width:,} numbers in {out}", err=True)
    if as_json:
        click.echo(json_line({"rows": rows, "width": width, "out": out, "notes": list(found.notes)}))
    return 0
