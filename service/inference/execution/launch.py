"""
Who needs a model's process and finds none starts it: there is no supervisor.

The process holds an flock as long as it lives, so a free lock means that nobody is there. The
lock file tells when it was last started, and how often in a row it came to an early end.
"""

import fcntl
import json
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from signal import Signals
from time import monotonic, sleep

from service.inference.host import Brief
from service.inference.quarantine import Quarantine
from service.inference.tensors import Tensors, pack

PROJECT = Path(__file__).resolve().parents[3]

# Starts are at least so far apart, doubling, while the process ends early each time.
BACKOFF_FIRST_S, BACKOFF_MOST_S = 1.0, 60.0
EARLY_S = 120.0

# Between two looks at a process that another worker has just started.
LOOK_S = 0.05
LOOKS = 10


class Launcher:
    """Finds or starts the process that *brief* describes."""

    def __init__(self, brief: Brief, directory: Path, variables: Mapping[str, str]) -> None:
        """
        Meet the other workers in *directory*, which must be private to the instance.

        *variables* are added to the process's environment.
        """
        key = _fingerprint(brief)
        self._brief = replace(brief, warm_up=str(directory / f"{key}.warm"))
        self._lock = directory / f"{key}.lock"
        self._socket = f"{key}.sock"
        self._directory = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._variables = variables
        self._child = 0
        self.quarantine = Quarantine(directory / f"{key}.suspects")

    def dial(self) -> socket.socket | None:
        """Connect to the process, which may still be loading; None if nobody listens."""
        dialled = socket.socket(socket.AF_UNIX)
        try:
            dialled.connect(self._address)
        except (FileNotFoundError, ConnectionRefusedError):
            dialled.close()
            return None
        return dialled

    def start(self) -> float:
        """Start the process unless somebody has; the seconds after which to look again."""
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return LOOK_S
        else:
            wait_s = self._note_start(lock)
            if not wait_s:
                self._spawn(lock)
            return wait_s
        finally:
            os.close(lock)

    def keep_warm_up(self, inputs: Tensors) -> None:
        """Leave a batch with which the next process warms itself before it serves."""
        path = Path(self._brief.warm_up)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(pack(inputs))
        fresh.replace(path)

    def obituary(self) -> str:
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
        os.close(self._directory)
        self._directory = -1

    @property
    def _address(self) -> str:
        """The socket's path through the directory's descriptor: paths are cut at 107 bytes."""
        return f"/proc/self/fd/{self._directory}/{self._socket}"

    def _note_start(self, lock: int) -> float:
        """Note a start that may be now; else the seconds until one may be."""
        now = monotonic()
        noted = json.loads(os.pread(lock, 1000, 0) or b"null")
        early_ends = 0
        if noted and now - noted["started_s"] < EARLY_S:
            early_ends = noted["early_ends"] + 1
            backoff_s = min(BACKOFF_FIRST_S * 2 ** (early_ends - 1), BACKOFF_MOST_S)
            if (wait_s := noted["started_s"] + backoff_s - now) > 0:
                return float(wait_s)
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps({"started_s": now, "early_ends": early_ends}).encode(), 0)
        return 0.0

    def _spawn(self, lock: int) -> None:
        """Start the process with the lock, and a socket that takes connections from now on."""
        Path(self._address).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._address)
            listener.listen()
            for fd in (lock, listener.fileno()):
                os.set_inheritable(fd, True)  # noqa: FBT003  # so is its signature
            brief = replace(self._brief, lock_fd=lock, listener_fd=listener.fileno())
            module = ["-P", "-B", "-m", "service.inference.host"]
            search = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
            # Not subprocess: between a fork and an exec in a process of many threads, Python may
            # hang; and nobody here has to wait for the end.
            self._child = os.posix_spawn(
                sys.executable,
                [sys.executable, *module, brief.to_json()],
                {**self._variables, **os.environ, "PYTHONPATH": search},
                file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
                setsid=True,
            )


def _fingerprint(brief: Brief) -> str:
    """What makes a process another one: the model's files, and how it is told to run them."""
    folder = Path(brief.file).parent
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
    facts = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files]
    return blake2b(f"{brief.to_json()}{facts}".encode(), digest_size=8).hexdigest()
