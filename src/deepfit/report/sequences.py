"""What a network reads in strings of letters: logos of classes by position, k-mers, and single strings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from deepfit.report.charts import figure
from deepfit.report.view import Figure, Section, Table, View

LOGO_ROWS = 300
"""Test rows of a class that its logo is the mean of."""
LOGO_POSITIONS = 100
LOGO_CLASSES = 8
LOGO_WIDTH, LOGO_HEIGHT, LOGO_LEFT = 780, 150, 44
KMER = 6
KMER_ROWS = 8
FEWEST_KMERS = 5
STRINGS = 8
LINE_LETTERS = 100
LETTER_PX, LINE_PX = 7.4, 24
CAP_PX, GLYPH_PX = 7.2, 6.2
"""Height of a capital and width of a letter of the style's font, at its size of 10 px."""
COLOURS = {
    "A": 2, "C": 0, "G": 4, "T": 5, "U": 5, "-": 7,
}  # fmt: skip
CHEMISTRY = ("DE", "KRH", "AVLIMFWP", "STNQYGC")
"""Amino acids by charge, grease and water: each group has a colour."""


def logos(view: View) -> Section | None:
    """For each class what the letters say for it: by position where positions are read, else by k-mer."""
    asked = _asked(view)
    if asked is None:
        return None
    said, codes, truth = asked
    letters = _letters(view)
    classes = [place for place in range(len(view.classes)) if (truth == place).any()][:LOGO_CLASSES]
    if not classes or not letters:
        return None
    if view.result.model.facts.get("length"):
        grids = {place: _grid(said, codes, truth == place, len(letters)) for place in classes}
        whole = np.stack([np.abs(grid).sum(1) for grid in grids.values()]).sum(0)
        first = _busiest(whole, LOGO_POSITIONS)
        shown = {place: grid[first : first + LOGO_POSITIONS] for place, grid in grids.items()}
        most = max(max(grid.clip(0).sum(1).max(), (-grid).clip(0).sum(1).max()) for grid in shown.values())
        figures = [
            Figure(
                logo(grid, letters, _colours(view, letters), first=first + 1, most=float(most) or 1.0),
                f"{view.classes[place]}, mean over {int((truth == place).sum()):,} test sequences of it.",
                wide=True,
            )
            for place, grid in shown.items()
        ]
        some = "" if len(whole) <= LOGO_POSITIONS else f" The {LOGO_POSITIONS} positions that say most."
        return Section(
            "What each class is recognised by",
            [
                "How much the letter at each position speaks for the class (up) or against it (down): "
                "gradient times input, in units of the logit. A tall letter is one that the network "
                f"leans on; why the class has it, the picture does not say.{some}"
            ],
            figures,
        )
    tables = [
        Table(["Letters", "Speaks for it by", "Times"], rows, caption=f"{view.classes[place]}.")
        for place in classes
        if (rows := _kmers(said, codes, truth == place, letters))
    ]
    if not tables:
        return None
    return Section(
        "What each class is recognised by",
        [
            f"The {KMER} letters in a row that speak most for a class, by the mean over the test "
            f"sequences of it of gradient times input, in units of the logit; at least {FEWEST_KMERS} "
            "times there."
        ],
        tables=tables,
    )


