"""The project as whoever clones it has it: what is committed, or about to be."""

import shutil
import subprocess

from tests.conftest import PROJECT


def committed():
    """The names of its files."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    told = subprocess.run(listed, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    return [name for name in told.splitlines() if (PROJECT / name).is_file()]


def copied(folder, umask=0o022):
    """Copy it into *folder*, as somebody with that *umask* has it."""
    folder.mkdir(parents=True)
    for name in committed():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, place)
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode & ~umask)
    return folder
