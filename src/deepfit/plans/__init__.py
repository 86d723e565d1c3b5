"""Ready-made plans: functions that yield the usual phases, so that most tasks' `plan` is one line."""

from deepfit.plans.supervised import foresee, supervised

__all__ = ["foresee", "supervised"]
