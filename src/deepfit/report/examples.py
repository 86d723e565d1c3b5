"""The most wrong test rows: as a table with their columns, or as the pictures themselves."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

from deepfit.judge.verdict import DASH, number
from deepfit.report.view import Section, Table, Thumbnail, View

ROWS = 12
COLUMNS = 6
CELL_LETTERS = 40
PICTURES = 24
THUMBNAIL_PX = 128


def most_wrong(view: View) -> Section | None:
    """The rows with the largest errors, or the least probability for the true class, with their columns."""
    ranked, test = _ranked(view), view.result.test
    if ranked is None or test is None:
        return None
    order, wrong = ranked
    if view.classes and not wrong:
        return Section("Most wrong", ["The network gets every test row right."])
    order = order[: min(ROWS, wrong) if view.classes else ROWS]
    if view.classes:
        header, notes = ["Actual", "Predicted", "Probability of actual"], _class_notes(view, order)
    else:
        header, notes = ["Actual", "Predicted", "Error"], _value_notes(view, order)
    names = view.column_names()[:COLUMNS]
    where = getattr(test, "where", lambda row: f"test row {row + 1:,}")
    cells = {name: test.take(order).column(name) for name in names}
    rows = [
        [where(int(row)), *notes[place], *(cell(cells[name][place]) for name in names)]
        for place, row in enumerate(order)
    ]
    sentence = f"The {len(rows)} test rows that the network gets most wrong, of {wrong:,} that it gets wrong."
    if not view.classes:
        sentence = f"The {len(rows)} test rows with the largest errors; often the data are what is wrong."
    return Section("Most wrong", [sentence], tables=[Table(["Row", *header, *names], rows)])


def pictures(view: View) -> Section | None:
    """The pictures that the network is most sure of and wrong about."""
    ranked, test = _ranked(view), view.result.test
    picture = getattr(test, "picture", None)
    if ranked is None or test is None or picture is None:
        return None
    order, wrong = ranked
    if not wrong:
        return Section("Most wrong pictures", ["The network gets every test picture right."])
    order = order[: min(PICTURES, wrong)]
    files = test.take(order).column("file")
    shown = [
        Thumbnail(
            data_uri(picture(int(row))),
            f"{actual} → {predicted}",
            f"{view.probabilities[row].max():.0%} sure",
            str(file),
        )
        for row, file, (actual, predicted, _) in zip(order, files, _class_notes(view, order), strict=True)
    ]
    return Section(
        "Most wrong pictures",
        [
            f"{len(shown)} of {wrong:,} wrong test pictures, those with the least probability for the true "
            "class first (true → predicted)."
        ],
        thumbnails=shown,
    )


def data_uri(picture: Any) -> str:
    """A picture as a PNG of at most 128 pixels a side, in a data URI.

    picture: Pillow's, or uint8 [height, width] or [height, width, 1, 3 or 4].
    """
    from PIL import Image

    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture[..., 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture)
    picture = picture.convert("L" if picture.mode in ("1", "L", "I;16") else "RGB")
    picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _ranked(view: View) -> tuple[np.ndarray, int] | None:
    """(positions of the test rows, the most wrong first; how many are wrong), or None for no rows."""
    if view.target is None or not len(view.target):
        return None
    if not view.classes:
        error = np.asarray(view.answers["prediction"], dtype=np.float64) - np.asarray(
            view.target, dtype=np.float64
        )
        return np.argsort(-np.abs(error), kind="stable"), int((error != 0).sum())
    chance = _chance_of_truth(view)
    right = view.predicted_classes == view.true_classes
    order = np.lexsort((chance, right))
    return order, int((~right).sum())


def _chance_of_truth(view: View) -> np.ndarray:
    truth = view.true_classes
    return np.where(truth >= 0, view.probabilities[np.arange(len(truth)), np.maximum(truth, 0)], 0.0)


def _class_notes(view: View, order: np.ndarray) -> list[tuple[str, str, str]]:
    actual = np.asarray(view.target)[order]
    chance = _chance_of_truth(view)[order]
    return [
        (str(actual[place]), view.classes[view.predicted_classes[row]], f"{chance[place]:.2%}")
        for place, row in enumerate(order)
    ]


def _value_notes(view: View, order: np.ndarray) -> list[tuple[str, str, str]]:
    actual = np.asarray(view.target, dtype=np.float64)[order].tolist()
    predicted = np.asarray(view.answers["prediction"], dtype=np.float64)[order].tolist()
    pairs = zip(actual, predicted, strict=True)
    return [(number(true, 5), number(said, 5), number(said - true, 3)) for true, said in pairs]


def cell(value: Any) -> str:
    """A value of a table as text, as it stands in the file; a dash where it is missing."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return DASH
    if isinstance(value, float | np.floating):  # as in the file: no separators, which would make 2004 no year
        return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.6g}"
    text = str(value)
    return text if len(text) <= CELL_LETTERS else text[: CELL_LETTERS - 1] + "…"
