"""How a model is loaded in a process of its own: within its time and its memory, and warmed."""

import faulthandler
import struct
from pathlib import Path

from service.errors import InvalidModel
from service.inference.execution.brief import Brief
from service.inference.execution.limits import (
    is_want_of_memory,
    limit_memory,
    limit_time,
    private_bytes,
)
from service.inference.runtimes import Runtime, open_runtime
from service.inference.tensors import Tensors, unpack

# The note of where a load hangs is written first, and the kernel's timer ends what cannot write.
NOTE_S = 5.0


def load(brief: Brief) -> Runtime:
    """
    Open the model, and warm it if another process has left a batch to do so, within its limits.

    Raises InvalidModel with both figures of memory. A load that takes too long ends this process.
    """
    limit_time(brief.load_limit_s + NOTE_S)
    with Path(brief.stack).open("w") as note:
        faulthandler.dump_traceback_later(brief.load_limit_s, exit=True, file=note)
        try:
            limit_memory(brief.memory_limit_bytes)
            runtime = open_warm(brief)
        except Exception as error:
            used_bytes = private_bytes()
            limit_memory(None)  # what is left to do takes some, too
            if is_want_of_memory(error, used_bytes, brief.memory_limit_bytes):
                had = f"; it had {used_bytes >> 20} MB" if used_bytes else ""
                raise InvalidModel(
                    f"the model takes more than the {brief.memory_limit_bytes >> 20} MB that "
                    f"memory_mb allows while it loads{had}"
                ) from error
            raise
        finally:
            faulthandler.cancel_dump_traceback_later()
    limit_time(0)
    return runtime


def open_warm(brief: Brief) -> Runtime:
    """Open the model and ask it what the process before this one was asked."""
    runtime = open_runtime(brief.platform, Path(brief.file), brief.options)
    if (batch := left_batch(brief.warm_up)) is not None:
        runtime.predict(batch)
    if (private_bytes() or 0) >= brief.memory_limit_bytes:
        raise MemoryError  # of what it had before it was limited
    return runtime


def left_batch(warm_up: str) -> Tensors | None:
    """What the process before this one was asked, if it left that whole."""
    try:
        return unpack(bytearray(Path(warm_up).read_bytes()))
    except (OSError, ValueError, LookupError, struct.error):
        return None
