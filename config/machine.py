"""
What this machine grants the service: CPUs and memory, as the container limits them.

On Linux these stand in files; elsewhere psutil asks the system.
"""

import os
import resource
from contextlib import suppress
from pathlib import Path

import psutil

from config import cgroup

# What of memory requests may fill, all together: the rest is for sockets, and for what a moment's
# growth takes before anybody has counted it.
REQUESTS_SHARE = 0.7

# The same, where nobody can tell what of it is in use.
UNSEEN_SHARE = 0.25

# More than the largest connection limit wants; beyond, some libraries walk through all numbers.
MOST_DESCRIPTORS = 1 << 17

# macOS grants no more than its own limit, whatever it calls the hard one.
SURE_DESCRIPTORS = 10_240

# Spare connections for probes (64), and what a worker opens beside: 22 with two models or eight in
# threads, one more for each model's process, and files while they are read.
RESERVED_DESCRIPTORS = 192

# A worker without memory to spare still reads a picture of a megapixel, one after another.
LEAST_REQUEST_BYTES = 8 << 20


def cpus(root: Path = cgroup.ROOT, own: Path = cgroup.OWN) -> int:
    """Whole CPUs this process may use: its affinity, cut by the cgroups' quotas."""
    quota = cgroup.cpu_quota(root, own)
    return _granted_cpus() if quota is None else max(1, min(_granted_cpus(), int(quota)))


def memory_bytes(root: Path = cgroup.ROOT, own: Path = cgroup.OWN) -> int:
    """Memory this process may use: the tightest cgroup's limit if one has any, else all."""
    limit_bytes = cgroup.memory_limit_bytes(root, own)
    return _installed_bytes() if limit_bytes is None else min(_installed_bytes(), limit_bytes)


def memory_used_bytes(root: Path = cgroup.ROOT, own: Path = cgroup.OWN) -> int | None:
    """
    Memory in use that cannot be taken back: the cgroup's if it has a limit, else the machine's.

    None where the system does not tell.
    """
    if memory_bytes(root, own) < _installed_bytes():
        held_bytes = cgroup.memory_held_bytes(root, own)
        if held_bytes is not None:
            return held_bytes
    try:
        memory = psutil.virtual_memory()
    except (OSError, psutil.Error):
        return None
    return int(memory.total - memory.available)


def request_memory_bytes(workers: int, root: Path = cgroup.ROOT, own: Path = cgroup.OWN) -> int:
    """Memory that the requests of each of *workers* may hold beyond what is in use now."""
    granted_bytes, used_bytes = memory_bytes(root, own), memory_used_bytes(root, own)
    if used_bytes is None:
        return max(LEAST_REQUEST_BYTES, int(granted_bytes * UNSEEN_SHARE) // workers)
    return request_share_bytes(granted_bytes, used_bytes, workers)


def request_share_bytes(granted_bytes: int, used_bytes: int, workers: int) -> int:
    """What each of *workers* may give to requests of what is granted and not in use."""
    left_bytes = int(granted_bytes * REQUESTS_SHARE) - used_bytes
    return max(LEAST_REQUEST_BYTES, left_bytes // workers)


def raise_descriptor_limit() -> None:
    """Let this process and its children open as many files as the system grants them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, MOST_DESCRIPTORS) if hard != resource.RLIM_INFINITY else MOST_DESCRIPTORS
    for limit in (wanted, SURE_DESCRIPTORS):
        if soft == resource.RLIM_INFINITY or soft >= limit:
            return
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            return


def fitting_connections(wanted: int) -> int:
    """As many of *wanted* connections as a worker has descriptors for, beside all else."""
    granted, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if granted == resource.RLIM_INFINITY:
        return wanted
    reserved = min(RESERVED_DESCRIPTORS, granted // 2)
    return max(1, min(wanted, granted - reserved))


def worker_count(
    once_bytes: int, worker_bytes: int, root: Path = cgroup.ROOT, own: Path = cgroup.OWN
) -> int:
    """
    One worker per CPU, as far as memory reaches: never fewer than one.

    Of the memory that requests may fill, *once_bytes* are the instance's and *worker_bytes* each
    worker's with what its requests hold.
    """
    left_bytes = int(memory_bytes(root, own) * REQUESTS_SHARE) - once_bytes
    return max(1, min(cpus(root, own), left_bytes // worker_bytes))


def _installed_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _granted_cpus() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # Linux's own
        return os.cpu_count() or 1
