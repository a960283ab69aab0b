"""
What native threads need native, whatever gevent has patched: locks, and how programs are started.

Locks of the interpreter's own that several may hold together are importlib's and `logging`'s.

gevent patches `_thread` in place, and with it what importlib makes its module locks of. Two native
threads that imported at once have waited for ever on such a lock: 6 of 40 starts with three ONNX
models and two workers did not become ready. And its subprocess watches children on the hub's loop
alone, and its close() puts the end off to the loop of its own thread, which none of these runs: a
library that asks a program for the number of cores failed, or waited for ever.
"""

import importlib._bootstrap
import logging
import os
import subprocess
from types import SimpleNamespace

from gevent import monkey
from gevent import subprocess as green_subprocess

# How programs are started and waited for; fork() stays gevent's, which begins anew in the child.
OF_CHILDREN = ("close", "waitpid", "posix_spawn", "posix_spawnp")

# All that importlib._bootstrap takes from _thread, in Python 3.11 to 3.13.
PRIMITIVES = ("allocate_lock", "RLock", "get_ident")


def keep_native() -> None:
    """Undo of gevent's patch what native threads cannot do with; called right after it."""
    for name in green_subprocess.__implements__:
        setattr(subprocess, name, monkey.get_original("subprocess", name))
    for name in OF_CHILDREN:
        if hasattr(os, name):
            setattr(os, name, monkey.get_original("os", name))
    native = {name: monkey.get_original("_thread", name) for name in PRIMITIVES}
    importlib._bootstrap._thread = SimpleNamespace(**native)  # type: ignore[attr-defined]  # noqa: SLF001
    logging._lock = native["RLock"]()  # type: ignore[attr-defined]  # noqa: SLF001
