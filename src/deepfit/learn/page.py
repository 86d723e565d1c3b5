"""What a lesson showed, as one self-contained HTML page or as a page of the documentation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from markupsafe import Markup, escape

from deepfit.contract import Progress
from deepfit.learn import CONCEPTS
from deepfit.learn.walk import Code, Shown
from deepfit.report.page import environment
from deepfit.report.view import Figure, Table

LESSON = re.compile(r"lesson `([a-z-]+)`")
"""How the prose of a lesson names another."""


def html(name: str, seed: int, items: Iterable[Shown | Code]) -> str:
    """The lesson as one file that loads nothing from elsewhere and follows light and dark settings."""
    from markdown_it import MarkdownIt
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    prose, colours = MarkdownIt().enable("table"), HtmlFormatter(nowrap=True)
    blocks: list[dict[str, object]] = []
    for kind, group in _grouped(items):
        if kind is str:
            blocks.append({"kind": "prose", "html": Markup(prose.render("\n\n".join(map(str, group))))})
        elif kind is Code:
            source = "\n\n".join(each.text for each in group if isinstance(each, Code))
            blocks.append({"kind": "code", "html": Markup(highlight(source, PythonLexer(), colours))})
        else:
            blocks.append({"kind": "figures" if kind is Figure else "tables", "each": group})
    concept = CONCEPTS[name]
    return (
        environment("deepfit.learn")
        .get_template("lesson.html")
        .render(name=name, seed=seed, concept=concept, blocks=blocks)
    )


def markdown(name: str, seed: int, items: Iterable[Shown | Code]) -> str:
    """The lesson as a page of the documentation: Markdown with its pictures inline."""
    concept = CONCEPTS[name]
    parts = [f"# {concept.title}", f"*{_sentence(concept.summary)}* Run it: `deepfit learn {name}`."]
    for kind, group in _grouped(items):
        if kind is Figure:
            parts.append(str(_figures([each for each in group if isinstance(each, Figure)])))
            continue
        for each in group:
            if isinstance(each, Code):
                parts.append(f"```python\n{each.text}\n```")
            elif isinstance(each, Table):
                parts.append(_table(each))
            else:
                parts.append(LESSON.sub(r"[lesson `\1`](\1.md)", str(each)))
    names = list(CONCEPTS)
    place = names.index(name)
    after = (
        f" Next: [{CONCEPTS[names[place + 1]].title}]({names[place + 1]}.md)." if names[place + 1 :] else ""
    )
    module = name.replace("-", "_")
    parts.append(
        f"---\n\nThe code of this page is the module `deepfit.learn.{module}`; its numbers and pictures were "
        f"made by running it with seed {seed}. A lesson is a generator, and what it yields is shown.{after}"
    )
    return "\n\n".join(parts) + "\n"


def _grouped(items: Iterable[Shown | Code]) -> Iterator[tuple[type, list[Shown | Code]]]:
    """Neighbours of one kind together; progress is left out."""
    shown = (item for item in items if not isinstance(item, Progress))
    for kind, group in groupby(shown, key=lambda item: str if isinstance(item, str) else type(item)):
        yield kind, list(group)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _figures(figures: Sequence[Figure]) -> Markup:
    each = [
        Markup('<figure class="lesson{}">{}<figcaption>{}</figcaption></figure>').format(
            " wide" if figure.wide else "", figure.chart, figure.caption
        )
        for figure in figures
    ]
    return Markup('<div class="figures">{}</div>').format(Markup("").join(each))


def _table(table: Table) -> str:
    def row(cells: Sequence[str]) -> str:
        return "| " + " | ".join(escape(cell).replace("|", "\\|") for cell in cells) + " |"

    ruler = [":--" if place < table.words else "--:" for place in range(len(table.header))]
    lines = [row(table.header), row(ruler), *(row(cells) for cells in table.rows)]
    return "\n".join(lines) + (f"\n\n*{table.caption}*" if table.caption else "")
