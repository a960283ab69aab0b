"""
Who needs a model's process and finds none starts it: there is no supervisor.

The process holds an flock as long as it lives, so a free lock means that nobody is there. A note
beside it tells when it was last started, and how often in a row it ended before it had loaded; the
process itself leaves a file when it has. What cannot be written or read counts as absent: a full
disk costs notes, never a start.
"""

import fcntl
import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from signal import Signals
from time import monotonic, sleep, time

from service.errors import OutdatedModel
from service.inference.execution import loaded_code, own_program
from service.inference.execution.brief import Brief, told_path
from service.inference.execution.quarantine import Quarantine
from service.inference.execution.socket_place import SocketPlace
from service.inference.tensors import Tensors, pack
from service.whole_files import write_whole

# Starts are at least so far apart, doubling while the process ends before it has loaded.
BACKOFF_FIRST_S, BACKOFF_MOST_S = 1.0, 60.0

# Between two looks at a process that another worker has just started.
LOOK_S = 0.05
LOOKS = 10

STACK_LINES = 40

# A process that nobody asks any more has left by then, and it is looked so often whether it has.
LINGER_S, LINGER_LOOK_S = 60.0, 1.0

# Every worker has seen the end of a process by then.
TOLD_S = 60.0


class Launcher:
    """Finds or starts the process that *brief* describes."""

    def __init__(self, brief: Brief, directory: Path, variables: Mapping[str, str]) -> None:
        """
        Meet the other workers in *directory*, which must be private to the instance.

        *variables* are added to the process's environment.
        """
        self._told = brief
        self._opened_from = _fingerprint(brief)
        key = _current(self._opened_from, directory)
        self._ready = directory / f"{key}.ready"
        self._stack = directory / f"{key}.stack"
        self.brief = replace(
            brief,
            warm_up=str(directory / f"{key}.warm"),
            ready=str(self._ready),
            stack=str(self._stack),
            modules=str(_modules(directory, key)),
        )
        self._lock = directory / f"{key}.lock"
        self._start = directory / f"{key}.start"
        self._place = SocketPlace(directory, f"{key}.sock")
        self._variables = variables
        self._child = 0
        self.quarantine = Quarantine(directory / f"{key}.suspects")

    def connect(self) -> socket.socket | None:
        """Connect to the process, which may still be loading; None if nobody listens."""
        connected = socket.socket(socket.AF_UNIX)
        try:
            connected.connect(self._place.address)
        except (FileNotFoundError, ConnectionRefusedError):
            connected.close()
            return None
        return connected

    def start(self) -> float:
        """
        Start the process unless somebody has; the seconds after which to look again.

        Raises OutdatedModel where the model's files are others than those that it was opened from.
        """
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return LOOK_S
        else:
            wait_s = self._note_start()
            if not wait_s:
                self._refuse_if_outdated()
                self._spawn(lock)
            return wait_s
        finally:
            os.close(lock)

    def keep_warm_up(self, inputs: Tensors) -> None:
        """Leave a batch with which the next process warms itself before it serves."""
        with suppress(OSError):
            write_whole(Path(self.brief.warm_up), pack(inputs))

    def claim_end(self, pid: int = 0) -> bool:
        """
        Whether it falls to this worker, the first that asks, to tell that process *pid* has ended.

        0 stands for one that had not told its number yet.
        """
        marker = told_path(self._ready, pid)
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError:
            return False
        return True

    def stack(self) -> tuple[str, ...]:
        """Where a process that took too long to load stood when it ended; empty for any other."""
        try:
            lines = self._stack.read_text("utf-8", "replace").splitlines()
        except OSError:
            return ()
        return tuple(line.strip() for line in lines[:STACK_LINES])

    def exit_reason(self) -> str:
        """How the process has ended, as far as is known here."""
        with suppress(ChildProcessError):
            for _ in range(LOOKS if self._child else 0):
                child, status = os.waitpid(self._child, os.WNOHANG)
                if child:
                    self._child = 0
                    code = os.waitstatus_to_exitcode(status)
                    return Signals(-code).name if code < 0 else f"exit code {code}"
                sleep(LOOK_S)
        return "started by another worker" if not self._child else "not yet reaped"

    def close(self) -> None:
        """Let go of the directory."""
        self._place.close()

    def bury(self) -> None:
        """See to what a process leaves that nobody will ask again: reap it, remove its files."""
        until_s = monotonic() + LINGER_S
        while not self._is_buried() and monotonic() < until_s:
            sleep(LINGER_LOOK_S)

    def _is_buried(self) -> bool:
        with suppress(ChildProcessError):
            if self._child and os.waitpid(self._child, os.WNOHANG)[0]:
                self._child = 0
        with suppress(OSError), self._lock.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in self._ready.parent.glob(f"{self._ready.stem}.*"):
                if path != self._lock:  # which somebody may just have opened
                    path.unlink(missing_ok=True)
            return not self._child
        return False

    def _refuse_if_outdated(self) -> None:
        if _fingerprint(self._told) != self._opened_from:
            raise OutdatedModel("its files have changed; it is loaded again")

    def _note_start(self) -> float:
        """Note a start that may be now; else the seconds until one may be."""
        now = monotonic()
        started_s, early_ends = self._last_start()
        early_ends = 0 if self._ready.exists() else early_ends + 1
        backoff_s: float = min(BACKOFF_FIRST_S * 2 ** max(0, early_ends - 1), BACKOFF_MOST_S)
        if (wait_s := started_s + backoff_s - now) > 0:
            return wait_s
        with suppress(OSError):
            write_whole(self._start, json.dumps([now, early_ends]).encode())
        return 0.0

    def _last_start(self) -> tuple[float, int]:
        try:
            started_s, early_ends = json.loads(self._start.read_bytes())
            return float(started_s), int(early_ends)
        except (OSError, ValueError, TypeError):
            return float("-inf"), -1  # there was none

    def _spawn(self, lock: int) -> None:
        """Start the process with the lock, and a socket that takes connections from now on."""
        for path in (
            Path(self._place.address),
            self._ready,
            told_path(self._ready, 0),
            self._stack,
        ):
            path.unlink(missing_ok=True)
        for marker in self._ready.parent.glob(f"{self._ready.stem}.*.told"):
            with suppress(OSError):
                if time() - marker.stat().st_mtime > TOLD_S:
                    marker.unlink()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._place.address)
            listener.listen()
            for fd in (lock, listener.fileno()):
                os.set_inheritable(fd, True)  # noqa: FBT003  # so is its signature
            brief = replace(self.brief, lock_fd=lock, listener_fd=listener.fileno())
            self._child = own_program.start(
                "service.inference.execution.host",
                [brief.to_json()],
                {**self._variables, **os.environ},
                file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
                setsid=True,
            )


def _current(fingerprint: str, directory: Path) -> str:
    """The first key of *fingerprint* whose process, if there was one, has loaded what is there."""
    key, number = fingerprint, 0
    while loaded_code.has_changed(_modules(directory, key)):
        number += 1
        key = f"{fingerprint}-{number}"
    return key


def _modules(directory: Path, key: str) -> Path:
    return directory / f"{key}.modules"


def _fingerprint(brief: Brief) -> str:
    """What makes a process another one: the model's files, and how it is told to run them."""
    folder = Path(brief.file).parent
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
    facts = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files]
    return blake2b(f"{brief.to_json()}{facts}".encode(), digest_size=8).hexdigest()
