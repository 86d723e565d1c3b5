"""`deepfit learn`: the concepts of deep learning, each a lesson that computes what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from deepfit.learn.walk import Code, Shown


@click.command(
    short_help="Learn a concept of deep learning by running it.",
    epilog="\b\nExamples:\n  deepfit learn\n  deepfit learn gradient-descent\n  deepfit learn depth --seed 1",
)
@click.argument("concept", required=False)
@click.option("--seed", type=click.IntRange(min=0), default=0, metavar="N", help="Other data and weights.")
@click.option(
    "--out",
    metavar="FOLDER",
    help="Where the page goes: a new or empty folder. [default runs/<time>-learn-CONCEPT]",
)
@click.option("--open/--no-open", "opens", default=True, help="Open the page in the browser, on a terminal.")
def learn(concept: str | None, seed: int, out: str | None, opens: bool) -> int:
    """List the lessons in reading order, or run the lesson CONCEPT and write its page of pictures."""
    from deepfit.learn import CONCEPTS, overview, spelled

    if concept is None:
        click.echo(f"{overview()}\n\n`deepfit learn NAME` runs one.")
        return 0
    name = spelled(concept)

    import sys
    import webbrowser

    from deepfit.job.folder import write_text
    from deepfit.job.prepare import new_folder
    from deepfit.learn.page import html
    from deepfit.learn.walk import walk

    page = (new_folder(out, f"learn-{name}") / f"{name}.html").resolve()
    click.secho(f"{CONCEPTS[name].title}\n", bold=True)
    write_text(page, html(name, seed, _told(walk(name, seed))))
    click.echo(f"The page with code and pictures: {page}", err=True)
    if opens and sys.stdout.isatty():
        webbrowser.open(page.as_uri())
    return 0


def _told(items: Iterator[Shown | Code]) -> Iterator[Shown | Code]:
    """The same items, each told on the terminal as it comes: prose, tables, and what each picture shows."""
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.table import Table as Grid
    from rich.text import Text

    from deepfit.contract import Progress
    from deepfit.report.view import Figure, Table

    console = Console()
    with console.status("training") as status:
        status.stop()
        for item in items:
            if isinstance(item, Progress):
                status.update(f"training, epoch {item.epoch} of {item.epochs}")
                status.start()
            else:
                status.stop()
            if isinstance(item, str):
                console.print(Markdown(item), "")
            elif isinstance(item, Figure):
                console.print(Text(f"[picture] {item.caption}", style="cyan"), "")
            elif isinstance(item, Table):
                grid = Grid(caption=item.caption or None, caption_justify="left")
                for place, title in enumerate(item.header):
                    grid.add_column(Text(title), justify="left" if place < item.words else "right")
                for row in item.rows:
                    grid.add_row(*map(Text, row))
                console.print(grid, "")
            yield item
