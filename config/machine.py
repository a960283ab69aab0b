"""What this machine grants the service: CPUs and memory, as the container limits them."""

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")

# cgroup v1 writes "no limit" as the largest page-aligned 64-bit number.
UNLIMITED_BYTES = 1 << 60


def cpus(cgroup: Path = CGROUP) -> int:
    """
    Whole CPUs this process may use: its affinity, cut by the cgroup's quota.

    Quota files: `cpu.max` (v2), `cpu.cfs_quota_us` over `cpu.cfs_period_us` (v1).
    """
    granted = len(os.sched_getaffinity(0))
    quota = _quota_cpus(cgroup)
    return granted if quota is None else max(1, min(granted, int(quota)))


def memory_bytes(cgroup: Path = CGROUP) -> int:
    """Memory this process may use: the cgroup's limit if it has one, else the machine's."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        limit = _words(cgroup / name)
        if limit and limit[0].isdigit() and int(limit[0]) < UNLIMITED_BYTES:
            return min(installed, int(limit[0]))
    return installed


def worker_count(worker_memory_bytes: int, cgroup: Path = CGROUP) -> int:
    """One worker per CPU, as far as memory reaches: never fewer than one."""
    return max(1, min(cpus(cgroup), memory_bytes(cgroup) // worker_memory_bytes))


def _quota_cpus(cgroup: Path) -> float | None:
    words = _words(cgroup / "cpu.max") or [
        *_words(cgroup / "cpu/cpu.cfs_quota_us"),
        *_words(cgroup / "cpu/cpu.cfs_period_us"),
    ]
    if len(words) != 2 or not all(word.isdigit() for word in words):
        return None  # "max" (v2), "-1" (v1) or no such controller
    quota_us, period_us = map(int, words)
    return quota_us / period_us


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
