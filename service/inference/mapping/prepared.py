"""
A model as its runtime optimised it for this machine, in a file that every worker maps.

It is made once, in a process of its own, which is also the trial: an artefact that ends the process
that opens it ends no worker. Whoever comes first makes it, and the others wait.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, Signals
from time import monotonic, sleep

from service.errors import DeadlineExceeded, InvalidModel
from service.inference.execution import own_program
from service.inference.mapping import place

LOOK_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """
    What became of the preparation.

    *mapped* is the file, or empty with the reason *why* the artefact itself is opened; *prepacks*
    tells that each worker packs the weights once more, since calls take longer without.
    """

    mapped: str = ""
    prepacks: bool = False
    why: str = ""

    @property
    def mapped_bytes(self) -> int:
        """The size of the mapped file, 0 where there is none."""
        try:
            return Path(self.mapped).stat().st_size if self.mapped else 0
        except OSError:
            return 0


def prepared(
    folder: Path, artefact: Path, asked: str, limit_pixels: int, deadline_s: float
) -> Prepared:
    """
    Find or make the file for the model in *folder*, whose *artefact* ONNX Runtime opens.

    It is kept in the folder *asked* for, or in this user's own; also in that where the other is
    an image's, which nobody writes, and was made for another CPU.

    Raises InvalidModel where the process that tried it was ended by a signal, and DeadlineExceeded.
    """
    kept = place.folder(asked)
    if kept is None:
        return Prepared(why="there is no folder that only this user can write")
    try:
        key = place.key_of(artefact)
        if told := _known(kept, key):
            return told
        if asked and not os.access(kept, os.W_OK):
            return prepared(folder, artefact, "", limit_pixels, deadline_s)
        return _made(kept, key, folder, limit_pixels, deadline_s)
    except OSError as error:
        return Prepared(why=f"{kept}: {error.strerror}")


def _known(kept: Path, key: str) -> Prepared | None:
    """What is known of *key*, which is used from now on."""
    note = kept / f"{key}.json"
    try:
        told = Prepared(**json.loads(note.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    if told.mapped and not Path(told.mapped).exists():
        return None
    for path in (note, Path(told.mapped or note)):
        with suppress(OSError):  # in an image it may be another user's
            os.utime(path)
    return told


def _made(kept: Path, key: str, folder: Path, limit_pixels: int, deadline_s: float) -> Prepared:
    with _turn(kept / f"{key}.lock", deadline_s):
        if told := _known(kept, key):
            return told
        place.sweep(kept)
        code = _tried([str(folder), str(kept / key), str(limit_pixels)], deadline_s)
    if code < 0:
        raise InvalidModel(
            f"opening it or asking its example ended the process by {Signals(-code).name}"
        )
    return _known(kept, key) or Prepared(why="its trial failed")


@contextmanager
def _turn(path: Path, deadline_s: float) -> Iterator[None]:
    """Wait for whoever makes the same. Raises DeadlineExceeded."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                _wait(deadline_s)
        yield
    finally:
        os.close(lock)


def _tried(arguments: list[str], deadline_s: float) -> int:
    """Run `mapping.trial` with *arguments*; its exit code, or below 0 the signal that ended it."""
    nowhere = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)]
    child = own_program.start(
        "service.inference.mapping.trial", arguments, os.environ, file_actions=nowhere
    )
    try:
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            _wait(deadline_s)
    except DeadlineExceeded:
        os.kill(child, SIGKILL)
        os.waitpid(child, 0)
        raise


def _wait(deadline_s: float) -> None:
    if monotonic() > deadline_s:
        raise DeadlineExceeded("it was not tried within the time that loading may take")
    sleep(LOOK_S)