def strings(view: View) -> Section | None:
    """Test sequences letter by letter: the surest of each class, then the most wrong."""
    if view.target is None or not view.classes or getattr(view.result.task, "saliency", None) is None:
        return None
    said, truth = view.predicted_classes, view.true_classes
    chance = view.probabilities[np.arange(len(said)), said]
    right, wrong = said == truth, said != truth
    chosen = [
        int(rows[np.argmax(chance[rows])])
        for place in range(len(view.classes))
        if len(rows := np.flatnonzero(right & (said == place)))
    ][: STRINGS // 2]
    chosen += np.flatnonzero(wrong)[np.argsort(-chance[wrong], kind="stable")][
        : STRINGS - len(chosen)
    ].tolist()
    if not chosen:
        return None
    rows = np.array(chosen)
    found = _saliency(view, rows, said[rows])
    test: Any = view.result.test
    figures = []
    for place, row in enumerate(chosen):
        ok = "right" if right[row] else f"wrong: it is {view.target[row]}"
        caption = f"{test.where(row)}: {view.classes[said[row]]} ({chance[row]:.0%} sure; {ok})."
        figures.append(Figure(coloured(test.text(row), found.row(place)), caption, wide=True))
    return Section(
        "Sequences, letter by letter",
        [
            "The surest right answer of each class, then the surest wrong ones. Letters in the first "
            "colour speak for the predicted class, in the second against it, the stronger the more "
            f"(gradient times input). Of long sequences the {LINE_LETTERS} letters that say most are shown.",
            *_decided(view.result.model.facts),
        ],
        figures,
    )


def logo(
    grid_TL: np.ndarray, letters: Sequence[str], colours: Sequence[int], *, first: int = 1, most: float = 1.0
) -> Markup:
    """Letters stacked at each position, as tall as they speak for (above the line) or against (below).

    grid_TL: value of each letter at each position; first: the number of the first position; most: the tallest
    stack of all logos that are to be compared.
    """
    steps = len(grid_TL)
    column = (LOGO_WIDTH - LOGO_LEFT - 6) / max(steps, 1)
    depth = float((-grid_TL).clip(0).sum(1).max(initial=0)) / most
    up_px, down_px = LOGO_HEIGHT - 34, min(1.0, depth) * (LOGO_HEIGHT - 34)
    line = 8.0 + up_px
    parts = []
    for step in range(steps):
        for sign in (1, -1):
            values = grid_TL[step] * sign
            at = line
            for letter in np.argsort(np.abs(values), kind="stable"):
                tall = float(values[letter]) / most * up_px
                if tall < 0.8:
                    continue
                bottom = at if sign > 0 else at + tall
                parts.append(
                    Markup(
                        '<text class="letter c{}" transform="translate({:.1f} {:.1f}) scale({:.2f} {:.2f})">'
                        "{}</text>"
                    ).format(
                        colours[letter],
                        LOGO_LEFT + step * column,
                        bottom,
                        column / GLYPH_PX,
                        tall / CAP_PX,
                        letters[letter],
                    )
                )
                at = at - tall if sign > 0 else at + tall
    parts.append(Markup('<path class="axis" d="M{} {:.1f}H{}"/>').format(LOGO_LEFT, line, LOGO_WIDTH - 6))
    for value in (0.0, most):
        parts.append(
            Markup('<text class="tick" text-anchor="end" x="{}" y="{:.1f}">{:.2g}</text>').format(
                LOGO_LEFT - 6, line - value / most * up_px + 4, value
            )
        )
    bottom = line + down_px + 18
    every = 10 if steps > 20 else 5 if steps > 10 else 1
    for step in range(steps):
        if (first + step) % every == 0:
            parts.append(
                Markup('<text class="tick" text-anchor="middle" x="{:.1f}" y="{:.1f}">{}</text>').format(
                    LOGO_LEFT + (step + 0.5) * column, bottom, first + step
                )
            )
    return figure(parts, "letters by position", LOGO_WIDTH, bottom + 6)


def coloured(text: str, said_T: np.ndarray) -> Markup:
    """A string on one line, each letter on a ground of its strength."""
    first = _busiest(np.abs(said_T), LINE_LETTERS)
    shown = text[: len(said_T)][first : first + LINE_LETTERS]
    values = said_T[first : first + LINE_LETTERS]
    most = float(np.abs(values).max(initial=0)) or 1.0
    parts = []
    for place, (sign, value) in enumerate(zip(shown, values.tolist(), strict=True)):
        x = LOGO_LEFT + place * LETTER_PX
        strength = abs(value) / most
        if strength > 0.03:
            parts.append(
                Markup(
                    '<rect class="cell c{}" x="{:.1f}" y="3" width="{}" height="17" fill-opacity="{:.2f}"/>'
                ).format(0 if value > 0 else 1, x, LETTER_PX, 0.85 * strength)
            )
        parts.append(
            Markup('<text class="letter base" text-anchor="middle" x="{:.1f}" y="16">{}</text>').format(
                x + LETTER_PX / 2, sign
            )
        )
    start = Markup('<text class="tick" text-anchor="end" x="{}" y="16">{:,}</text>').format(
        LOGO_LEFT - 6, first + 1
    )
    return figure([start, *parts], "a sequence letter by letter", LOGO_WIDTH, LINE_PX)


def _decided(facts: Mapping[str, Any]) -> list[str]:
    """What was decided from the training rows, and why."""
    read = "Letters were read by their positions" if facts.get("length") else "Positions were not read"
    shown = (
        "The other strand was shown, too" if facts["reverse_complement"] else "The other strand was not shown"
    )
    return [f"{read}: {facts['positions_reason']}. {shown}: {facts['reverse_complement_reason']}."]


def _asked(view: View) -> tuple[Any, Any, np.ndarray] | None:
    """(saliency for the true class, codes, true classes) of a sample of the test rows."""
    if view.target is None or not view.classes or getattr(view.result.task, "saliency", None) is None:
        return None
    rows = np.concatenate(
        [np.flatnonzero(view.true_classes == place)[:LOGO_ROWS] for place in range(len(view.classes))]
    )
    if not len(rows):
        return None
    truth = view.true_classes[rows]
    test: Any = view.result.test
    codes = view.result.task.encode(test.take(rows), view.result.model.facts)["letters"]
    return _saliency(view, rows, truth), codes, truth


def _saliency(view: View, rows: np.ndarray, classes: np.ndarray) -> Any:
    task, model, test = view.result.task, view.result.model, view.result.test
    batch = task.encode(test.take(rows), model.facts)  # pyright: ignore[reportOptionalMemberAccess]
    return task.saliency(model.net, batch, model.facts, classes)  # pyright: ignore[reportAttributeAccessIssue]


def _grid(said: Any, codes: Any, chosen: np.ndarray, letters: int) -> np.ndarray:
    """Mean saliency of each letter proper at each position, [T, letters]; strings of one length."""
    places = np.flatnonzero(chosen)
    signs = np.stack([codes.row(place) for place in places]).astype(np.int64)
    values = np.stack([said.row(place) for place in places])
    return np.stack([np.where(signs == code, values, 0).mean(0) for code in range(1, letters + 1)], axis=1)


def _kmers(said: Any, codes: Any, chosen: np.ndarray, letters: Sequence[str]) -> list[list[str]]:
    """The k-mers with the highest mean sum of saliency in the chosen strings."""
    total: dict[bytes, float] = {}
    times: dict[bytes, int] = {}
    for place in np.flatnonzero(chosen):
        values = said.row(place)
        signs = codes.row(place)[: len(values)].astype(np.int64)
        if len(signs) < KMER:
            continue
        sums = np.convolve(values, np.ones(KMER), "valid")
        good = ((signs > 0) & (signs <= len(letters))).astype(int)
        whole = np.convolve(good, np.ones(KMER, int), "valid") == KMER
        for at in np.flatnonzero(whole):
            key = signs[at : at + KMER].astype(np.uint16).tobytes()
            total[key] = total.get(key, 0.0) + float(sums[at])
            times[key] = times.get(key, 0) + 1
    means = {key: total[key] / count for key, count in times.items() if count >= FEWEST_KMERS}
    signs_of: dict[int, str] = dict(enumerate(letters, start=1))
    best = sorted(means, key=lambda key: (-means[key], key))[:KMER_ROWS]
    return [
        [
            "".join(signs_of[code] for code in np.frombuffer(key, np.uint16).tolist()),
            f"{means[key]:.3g}",
            f"{times[key]:,}",
        ]
        for key in best
    ]


def _letters(view: View) -> list[str]:
    """The letters proper as they are written: those of RNA with U."""
    facts = view.result.model.facts
    rna = facts.get("alphabet") == "rna"
    return ["U" if rna and each == "T" else each for each in facts.get("letters", ())]


def _colours(view: View, letters: Sequence[str]) -> list[int]:
    if view.result.model.facts["alphabet"] == "protein":
        groups = {
            each: colour
            for each_group, colour in zip(CHEMISTRY, (5, 0, 4, 2), strict=True)
            for each in each_group
        }
        return [groups.get(letter, 7) for letter in letters]
    return [COLOURS.get(letter, place % 10) for place, letter in enumerate(letters)]


def _busiest(strength_T: np.ndarray, window: int) -> int:
    """The first place of the window with the most strength in it."""
    if len(strength_T) <= window:
        return 0
    return int(np.argmax(np.convolve(strength_T, np.ones(window), "valid")))
