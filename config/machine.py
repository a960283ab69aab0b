"""What this machine grants the service: CPUs and memory, as the container limits them."""

import os
import resource
from itertools import pairwise
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")

MEMINFO = Path("/proc/meminfo")

# What of memory requests may fill, all together: the rest is for sockets, and for what a moment's
# growth takes before anybody has counted it.
REQUESTS_SHARE = 0.7

# More than the largest connection limit wants; beyond, some libraries walk through all numbers.
MOST_DESCRIPTORS = 1 << 17

# Spare connections for probes (64), and what a worker opens beside: 22 with two models or eight in
# threads, one more for each model's process, and files while they are read.
RESERVED_DESCRIPTORS = 192

# A worker without memory to spare still reads a picture of a megapixel, one after another.
LEAST_REQUEST_BYTES = 8 << 20

# What of memory.stat the kernel cannot take back: of cgroup v2, and of v1.
HELD = ("anon", "shmem", "sock", "kernel_stack", "slab_unreclaimable")
HELD_V1 = ("total_rss", "total_shmem")

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
    installed = _installed_bytes()
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        limit = _words(cgroup / name)
        if limit and limit[0].isdigit() and int(limit[0]) < UNLIMITED_BYTES:
            return min(installed, int(limit[0]))
    return installed


def memory_used_bytes(cgroup: Path = CGROUP, meminfo: Path = MEMINFO) -> int:
    """
    Memory in use that cannot be taken back: the cgroup's if it has a limit, else the machine's.

    Files: `memory.stat` of the controller (v1 counts processes and shared memory apart), and
    `MemTotal` less `MemAvailable`.
    """
    if memory_bytes(cgroup) < _installed_bytes():
        for name, wanted in (("memory.stat", HELD), ("memory/memory.stat", HELD_V1)):
            words = _words(cgroup / name)
            held = dict(zip(words[::2], words[1::2], strict=False))
            if held:
                return sum(int(held.get(each, 0)) for each in wanted)
    words = _words(meminfo)
    kilobytes = dict(pairwise(words))
    return (int(kilobytes.get("MemTotal:", 0)) - int(kilobytes.get("MemAvailable:", 0))) << 10


def request_memory_bytes(workers: int, cgroup: Path = CGROUP) -> int:
    """Memory that the requests of each of *workers* may hold beyond what is in use now."""
    return request_share_bytes(memory_bytes(cgroup), memory_used_bytes(cgroup), workers)


def request_share_bytes(granted_bytes: int, used_bytes: int, workers: int) -> int:
    """What each of *workers* may give to requests of what is granted and not in use."""
    left_bytes = int(granted_bytes * REQUESTS_SHARE) - used_bytes
    return max(LEAST_REQUEST_BYTES, left_bytes // workers)


def raise_descriptor_limit() -> None:
    """Let this process and its children open as many files as the system grants them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, MOST_DESCRIPTORS) if hard != resource.RLIM_INFINITY else MOST_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def fitting_connections(wanted: int) -> int:
    """As many of *wanted* connections as a worker has descriptors for, beside all else."""
    granted, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if granted == resource.RLIM_INFINITY:
        return wanted
    reserved = min(RESERVED_DESCRIPTORS, granted // 2)
    return max(1, min(wanted, granted - reserved))


def worker_count(worker_memory_bytes: int, cgroup: Path = CGROUP) -> int:
    """One worker per CPU, as far as memory reaches: never fewer than one."""
    return max(1, min(cpus(cgroup), memory_bytes(cgroup) // worker_memory_bytes))


def _installed_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


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
