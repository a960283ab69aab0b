"""
The control groups that this process is in, from its own up to the root of the hierarchy.

A limit of any of them holds for it: systemd puts a unit into a slice, Kubernetes a container into a
pod (cgroups(7); Documentation/admin-guide/cgroup-v2). Where there are none there are no limits.
"""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")

# cgroup v1 writes "no limit" as the largest page-aligned 64-bit number.
UNLIMITED_BYTES = 1 << 60

# What of memory.stat the kernel cannot take back: of cgroup v2, and of v1.
HELD = ("anon", "shmem", "sock", "kernel_stack", "slab_unreclaimable")
HELD_V1 = ("total_rss", "total_shmem")


def cpu_quota(root: Path = ROOT, own: Path = OWN) -> float | None:
    """
    CPUs that the tightest quota grants; None without any.

    Files: `cpu.max` (v2), `cpu.cfs_quota_us` over `cpu.cfs_period_us` (v1).
    """
    quotas = [
        *(_ratio(words(group / "cpu.max")) for group in _groups(root, own, "")),
        *(
            _ratio([*words(group / "cpu.cfs_quota_us"), *words(group / "cpu.cfs_period_us")])
            for group in _groups(root, own, "cpu")
        ),
    ]
    return min((quota for quota in quotas if quota is not None), default=None)


def memory_limit_bytes(root: Path = ROOT, own: Path = OWN) -> int | None:
    """The tightest limit of memory; None without any. Files: `memory.max`, v1's limit_in_bytes."""
    return min((limit for limit, _, _ in _memory_limits(root, own)), default=None)


def memory_held_bytes(root: Path = ROOT, own: Path = OWN) -> int | None:
    """What of the memory under the tightest limit cannot be taken back; None if it is not told."""
    limits = sorted(_memory_limits(root, own), key=lambda limit: limit[0])
    for _, group, names in limits[:1]:
        told = words(group / "memory.stat")
        held = dict(zip(told[::2], told[1::2], strict=False))
        if held:
            return sum(int(held.get(name, 0)) for name in names)
    return None


def words(path: Path) -> list[str]:
    """The words of a file; none if it cannot be read."""
    try:
        return path.read_text("utf-8", "replace").split()
    except OSError:
        return []


def _memory_limits(root: Path, own: Path) -> Iterator[tuple[int, Path, tuple[str, ...]]]:
    """Each limit, its group, and which of its figures are memory that is held."""
    for controller, file, names in (
        ("", "memory.max", HELD),
        ("memory", "memory.limit_in_bytes", HELD_V1),
    ):
        for group in _groups(root, own, controller):
            limit = words(group / file)
            if limit and limit[0].isdigit() and int(limit[0]) < UNLIMITED_BYTES:
                yield int(limit[0]), group, names


def _groups(root: Path, own: Path, controller: str) -> Iterator[Path]:
    """Find the process's group of a *controller* of v1, or of v2 for "", and those above it."""
    base = root / controller
    path = Path(_membership(own, controller).lstrip("/"))
    if ".." in path.parts:  # a group outside the namespace, whose root is what is mounted here
        path = Path()
    for above in (path, *path.parents):
        yield base / above


def _membership(own: Path, controller: str) -> str:
    """The group's path, as in `0::/system.slice/weir.service` or `4:cpu,cpuacct:/docker/1f`."""
    try:
        lines = own.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        _, _, controllers_and_path = line.partition(":")
        controllers, _, path = controllers_and_path.partition(":")
        if controller in controllers.split(","):
            return path
    return ""


def _ratio(quota_and_period: list[str]) -> float | None:
    """CPUs of a quota; None for "max" (v2), "-1" (v1), or no such file."""
    if len(quota_and_period) != 2 or not all(word.isdigit() for word in quota_and_period):
        return None
    quota_us, period_us = map(int, quota_and_period)
    return quota_us / period_us if period_us else None
