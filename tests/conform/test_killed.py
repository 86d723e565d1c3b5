"""`kill -9` at any moment, then the same command again.

The weights of a run that was never stopped, bit for bit.
"""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

TRAINEE = Path(__file__).with_name("trainee.py")
EPOCHS, KILLS = 8, 3


def start(name, folder):
    folder.mkdir(exist_ok=True)
    command = [sys.executable, str(TRAINEE), name, str(folder), str(EPOCHS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(process):
    process.communicate(timeout=240)
    assert process.returncode == 0


@pytest.mark.slow
def test_killed_and_resumed_equals_never_stopped(tiny, tmp_path):
    undisturbed = start(tiny.name, tmp_path / "whole")
    finish(undisturbed)

    moments = random.Random(0)
    for _ in range(KILLS):
        process = start(tiny.name, tmp_path / "killed")
        for _ in range(moments.randint(1, 4)):  # so many lines of progress, then no mercy
            if not process.stdout.readline():
                break
        process.kill()
        process.communicate()
    assert (tmp_path / "killed" / "checkpoint" / "last.safetensors").exists()
    finish(start(tiny.name, tmp_path / "killed"))

    whole, killed = (load_file(tmp_path / each / "final.safetensors") for each in ("whole", "killed"))
    assert whole.keys() == killed.keys()
    assert all(torch.equal(whole[name], killed[name]) for name in whole)
