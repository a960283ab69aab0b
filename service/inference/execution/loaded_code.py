"""
The files that a model's process has loaded its code from, and whether they are still the same.

A process outlives a reload, while code outside the model's folder may have changed: a package that
was upgraded, a module on PYTHONPATH that was edited.
"""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from service.whole_files import write_whole

# When a file was changed, in nanoseconds, and its size in bytes; none if there is no such file.
Stamp: TypeAlias = list[int] | None


def note(path: Path) -> None:
    """Write down in *path* what this process has loaded so far; a full disk costs the note."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    stamps = {file: _stamp(file) for file in files if isinstance(file, str)}
    with suppress(OSError):
        write_whole(path, json.dumps(stamps).encode())


def has_changed(path: Path) -> bool:
    """Whether any file noted in *path* is another by now; not so without a note."""
    try:
        stamps = json.loads(path.read_bytes())
        return any(_stamp(file) != stamp for file, stamp in stamps.items())
    except (OSError, ValueError, AttributeError):
        return False


def _stamp(file: str) -> Stamp:
    try:
        status = os.stat(file)  # noqa: PTH116  # a thousand of them, in a worker's start
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size]
