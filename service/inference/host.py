"""
A model's own process: one model, one batch at a time, for every web worker of an instance.

Started by `execution.process` with a listening socket and a lock that it holds as long as it
lives. It is never monkey-patched. A call that overruns ends it, by a timer of the kernel whose
default action needs no Python; memory beyond the limit ends it as well. It ignores the signals
that end the service and leaves when its last client has: what it owes is answered first.
"""

import json
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from time import monotonic, perf_counter

from service.inference.execution import Specs, frames
from service.inference.output import keep_lines_whole
from service.inference.runtimes import Runtime, open_runtime
from service.inference.tensors import pack, unpack

# A worker that is being replaced leaves before its successor comes.
LINGER_S = 3.0

# A worker takes and gives its bytes at once; one that does not must not stop the others.
PEER_LIMIT_S = 10.0

LOAD_LIMIT_S = 600.0

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
    warm_up: str = ""
    listener_fd: int = -1
    lock_fd: int = -1

    def to_json(self) -> str:
        """The brief as an argument of the command line."""
        return json.dumps(asdict(self))


class Host:
    """Serves one runtime to whoever is connected."""

    def __init__(
        self, runtime: Runtime, listener: socket.socket, call_limit_s: float, *, is_warm: bool
    ) -> None:
        """Until it *is_warm*, a call may take as long as loading: some frameworks compile first."""
        self._runtime = runtime
        self._call_limit_s = call_limit_s
        self._is_warm = is_warm
        self._hello = frames.from_specs(Specs(runtime.inputs, runtime.outputs))
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
            frames.send(client, frames.READY, body=self._hello)
        self._clients.register(client, EVENT_READ, self._answer)

    def _answer(self, client: socket.socket) -> None:
        """Run the batch that *client* has sent."""
        _, deadline_s, body = frames.receive(client)
        if monotonic() > deadline_s:
            frames.send(client, frames.LATE)
            return
        frames.send(client, frames.BEGUN)
        try:
            infer_s, answer = self._run(body)
        except MemoryError:
            limit_memory(None)  # what is left to do takes some, too
            frames.send(client, frames.LOST)
            raise
        except (Exception, SystemExit):  # noqa: BLE001  # a model may raise anything
            frames.send(client, frames.RAISED, body=traceback.format_exc().encode())
        else:
            frames.send(client, frames.ANSWER, infer_s, answer)

    def _run(self, body: bytearray) -> tuple[float, bytes]:
        inputs = unpack(body)
        started = perf_counter()
        limit_time(self._call_limit_s if self._is_warm else LOAD_LIMIT_S)
        try:
            outputs = self._runtime.predict(inputs)
        finally:
            limit_time(0)
        infer_s = perf_counter() - started
        self._is_warm = True
        return infer_s, pack(outputs)


def limit_time(seconds: float) -> None:
    """Let the kernel end this process after *seconds*, also while a library holds the GIL."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


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
        is_warm = Path(brief.warm_up).exists()
        with listener:  # what would connect while this process ends is better refused
            Host(runtime, listener, brief.call_limit_s, is_warm=is_warm).serve()
    except MemoryError:
        sys.exit(f"the model has grown to its limit of {brief.memory_limit_bytes >> 20} MB")
    os.ftruncate(brief.lock_fd, 0)  # left in peace: the next start need not wait


def prepare_signals() -> None:
    """Ignore what ends the service (a platform sends it to every process); keep SIGALRM deadly."""
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])


def load(brief: Brief) -> Runtime:
    """Open the model, warm it if another process has left a batch to do so, bound its memory."""
    limit_time(LOAD_LIMIT_S)
    runtime = open_runtime(brief.platform, Path(brief.file), brief.options)
    with suppress(FileNotFoundError):
        runtime.predict(unpack(bytearray(Path(brief.warm_up).read_bytes())))
    limit_time(0)
    check_memory(brief.memory_limit_bytes)
    limit_memory(brief.memory_limit_bytes)
    return runtime


def check_memory(limit_bytes: int) -> None:
    """Raise MemoryError if this process takes as much private memory already."""
    status = Path("/proc/self/status").read_text("ascii")
    used_bytes = int(status.partition("VmData:")[2].split()[0]) << 10
    if used_bytes >= limit_bytes:
        raise MemoryError(
            f"the model takes {used_bytes >> 20} MB once it has loaded, "
            f"and memory_mb allows {limit_bytes >> 20}"
        )


def limit_memory(limit_bytes: int | None) -> None:
    """Bound this process's private memory, or let it have what the machine allows."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (most if limit_bytes is None else limit_bytes, most))


def tell_failure(listener: socket.socket, error: BaseException) -> None:
    """Tell everyone who waits why there will be no model."""
    said = (str(error) or type(error).__name__).encode("utf-8", "replace")
    traceback.print_exception(error)
    listener.settimeout(0)
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            with suppress(OSError):
                client.settimeout(PEER_LIMIT_S)
                frames.send(client, frames.FAILED, body=said)


if __name__ == "__main__":
    main()
