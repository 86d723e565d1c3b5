"""`deepfit search`: the texts or pictures that are nearest to one of their kind."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from deepfit.errors import ArtifactError, OptionError

if TYPE_CHECKING:
    import numpy as np

    from deepfit.contract import Rows
    from deepfit.model.embedded import Embedder

SHOWN_LETTERS = 90


@click.command(
    short_help="Find the texts or pictures that are most like one.",
    epilog='\b\nExamples:\n  deepfit search runs/verses verses.csv "the sea was parted"\n'
    '  deepfit search all-MiniLM-L6-v2/ letters/ "late deliveries" --top 10\n'
    "  deepfit search runs/photos photos/ one.jpg --top 24 --out alike.html\n"
    '  deepfit search runs/verses verses.csv "a feast" --index verses.npz',
)
@click.argument("model")
@click.argument("source")
@click.argument("query")
@click.option("--text", metavar="COLUMN", help="The column of texts in a table. [default: text]")
@click.option("--top", metavar="N", default=5, show_default=True, type=click.IntRange(1), help="How many.")
@click.option(
    "--index", metavar="FILE", help="Keep the vectors of SOURCE in this .npz, and use them the next time."
)
@click.option("--out", metavar="FILE", help="Write a page (.html) that shows what was found, with pictures.")
@click.option("--overwrite", is_flag=True, help="Replace the file of --out if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found on stdout as one line of JSON.")
def search(
    model: str,
    source: str,
    query: str,
    text: str | None,
    top: int,
    index: str | None,
    out: str | None,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Find what in SOURCE is nearest to QUERY, a text or the path of a picture, by the cosine of vectors.

    MODEL and SOURCE are those of `deepfit embed`. Every vector is compared, so nothing is missed.
    """
    from deepfit.cli.output import check_destination, json_line, replacing
    from deepfit.cli.summary import aligned

    if overwrite and out is None:
        raise click.UsageError("--overwrite has no effect without --out FILE.")
    if out is not None:
        check_destination(out, overwrite=overwrite, formats=(".html",))
    if index is not None and not index.lower().endswith(".npz"):
        raise OptionError(f"--index {index}: an index is an .npz file; name it so.")
    if not query.strip():
        raise OptionError("the query is empty. Write a text, or the path of a picture.")
    from deepfit.model.embedded import names_of, nearest, with_texts
    from deepfit.model.published import open_embedder

    embedder = open_embedder(model)
    asked = embedder.embedded(_as_source(query))
    rows, vectors, notes = _vectors(embedder, with_texts(embedder, source, text), index)
    places, cosines = (each[0] for each in nearest(asked.vectors[:1], vectors, top))
    for note in notes:
        click.echo(f"note: {note}", err=True)
    chosen = rows.take(places)
    names = {name: values.tolist() for name, values in names_of(chosen).items()}
    where = getattr(rows, "where", None)
    titles = names.get("file") or [where(int(p)) if where else f"row {p + 1}" for p in places]
    found = [
        {"rank": rank + 1, "similarity": round(float(cosines[rank]), 6), "item": titles[rank]}
        | ({"text": names["text"][rank]} if "text" in names else {})
        for rank in range(len(places))
    ]
    if out is not None:
        from deepfit.report.found import render

        with replacing(out) as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.write(render(query, source, found, chosen, asked.rows, len(rows)))
        click.echo(f"page: {out}", err=True)
    said = json_line({"query": query, "rows": len(rows), "found": found})
    click.echo(said if as_json else aligned(_lines(found), numbers_from=4))
    return 0


def _as_source(query: str) -> Any:
    """A query as a source: the path of a picture or a text file, else a list with one text."""
    from deepfit.data.image_decode import is_picture_name

    is_file = os.path.isfile(query) and (query.lower().endswith(".txt") or is_picture_name(query))
    return query if is_file else [query]


def _lines(found: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The table for people, a row a find."""
    lines = [["", "similarity", "item", *(["text"] if found and "text" in found[0] else [])]]
    for each in found:
        line = [str(each["rank"]), f"{each['similarity']:.3f}", str(each["item"])]
        if "text" in each:
            text = " ".join(str(each["text"]).split())
            line.append(text if len(text) <= SHOWN_LETTERS else text[: SHOWN_LETTERS - 1] + "…")
        lines.append(line)
    return lines


def _vectors(embedder: Embedder, source: Any, index: str | None) -> tuple[Rows, np.ndarray, tuple[str, ...]]:
    """The rows of a source and their vectors, from an index that fits where there is one."""
    if index is None:
        found = embedder.embedded(source)
        return found.rows, found.vectors, found.notes
    import numpy as np

    from deepfit.cli.output import replacing
    from deepfit.model.embedded import fingerprint

    rows = embedder.items(source)
    mark = fingerprint(embedder, rows)
    if os.path.exists(index):
        try:
            with np.load(index, allow_pickle=False) as kept:
                if str(kept["fingerprint"]) == mark and len(kept["vectors"]) == len(rows):
                    return rows, kept["vectors"], (f"the vectors are those of {index}.",)
        except (OSError, ValueError, KeyError) as error:
            raise ArtifactError(
                f"--index {index}: is no index of deepfit ({error}). Name another file, or remove it."
            ) from None
    found = embedder.embedded_rows(rows)
    with replacing(index) as temporary, open(temporary, "wb") as file:
        np.savez(file, vectors=found.vectors, fingerprint=np.array(mark))
    return rows, found.vectors, (*found.notes, f"the vectors are kept in {index}.")
