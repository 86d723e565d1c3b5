"""What a report shows of clusters of texts: the words that tell them apart, and the texts at the centres."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from deepfit.data.telling_words import Telling, telling_words
from deepfit.judge.verdict import DASH
from deepfit.report.clusters import SHOWN_CLUSTERS
from deepfit.report.texts import drawn
from deepfit.report.view import Figure, Section, Table, View

WORDS, TOLD = 12, 3
TEXTS_SHOWN, MOST_EXAMPLES = 30, 3


def cluster_words(view: View) -> Section | None:
    """For each cluster the words that its texts hold far more often than others."""
    found = _found(view)
    if found is None:
        return None
    groups, words = found
    sentences = [
        "Words that more of a cluster's test texts hold than of all others, the surest difference first (log "
        "odds over their standard error, at least 2)."
    ]
    rows = []
    for place in range(min(len(words), SHOWN_CLUSTERS)):
        size = int((groups == place).sum())
        told = "; ".join(
            f"“{each.word}” in {each.inside:.0%} against {each.outside:.0%} of others"
            for each in words[place][:TOLD]
        )
        share = size / max(len(groups), 1)
        if size:
            sentences.append(f"Cluster {place} ({share:.0%} of the texts): {told or 'no words of its own'}.")
        rows.append([str(place), ", ".join(each.word for each in words[place]) or DASH, f"{size:,}"])
    table = Table(["Cluster", "Words", "Test texts"], rows, words=2)
    return Section("Words that tell the clusters apart", sentences, tables=[table])


def cluster_texts(view: View) -> Section | None:
    """The test texts nearest each cluster's centre, their telling words coloured."""
    found, test = _found(view), view.result.test
    model: Any = view.result.model
    clusters: Any = getattr(getattr(model, "net", None), "clusters", None)
    if found is None or test is None or clusters is None:
        return None
    groups, words = found
    codes = model.task.codes(model.net, model.task.encode(test, model.facts), model.facts)
    centres = clusters.centres_SD.detach().cpu().numpy()
    away = np.linalg.norm(codes - centres[groups], axis=1)
    shown = [place for place in range(min(len(words), SHOWN_CLUSTERS)) if (groups == place).any()]
    each = max(1, min(MOST_EXAMPLES, TEXTS_SHOWN // max(len(shown), 1)))
    figures = []
    for place in shown:
        inside = np.flatnonzero(groups == place)
        nearest = inside[np.argsort(away[inside], kind="stable")[:each]]
        some: Any = test.take(nearest)
        for row, text in zip(nearest.tolist(), some.texts(), strict=True):
            where = getattr(test, "where", lambda at: f"test row {at + 1:,}")(row)
            sure = float(view.answers["confidence"][row])
            caption = f"Cluster {place}: {where}, confidence {sure:.0%}."
            figures.append(Figure(drawn(text, _places(text, words[place]), False), caption, wide=True))
    said = (
        "The test texts whose codes lie nearest the centre of each cluster: what it is about. Words that "
        "tell the cluster apart are coloured, the surer, the more."
    )
    return Section("Texts at the centres", [said], figures)


def _found(view: View) -> tuple[np.ndarray, list[list[Telling]]] | None:
    """The cluster of each test text, and the telling words of each cluster; made once for both sections."""
    said, test = view.answers.get("prediction"), view.result.test
    texts = getattr(test, "texts", None)
    if said is None or not len(said) or texts is None:
        return None
    if "telling_words" not in view.found:
        groups = np.asarray(said, np.int64)
        words = telling_words(texts(), groups, count=len(view.classes), most=WORDS)
        view.found["telling_words"] = (groups, words)
    return view.found["telling_words"]


def _places(text: str, words: Sequence[Telling]) -> list[tuple[int, int, float]]:
    """Where these words stand in a text, in its order, none over another; with how sure they are."""
    found = []
    for each in words:
        edges = (r"(?<!\w)", r"(?!\w)") if each.word < "\u0e00" else ("", "")
        pattern = re.compile(re.escape(each.word).join(edges), re.IGNORECASE)
        found += [(match.start(), match.end(), each.sure) for match in pattern.finditer(text)]
    kept: list[tuple[int, int, float]] = []
    for start, stop, sure in sorted(found):
        if not kept or start >= kept[-1][1]:
            kept.append((start, stop, sure))
    return kept
