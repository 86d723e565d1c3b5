"""Train neural networks on your own data, and get an honest scorecard, a saved model and a report.

>>> import deepfit
>>> model = deepfit.fit("prices.csv", target="price")  # doctest: +SKIP
>>> model.predict("new.csv")  # doctest: +SKIP

A public name is loaded when it is first used, so that `import deepfit` and the command line stay light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepfit import tasks
    from deepfit.api import fit
    from deepfit.estimators import DeepClassifier, DeepRegressor
    from deepfit.model import Model, load

__version__ = "0.1.0"

__all__ = ["DeepClassifier", "DeepRegressor", "Model", "__version__", "fit", "load", "tasks"]

_HOMES = {
    "DeepClassifier": "deepfit.estimators",
    "DeepRegressor": "deepfit.estimators",
    "Model": "deepfit.model",
    "fit": "deepfit.api",
    "load": "deepfit.model",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module at first use (PEP 562)."""
    from importlib import import_module

    if name == "tasks":
        return import_module("deepfit.tasks")
    if name not in _HOMES:
        raise AttributeError(
            f"module 'deepfit' has no attribute {name!r}; its public names are {', '.join(__all__)}"
        )
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
