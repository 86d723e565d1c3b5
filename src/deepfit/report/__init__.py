"""What a run looks like to people: the page, the progress, the events for TensorBoard."""

from deepfit.report.page import write

__all__ = ["write"]
