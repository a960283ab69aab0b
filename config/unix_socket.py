"""A Unix socket as a place to listen: for its owner and group, and for one instance at a time."""

import errno
import os
import socket
from contextlib import suppress
from typing import Any

from gunicorn import sock

# Owner and group may connect, which for a socket is to write.
UMASK = 0o117


class UnixSocket(sock.UnixSocket):  # type: ignore[misc]  # Gunicorn has no types
    """
    Gunicorn's listening Unix socket, which takes the place of any other and lets everybody in.

    Here where somebody listens counts as in use, and the folder decides the file's group by its
    setgid bit. What `unlink` removes is the file that was made here, not one that came after it.
    """

    def __init__(self, addr: str, conf: Any, log: Any, fd: int | None = None) -> None:
        if fd is None and _is_listening(addr):
            raise OSError(errno.EADDRINUSE, "another process listens there")
        super().__init__(addr, conf, log, fd=fd)
        self._made = _identity(addr)

    def bind(self, listener: Any) -> None:
        """Bind it for owner and group."""
        before = os.umask(UMASK)
        try:
            listener.bind(self.cfg_addr)
        finally:
            os.umask(before)

    def unlink(self) -> None:
        """Take the file away, if it is still this socket's."""
        with suppress(OSError):
            if self._made == _identity(self.cfg_addr):
                os.unlink(self.cfg_addr)  # noqa: PTH108  # as Gunicorn


def _identity(path: str) -> tuple[int, int] | None:
    with suppress(OSError):
        found = os.stat(path)  # noqa: PTH116  # Path() of an abstract name fails
        return found.st_dev, found.st_ino
    return None


def close_sockets(listeners: list[Any], unlink: bool = True) -> None:  # noqa: FBT001, FBT002  # as Gunicorn's
    """Close *listeners* as Gunicorn does, which fails where a socket's file has gone."""
    for listener in listeners:
        listener.close()
        if unlink and isinstance(listener, UnixSocket):
            listener.unlink()


def _is_listening(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.settimeout(1)
        probe.connect(path)
        return True
    return False


def listen_for_few() -> None:
    """Let Gunicorn make such sockets; called before it makes the first."""
    sock.UnixSocket, sock.close_sockets = UnixSocket, close_sockets
