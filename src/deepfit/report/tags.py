"""Tagged words: scores of each kind of entity or tag, which tag is taken for which, sentences in colours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from deepfit.metrics import tags as metrics_tags
from deepfit.report.confusion import confused, pairs
from deepfit.report.view import Section, Table, View

CONFUSED_TAGS = 24
SHOWN_TAGS = 60
SENTENCES = 16
WORDS = 60
"""Words of a sentence that are shown, around its first mistake."""

COLOURS = 10
OUTSIDE = "O"


def tag_scores(view: View) -> Section | None:
    """Precision, recall and F1 of each kind of entity, or of each tag."""
    if not _has_tags(view):
        return None
    said, actual = _said(view), _target(view)
    if "entities" in view.answers:
        counts = metrics_tags.of_types(said, actual)
        rows = [[kind or "entity", *_scores(*some)] for kind, some in counts.items()]
        caption = "An entity is found where its type, its first and its last word are right."
        return Section(
            "Kinds of entities", [], tables=[Table(["Type", *HEADER], rows, caption=caption)] if rows else []
        )
    there, predicted, right = _counts(said, actual)
    scored = [(tag, right[tag], predicted[tag], there[tag]) for tag in sorted({*there, *predicted})]
    scored.sort(key=lambda each: (2 * each[1] / max(1, each[2] + each[3]), each[0]))
    rows = [[tag, *_scores(*some)] for tag, *some in scored[:SHOWN_TAGS]]
    caption = "Those with the lowest F1 first" + (
        f", {SHOWN_TAGS} of {len(scored)}." if len(scored) > SHOWN_TAGS else "."
    )
    return Section("Tags", _unseen(view), tables=[Table(["Tag", *HEADER], rows, caption=caption)])


HEADER = ("In the test", "Predicted", "Precision", "Recall", "F1")


def _scores(right: int, said: int, there: int) -> list[str]:
    f1 = 2 * right / max(1, said + there)
    return [
        f"{there:,}",
        f"{said:,}",
        f"{right / said:.3f}" if said else "",
        f"{right / there:.3f}" if there else "",
        f"{f1:.3f}",
    ]


def _unseen(view: View) -> list[str]:
    """How words that training never saw fare beside the others."""
    right, words = [0, 0], [0, 0]
    for ours, theirs, places in zip(_said(view), _target(view), view.answers["unseen"], strict=True):
        new = set(places)
        for place, (one, two) in enumerate(zip(ours, theirs, strict=True)):
            words[place in new] += 1
            right[place in new] += one == two
    if not all(words):
        return []
    seen, unseen = (right[k] / words[k] for k in (0, 1))
    return [
        f"Of words that training had seen {seen:.1%} are right, of the {words[1]:,} unseen ones "
        f"({words[1] / sum(words):.1%} of all) {unseen:.1%}."
    ]


def tag_confusion(view: View) -> Section | None:
    """Which tag is taken for which, word by word."""
    if not _has_tags(view):
        return None
    said = [tag for each in _said(view) for tag in each]
    actual = [tag for each in _target(view) for tag in each]
    names = sorted({*said, *actual}, key=lambda tag: (tag.partition("-")[2], tag))
    code = {tag: place for place, tag in enumerate(names)}
    both = [code[two] * len(names) + code[one] for one, two in zip(said, actual, strict=True)]
    counts = np.bincount(both, minlength=len(names) ** 2).reshape(len(names), len(names))
    if not (counts - np.diag(counts.diagonal())).any():
        return Section("Confused tags", ["Every word has the right tag."])
    table = confused(names, counts, "words") if len(names) <= CONFUSED_TAGS else pairs(names, counts, "Words")
    return Section("Confused tags", [], tables=[table])


def tagged_sentences(view: View) -> Section | None:
    """Test sentences in the colours of their tags, those first where a mistake looks most sure."""
    if not _has_tags(view):
        return None
    said, actual = _said(view), _target(view)
    sure: Any = view.answers.get("confidence", [[1.0] * len(each) for each in said])
    wrong = [[a != b for a, b in zip(*both, strict=True)] for both in zip(said, actual, strict=True)]
    worst = np.array(
        [
            max((c for c, w in zip(*each, strict=True) if w), default=0.0)
            for each in zip(sure, wrong, strict=True)
        ]
    )
    many = int(sum(map(any, wrong)))
    order = np.argsort(-worst, kind="stable")[:SENTENCES]
    kinds = Counter(_kind(tag) for row in order for tag in (*said[row], *actual[row]) if tag != OUTSIDE)
    colours = {kind: place for place, (kind, _) in enumerate(kinds.most_common(COLOURS))}
    test: Any = view.result.test
    passages = [
        _sentence(test.words[row], said[row], actual[row], sure[row], colours, test.where(int(row)))
        for row in order
    ]
    sentence = (
        f"{len(passages)} of {len(said):,} test sentences ({many:,} have a mistake), those first where the "
        "network is most sure of a wrong tag. A wrong word is underlined, and below it stand what was said "
        "and what is true."
    )
    return Section("Sentences", [sentence], passages=[_legend(colours), *passages])


def _sentence(
    words: Sequence[str],
    said: Sequence[str],
    actual: Sequence[str],
    sure: Sequence[float],
    colours: Mapping[str, int],
    where: str,
) -> Markup:
    """A paragraph; text is escaped, and its direction is that of its first letters."""
    first = next((place for place in range(len(words)) if said[place] != actual[place]), 0)
    start = max(0, min(first - WORDS // 3, len(words) - WORDS))
    shown = [
        _word(words[place], said[place], actual[place], sure[place], colours)
        for place in range(start, min(start + WORDS, len(words)))
    ]
    before = [Markup("…")] if start else []
    after = [Markup("…")] if start + WORDS < len(words) else []
    body = Markup(" ").join([*before, *shown, *after])
    return Markup('<p class="sentence" dir="auto" title="{}">{}</p>').format(where, body)


def _word(word: str, said: str, actual: str, sure: float, colours: Mapping[str, int]) -> Markup:
    told = f"{said}, {sure:.0%} sure"
    if said == actual:
        if said == OUTSIDE:
            return Markup("<bdi>{}</bdi>").format(word)
        return Markup('<bdi class="{}" title="{}">{}</bdi>').format(_class(said, colours), told, word)
    return Markup('<bdi class="{} wrong" title="{}">{}<br><small dir="ltr">{} → {}</small></bdi>').format(
        _class(said, colours), f"{told}; true: {actual}", word, said, actual
    )


def _class(tag: str, colours: Mapping[str, int]) -> str:
    kind = _kind(tag)
    return f"t c{colours[kind]}" if tag != OUTSIDE and kind in colours else "t"


def _legend(colours: Mapping[str, int]) -> Markup:
    keys = (
        Markup('<span class="key"><i class="c{}"></i>{}</span>').format(place, kind)
        for kind, place in colours.items()
    )
    return Markup('<div class="legend">{}</div>').format(Markup("").join(keys))


def _kind(tag: str) -> str:
    """What a colour stands for: the type of an entity, or a tag."""
    return tag[2:] if tag[:2] in ("B-", "I-") else tag


def _counts(said: Any, actual: Any) -> tuple[Counter[str], Counter[str], Counter[str]]:
    there, predicted, right = Counter(), Counter(), Counter()
    for ours, theirs in zip(said, actual, strict=True):
        predicted.update(ours)
        there.update(theirs)
        right.update(one for one, two in zip(ours, theirs, strict=True) if one == two)
    return there, predicted, right


def _has_tags(view: View) -> bool:
    return view.target is not None and len(view.target) > 0 and "unseen" in view.answers


def _said(view: View) -> Any:
    return view.answers["prediction"]


def _target(view: View) -> Any:
    return () if view.target is None else view.target
