"""
A model's own process: one model, one batch at a time, for every web worker of an instance.

Started by `execution.process` with a listening socket and a lock that it holds as long as it
lives. It is never monkey-patched. A call that overruns ends it, by a timer of the kernel whose
default action needs no Python; memory beyond the limit ends it as well. It ignores the signals
that end the service and leaves when its last client has: what it owes is answered first.
"""

import faulthandler
import json
import os
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from time import monotonic, perf_counter

from service.errors import InvalidModel, ServiceError
from service.inference.execution import ArtefactSpecs, frames, loaded_code
from service.inference.execution.limits import (
    is_want_of_memory,
    limit_memory,
    limit_time,
    private_bytes,
)
from service.inference.execution.output import keep_lines_whole
from service.inference.runtimes import Runtime, open_runtime
from service.inference.tensors import Tensors, pack, unpack
from service.raised import raised_by

# A worker that is being replaced leaves before its successor comes.
LINGER_S = 3.0

# A worker takes and gives its bytes at once; one that does not must not stop the others.
PEER_LIMIT_S = 10.0

# What of the memory that is left once the model has loaded a batch may take on its way in: it
# stands there as bytes, as arrays, and as what the model makes of them.
BATCH_SHARE = 3

# The note of where a load hangs is written first, and the kernel's timer ends what cannot write.
NOTE_S = 5.0

# Not 3 or 4: a Gunicorn master that inherits this process as process 1 would stop at those.
EXIT_FAILED = 1


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What a process is told at its start; file descriptors are inherited."""

    model: str
    platform: str
    file: str
    options: dict[str, object]
    call_limit_s: float
    memory_limit_bytes: int
    json_lines: bool
    load_limit_s: float
    warm_up: str = ""
    ready: str = ""
    stack: str = ""
    modules: str = ""
    listener_fd: int = -1
    lock_fd: int = -1

    def to_json(self) -> str:
        """The brief as an argument of the command line."""
        return json.dumps(asdict(self))


class Host:
    """Serves one runtime to whoever is connected."""

    def __init__(self, runtime: Runtime, listener: socket.socket, brief: Brief) -> None:
        """Until it is warm, a call may take as long as loading: some frameworks compile first."""
        self._runtime = runtime
        self._brief = brief
        self._is_warm = Path(brief.warm_up).exists()
        room_bytes = brief.memory_limit_bytes - (private_bytes() or 0)
        self._batch_limit_bytes = max(0, room_bytes // BATCH_SHARE)
        self._hello = frames.from_specs(ArtefactSpecs(runtime.inputs, runtime.outputs))
        self._clients = DefaultSelector()
        self._clients.register(listener, EVENT_READ, self._welcome)

    def serve(self) -> None:
        """Serve until the last client has gone; raises MemoryError when there is no more."""
        while ready := self._clients.select(None if self._has_clients else LINGER_S):
            for key, _ in ready:
                serve: Callable[[socket.socket], None] = key.data
                try:
                    serve(key.fileobj)  # type: ignore[arg-type]  # sockets are all there is
                except (OSError, EOFError):
                    self._clients.unregister(key.fileobj)
                    key.fileobj.close()  # type: ignore[union-attr]

    @property
    def _has_clients(self) -> bool:
        return len(self._clients.get_map()) > 1

    def _welcome(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        client.settimeout(PEER_LIMIT_S)
        with suppress(OSError):  # one that has left already is met again, as an end of stream
            frames.send(client, frames.READY, os.getpid(), self._hello)
        self._clients.register(client, EVENT_READ, self._answer)

    def _answer(self, client: socket.socket) -> None:
        """Run the batch that *client* has sent."""
        head = frames.receive_head(client)
        if monotonic() > head.number:
            frames.discard_body(client, head)
            frames.send(client, frames.LATE)
            return
        frames.send(client, frames.BEGUN)  # whatever becomes of it from here is this batch's doing
        try:
            if head.size_bytes > self._batch_limit_bytes:
                frames.discard_body(client, head)
                frames.send(client, frames.TOO_LARGE, self._batch_limit_bytes)
                return
            infer_s, answer = self._run(unpack(frames.receive_body(client, head)))
        except MemoryError:
            limit_memory(None)  # what is left to do takes some, too
            frames.send(client, frames.LOST)
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a model may raise anything
            frames.send(client, frames.RAISED, body=frames.from_raised(raised_by(error)))
        else:
            frames.send(client, frames.ANSWER, infer_s, answer)

    def _run(self, inputs: Tensors) -> tuple[float, bytes]:
        started = perf_counter()
        limit_time(self._brief.call_limit_s if self._is_warm else self._brief.load_limit_s)
        try:
            outputs = self._runtime.predict(inputs)
        finally:
            limit_time(0)
        infer_s = perf_counter() - started
        self._is_warm = True
        return infer_s, pack(outputs)


def main() -> None:
    """Load, warm, serve, leave."""
    brief = Brief(**json.loads(sys.argv[1]))
    prepare_signals()
    for fd in (brief.listener_fd, brief.lock_fd):
        os.set_inheritable(fd, False)  # noqa: FBT003  # so is its signature
    if brief.json_lines:
        keep_lines_whole(brief.model)
    listener = socket.socket(fileno=brief.listener_fd)
    try:
        runtime = load(brief)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a framework may raise anything
        tell_failure(listener, error)
        sys.exit(EXIT_FAILED)
    try:
        loaded_code.note(Path(brief.modules))
        with suppress(OSError):
            Path(brief.ready).touch()  # how it ends from here says nothing against its loading
        with listener:  # what would connect while this process ends is better refused
            Host(runtime, listener, brief).serve()
    except MemoryError:
        sys.exit(f"the model has grown to its limit of {brief.memory_limit_bytes >> 20} MB")
    with suppress(OSError):
        told_path(Path(brief.ready), os.getpid()).touch()  # it left in peace: nobody need wonder


def prepare_signals() -> None:
    """Ignore what ends the service (a platform sends it to every process); keep SIGALRM deadly."""
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])


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


def told_path(ready: Path, pid: int) -> Path:
    """The file that exists once somebody has told of the end of process *pid*."""
    return ready.with_suffix(f".{pid}.told")


def tell_failure(listener: socket.socket, error: BaseException) -> None:
    """Tell everyone who waits why there will be no model."""
    said = (str(error) or type(error).__name__).encode("utf-8", "replace")
    whose = frames.OURS if isinstance(error, ServiceError) else frames.THEIRS
    traceback.print_exception(error)
    listener.settimeout(0)
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            with suppress(OSError):
                client.settimeout(PEER_LIMIT_S)
                frames.send(client, frames.FAILED, whose, said)


if __name__ == "__main__":
    main()
