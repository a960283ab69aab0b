"""
A model's own process: one model, one batch at a time, for every web worker of an instance.

Started by `execution.process` with a listening socket and a lock that it holds as long as it
lives. It is never monkey-patched. A call that overruns ends it, by a timer of the kernel whose
default action needs no Python; memory beyond the limit ends it as well. It ignores the signals
that end the service and leaves when its last client has: what it owes is answered first.
"""

import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from time import monotonic, perf_counter

from service.errors import ServiceError
from service.inference.execution import ArtefactSpecs, frames, loaded_code
from service.inference.execution.brief import Brief, told_path
from service.inference.execution.limits import (
    limit_memory,
    limit_time,
    private_bytes,
)
from service.inference.execution.loading import load
from service.inference.execution.output import keep_lines_whole
from service.inference.runtimes import Runtime
from service.inference.tensors import Tensors, pack, unpack
from service.raised import raised_by

# A worker that is being replaced leaves before its successor comes.
LINGER_S = 3.0

# A worker takes and gives its bytes at once; one that does not must not stop the others.
PEER_LIMIT_S = 10.0

# What of the memory that is left once the model has loaded a batch may take on its way in: it
# stands there as bytes, as arrays, and as what the model makes of them.
BATCH_SHARE = 3

# Not 3 or 4: a Gunicorn master that inherits this process as process 1 would stop at those.
EXIT_FAILED = 1


class Host:
    """Serves one runtime to whoever is connected."""

    def __init__(
        self,
        runtime: Runtime,
        listener: socket.socket,
        brief: Brief,
        about: Callable[[bytes], None],
    ) -> None:
        """
        Until it is warm, a call may take as long as loading: some frameworks compile first.

        *about* is told for whom the model works from now on, by the fields of their lines.
        """
        self._runtime = runtime
        self._brief = brief
        self._is_warm = Path(brief.warm_up).exists()
        room_bytes = brief.memory_limit_bytes - (private_bytes() or 0)
        self._batch_limit_bytes = max(0, room_bytes // BATCH_SHARE)
        self._hello = frames.from_specs(ArtefactSpecs(runtime.inputs, runtime.outputs))
        self._clients = DefaultSelector()
        self._clients.register(listener, EVENT_READ, self._welcome)
        self._about = about

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
        if head.kind == frames.ABOUT:
            self._about(bytes(frames.receive_body(client, head)))
            head = frames.receive_head(client)
        try:
            self._answer_batch(client, head)
        finally:
            self._about(frames.NOBODY)

    def _answer_batch(self, client: socket.socket, head: frames.Head) -> None:
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
    about = keep_lines_whole(brief.model) if brief.json_lines else lambda _fields: None
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
            Host(runtime, listener, brief, about).serve()
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
