"""Threads are chosen by processors and load, and a choice already made stands."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deepfit import machine
from deepfit.machine import Reading


@pytest.fixture(autouse=True)
def free_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No choice made in the environment; four processors."""
    for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(machine, "cores", lambda: 4)


def others_keep_busy(monkeypatch: pytest.MonkeyPatch, busy: float, own: float = 0.5) -> Reading:
    """The reading of two seconds ago, when since then others used `busy` processors and this process
    `own`."""
    now = Reading(1000.0, 50.0, time.monotonic())
    monkeypatch.setattr(machine, "read_load", lambda: now)
    return Reading(now.everyone_s - 2 * (busy + own), now.own_s - 2 * own, now.clock_s - 2.0)


@pytest.mark.parametrize(
    ("busy", "threads", "policy"), [(0.0, 4, None), (0.4, 4, None), (1.0, 4, "passive"), (4.0, 4, "passive")]
)
def test_before_pytorch_is_loaded_a_busy_machine_makes_threads_wait_passively(
    monkeypatch: pytest.MonkeyPatch, busy: float, threads: int, policy: str | None
) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert machine.settle_threads(0, others_keep_busy(monkeypatch, busy)) == threads
    assert os.environ.get("OMP_WAIT_POLICY") == policy


@pytest.mark.parametrize(("busy", "threads"), [(0.0, 4), (0.4, 4), (1.0, 3), (2.6, 1), (4.0, 1), (40.0, 1)])
def test_once_pytorch_is_loaded_a_busy_machine_gets_fewer_threads(
    monkeypatch: pytest.MonkeyPatch, busy: float, threads: int
) -> None:
    monkeypatch.setitem(sys.modules, "torch", sys.modules.get("torch", sys))
    assert machine.settle_threads(0, others_keep_busy(monkeypatch, busy)) == threads
    assert "OMP_WAIT_POLICY" not in os.environ


def test_a_number_that_was_asked_for_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert machine.settle_threads(7, others_keep_busy(monkeypatch, 4.0)) == 7


def test_a_number_in_the_environment_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert machine.settle_threads(0, others_keep_busy(monkeypatch, 0.0)) == 2


def test_a_wait_policy_in_the_environment_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert machine.settle_threads(0, others_keep_busy(monkeypatch, 4.0)) == 4
    assert os.environ["OMP_WAIT_POLICY"] == "active"


def test_own_work_does_not_count_as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.busy_cores(others_keep_busy(monkeypatch, 0.0, own=3.0)) == pytest.approx(0.0)
    assert machine.busy_cores(others_keep_busy(monkeypatch, 1.5, own=3.0)) == pytest.approx(1.5)


@pytest.mark.skipif(not hasattr(os, "getloadavg"), reason="this system has no load average")
def test_without_counters_the_load_average_of_the_others_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (3.0, 0.0, 0.0))
    assert machine.busy_cores(None) == 2.0
    before = others_keep_busy(monkeypatch, 1.0)
    monkeypatch.setattr(machine, "read_load", lambda: None)
    assert machine.busy_cores(before) == 2.0


def test_only_the_processors_that_this_process_may_use_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    counters = tmp_path / "stat"
    rows = [
        "cpu  9999 0 0 0 0 0 0 0",
        "cpu0 100 10 40 999 999 30 20 0",
        "cpu1 1 1 1 999 999 1 1 0",
        "cpu2 7777 0 0 0 0 0 0 0",
    ]
    counters.write_text("\n".join([*rows, "intr 1", "ctxt 2"]) + "\n")
    monkeypatch.setattr(machine, "own_cores", lambda: {0, 1})
    reading = machine.read_load(str(counters))
    assert reading is not None
    assert reading.everyone_s == pytest.approx((200 + 5) / os.sysconf("SC_CLK_TCK"))


@pytest.mark.parametrize("content", [None, "", "cpu0 a b c d e f g\n", "cpu0 1 2\n"])
def test_counters_that_cannot_be_read_are_none_or_nothing(
    monkeypatch: pytest.MonkeyPatch, content: str | None, tmp_path: Path
) -> None:
    counters = tmp_path / "stat"
    if content is not None:
        counters.write_text(content)
    monkeypatch.setattr(machine, "own_cores", lambda: {0})
    reading = machine.read_load(str(counters))
    assert reading is None if content != "" else reading.everyone_s == 0.0


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="this system has no /proc/stat")
def test_work_of_another_process_shows_in_the_reading() -> None:
    begun, before = time.monotonic(), machine.read_load()
    subprocess.run(
        [sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True, timeout=60
    )
    assert machine.busy_cores(before) >= 0.45 / (time.monotonic() - begun)


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("20000 100000", 1),
        ("9900000 100000", 4),
        ("max 100000", 4),
    ],
)
def test_a_container_is_not_given_more_threads_than_it_was_granted(
    monkeypatch: pytest.MonkeyPatch, quota: str, expected: int, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(machine, "own_cores", lambda: {0, 1, 2, 3})
    (tmp_path / "cpu.max").write_text(quota + "\n")
    assert machine.cores(str(tmp_path / "cpu.max")) == expected


def test_the_peak_of_memory_grows_with_what_is_held() -> None:
    program = (
        "from deepfit.machine import peak_mb\nbefore = peak_mb()\nheld = b'x' * 200_000_000\n"
        "raise SystemExit(not 150 < peak_mb() - before < 260)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert (
        subprocess.run([sys.executable, "-c", program], check=False, timeout=60, env=environment).returncode
        == 0
    )


@pytest.mark.skipif(machine._c_library()[0] is None, reason="another C library, or one set by MALLOC_*")
def test_kept_memory_is_used_again_without_new_pages_and_given_back_at_the_end():
    import resource

    def new_pages(times):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(times):
            bytearray(b"1") * 50_000_000
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    def held_mb():
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(line.split()[1]) / 1e3 for line in file if line.startswith("VmRSS"))

    usual = new_pages(20)
    with machine.memory_kept():
        new_pages(1)
        assert new_pages(20) < usual / 5
        within = held_mb()
    assert held_mb() < within - 40


def test_what_the_environment_says_of_memory_stands(monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    assert machine._c_library() == (None, None)
    with machine.memory_kept():
        pass
