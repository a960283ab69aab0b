"""Leaving a listening socket without losing a connection that the kernel has completed on it."""

import ctypes
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

SO_ATTACH_FILTER = 26  # include/uapi/asm-generic/socket.h; Python does not name it

# Classic BPF over the TCP header: drop a segment whose flags are SYN without ACK, pass all others.
# (code, jump if true, jump if false, operand), as in include/uapi/linux/filter.h.
DROP_SYN = (
    (0x30, 0, 0, 13),  # load the byte of the flags
    (0x54, 0, 0, 0x12),  # keep SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFF),  # pass
)


def is_abandoned(listener: Any, master_pid: int) -> bool:
    """
    Tell whether the master has closed *listener*, so that no later worker will accept from it.

    A worker is told to leave in the same way for a reload and for the end; in a reload the master
    keeps the socket open and the next worker takes over what waits in its queue. Where there is no
    /proc nobody can tell, and the queue is left to whoever comes.
    """
    if os.getppid() != master_pid:
        return True
    name = f"socket:[{os.fstat(listener.fileno()).st_ino}]"
    held = Path(f"/proc/{master_pid}/fd")
    try:
        return all(_target(fd) != name for fd in held.iterdir())
    except OSError:
        return os.getppid() != master_pid


def is_held_elsewhere(listener: Any, master_pid: int) -> bool:
    """
    Tell whether *listener* is open in a process that is no worker of the master.

    Such as a new master that SIGUSR2 started, and its workers. What cannot be seen counts as
    held only if the master has died: then it cannot be told whose its workers were.
    """
    if os.getppid() != master_pid:
        return True
    name = f"socket:[{os.fstat(listener.fileno()).st_ino}]"
    others = (path for path in Path("/proc").glob("[0-9]*") if int(path.name) != os.getpid())
    return any(_parent(path) != master_pid and _holds(path, name) for path in others)


def _parent(process: Path) -> int:
    """The parent's pid (proc(5)); the name before it may hold anything, parentheses too."""
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _holds(process: Path, name: str) -> bool:
    try:
        return any(_target(fd) == name for fd in (process / "fd").iterdir())
    except OSError:
        return False  # gone, or another user's, which has not inherited it


def refuse_new(listener: Any) -> None:
    """
    Let no further connection begin on *listener*; those that have begun complete.

    A client whose SYN is dropped tries again after a second, when the port is closed or another
    instance's: it has sent nothing yet, so nothing is lost.
    """
    code = b"".join(struct.pack("HBBI", *step) for step in DROP_SYN)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HL", len(DROP_SYN), ctypes.addressof(buffer))
    with suppress(OSError):  # not on this platform: the gap between accept and close stays
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


def _target(fd: Path) -> str:
    try:
        return str(fd.readlink())
    except FileNotFoundError:
        return ""
