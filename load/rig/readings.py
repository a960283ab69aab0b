"""What the machine says of a running server: its CPU and memory, and who else used the cores."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

SPIN_ROUNDS = 5_000_000  # about 100 ms
LEAVING_LIMIT_S = 2.0
GROUP = "weir-load"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class CpuClock(Protocol):
    """CPU time of a group of processes; *procs_file* takes the pids of its members."""

    procs_file: Path | None

    def used_ms(self, pids: Iterable[int]) -> float:
        """CPU time so far, in ms; *pids* are the processes that live now."""

    def close(self) -> None:
        """Take away what was made for the measurement."""


class _Cgroup:
    """A control group of one's own; it also remembers processes that have ended."""

    def __init__(self, parent: Path, reading: str) -> None:
        _clear_away(parent)
        self._folder = parent / f"{GROUP}-{os.getpid()}-{time.monotonic_ns()}"
        self._folder.mkdir()
        self._reading = self._folder / reading
        self._reading.read_text()
        self.procs_file: Path | None = self._folder / "cgroup.procs"

    def used_ms(self, _pids: Iterable[int]) -> float:
        words = self._reading.read_text().split()
        # v2: "usage_usec 123 …" (admin-guide/cgroup-v2); v1: one number in ns (cpuacct.rst)
        return int(words[1]) / 1e3 if words[0] == "usage_usec" else int(words[0]) / 1e6

    def close(self) -> None:
        # What was killed a moment ago may still be leaving, and a group with members stays.
        deadline = time.monotonic() + LEAVING_LIMIT_S
        while self._folder.exists() and time.monotonic() < deadline:
            with suppress(OSError):
                self._folder.rmdir()
                return
            time.sleep(0.01)


class _Schedstat:
    """The sum over the processes that live; what a dead one used is lost."""

    procs_file: Path | None = None

    def used_ms(self, pids: Iterable[int]) -> float:
        return sum(cpu_and_wait_ms(pid)[0] for pid in pids)

    def close(self) -> None:
        pass


def _clear_away(parent: Path) -> None:
    """Remove the empty groups of harnesses that were killed and could not."""
    for left in parent.glob(f"{GROUP}-*-*"):
        if not Path("/proc", left.name.split("-")[2]).exists():
            with suppress(OSError):
                left.rmdir()


def cpu_clock() -> CpuClock:
    """The best clock that this machine grants: cgroup v2, else v1, else /proc."""
    for kind, parent, reading in (
        ("cgroup2", _own_group(""), "cpu.stat"),
        ("cpuacct", _own_group("cpuacct"), "cpuacct.usage"),
    ):
        mount = _mount(kind)
        if mount is None or parent is None:
            continue
        with suppress(OSError):
            return _Cgroup(mount / parent, reading)
    return _Schedstat()


def _mount(kind: str) -> Path | None:
    """Where the hierarchy of *kind* is mounted: cgroup2, or a controller of v1."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, filesystem, options, *_ = line.split()
        if kind in {filesystem, *options.split(",")} and filesystem.startswith("cgroup"):
            return Path(place)
    return None


def _own_group(controller: str) -> str | None:
    """The path of this process's group; the hierarchy of v2 has no controllers in its line."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path.lstrip("/")
    return None


def cpu_and_wait_ms(pid: int) -> tuple[float, float]:
    """CPU time, and time ready to run without a core, over the threads of *pid* so far."""
    cpu_ns = wait_ns = 0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):  # a thread may end while it is read
            on_cpu, waited, _ = thread.read_text().split()
            cpu_ns += int(on_cpu)
            wait_ns += int(waited)
    return cpu_ns / 1e6, wait_ns / 1e6


@dataclass(frozen=True)
class MachineCpu:
    """Time of all cores since the machine started, in ms."""

    busy_ms: float
    steal_ms: float
    total_ms: float

    def since(self, earlier: "MachineCpu") -> "MachineCpu":
        """What passed between *earlier* and this one."""
        return MachineCpu(
            self.busy_ms - earlier.busy_ms,
            self.steal_ms - earlier.steal_ms,
            self.total_ms - earlier.total_ms,
        )


def machine_cpu() -> MachineCpu:
    """All cores' times by now (proc(5), stat); guests' time is in user's already."""
    now = psutil.cpu_times()
    busy_s = now.user + now.nice + now.system + now.irq + now.softirq
    total_s = busy_s + now.idle + now.iowait + now.steal
    # The kernel counts hundredths of a second, whose sums in floats are a little more or less.
    return MachineCpu(*(float(round(1000 * each_s)) for each_s in (busy_s, now.steal, total_s)))


def pss_bytes(pid: int) -> int:
    """Memory of *pid*, pages shared with n others counted as a n-th; 0 once it has ended."""
    with suppress(psutil.Error):
        return int(psutil.Process(pid).memory_full_info().pss)
    return 0


def children(pid: int) -> list[int]:
    """The processes that *pid* started and has not buried, the dead among them."""
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def has_ended(pid: int) -> bool:
    """Whether only its exit code is left, or not even that (proc(5), stat)."""
    with suppress(psutil.Error):
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    return True


def spin_ms(core: int) -> float:
    """CPU time in ms that a fixed piece of Python takes on *core* now: the machine's own pace."""
    with pinned([core]):
        started = time.thread_time()
        for _ in range(SPIN_ROUNDS):
            pass
        return (time.thread_time() - started) * 1000


@contextmanager
def pinned(cores: Iterable[int]) -> Iterator[None]:
    """Keep the caller, and every process that it starts meanwhile, on *cores*."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
