"""Train a task on its tiny data in a folder, from its checkpoint where there is one.

A process of its own, made to be killed.

python trainee.py TASK FOLDER EPOCHS
"""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors.torch import save_file

from deepfit import catalog
from deepfit.contract import Splits
from deepfit.engine import Run, channels_last, train


def main(name: str, folder: Path, epochs: int) -> None:
    task, rows, _ = catalog.find(name).tiny(seed=0)
    options = task.options.model_copy(
        update={"epochs": epochs, "patience": 0, "ema": 0.9, "checkpoint_minutes": 0.001}
    )
    task = type(task)(options)
    facts = task.learn(rows.train)
    data = Splits(*(task.encode(part, facts) for part in (rows.train, rows.valid, rows.test)))
    run = Run(options, folder)
    run.seed("build")
    net = channels_last(task.build(facts))
    for progress in train(task, net, data, facts, run):
        print(progress.kind, progress.epoch, progress.step, flush=True)
    save_file(
        {key: value.contiguous() for key, value in net.state_dict().items()}, folder / "final.safetensors"
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
