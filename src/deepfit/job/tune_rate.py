"""The learning-rate range test alone: no model comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from types import SimpleNamespace
from typing import Any

from deepfit import machine
from deepfit.contract import Phase, Splits
from deepfit.errors import OptionError
from deepfit.job.run import Job


def tune_rate(job: Job) -> dict[str, Any]:
    """What `rate_test.json` holds: the chosen rate, and the rates, losses and smoothed losses of the test.

    The job's option learning_rate must be "auto". Nothing is written.
    """
    from deepfit import engine
    from deepfit.job.rows import prepare_rows
    from deepfit.plans import rate_test

    load = machine.read_load()
    prepared = prepare_rows(job.task, job.places)
    facts = dict(prepared.facts)
    data = Splits(*(job.task.encode(part, facts) for part in (prepared.splits.train, prepared.splits.valid)))
    import torch

    torch.set_num_threads(machine.settle_threads(job.options.threads, load))
    run = engine.Run(job.options, None)
    run.seed("build")
    net = engine.channels_last(job.task.build(facts)).to(run.device)
    tests: list[Any] = []

    def first_phase(*given: Any) -> Iterator[Phase]:
        for phase in islice(job.task.plan(*given), 1):
            tests.append(phase.keeps.get("rate_test"))
            yield phase

    for _ in engine.train(SimpleNamespace(plan=first_phase), net, data, facts, run):  # pyright: ignore[reportArgumentType]
        pass
    if not isinstance(tests[0], rate_test.RateTest):
        raise OptionError(f"{job.task_name} begins with no range test of the learning rate.")
    return tests[0].as_json()
