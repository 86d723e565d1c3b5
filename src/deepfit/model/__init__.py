"""The trained model: save, load, predict, evaluate."""

from deepfit.model.model import Model, load

__all__ = ["Model", "load"]
