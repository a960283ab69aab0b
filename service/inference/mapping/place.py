"""
Where prepared models are kept, and by what name.

A file is found by what it was made of and for: the bytes of the artefact and of all beside it, the
release of the runtime and the CPU. Nobody else may write where it lies: what a runtime maps it
trusts.
"""

import os
import platform
import tempfile
from contextlib import suppress
from hashlib import blake2b, file_digest
from importlib.metadata import version
from pathlib import Path
from time import time

from service.inference.manifest.reading import MODEL_TOML

# Raised whenever what the trial finds or writes has another meaning.
FORM = 1

# What of /proc/cpuinfo tells which instructions there are, on x86 and ARM.
CPU_FACTS = ("flags", "Features", "model name", "CPU part")

# What nobody has used for so long is removed when another is made.
KEPT_S = 30 * 86_400.0


def folder(asked: str) -> Path | None:
    """
    The folder *asked* for, or one of this user's own where temporary files are; made if need be.

    None where there can be none, or where somebody else could write. The folder that is asked for
    may be read by others: an image is made by root, and runs as anybody.
    """
    path = Path(asked) if asked else Path(tempfile.gettempdir(), f"weir-models-{os.getuid()}")
    try:
        path.mkdir(mode=0o755 if asked else 0o700, parents=True, exist_ok=True)
        status = path.lstat()
    except OSError:
        return None
    is_others = not asked and (path.is_symlink() or status.st_uid != os.getuid())
    return None if is_others or status.st_mode & 0o022 else path


def key_of(artefact: Path) -> str:
    """The name of what is made of *artefact* for this machine. Raises OSError."""
    made_for = blake2b(f"{FORM} {version('onnxruntime')} {platform.machine()} {_cpu()}".encode())
    for path in sorted(_files_of(artefact)):
        made_for.update(f"\n{path.relative_to(artefact.parent)} ".encode())
        with path.open("rb") as file:
            made_for.update(file_digest(file, "sha256").digest())
    return made_for.hexdigest()[:32]


def sweep(place: Path) -> None:
    """Remove what has not been used for long; who has mapped it keeps it."""
    for path in place.iterdir():
        with suppress(OSError):  # somebody else sweeps as well
            if time() - path.stat().st_mtime > KEPT_S:
                path.unlink()


def _files_of(artefact: Path) -> list[Path]:
    """The artefact and what may hold its weights: all beside it that is no other model's."""
    found = []
    for parent, folders, names in os.walk(artefact.parent):
        folders[:] = [name for name in folders if not Path(parent, name, MODEL_TOML).exists()]
        found += [Path(parent, name) for name in names if name != MODEL_TOML]
    return [path for path in found if path.is_file()]


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
    except OSError:
        return platform.processor()
    return "\n".join(line for line in lines if line.startswith(CPU_FACTS))
