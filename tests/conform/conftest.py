"""Everything here runs on every task that the catalog finds."""

from __future__ import annotations

import pytest

from deepfit import catalog


class Tiny:
    """A task on its own tiny data, taken through the stages of a run.

    Each stage is done once and shared by the tests.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.task, self.rows, self.goal = catalog.find(name).tiny(seed=0)
        self.facts = self.task.learn(self.rows.train)
        self.data = self.encoded(self.rows)

    def encoded(self, rows):
        return type(rows)(
            *(self.task.encode(part, self.facts) for part in (rows.train, rows.valid, rows.test))
        )

    def with_options(self, **changes):
        """The same task with other options."""
        return type(self.task)(self.task.options.model_copy(update=changes))

    def run(self, folder, task=None):
        from deepfit.engine import Run

        return Run((task or self.task).options, folder)

    def network(self, run, task=None):
        from deepfit.engine import channels_last

        run.seed("build")
        return channels_last((task or self.task).build(self.facts)).to(run.device)

    def train(self, folder=None, task=None, stop_after: int | None = None):
        """A network trained to the end, or until so many progress events have passed."""
        from deepfit.engine import train

        task = task or self.task
        run = self.run(folder, task)
        net = self.network(run, task)
        for count, _ in enumerate(train(task, net, self.data, self.facts, run), start=1):
            if count == stop_after:
                break
        return net


# of the session, so that pytest sorts the tests by task: what they share is made once and then let go
@pytest.fixture(scope="session", params=catalog.names())
def tiny(request):
    return Tiny(request.param)


@pytest.fixture(scope="session")
def model(tiny):
    """The tiny task's model after a whole training, calibrated."""
    from deepfit.model import Model

    net = tiny.train()
    outputs = tiny.task.outputs(net, tiny.data.valid, tiny.facts)
    facts = dict(tiny.task.calibrate(outputs, tiny.data.valid, dict(tiny.facts)))
    return Model(tiny.name, tiny.task, net.eval(), facts)
