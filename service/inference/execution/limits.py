"""What a model's process may take: time by a timer of the kernel, private memory by its limit."""

import resource
import signal
from contextlib import suppress
from pathlib import Path

import psutil


def limit_time(seconds: float) -> None:
    """Let the kernel end this process after *seconds*, also while a library holds the GIL."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def private_bytes() -> int | None:
    """
    The private memory of this process, which RLIMIT_DATA bounds (getrlimit(2)).

    Where there is no /proc, what no other process shares; None where the system does not tell.
    """
    try:
        status = Path("/proc/self/status").read_text("ascii")
    except OSError:
        try:
            return int(psutil.Process().memory_full_info().uss)
        except (OSError, psutil.Error):
            return None
    return int(status.partition("VmData:")[2].split()[0]) << 10


def limit_memory(limit_bytes: int | None) -> None:
    """Bound this process's private memory, or let it have what the machine allows."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = most if limit_bytes is None else limit_bytes
    with suppress(OSError, ValueError):  # a system that has no such limit
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, most))


def is_want_of_memory(error: Exception, used_bytes: int | None, limit_bytes: int) -> bool:
    """Whether *error* is MemoryError by any of the names that libraries in C++ give it."""
    said = str(error).lower()
    return (
        isinstance(error, MemoryError)
        or "bad_alloc" in said
        or "cannot allocate memory" in said
        or (used_bytes or 0) > 0.95 * limit_bytes
    )
