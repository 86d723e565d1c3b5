"""Ready-made plans: functions that yield the usual phases, so that most tasks' `plan` is one line."""

from deepfit.plans.foresight import foresee, foresee_by_length, foresee_items
from deepfit.plans.supervised import supervised

__all__ = ["foresee", "foresee_by_length", "foresee_items", "supervised"]
