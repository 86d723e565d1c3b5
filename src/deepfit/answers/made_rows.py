"""Answers that are made rows: what is found out about them once, and how they are scored then.

`appraise` gives a value or a few for each test row, so that resampling test rows gives intervals; see `score`
for what they are. Several made rows may belong to one test row, as many as a model needs to be trained on
them: `packed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfit import metrics
from deepfit.contract import Answers, Baseline, Facts
from deepfit.data.generation_views import bins, features, ordered
from deepfit.metrics import made_rows

MADE = "made"
NO_ROW = np.inf
TRAINED_ROWS = 20_000
"""Made rows that a model is trained on at most, and training rows that copies are looked for among."""
TOLD_APART_ROWS = 5_000
TREES = 100
MOST_CODES = 250
HELD_OUT_SHARE = 0.05
"""Share of held-out rows that are nearer to a training row than what counts as copied."""


def rows_needed(facts: Facts, test_rows: int) -> int:
    """How many rows are made to judge by: as many as there are training rows, and one a test row."""
    return max(min(int(facts["num_rows"]), TRAINED_ROWS), test_rows)


def packed(cells: NDArray[np.float64], test_rows: int) -> NDArray[np.float64]:
    """Made rows [count, columns] as [test_rows, several rows' cells]; what is left over is NO_ROW."""
    each = -(-len(cells) // max(test_rows, 1))
    found = np.full((test_rows * each, cells.shape[1]), NO_ROW)
    # rows are dealt out in turn, so that the first of each test row are the first made rows
    places = np.arange(len(cells))
    found[places % test_rows * each + places // test_rows] = cells
    return found.reshape(test_rows, -1)


def unpacked(made: NDArray[np.float64], columns: int) -> NDArray[np.float64]:
    """The made rows as they were, [count, columns]."""
    dealt = made.reshape(len(made), -1, columns).transpose(1, 0, 2).reshape(-1, columns)
    return dealt[~(dealt == NO_ROW).any(1)]


def baseline(name: str, cells: NDArray[np.float64], test_rows: int, seconds: float) -> Baseline:
    """A baseline's rows as its answers, before they are appraised."""
    numbers = np.array([f"made row {place + 1}" for place in range(test_rows)])
    return Baseline(name, Answers({"prediction": numbers, MADE: packed(cells, test_rows)}), seconds)


def appraise(
    made: NDArray[np.float64],
    real: NDArray[np.float64],
    facts: Facts,
    *,
    training: NDArray[np.float64] | None,
    seed: int,
) -> dict[str, NDArray[Any]]:
    """What `score` reads, a value or a few for each real (test) row, in order.

    made: cells of at least as many made rows. training: of the training rows; None where they are not at
    hand, and then nothing is known of copies.
    """
    rows = len(real)
    one_each = made[:rows]
    made_features, places = features(one_each, facts)
    real_features, _ = features(real, facts)
    found: dict[str, NDArray[Any]] = {
        MADE: one_each,
        "made_bins": bins(one_each, facts),
        "real_bins": bins(real, facts),
        "ordered": _every_row(ordered(facts), rows),
        "made_features": made_features,
        "real_features": real_features,
        "feature_columns": _every_row(places, rows),
    }
    if training is not None and len(training):
        known, _ = features(training, facts)
        far, usual = made_rows.nearest(made_features, known), made_rows.nearest(real_features, known)
        near = np.quantile(usual, HELD_OUT_SHARE) if rows else 0.0
        exact = np.isin(_rows_as_text(one_each), _rows_as_text(training))
        found |= {"distance": far, "usual_distance": usual, "copied": (far < near) | exact, "exact": exact}
    found["real_seen"], found["made_seen"] = told_apart(real, one_each, facts, seed)
    for number, aim in enumerate(facts["judged"]):
        found[f"told_{number}"], found[f"truth_{number}"] = told(made, real, facts, aim, seed)
    return found


def quick_score(
    made: NDArray[np.float64], real: NDArray[np.float64], facts: Facts, seed: int
) -> dict[str, float]:
    """What an epoch is kept by, from made rows and held-out ones.

    tstr, column_likeness and pair_likeness (see `score`), and quality, their mean, in which a tstr below 0
    counts as 0.
    """
    truths = {}
    for number, aim in enumerate(facts["judged"]):
        truths[f"told_{number}"], truths[f"truth_{number}"] = told(made, real, facts, aim, seed)
    distances = made_rows.column_distances(bins(made, facts), bins(real, facts), ordered(facts))
    shown, places = features(made, facts)
    pairs = made_rows.pair_difference(shown, features(real, facts)[0], places)
    found = {"column_likeness": 1 - float(distances.mean()), "pair_likeness": 1 - pairs}
    trained = _trained(truths)
    found |= {"tstr": trained["tstr"]} if "tstr" in trained else {}
    return {"quality": float(np.mean([max(value, 0.0) for value in found.values()])), **found}


def score(columns: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """The scores of appraised answers; no rows: an empty dict.

    tstr: of a model trained on the made rows and tested on the real ones, ROC AUC for a class (mean of one
    against the rest), R2 for an amount; the mean where several columns are predicted in turn. For one column
    also accuracy, balanced_accuracy and f1, or rmse and mae. column_likeness: 1 less the mean distance of
    columns. pair_likeness: 1 less the mean difference of correlations. likeness: the mean of these two.
    copied: share of made rows that are nearer to a training row than all but 5 % of the test rows, exact
    copies among them; exact_copies: their share. detection_auc: ROC AUC of a model that tells made rows from
    real ones; 0.5 is chance.
    """
    if not len(columns[MADE]):
        return {}
    distances = made_rows.column_distances(
        columns["made_bins"], columns["real_bins"], columns["ordered"][0].astype(bool)
    )
    pairs = made_rows.pair_difference(
        columns["made_features"], columns["real_features"], columns["feature_columns"][0]
    )
    likeness = {"column_likeness": 1 - float(distances.mean()), "pair_likeness": 1 - pairs}
    found = {**_trained(columns), "likeness": sum(likeness.values()) / 2, **likeness}
    found["detection_auc"] = made_rows.area(columns["real_seen"], columns["made_seen"])
    if "copied" in columns:
        found["copied"] = float(columns["copied"].mean())
        found["exact_copies"] = float(columns["exact"].mean())
    return found


def _trained(columns: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    numbers = [name.removeprefix("told_") for name in columns if name.startswith("told_")]
    several = [_of_one(columns[f"told_{each}"], columns[f"truth_{each}"]) for each in numbers]
    scored = [each for each in several if "tstr" in each]
    if not scored:
        return {}
    if len(numbers) == 1:
        return scored[0]
    return {"tstr": float(np.mean([each["tstr"] for each in scored]))}


def _of_one(said: NDArray[Any], truth: NDArray[Any]) -> dict[str, float]:
    if said.ndim == 2:
        known = truth >= 0
        present = np.unique(truth[known])
        if len(present) < 2:
            return {}
        # classes without a row in this sample take no part, as roc_auc needs a row of each
        shares = said[known][:, present] + 1e-9
        shares = shares / shares.sum(1, keepdims=True)
        scores = metrics.classification(shares, np.searchsorted(present, truth[known]))
        kept = ("accuracy", "balanced_accuracy", "f1")
        return {"tstr": scores["roc_auc"], **{name: scores[name] for name in kept}}
    known = ~np.isnan(truth)
    scores = metrics.regression(said[known], truth[known]) if known.any() else {}
    if "r2" not in scores:
        return {}
    return {"tstr": scores["r2"], "rmse": scores["rmse"], "mae": scores["mae"]}


def told(
    made: NDArray[np.float64], real: NDArray[np.float64], facts: Facts, aim: Mapping[str, Any], seed: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """What a model trained on made rows says of one column of real ones, and the truth.

    Shares of the classes [rows, classes] and class numbers (-1: unknown); or amounts, NaN where unknown.
    Gradient boosting with scikit-learn's defaults, for made and real rows alike.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    place = int(aim["column"])
    shown, kinds = _inputs(facts, but=place)
    common: dict[str, Any] = {
        "max_iter": TREES,
        "early_stopping": False,
        "random_state": seed % 2**32,
        "categorical_features": kinds or None,
    }
    made = made[~np.isnan(made[:, place])][:TRAINED_ROWS]
    train, test, wanted = shown(made), shown(real), made[:, place]
    if aim["goal"] == "regression":
        if not len(made):
            return np.zeros(len(real)), real[:, place]
        model = HistGradientBoostingRegressor(**common).fit(train, wanted)
        return model.predict(test) if len(test) else np.zeros(0), real[:, place]
    classes = np.asarray(aim["classes"], np.float64)
    codes, truth = _class_numbers(wanted, classes), _class_numbers(real[:, place], classes)
    shares = np.full((len(real), len(classes)), 1 / len(classes), np.float32)
    present = np.unique(codes[codes >= 0])
    if len(present) == 1:  # made rows know one class only
        shares[:] = np.arange(len(classes)) == present[0]
    elif len(present) > 1 and len(real):
        model = HistGradientBoostingClassifier(**common).fit(train[codes >= 0], codes[codes >= 0])
        shares[:] = 0
        shares[:, model.classes_] = model.predict_proba(test)
    return shares, truth


def told_apart(
    real: NDArray[np.float64], made: NDArray[np.float64], facts: Facts, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How real a model finds each real and each made row that it was not trained on, in (0, 1).

    Three models, each trained on two thirds of the rows (at most TOLD_APART_ROWS of each sort).
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = len(real)
    seen = np.full((2, rows), 0.5)
    shown, kinds = _inputs(facts)
    rng = np.random.default_rng([seed, 0xF01D])
    fold = rng.permutation(rows) % 3
    values = np.stack([shown(real), shown(made)])
    for number in range(3 if rows >= 6 else 0):
        fit = np.flatnonzero(fold != number)[:TOLD_APART_ROWS]
        asked = fold == number
        model = HistGradientBoostingClassifier(
            max_iter=TREES // 2,
            early_stopping=False,  # pyright: ignore[reportArgumentType]  (scikit-learn has no types)
            random_state=seed % 2**32,
            categorical_features=kinds or None,  # pyright: ignore[reportArgumentType]
        ).fit(np.concatenate(values[:, fit]), np.repeat([1, 0], len(fit)))
        for which in (0, 1):
            seen[which, asked] = model.predict_proba(values[which, asked])[:, 1]
    return seen[0], seen[1]


def _inputs(facts: Facts, but: int | None = None) -> tuple[Any, Sequence[int]]:
    """A function from cells to what trees read (all columns but one), and which of these are categories."""
    kept = [place for place in range(len(facts["columns"])) if place != but]
    kinds = [number for number, place in enumerate(kept) if facts["columns"][place]["kind"] == "category"]

    def shown(cells: NDArray[np.float64]) -> NDArray[np.float64]:
        values = cells[:, kept].copy()
        codes = values[:, kinds]
        values[:, kinds] = np.where(codes < 0, np.nan, np.minimum(codes, MOST_CODES))
        return values if kept else np.zeros((len(cells), 1))

    return shown, kinds


def _class_numbers(values: NDArray[np.float64], classes: NDArray[np.float64]) -> NDArray[np.intp]:
    place = np.minimum(np.searchsorted(classes, values), len(classes) - 1)
    return np.where(classes[place] == values, place, -1)


def _rows_as_text(cells: NDArray[np.float64]) -> NDArray[Any]:
    """Each row's bytes, equal where all cells are (missing ones among them)."""
    plain = np.ascontiguousarray(np.where(np.isnan(cells), np.inf, cells) + 0.0)
    return plain.view(np.dtype((np.void, plain.shape[1] * 8))).ravel()


def _every_row(values: NDArray[Any], rows: int) -> NDArray[np.int16]:
    return np.tile(values.astype(np.int16), (rows, 1))
