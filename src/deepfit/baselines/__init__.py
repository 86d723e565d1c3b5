"""What a sensible person would try before a network: the same rows and columns, through scikit-learn.

Each function yields (name, outputs, seconds), the most trivial first; outputs are probabilities [test rows,
classes] float64 or values [test rows] float64 in the target's unit. They are chosen to be strong within
seconds, not to lose: gradient boosting finds its number of rounds on a tenth of the rows and is then, up to
20,000 rows, fitted anew on all of them. Caps on rows keep them within bounded time and memory; the same seed
gives the same outputs.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepfit.data.batches import num_rows

if TYPE_CHECKING:
    from deepfit.contract import Batch

Fitted = tuple[str, NDArray[np.float64], float]

CATEGORIES_SHOWN = 50  # one-hot columns of one category column; the rarer ones share a column
CATEGORIES_SPLIT = 250  # scikit-learn's histograms hold at most 255 values of a category
MATRIX_VALUES = 40_000_000  # of a dense matrix for the linear models: 160 MB in float32
BOOSTED_TABLE_TREES = 4000
BOOSTED_WORK = 6_000_000_000  # rows x columns x trees: about 15 s of one core
REFITTED_ROWS = 20_000
LINEAR_VALUES = 1024  # of a picture: 32 x 32 grey, 18 x 18 in colour
LINEAR_PICTURES = 60_000
LINEAR_COMPONENTS = 200
BOOSTED_PICTURES = 20_000
BOOSTED_VALUES = 196  # of a picture: 14 x 14 grey, 8 x 8 in colour
BOOSTED_TREES = 600


def for_classification(
    train: Batch,
    test: Batch,
    num_classes: int,
    *,
    numbers: str = "numbers",
    categories: str = "categories",
    seed: int = 0,
    max_rows: int = 100_000,
) -> Iterator[Fitted]:
    """Yield majority, linear and gradient_boosting for a table.

    majority gives every row the share of each class; linear is logistic regression. numbers: the name of
    float [rows, numbers], NaN where missing; categories: of integer codes [rows, categories]; either may be
    absent. train["target"]: class numbers [rows]. max_rows: how many training rows are looked at, drawn by
    seed.
    """
    target = np.asarray(train["target"])
    yield _timed("majority", lambda: _shares(target, num_classes, num_rows(test)))
    if len(np.unique(target)) < 2:
        return
    table = _Table(train, test, numbers, categories, seed)

    def linear() -> NDArray[np.float64]:
        from sklearn.linear_model import LogisticRegression

        matrix, asked, chosen = table.dense(max_rows)
        model = LogisticRegression(C=1.0, max_iter=300, tol=1e-3)
        return _probabilities(_fit(model, matrix, target[chosen]), asked, num_classes)

    def boosting() -> NDArray[np.float64]:
        from sklearn.ensemble import HistGradientBoostingClassifier

        matrix, asked, chosen, kinds = table.coded(max_rows)
        trees = num_classes if num_classes > 2 else 1
        model = _boosted(HistGradientBoostingClassifier, matrix, target[chosen], kinds, seed, trees)
        return _probabilities(model, asked, num_classes)

    yield _timed("linear", linear)
    yield _timed("gradient_boosting", boosting)


def for_regression(
    train: Batch,
    test: Batch,
    *,
    numbers: str = "numbers",
    categories: str = "categories",
    target: Any = None,
    seed: int = 0,
    max_rows: int = 100_000,
) -> Iterator[Fitted]:
    """Yield mean, linear and gradient_boosting for a table, fitted to squared error.

    linear is ridge regression, its penalty chosen by leave-one-out. As `for_classification`, but target:
    values [rows] in their own unit; train["target"] where None.
    """
    values = np.asarray(train["target"] if target is None else target, dtype=np.float64).reshape(-1)
    yield _timed("mean", lambda: np.full(num_rows(test), values.mean()))
    table = _Table(train, test, numbers, categories, seed)

    def linear() -> NDArray[np.float64]:
        from sklearn.linear_model import RidgeCV

        matrix, asked, chosen = table.dense(max_rows)
        centre, scale = values[chosen].mean(), values[chosen].std() or 1.0
        model = _fit(RidgeCV(alphas=np.logspace(-1, 4, 11)), matrix, (values[chosen] - centre) / scale)
        return model.predict(asked).astype(np.float64) * scale + centre

    def boosting() -> NDArray[np.float64]:
        from sklearn.ensemble import HistGradientBoostingRegressor

        matrix, asked, chosen, kinds = table.coded(max_rows)
        return _boosted(HistGradientBoostingRegressor, matrix, values[chosen], kinds, seed, 1).predict(asked)

    yield _timed("linear", linear)
    yield _timed("gradient_boosting", boosting)


def for_quantile(
    train: Batch,
    test: Batch,
    share: float,
    *,
    numbers: str = "numbers",
    categories: str = "categories",
    seed: int = 0,
    max_rows: int = 100_000,
) -> Iterator[Fitted]:
    """Yield constant and gradient_boosting for the quantile of a table's target, fitted to the pinball loss.

    constant gives every row the quantile of all. train["target"]: values [rows] in their own unit; share: of
    targets that should lie below.
    """
    values = np.asarray(train["target"], dtype=np.float64)
    yield _timed("constant", lambda: np.full(num_rows(test), np.quantile(values, share)))
    table = _Table(train, test, numbers, categories, seed)

    def boosting() -> NDArray[np.float64]:
        from sklearn.ensemble import HistGradientBoostingRegressor

        matrix, asked, chosen, kinds = table.coded(max_rows)
        aim = {"loss": "quantile", "quantile": share}
        kind = HistGradientBoostingRegressor
        return _boosted(kind, matrix, values[chosen], kinds, seed, 1, **aim).predict(asked)

    yield _timed("gradient_boosting", boosting)


def for_images(
    train: Batch, test: Batch, num_classes: int, *, pictures: str = "images", seed: int = 0
) -> Iterator[Fitted]:
    """Yield majority, linear and gradient_boosting for pictures.

    linear is logistic regression on the 200 main components of the pixels. pictures: the name of numbers
    [rows, height, width] or [rows, height, width, channels]. Pictures are averaged down to 32 x 32 numbers
    (18 x 18 in colour) for linear, of at most 60,000 pictures, and to 14 x 14 (8 x 8) for boosting, of at
    most 20,000.
    """
    target = np.asarray(train["target"])
    yield _timed("majority", lambda: _shares(target, num_classes, num_rows(test)))
    if len(np.unique(target)) < 2:
        return

    def linear() -> NDArray[np.float64]:
        from sklearn.linear_model import LogisticRegression

        chosen = _sample(len(target), LINEAR_PICTURES, seed)
        matrix = _shrunk(train[pictures], chosen, LINEAR_VALUES)
        asked = _shrunk(test[pictures], np.arange(num_rows(test)), LINEAR_VALUES)
        centre = matrix.mean(axis=0)
        matrix -= centre
        spread, directions = np.linalg.eigh(matrix.T @ matrix / len(matrix))
        kept = np.flatnonzero(spread > 1e-6 * max(spread[-1], 1e-12))[::-1][
            : min(LINEAR_COMPONENTS, len(matrix) // 10 + 1)
        ]
        whiten = directions[:, kept] / np.sqrt(
            spread[kept]
        )  # on whitened components the solver needs a tenth of the steps
        model = _fit(LogisticRegression(C=1.0, max_iter=200, tol=1e-3), matrix @ whiten, target[chosen])
        return _probabilities(model, (asked - centre) @ whiten, num_classes)

    def boosting() -> NDArray[np.float64]:
        from sklearn.ensemble import HistGradientBoostingClassifier

        chosen = _sample(len(target), BOOSTED_PICTURES, seed)
        matrix = _shrunk(train[pictures], chosen, BOOSTED_VALUES)
        kind: Any = HistGradientBoostingClassifier
        model = kind(
            learning_rate=0.2,
            max_iter=max(5, min(100, BOOSTED_TREES // num_classes)),
            max_leaf_nodes=15,
            max_features=0.3,
            max_bins=63,
            early_stopping=False,
            random_state=seed % 2**32,
        ).fit(matrix, target[chosen])
        asked = _shrunk(test[pictures], np.arange(num_rows(test)), BOOSTED_VALUES)
        return _probabilities(model, asked, num_classes)

    yield _timed("linear", linear)
    yield _timed("gradient_boosting", boosting)


class _Table:
    """Encoded columns as the matrices that linear models and trees want."""

    def __init__(self, train: Batch, test: Batch, numbers: str, categories: str, seed: int) -> None:
        self.train, self.test, self.seed = train, test, seed
        self.numbers, self.categories = numbers, categories

    def part(self, batch: Batch, name: str, chosen: NDArray | None = None) -> NDArray[Any]:
        rows = num_rows(batch) if chosen is None else len(chosen)
        if name not in batch:
            return np.zeros((rows, 0), dtype=np.float32)
        array = np.asarray(batch[name]) if chosen is None else np.asarray(batch[name][chosen])
        return array.reshape(rows, -1)

    def dense(self, max_rows: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.intp]]:
        """(train, test, training rows) for a linear model, float32.

        Standardised numbers, a flag where one is missing, and one-hot categories.
        """
        from sklearn.preprocessing import OneHotEncoder

        width = self.part(self.train, self.numbers, np.arange(1)).shape[1]
        chosen = _sample(num_rows(self.train), max_rows, self.seed)
        codes, asked_codes = (
            self.part(self.train, self.categories, chosen),
            self.part(self.test, self.categories),
        )
        pairs = []
        if codes.shape[1]:
            kind: Any = OneHotEncoder
            encoder = kind(
                handle_unknown="infrequent_if_exist",
                max_categories=CATEGORIES_SHOWN,
                sparse_output=True,
                dtype=np.float32,
            ).fit(codes)
            width += sum(len(names) for names in encoder.categories_)
        kept = slice(0, max(1000, MATRIX_VALUES // max(1, 2 * width)))
        chosen, codes = chosen[kept], codes[kept]
        values, asked_values = self.part(self.train, self.numbers, chosen), self.part(self.test, self.numbers)
        if values.shape[1]:
            pairs.extend(_standardised(values, asked_values))
        if codes.shape[1]:
            pairs.append((encoder.transform(codes).toarray(), encoder.transform(asked_codes).toarray()))
        if not pairs:
            pairs.append(
                (np.zeros((len(chosen), 1), np.float32), np.zeros((num_rows(self.test), 1), np.float32))
            )
        return np.hstack([ours for ours, _ in pairs]), np.hstack([theirs for _, theirs in pairs]), chosen

    def coded(
        self, max_rows: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.intp], list[int]]:
        """(train, test, training rows, category columns) for trees.

        Numbers as they are, NaN where missing; categories as codes by frequency.
        """
        chosen = _sample(num_rows(self.train), max_rows, self.seed)
        values, asked_values = self.part(self.train, self.numbers, chosen), self.part(self.test, self.numbers)
        codes, asked_codes = (
            self.part(self.train, self.categories, chosen),
            self.part(self.test, self.categories),
        )
        ranks = [_ranked(codes[:, place], asked_codes[:, place]) for place in range(codes.shape[1])]
        matrix = np.column_stack([values.astype(np.float32), *(ours for ours, _ in ranks)])
        asked = np.column_stack([asked_values.astype(np.float32), *(theirs for _, theirs in ranks)])
        if matrix.shape[1] == 0:
            matrix, asked = np.zeros((len(matrix), 1), np.float32), np.zeros((len(asked), 1), np.float32)
        return matrix, asked, chosen, list(range(values.shape[1], values.shape[1] + len(ranks)))


def _standardised(values: NDArray, asked: NDArray) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    holes = np.isnan(values)
    present = np.maximum((~holes).sum(axis=0), 1)
    centre = np.where(holes, 0, values).sum(axis=0, dtype=np.float64) / present
    scale = np.sqrt(np.where(holes, 0, (values - centre) ** 2).sum(axis=0, dtype=np.float64) / present)
    scale[scale == 0] = 1

    def standardise(given: NDArray) -> NDArray[np.float32]:
        return np.nan_to_num(np.clip((given - centre) / scale, -10, 10), nan=0.0).astype(np.float32)

    gaps = holes.any(axis=0)
    pairs = [(standardise(values), standardise(asked))]
    if gaps.any():
        pairs.append((holes[:, gaps].astype(np.float32), np.isnan(asked[:, gaps]).astype(np.float32)))
    return pairs


def _ranked(codes: NDArray, asked: NDArray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Codes by frequency, the rarest sharing one; NaN for a code that the training rows lack."""
    known, counts = np.unique(codes, return_counts=True)
    rank = np.empty(len(known), dtype=np.float32)
    rank[np.argsort(-counts, kind="stable")] = np.minimum(np.arange(len(known)), CATEGORIES_SPLIT)
    place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return rank[np.searchsorted(known, codes)], np.where(known[place] == asked, rank[place], np.nan).astype(
        np.float32
    )


