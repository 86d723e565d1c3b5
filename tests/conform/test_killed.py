"""`kill -9` at any moment, then the same command again.

The weights of a run that was never stopped, bit for bit.
"""

from __future__ import annotations

import json
import random
import time

import pytest
import torch
from trainee import Trainee

EPOCHS, KILLS = 8, 3


@pytest.mark.slow
def test_killed_and_resumed_equals_never_stopped(tiny, tmp_path):
    undisturbed = Trainee(tiny.name, tmp_path / "whole", epochs=EPOCHS)

    moments = random.Random(0)
    for _ in range(KILLS):
        doomed = Trainee(tiny.name, tmp_path / "killed", epochs=EPOCHS)
        doomed.wait_for(1 + moments.randint(1, 4))
        doomed.kill()
    assert (tmp_path / "killed" / "checkpoint" / "last.safetensors").exists()
    assert_equal(undisturbed.finish(), Trainee(tiny.name, tmp_path / "killed", epochs=EPOCHS).finish())


@pytest.mark.slow
def test_a_run_that_looks_for_its_learning_rate_may_be_killed_too(tmp_path):
    """Within the range test, as it ends, and in the training that follows."""
    how = {"epochs": 3, "learning_rate": "auto"}
    undisturbed = Trainee("tabular-regression", tmp_path / "whole", **how).finish()
    for place, (events, further_s) in enumerate([(1, 0.05), (1, 0.2), (2, 0.0), (4, 0.0)]):
        folder = tmp_path / f"killed{place}"
        doomed = Trainee("tabular-regression", folder, **how)
        doomed.wait_for(events)
        time.sleep(further_s)
        doomed.kill()
        assert not (folder / "final.safetensors").exists()
        assert_equal(undisturbed, Trainee("tabular-regression", folder, **how).finish())
        assert json.loads((folder / "rate_test.json").read_text())["learning_rate"] > 0


def assert_equal(whole, killed):
    assert whole.keys() == killed.keys()
    assert all(torch.equal(whole[name], killed[name]) for name in whole)
