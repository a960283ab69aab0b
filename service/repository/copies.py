"""
Copies of the models that are served, as they were when they were taken over.

The repository changes under the service; a worker that starts, or a model's process that starts
anew, must find what the others serve. The copies are the instance's own, and are removed by the
next one when that has ended.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from config.instance_folder import is_dead, is_free
from service.errors import InvalidModel
from service.repository.records import Served
from service.whole_files import write_whole

# The file that says whose they are, and is locked by each of its workers.
INSTANCE = "instance"
LEFT_OUT = "__pycache__"

# More than this, all models together, would keep the first worker from booting in time: what goes
# beyond is served from where it stands.
MOST_BYTES = 1 << 30


class Copies:
    """Those of the instance whose own folder is *instance*, in *folder*."""

    def __init__(self, folder: Path, instance: Path) -> None:
        """Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / INSTANCE).exists():
            write_whole(folder / INSTANCE, str(instance).encode())
        self.folder = folder
        self._lock = os.open(folder / INSTANCE, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def take(self, source: Path, generation: int, limit_bytes: int = MOST_BYTES) -> Served:
        """
        Copy the model in *source*, whole or not at all; one that is larger is itself the copy.

        Raises InvalidModel where it cannot be, or changed meanwhile.
        """
        try:
            return self._taken(source, generation, limit_bytes)
        except (OSError, shutil.Error, RecursionError) as error:
            why = getattr(error, "strerror", None) or "a file of it cannot be read"
            raise InvalidModel(f"its files cannot be copied: {why}") from None

    def _taken(self, source: Path, generation: int, limit_bytes: int) -> Served:
        before = fingerprint(source)
        if size_bytes(source) > limit_bytes:
            return Served(folder=str(source), fingerprint=before)
        copy = self.folder / str(generation) / source.name
        shutil.rmtree(copy.parent, ignore_errors=True)
        ignored = shutil.ignore_patterns(LEFT_OUT, ".*")
        shutil.copytree(source, copy, ignore=ignored)
        if fingerprint(source) != before:
            raise InvalidModel("its files changed while they were copied; try again")
        return Served(folder=str(copy), fingerprint=before)

    def keep_only(self, folders: set[str]) -> None:
        """Remove all but *folders*: who has them open keeps them."""
        kept = {Path(folder).parent for folder in folders}
        for path in self.folder.iterdir():
            if path.is_dir() and path not in kept:
                shutil.rmtree(path, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Remove the copies of instances that have ended from *parent*."""
    with suppress(OSError):
        for folder in parent.iterdir():
            with suppress(OSError):  # another is just being made, or swept
                if _is_left(folder / INSTANCE):
                    shutil.rmtree(folder, ignore_errors=True)


def _is_left(told: Path) -> bool:
    """Whether neither a worker nor a master lives whose copies are beside *told*."""
    instance = Path(told.read_text())
    return (not instance.exists() or is_dead(instance)) and is_free(told)


def size_bytes(folder: Path) -> int:
    """What the files of a model take. Raises OSError."""
    return sum(path.stat().st_size for path in _files_in(folder))


def fingerprint(folder: Path) -> str:
    """What tells one state of a model's files from another: names, times and sizes."""
    found = blake2b(digest_size=16)
    for path in _files_in(folder):
        with suppress(FileNotFoundError):
            status = path.stat()
            facts = path.relative_to(folder), status.st_ino, status.st_mtime_ns, status.st_size
            found.update(repr(facts).encode())
    return found.hexdigest()


def _files_in(folder: Path) -> Iterator[Path]:
    """The files of a model in order, also where links lead; a link that leads back is left out."""
    seen = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith((".", LEFT_OUT)))
        yield from (Path(parent, name) for name in sorted(names) if not name.startswith("."))
