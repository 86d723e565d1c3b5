"""Training of a task on its tiny data in processes of their own, made to be killed.

They are forked from one process that has imported PyTorch, since importing takes longer than such training.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

HEAVY = ["torch.fx.experimental.symbolic_shapes", "polars", "sklearn", "deepfit.engine", "deepfit.plans"]
"""What any training imports sooner or later, PyTorch's first backward among others."""
PATIENCE_S = 240


def context() -> Any:
    """Where processes come from; a fork server where the system has one."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(HEAVY)
    return found


class Trainee:
    """A process that trains in a folder, from its checkpoint where there is one."""

    def __init__(self, name: str, folder: Path, **options: Any) -> None:
        folder.mkdir(exist_ok=True)
        processes = context()
        self.folder = folder
        self.progress, theirs = processes.Pipe(duplex=False)
        self.process = processes.Process(target=main, args=(name, folder, options, theirs))
        self.process.start()
        theirs.close()

    def wait_for(self, events: int) -> None:
        """Return after so many events of progress, or when there are no more."""
        with contextlib.suppress(EOFError):
            for _ in range(events):
                assert self.progress.poll(PATIENCE_S)
                self.progress.recv()

    def kill(self) -> None:
        """No mercy: SIGKILL."""
        self.process.kill()
        self.process.join(PATIENCE_S)
        self.progress.close()

    def finish(self) -> dict[str, Any]:
        """The weights at the end."""
        self.wait_for(10**9)
        self.process.join(PATIENCE_S)
        self.progress.close()
        assert self.process.exitcode == 0
        return load_file(self.folder / "final.safetensors")


def main(name: str, folder: Path, options: dict[str, Any], progress: Connection) -> None:
    """Train to the end; an event of progress when training begins and for each that the engine yields."""
    from deepfit import catalog
    from deepfit.contract import Splits
    from deepfit.engine import Run, channels_last, train

    task, rows, _ = catalog.find(name).tiny(seed=0)
    changed = {"patience": 0, "ema": 0.9, "checkpoint_minutes": 0.001, **options}
    task = type(task)(task.options.model_copy(update=changed))
    facts = task.learn(rows.train)
    data = Splits(*(task.encode(part, facts) for part in (rows.train, rows.valid, rows.test)))
    run = Run(task.options, folder)
    run.seed("build")
    net = channels_last(task.build(facts))
    progress.send("begins")
    for each in train(task, net, data, facts, run):
        progress.send((each.kind, each.epoch, each.step))
    save_file(
        {key: value.contiguous() for key, value in net.state_dict().items()}, folder / "final.safetensors"
    )
