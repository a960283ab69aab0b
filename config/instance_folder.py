"""
The private folder of an instance: its metric files, and where its models' processes are met.

A mark in it is locked for as long as a process of the instance lives: a folder whose mark can be
locked is of a dead one, killed with no chance to tidy up, and is swept when the next one starts.
"""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

MARK = ".weir"
PREFIX = "weir-"


def takes_files(parent: Path) -> bool:
    """Whether a file can be made in *parent*."""
    try:
        tempfile.TemporaryFile(dir=parent).close()
    except OSError:
        return False
    return True


def make(parents: list[Path], port: int) -> tuple[Path, int]:
    """
    Make a folder in the first of *parents* that takes one, or raise the last one's OSError.

    Returns its path, and the descriptor whose end unlocks it.
    """
    for parent in parents[:-1]:
        with suppress(OSError):
            return _make(parent, port)
    return _make(parents[-1], port)


def _make(parent: Path, port: int) -> tuple[Path, int]:
    parent.mkdir(parents=True, exist_ok=True)
    # Under another name until it is locked, so that nobody who starts as well sweeps it.
    made = Path(tempfile.mkdtemp(prefix=f"new-{PREFIX}{port}-", dir=parent))
    lock = os.open(made / MARK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    named = made.with_name(made.name.removeprefix("new-"))
    return made.rename(named), lock


def is_one(path: Path) -> bool:
    """Whether *path* is such a folder."""
    return (path / MARK).exists()


def sweep(parent: Path) -> list[Path]:
    """Remove the folders of dead instances of this user from *parent*; those that there were."""
    dead = [path for path in parent.glob(f"{PREFIX}*") if _is_own(path) and is_dead(path)]
    for path in dead:
        shutil.rmtree(path, ignore_errors=True)
    return dead


def _is_own(path: Path) -> bool:
    try:
        return path.stat().st_uid == os.getuid()
    except FileNotFoundError:
        return False  # its instance has just ended


def is_dead(path: Path) -> bool:
    """Whether no process of the instance lives whose folder is at *path*."""
    return is_free(path / MARK)


def is_free(path: Path) -> bool:
    """Whether nobody holds a lock of the file *path*; not so of one that cannot be opened."""
    try:
        opened = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False  # not ours, or just being removed
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(opened)
    return True
