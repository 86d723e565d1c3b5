"""Sections on texts: the ones that the network gets wrong, which words it went by, and scores of labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from deepfit.answers.labels import THRESHOLD
from deepfit.metrics.labels import membership
from deepfit.report.view import Figure, Section, Table, View

WRONG, RIGHT = 6, 4
LETTERS = 700
FAINTEST = 0.08
SHOWN_LABELS = 60
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

Words = Sequence[tuple[int, int, float]]
"""(start, stop, share) of words of a text, in characters."""

COLOURS = (
    "Words that speak for the predicted class are blue, words that speak against it orange; the stronger, the"
    " more (integrated gradients, summed over the pieces of a word). It shows what the network went by, which"
    " need not be a cause."
)


def texts(view: View) -> Section | None:
    """The wrong texts with the least probability for the true class, and sure right ones, words coloured."""
    test = view.result.test
    if view.target is None or not view.classes or test is None or not hasattr(test, "texts"):
        return None
    known = view.true_classes >= 0
    truth, said = view.true_classes, view.predicted_classes
    chance = view.probabilities[np.arange(len(truth)), np.maximum(truth, 0)]
    wrong = np.flatnonzero(known & (truth != said))
    worst = wrong[np.argsort(chance[wrong], kind="stable")][:WRONG]
    sure = []
    for place in range(min(len(view.classes), RIGHT)):
        right = np.flatnonzero((truth == place) & (said == place))
        sure += right[np.argsort(-chance[right], kind="stable")][
            : max(1, RIGHT // len(view.classes))
        ].tolist()
    rows = np.array([*worst, *sure], np.int64)
    if not len(rows):
        return None
    sentences = ["The network gets every test text right."]
    if len(wrong):
        sentences = [f"{len(worst)} of {len(wrong):,} wrong test texts, the most wrong first; then texts that"
                     " it gets right and is surest of."]  # fmt: skip
    shown = _looked_at(view, rows, said[rows])
    if shown is not None:
        sentences.append(COLOURS)
    else:
        shown = [(text, (), False) for text in _texts_of(test, rows)]
    figures = []
    for place, row in enumerate(rows.tolist()):
        actual, predicted = view.classes[truth[row]], view.classes[said[row]]
        verdict = (
            f"{actual}, and said to be" if actual == predicted else f"{actual} → {predicted}, said to be"
        )
        caption = f"{_where(view, row)}: {verdict} {predicted} with {view.probabilities[row].max():.1%}."
        figures.append(Figure(drawn(*shown[place]), caption, wide=True))
    return Section("Texts, and the words that told", sentences, figures)


def labels(view: View) -> Section | None:
    """Precision, recall and F1 of each label, where a row has several."""
    if view.target is None or not view.classes:
        return None
    true, unknown = membership(view.target, tuple(view.classes))
    said = view.probabilities >= THRESHOLD
    right, rows, given = (true & said).sum(0), true.sum(0), said.sum(0)
    recall, precision = right / np.maximum(rows, 1), right / np.maximum(given, 1)
    f1 = 2 * right / np.maximum(rows + given, 1)
    order = np.argsort(-rows, kind="stable")[:SHOWN_LABELS]
    cells = [
        [
            view.classes[at],
            f"{rows[at]:,}",
            f"{given[at]:,}",
            *(f"{x[at]:.3f}" for x in (precision, recall, f1)),
        ]
        for at in order.tolist()
    ]
    caption = (
        "Given: how often the network gives the label. Precision: how often it is right then. Recall: how"
    )
    caption += " many of the rows with the label are found."
    if len(view.classes) > SHOWN_LABELS:
        caption += f" The {SHOWN_LABELS} most frequent of {len(view.classes):,} labels."
    table = Table(["Label", "Rows", "Given", "Precision", "Recall", "F1"], cells, caption=caption)
    alone = int((true == said).all(1).sum())
    sentence = f"{alone:,} of {len(true):,} test rows get exactly their labels."
    if unknown:
        sentence += f" {unknown:,} labels of test rows were never seen in training, so none of them is found."
    return Section("Labels", [sentence], tables=[table])


def wrong_labels(view: View) -> Section | None:
    """The test texts whose labels cost the most, with what they have and what they were given."""
    test = view.result.test
    if view.target is None or not view.classes or test is None or not hasattr(test, "texts"):
        return None
    true, _ = membership(view.target, tuple(view.classes))
    chance = np.clip(np.where(true, view.probabilities, 1 - view.probabilities), 1e-12, 1)
    wrong = np.flatnonzero((true != (view.probabilities >= THRESHOLD)).any(1))
    if not len(wrong):
        return Section("Most wrong texts", ["The network gives every test text exactly its labels."])
    order = wrong[np.argsort(np.log(chance[wrong]).sum(1), kind="stable")][: WRONG + RIGHT]
    figures = []
    for row, text in zip(order.tolist(), _texts_of(test, order), strict=True):
        has = ", ".join(view.target[row]) or "none"
        given = ", ".join(view.answers["prediction"][row]) or "none"
        caption = f"{_where(view, row)}: has {has}; was given {given}."
        figures.append(Figure(drawn(text, (), False), caption, wide=True))
    sentence = (
        f"{len(order)} of {len(wrong):,} test texts that do not get exactly their labels, the worst first."
    )
    return Section("Most wrong texts", [sentence], figures)


def drawn(text: str, words: Words, goes_on: bool) -> Markup:
    """A text as HTML, escaped, its words coloured by their share of the largest one.

    Long texts are cut around the strongest word, and the cut is marked. Each text runs in its own direction.
    """
    strongest = max((abs(share) for *_, share in words), default=0.0)
    middle = next((start for start, _, share in words if abs(share) == strongest), 0) if strongest else 0
    first = max(0, min(middle - LETTERS // 2, len(text) - LETTERS))
    last = min(len(text), first + LETTERS)
    parts = [Markup("… ") if first or goes_on else Markup("")]
    place = first
    for start, stop, share in words:
        strength = abs(share) / strongest if strongest else 0.0
        if start < first or stop > last or strength < FAINTEST:
            continue
        parts.append(_plain(text[place:start]))
        parts.append(
            Markup(
                '<span style="background:color-mix(in srgb,var(--c{}) {:.0f}%,transparent);border-radius:3px"'
                ' title="{:+.2f}">{}</span>'
            ).format(int(share < 0), 8 + 52 * strength, share, _plain(text[start:stop]))
        )
        place = stop
    parts.append(_plain(text[place:last]))
    if last < len(text) or goes_on:
        parts.append(Markup(" …"))
    style = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.7"
    return Markup('<div dir="auto" style="{}">{}</div>').format(style, Markup("").join(parts))


def _plain(text: str) -> Markup:
    """A text escaped; what cannot be printed is shown as the sign for that."""
    return Markup("{}").format(UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text))


def _looked_at(view: View, rows: np.ndarray, chosen: np.ndarray) -> list[tuple[str, Words, bool]] | None:
    """What of these test texts spoke for the chosen classes; None where there is no network to ask."""
    saliency, model, test = getattr(view.result.task, "saliency", None), view.result.model, view.result.test
    if saliency is None or model is None or test is None:
        return None
    return saliency(model.net, test.take(rows), model.facts, chosen)


def _texts_of(test: Any, rows: np.ndarray) -> list[str]:
    return test.take(rows).texts()


def _where(view: View, row: int) -> str:
    where = getattr(view.result.test, "where", lambda place: f"test row {place + 1:,}")
    return str(where(row)).capitalize()
