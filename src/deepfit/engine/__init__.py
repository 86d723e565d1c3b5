"""How a loss is minimised and how a run survives; knows nothing of tasks."""

from deepfit.engine.loop import train
from deepfit.engine.run import Run
from deepfit.engine.speed import channels_last

__all__ = ["Run", "channels_last", "train"]
