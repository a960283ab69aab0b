"""A program of the service's own, started beside the process."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[3]


def start(module: str, arguments: Sequence[str], variables: Mapping[str, str], **how: Any) -> int:
    """
    Start `python -m MODULE ARGUMENTS` with the environment *variables*; its pid.

    *how* is what os.posix_spawn takes besides. Not subprocess: between a fork and an exec in a
    process of many threads, Python may hang.
    """
    search = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-B", "-m", module, *arguments],
        {**variables, "PYTHONPATH": search},
        **how,
    )
