"""What this machine can spare, found without any package and before PyTorch is loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass


def own_cores() -> set[int]:
    """The numbers of the processors that this process may run on."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def cores(quota: str = "/sys/fs/cgroup/cpu.max") -> int:
    """Processors that this process may use.

    Those that it may run on, and no more than its container is granted.
    """
    try:
        with open(quota, encoding="ascii") as file:
            granted_us, period_us = file.read().split()
        return max(1, min(len(own_cores()), round(int(granted_us) / int(period_us))))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return len(own_cores())


@dataclass(frozen=True)
class Reading:
    """CPU seconds since boot on the processors that this process may run on.

    Of all processes, and of this one.
    """

    everyone_s: float
    own_s: float
    clock_s: float


def read_load(counters: str = "/proc/stat") -> Reading | None:
    """A reading of the CPU counters, or None where the system has no such file."""
    import time

    ours = {f"cpu{core}" for core in own_cores()}
    ticks = 0
    try:
        with open(counters, encoding="ascii") as file:
            for line in file:
                name, *words = line.split()
                if name in ours:
                    user, nice, system, _idle, _wait, irq, soft = (int(word) for word in words[:7])
                    ticks += user + nice + system + irq + soft
    except (OSError, ValueError):
        return None
    own = os.times()
    return Reading(ticks / os.sysconf("SC_CLK_TCK"), own.user + own.system, time.monotonic())


def busy_cores(before: Reading | None) -> float:
    """Processors that others kept busy since `before`.

    The one-minute load average where there are no counters.
    """
    now = read_load()
    if before is None or now is None or now.clock_s - before.clock_s < 0.05:
        return max(0.0, os.getloadavg()[0] - 1.0) if hasattr(os, "getloadavg") else 0.0
    others = (now.everyone_s - before.everyone_s) - (now.own_s - before.own_s)
    return max(0.0, others / (now.clock_s - before.clock_s))


def settle_threads(asked: int, before: Reading | None) -> int:
    """The number of CPU threads to compute with.

    Chosen before PyTorch is loaded where that is still possible.

    OpenMP's threads spin while they wait for each other. Beside one other busy process on two cores that made
    an epoch 7 times slower; waiting passively cost 1.7 times, one thread 2.6 times. So on a busy machine the
    wait is made passive (it can only be said before the library loads), or, too late for that, the threads
    are fewer. A choice already made in the environment stands.
    """
    if asked:
        return asked
    if os.environ.get("OMP_NUM_THREADS", "").isdigit():
        return max(1, int(os.environ["OMP_NUM_THREADS"]))
    spare = cores() - busy_cores(before)
    if spare > cores() - 0.5 or "OMP_WAIT_POLICY" in os.environ:
        return cores()
    if "torch" not in sys.modules:
        os.environ["OMP_WAIT_POLICY"] = "passive"
        return cores()
    return max(1, min(cores(), round(spare)))


@contextmanager
def memory_kept() -> Iterator[None]:
    """Within the block, memory that is freed stays with this process, for the next tensors.

    The C library of Linux gives large blocks back at once, and the system hands them out again page by page,
    each zeroed: about a third of a training step of an LSTM on windows of 96 steps, and up to 400,000 page
    faults in a step of ResNet-50. After the block what is free goes back. Other C libraries, and one that the
    environment has told what to do, are left alone.
    """
    mallopt, trim = _c_library()
    trim_threshold, mmap_threshold, mmap_max = -1, -3, -4  # numbers of malloc.h
    if mallopt:
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(mmap_max, 0)  # the threshold alone cannot be set above 32 MB
    try:
        yield
    finally:
        if mallopt and trim:
            mallopt(mmap_max, 2**16)
            mallopt(trim_threshold, 2**26)  # where the C library's own adjustment of both ends
            mallopt(mmap_threshold, 2**25)
            trim(0)


def _c_library() -> tuple[Callable[[int, int], int], Callable[[int], int]] | tuple[None, None]:
    """`mallopt` and `malloc_trim` of glibc, where it is the C library and nobody has set it otherwise."""
    if not sys.platform.startswith("linux") or any(name.startswith("MALLOC_") for name in os.environ):
        return None, None
    import ctypes

    library = ctypes.CDLL(None)
    if not (hasattr(library, "gnu_get_libc_version") and hasattr(library, "malloc_trim")):
        return None, None
    return library.mallopt, library.malloc_trim


def peak_mb() -> float:
    """The most memory that this process has held, in MB (10**6 bytes); 0 where the system does not say."""
    status = "/proc/self/status"  # on Linux getrusage counts the parent's peak, too
    with suppress(OSError, StopIteration), open(status, encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1]) * 1024 / 1e6 for line in file if line.startswith("VmHWM"))
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
