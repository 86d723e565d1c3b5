"""scikit-learn estimators.

`DeepClassifier` and `DeepRegressor` for numeric arrays and frames of mixed columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from deepfit import catalog
from deepfit.options import resolve

if TYPE_CHECKING:
    from deepfit.contract import Answers, Task
    from deepfit.model import Model

TARGET = "target"


def fit_quietly(task: Task, task_name: str, rows: Any) -> Model:
    """Train on rows in memory, without a run folder, a report or test rows.

    Validation rows are taken from them.
    """
    from deepfit import engine, machine
    from deepfit.contract import Splits
    from deepfit.data.split import split
    from deepfit.model import Model

    options = task.options
    splits = split(
        rows, options.split, test_fraction=0.0, valid_fraction=options.valid_fraction, seed=options.seed
    )
    facts = dict(task.learn(splits.train))
    data = Splits(task.encode(splits.train, facts), task.encode(splits.valid, facts))
    import torch

    with torch.random.fork_rng():  # the caller's random numbers stay as they were
        torch.set_num_threads(machine.settle_threads(options.threads, None))
        run = engine.Run(options, None)
        run.seed("build")
        net = engine.channels_last(task.build(facts)).to(run.device)
        for _ in engine.train(task, net, data, facts, run):
            pass
    facts = dict(task.calibrate(task.outputs(net, data.valid, facts), data.valid, facts))
    return Model(task_name, task, net.eval(), facts)


class _DeepEstimator(BaseEstimator):
    """What both estimators share: parameters that are only stored, and rows made from X and y."""

    task_name: str

    def _fit(self, x: Any, y: np.ndarray) -> None:
        if len(y) < 2:
            raise ValueError(
                f"{type(self).__name__} needs rows to learn from and to check on, received "
                f"n_samples={len(y)}."
            )
        kind = catalog.find(self.task_name)
        given = {name: value for name, value in self.get_params(deep=False).items() if value is not None}
        if "random_state" in given:
            given["seed"] = _seed(given.pop("random_state"))
        task = kind(resolve(kind.Options, {**given, "target": TARGET}))
        self.model_ = fit_quietly(task, self.task_name, task.read(_frame(x, y)))

    def _check(self, x: Any, **kind: Any) -> Any:
        """X as it came where it is a frame (its columns keep their kinds), else as a numeric array."""
        if hasattr(x, "columns") and hasattr(x, "shape"):
            validate_data(
                self, x, skip_check_array=True, **{name: kind[name] for name in ("reset",) if name in kind}
            )
            return x
        return validate_data(self, x, dtype=np.float64, ensure_all_finite="allow-nan", **kind)

    def _answers(self, x: Any) -> Answers:
        check_is_fitted(self)
        return self.model_.answers(_frame(self._check(x, reset=False)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.non_deterministic = False
        return tags


class DeepClassifier(ClassifierMixin, _DeepEstimator):
    """The network of `tabular-classification` as a scikit-learn classifier.

    Parameters are those of the task (`deepfit tasks tabular-classification`); None means the task's default.
    random_state is the seed. Attributes after fit: model_ (a deepfit.Model), classes_, n_features_in_.
    """

    task_name = "tabular-classification"

    def __init__(
        self,
        *,
        network: str | None = None,
        activation: str | None = None,
        loss: str | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        weight_decay: float | None = None,
        patience: int | None = None,
        valid_fraction: float | None = None,
        device: str | None = None,
        threads: int | None = None,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.network = network
        self.activation = activation
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.patience = patience
        self.valid_fraction = valid_fraction
        self.device = device
        self.threads = threads
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> DeepClassifier:
        """X: [rows, columns] numbers, or a frame of mixed columns. y: [rows] classes.

        ValueError for what cannot be learned.
        """
        X, y = _inputs(self, X, y)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"DeepClassifier needs at least two classes, received one class: {self.classes_[0]!r}."
            )
        self._fit(X, numbers.astype(np.int64))
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Calibrated probabilities, float32 [rows, classes], in the order of `classes_`.

        float32 is what the network computes in: digits beyond it depend on which rows are asked together.
        """
        columns = self._answers(X).columns
        chances = [value for name, value in columns.items() if name.startswith("probability_")]
        return np.stack(chances, axis=1).astype(np.float32)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row."""
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class DeepRegressor(RegressorMixin, _DeepEstimator):
    """The network of `tabular-regression` as a scikit-learn regressor.

    Parameters and attributes as for `DeepClassifier`.
    """

    task_name = "tabular-regression"
    __init__ = DeepClassifier.__init__

    def fit(self, X: Any, y: Any) -> DeepRegressor:
        """X: [rows, columns] numbers, or a frame of mixed columns. y: [rows] numbers."""
        X, y = _inputs(self, X, y, y_numeric=True)
        self._fit(X, np.asarray(y, dtype=np.float64))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The expected value of each row (by default; the loss decides), float32 [rows], in the unit of y."""
        return self._answers(X).columns["prediction"].astype(np.float32)


def _inputs(estimator: _DeepEstimator, x: Any, y: Any, **kind: Any) -> tuple[Any, np.ndarray]:
    if hasattr(x, "columns") and hasattr(x, "shape"):
        return estimator._check(x), column_or_1d(y, warn=True)
    checked = validate_data(estimator, x, y, dtype=np.float64, ensure_all_finite="allow-nan", **kind)
    return cast("tuple[Any, np.ndarray]", checked)


def _frame(x: Any, y: np.ndarray | None = None) -> dict[str, Any]:
    columns = (
        {str(name): x[name] for name in x.columns}
        if hasattr(x, "columns")
        else {f"x{i}": x[:, i] for i in range(x.shape[1])}
    )
    return columns if y is None else {**columns, TARGET: y}


def _seed(random_state: Any) -> int:
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    return int(random_state)
