"""Checkpoints are whole or not there: a disk that is full, a folder that is no run, a checkpoint of a later
version."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from running import assert_same, finish, left_behind, make

from deepfit.engine import Run, packing, train
from deepfit.errors import ArtifactError, TrainingError


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file may grow beyond `room` bytes, as on a disk that has no more."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def contents(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "checkpoint").iterdir()
    }


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="this system cannot limit the size of a file")
@pytest.mark.parametrize("room", [0, 1000, 12_000])
def test_a_full_disk_is_an_error_that_leaves_the_old_checkpoint_and_no_partial_file(
    room: int, tmp_path: Path
) -> None:
    whole = make("classifier", epochs=6, ema=0.9)
    finish(whole, tmp_path / "whole")
    toy = make("classifier", epochs=6, ema=0.9)
    for shown in train(toy.task, toy.net, toy.data, {}, Run(toy.options, tmp_path / "full")):
        if shown.kind == "epoch" and shown.epoch == 3:
            break
    before = contents(tmp_path / "full")
    toy = make("classifier", epochs=6, ema=0.9)
    with full_disk(room), pytest.raises(TrainingError, match=r"could not be written.*deepfit resume"):
        finish(toy, tmp_path / "full")
    after = contents(tmp_path / "full")
    assert before["last.safetensors"] == after["last.safetensors"]
    assert before.items() <= after.items(), "every file that the checkpoint names is there"
    assert not [name for name in after if "partial" in name]
    toy = make("classifier", epochs=6, ema=0.9)
    finish(toy, tmp_path / "full")
    assert_same(left_behind(whole, tmp_path / "whole"), left_behind(toy, tmp_path / "full"))


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where a folder should be")
    with pytest.raises(TrainingError, match="could not be written"):
        finish(make("whole_graph", epochs=1), tmp_path / "run")


def spoil(folder: Path, **changes: Any) -> None:
    path = folder / "checkpoint" / "last.safetensors"
    packing.save_atomically(path, {**packing.load(path), **changes})


def test_a_checkpoint_of_a_later_format_is_refused(tmp_path: Path) -> None:
    finish(make("whole_graph", epochs=1), tmp_path)
    spoil(tmp_path, format=99)
    with pytest.raises(ArtifactError, match="format 99"):
        finish(make("whole_graph", epochs=1), tmp_path)


def test_weights_in_the_place_of_a_checkpoint_are_refused(tmp_path: Path) -> None:
    packing.save_atomically(tmp_path / "checkpoint" / "last.safetensors", {"weight": torch.ones(2)})
    with pytest.raises(ArtifactError, match=r"last\.safetensors"):
        finish(make("whole_graph", epochs=1), tmp_path)


def test_a_truncated_checkpoint_is_refused(tmp_path: Path) -> None:
    finish(make("whole_graph", epochs=1), tmp_path)
    path = tmp_path / "checkpoint" / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ArtifactError, match="damaged"):
        finish(make("whole_graph", epochs=2), tmp_path)


def test_only_the_best_weights_that_the_checkpoint_names_are_kept(tmp_path: Path) -> None:
    toy = make("classifier", epochs=8)
    finish(toy, tmp_path)
    best = packing.load(tmp_path / "checkpoint" / "last.safetensors")["best_file"]
    assert {path.name for path in (tmp_path / "checkpoint").iterdir()} == {
        "last.safetensors",
        "end-0.safetensors",
        best,
    }
    kept = packing.load(tmp_path / "checkpoint" / best)
    assert all(torch.equal(value, kept[name]) for name, value in toy.net.state_dict().items())


def test_a_run_without_a_folder_writes_nothing_and_learns_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one, other = make("classifier", epochs=2), make("classifier", epochs=2)
    finish(one, None)
    assert not list(tmp_path.iterdir())
    finish(other, tmp_path / "run")
    assert all(
        torch.equal(a, b)
        for a, b in zip(one.net.state_dict().values(), other.net.state_dict().values(), strict=True)
    )


def test_an_interrupted_write_leaves_the_checkpoint_as_it_was(tmp_path: Path) -> None:
    """A power cut between the temporary file and its new name: the old checkpoint counts."""
    one, other = make("whole_graph", epochs=3), make("whole_graph", epochs=3)
    finish(one, tmp_path)
    seen = left_behind(one, tmp_path)
    (tmp_path / "checkpoint" / ".last.safetensors.1.partial").write_bytes(b"\0" * 100)
    finish(other, tmp_path)
    assert_same(seen, left_behind(other, tmp_path))
