"""The loop: the same for every way of learning, on one page."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from deepfit.contract import Batch, Facts, Progress, Splits, Task
from deepfit.engine.checkpoint import Checkpoints
from deepfit.engine.course import Course
from deepfit.engine.run import Run
from deepfit.machine import memory_kept


def train(task: Task, net: nn.Module, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Progress]:
    """Run the task's plan to its end, from the last checkpoint where the run's folder has one.

    Yields progress about four times a second and after each epoch; to stop, leave the loop. At the end the
    network holds the weights to keep. TrainingError where a loss is not finite or the disk refuses a
    checkpoint; the one before stays.
    """
    with memory_kept():
        checkpoints = Checkpoints(run)
        run.seed("plan", 0)
        for index, phase in enumerate(task.plan(net, data, facts, run)):
            course = Course(index, phase, net, run)
            if not checkpoints.passed(course):
                checkpoints.restore(course)
                while course.goes_on():
                    for batch in course.batches():
                        course.learn(batch)
                        if course.report_due():
                            yield course.report()
                        if checkpoints.due(course, epoch_closed=False):
                            checkpoints.save(course)
                    epoch = course.close_epoch()
                    if checkpoints.due(course, epoch_closed=True):
                        checkpoints.save(course)
                    yield epoch
                checkpoints.save(course)
                yield course.finish()
                checkpoints.end(course)
            run.seed("plan", index + 1)
