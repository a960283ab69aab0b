"""A container's memory as the service sees it: a cgroup, bound over the controller's root."""

import os
import shlex
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.conftest import eventually
from tests.live.instance import WEB

ROOT = Path("/sys/fs/cgroup")
V1 = ROOT / "memory"


class Container:
    """A memory cgroup of *limit_bytes*, of version 1 or 2, and the command that serves in it."""

    def __init__(self, limit_bytes):
        self._controller = V1 if V1.is_dir() else ROOT
        self.group = self._controller / f"weir-test-{os.getpid()}"
        self.group.mkdir()
        limit = "memory.limit_in_bytes" if self._controller == V1 else "memory.max"
        (self.group / limit).write_text(str(limit_bytes))

    def command(self, web=WEB):
        inner = (
            f"mount --bind {self.group} {self._controller} && "
            f"echo $$ > {self._controller}/cgroup.procs && exec env {web}"
        )
        return f"unshare --mount sh -c {shlex.quote(inner)}"

    def used_bytes(self):
        """What cannot be taken back: the processes' own memory, and shared memory."""
        words = (self.group / "memory.stat").read_text().split()
        figures = dict(zip(words[::2], map(int, words[1::2]), strict=True))
        own = figures.get("total_rss", figures.get("anon", 0))
        return own + figures.get("total_shmem", figures.get("shmem", 0))

    def kills(self):
        """How many processes the kernel has ended for want of memory."""
        name = "memory.oom_control" if self._controller == V1 else "memory.events"
        words = (self.group / name).read_text().split()
        return int(dict(zip(words[::2], words[1::2], strict=True)).get("oom_kill", 0))

    def close(self):
        eventually(self._is_gone)

    def _is_gone(self):
        with suppress(OSError):
            self.group.rmdir()
        return not self.group.exists()


@contextmanager
def container(limit_bytes):
    made = Container(limit_bytes)
    try:
        yield made
    finally:
        made.close()
