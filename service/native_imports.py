"""
Locks of the interpreter's own that native threads may hold together: importlib's and `logging`'s.

gevent patches `_thread` in place, and with it what importlib makes its module locks of. Two native
threads that imported at once have waited for ever on such a lock: 6 of 40 starts with three ONNX
models and two workers did not become ready.
"""

import importlib._bootstrap
import logging
from types import SimpleNamespace

from gevent import monkey

# All that importlib._bootstrap takes from _thread, in Python 3.11 to 3.13.
PRIMITIVES = ("allocate_lock", "RLock", "get_ident")


def keep_import_locks_native() -> None:
    """Give importlib and `logging` native locks again; called right after gevent's patch."""
    native = {name: monkey.get_original("_thread", name) for name in PRIMITIVES}
    importlib._bootstrap._thread = SimpleNamespace(**native)  # type: ignore[attr-defined]  # noqa: SLF001
    logging._lock = native["RLock"]()  # type: ignore[attr-defined]  # noqa: SLF001
