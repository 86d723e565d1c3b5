"""A process that loads PyTorch once and forks children that train toys; it kills each child at random
moments.

Usage: nursery.py FOLDER. For each toy it trains NAME-whole undisturbed and NAME-killed with SIGKILL after
SIGKILL, and prints how
many kills hit a child that was training.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import torch  # noqa: F401 (loaded before the forks, so that a child starts at once)
from running import NAMES, finish, make

from deepfit.engine import packing

EPOCHS = {"classifier": 12, "seq2seq": 5, "gan": 12, "deep_clustering": 8, "contrastive": 12}
EPOCHS |= {"whole_graph": 80, "sampled_graph": 30, "ppo": 25, "dqn": 20}


def live(name: str, folder: Path) -> None:
    """A child's life: train the toy in its folder to the end, from wherever it stands."""
    toy = make(name, epochs=EPOCHS[name], ema=0.9, checkpoint_minutes=3e-4)
    finish(toy, folder)
    packing.save_atomically(folder / "net.safetensors", toy.net.state_dict())


def bear(name: str, folder: Path) -> int:
    """The id of a new child."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        live(name, folder)
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def died_well(child: int) -> bool:
    """Wait for a child's end."""
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def main(folder: Path) -> None:
    dice, kills = random.Random(os.getpid()), {}
    for name in NAMES:
        begun = time.monotonic()
        if not died_well(bear(name, folder / f"{name}-whole")):
            sys.exit(1)
        whole_s = time.monotonic() - begun
        kills[name] = 0
        for _ in range(4):
            child = bear(name, folder / f"{name}-killed")
            time.sleep(dice.uniform(0.02, 0.35 * whole_s))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            kills[name] += os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        if not died_well(bear(name, folder / f"{name}-killed")):
            sys.exit(1)
    print(json.dumps(kills))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
