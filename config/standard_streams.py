"""Descriptors 0, 1 and 2, which a supervisor may have closed: else a socket would become stdout."""

import os
import sys


def open_missing() -> None:
    """Open /dev/null for those that are closed, before anything else takes their numbers."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), descriptor, inheritable=True)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")