def _boosted(
    kind: Any,
    matrix: NDArray,
    target: NDArray,
    kinds: Sequence[int],
    seed: int,
    trees_a_round: int,
    **aim: Any,
) -> Any:
    """Gradient boosting with as many rounds as a tenth of the rows ask for, within `BOOSTED_WORK`.

    aim: the loss and its parameter, where it is not the squared error or log loss. Fitted anew on all rows
    where they are few enough for the tenth to matter.
    """
    work = matrix.size * trees_a_round
    most = max(30, min(1000, BOOSTED_TABLE_TREES // trees_a_round, BOOSTED_WORK // work))
    common = {
        "learning_rate": 0.05 if most > 300 else 0.1,
        "max_leaf_nodes": 15,
        "max_features": 0.4,
        "categorical_features": list(kinds) or None,
        "random_state": seed % 2**32,
        **aim,
    }
    rare = kind.__name__.endswith("Classifier") and np.unique(target, return_counts=True)[1].min() < 2
    if rare or len(target) < 50:  # nothing to hold a tenth of
        return kind(max_iter=min(most, 50), early_stopping=False, **common).fit(matrix, target)
    trial = kind(max_iter=most, early_stopping=True, n_iter_no_change=20, **common).fit(matrix, target)
    if len(target) > REFITTED_ROWS:
        return trial
    best = int(np.argmax(trial.validation_score_[1:])) + 1
    return kind(max_iter=best, early_stopping=False, **common).fit(matrix, target)


def _shrunk(pictures: Any, chosen: NDArray[np.intp], most_values: int) -> NDArray[np.float32]:
    """Pictures averaged over squares until each has about most_values numbers, scaled to [0, 1].

    float32 [rows, values], made in pieces to spare memory.
    """
    height, width = pictures.shape[1:3]
    channels = pictures.shape[3] if pictures.ndim == 4 else 1
    square = max(1, ceil(sqrt(height * width * channels / most_values)))
    tall, wide = max(1, height // square), max(1, width // square)
    rows = []
    for start in range(0, len(chosen), 1000):
        some = np.asarray(pictures[chosen[start : start + 1000]], dtype=np.float32)
        some = some[:, : tall * square, : wide * square].reshape(
            len(some), tall, min(square, height), wide, min(square, width), -1
        )
        rows.append(some.mean(axis=(2, 4)).reshape(len(some), -1) / 255)
    return np.concatenate(rows) if rows else np.zeros((0, tall * wide), dtype=np.float32)


def _shares(target: NDArray, num_classes: int, rows: int) -> NDArray[np.float64]:
    counts = np.bincount(target, minlength=num_classes)
    return np.tile(counts / counts.sum(), (rows, 1))


def _probabilities(model: Any, asked: NDArray, num_classes: int) -> NDArray[np.float64]:
    """[rows, num_classes]; a class that the sample lacked has no chance."""
    found = np.zeros((len(asked), num_classes))
    if len(asked):
        found[:, model.classes_] = model.predict_proba(asked)
    return found


def _sample(rows: int, most: int, seed: int) -> NDArray[np.intp]:
    return (
        np.arange(rows)
        if rows <= most
        else np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    )


def _fit(model: Any, matrix: NDArray, target: NDArray) -> Any:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # its time is bounded on purpose; the scores are what counts
        return model.fit(matrix, target)


def _timed(name: str, work: Callable[[], NDArray[np.float64]]) -> Fitted:
    begun = time.perf_counter()
    return name, work(), time.perf_counter() - begun
