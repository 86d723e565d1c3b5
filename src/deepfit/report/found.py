"""What a search found, on one self-contained page: pictures as a contact sheet, texts as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deepfit.report.examples import data_uri
from deepfit.report.page import environment
from deepfit.report.view import Thumbnail

TEXT_LETTERS = 600


def render(
    query: str,
    source: str,
    found: Sequence[Mapping[str, Any]],
    chosen: Any,
    asked: Any,
    count: int,
) -> str:
    """The page as text; all text from data is escaped.

    found: rank, similarity, item and perhaps text of each find; chosen: their rows; asked: the rows of the
    query; count: how many were searched.
    """
    picture = getattr(chosen, "picture", None)
    pictures = [
        Thumbnail(data_uri(picture(row)), f"{each['similarity']:.3f}", str(each["item"]), str(each["item"]))
        for row, each in enumerate(found)
        if picture is not None
    ]
    short = [{**each, "text": _short(str(each.get("text", "")))} for each in found]
    return (
        environment()
        .get_template("found.html")
        .render(
            query=query if len(query) <= TEXT_LETTERS else query[: TEXT_LETTERS - 1] + "…",
            source=source,
            found=short,
            pictures=pictures,
            asked=data_uri(asked.picture(0)) if picture is not None else "",
            count=count,
        )
    )


def _short(text: str) -> str:
    return text if len(text) <= TEXT_LETTERS else text[: TEXT_LETTERS - 1] + "…"
