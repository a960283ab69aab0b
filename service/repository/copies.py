"""
Copies of the models that are served, as they were when they were taken over.

The repository changes under the service; a worker that starts, or a model's process that starts
anew, must find what the others serve. The copies are the instance's own, and are removed by the
next one when that has ended.
"""

import os
import shutil
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from config.instance_folder import is_dead
from service.errors import InvalidModel
from service.whole_files import write_whole

# The file that says whose they are.
INSTANCE = "instance"
LEFT_OUT = "__pycache__"

# What is larger would keep a worker from booting in time: it is served from where it stands.
MOST_BYTES = 2 << 30


class Copies:
    """Those of the instance whose own folder is *instance*, in *folder*."""

    def __init__(self, folder: Path, instance: Path) -> None:
        """Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(folder / INSTANCE, str(instance).encode())
        self.folder = folder

    def take(self, source: Path, generation: int) -> Path:
        """
        Copy the model in *source*, whole or not at all; one that is too large is itself the copy.

        Raises InvalidModel where it cannot be, or changed meanwhile.
        """
        try:
            return self._taken(source, generation)
        except (OSError, shutil.Error) as error:
            why = getattr(error, "strerror", None) or "a file of it cannot be read"
            raise InvalidModel(f"its files cannot be copied: {why}") from None

    def _taken(self, source: Path, generation: int) -> Path:
        if _size_bytes(source) > MOST_BYTES:
            return source
        before = fingerprint(source)
        copy = self.folder / str(generation) / source.name
        shutil.rmtree(copy.parent, ignore_errors=True)
        ignored = shutil.ignore_patterns(LEFT_OUT, ".*")
        shutil.copytree(source, copy, ignore=ignored)
        if fingerprint(source) != before:
            raise InvalidModel("its files changed while they were copied; try again")
        return copy

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
                instance = Path((folder / INSTANCE).read_text())
                if not instance.exists() or is_dead(instance):
                    shutil.rmtree(folder, ignore_errors=True)


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def fingerprint(folder: Path) -> str:
    """What tells one state of a model's files from another: names, times and sizes."""
    found = blake2b(digest_size=16)
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", LEFT_OUT)))
        for name in sorted(names):
            path = Path(parent, name)
            if not name.startswith("."):
                with suppress(FileNotFoundError):
                    status = path.stat()
                    facts = path.relative_to(folder), status.st_mtime_ns, status.st_size
                    found.update(repr(facts).encode())
    return found.hexdigest()
