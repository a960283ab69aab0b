"""Calls in a process of the model's own, which all web workers share."""

import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, sleep

from service.errors import (
    DeadlineExceeded,
    InvalidModel,
    LoadRaised,
    LoadTimeout,
    ModelDied,
    ModelUnavailable,
    OutdatedModel,
    ProcessEnded,
    TooLarge,
    public_reason,
)
from service.inference.execution import ArtefactSpecs, CallResult, Interrupted, frames
from service.inference.execution.launch import BACKOFF_FIRST_S, BACKOFF_MOST_S, Launcher
from service.inference.execution.quarantine import Quarantine
from service.inference.tensors import Tensors, pack, unpack
from service.origin import identifiers
from service.raised import RaisedThere

# Beyond the time that a process gives itself, for one that cannot keep it: stopped, or in the
# kernel's hands.
GRACE_S = 5.0


class ProcessExecution:
    """One connection to the model's process: it runs one batch at a time for everybody."""

    lanes = 1

    def __init__(self, launcher: Launcher) -> None:
        self.quarantine: Quarantine | None = launcher.quarantine
        self.failure = ""
        self.is_outdated = False
        self._launcher = launcher
        self._brief = launcher.brief
        self._connection: socket.socket | None = None
        self.process = 0
        self._load_s = 0.0
        self._ready_at_s = 0.0
        self._is_warm = self._closed = False

    def open(self, deadline_s: float) -> ArtefactSpecs:
        """Find the process or start it, and wait until it has loaded. Raises InvalidModel."""
        try:
            self._connection, specs = self._connect(deadline_s)
        except (EOFError, OSError):
            # The one that was there may just have been leaving; a second end is no coincidence.
            self._connection, specs = self._connect_or_explain(deadline_s)
        return specs

    def execute(self, inputs: Tensors, deadline_s: float) -> CallResult:
        """Have the process run the batch. Raises also ModelDied."""
        if self._closed:
            raise ModelUnavailable("the model has been let go of")
        if self._connection is None:
            raise Interrupted
        ran = self._read(self._converse(self._connection, pack(inputs), deadline_s))
        if not self._is_warm:
            self._launcher.keep_warm_up(inputs)
            self._is_warm = True
        return ran

    def _converse(self, process: socket.socket, batch: bytes, deadline_s: float) -> frames.Frame:
        """Send a batch and wait for what becomes of it. Raises Interrupted or ModelDied."""
        begun = False
        try:
            process.settimeout(max(0.0, deadline_s - monotonic()) + self._longest_s + GRACE_S)
            # One that ends while it receives has said before that it had begun.
            with suppress(BrokenPipeError, ConnectionResetError):
                process.sendall(_about() + frames.pack(frames.BATCH, deadline_s, batch))
            answer = frames.receive(process)
            if answer.kind == frames.BEGUN:
                begun = True
                answer = frames.receive(process)
        except (EOFError, OSError) as error:
            if isinstance(error, TimeoutError):
                self._end_process()
            self._disconnect()
            if not begun:
                raise Interrupted from None
            how = self._launcher.exit_reason()
            raise ModelDied(f"the model's process ended on this request ({how})") from None
        return answer

    def is_lost(self) -> bool:
        """Whether the process has ended while nobody asked it; looks, and waits for nothing."""
        if self._connection is None:
            return False
        try:
            self._connection.settimeout(0)
            ended = not self._connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            ended = False
        except OSError:
            ended = True
        if ended:
            self._disconnect()
        return ended

    def how_it_ended(self) -> str:
        """How the process ended that was lost, if it falls to this worker to tell; else empty."""
        return self._launcher.exit_reason() if self._launcher.claim_end(self.process) else ""

    def recover(self, failed: Callable[[str], None]) -> str:
        """
        Connect again; a process that does not come is tried ever more rarely, for ever.

        *failed* is told how each of them ended. Whoever had a batch in the one before has told of
        its end meanwhile; if nobody has, the first worker that asks returns how it ended.
        """
        ended, how = self.process, self._launcher.exit_reason()
        wait_s = BACKOFF_FIRST_S
        while not self._closed and self._connection is None:
            try:
                self.open(monotonic() + self._brief.load_limit_s)
                self.failure = ""
            except (InvalidModel, OSError) as error:
                self.failure = public_reason(error)
                if isinstance(error, ProcessEnded) and error.is_news:
                    failed(str(error))
                self._ready_at_s = monotonic() + wait_s + self._load_s
                sleep(wait_s)
                wait_s = min(2 * wait_s, BACKOFF_MOST_S)
        if self._closed and self._connection:
            self._connection.close()
        return how if ended and self._launcher.claim_end(ended) else ""

    def delay_s(self) -> float:
        """The rest of the restart, as long as the first start took; 0 while connected."""
        return 0.0 if self._connection else max(0.0, self._ready_at_s - monotonic())

    def close(self) -> None:
        """Leave the process, which ends when everybody has."""
        if self._closed:
            return
        self._closed = True
        if self._connection:
            self._connection.close()
        self._launcher.close()

    def bury(self) -> None:
        """Reap the process if it was started here, and remove its files, once it has ended."""
        self._launcher.bury()

    def _start(self) -> float:
        try:
            return self._launcher.start()
        except OutdatedModel:
            self.is_outdated = True
            raise

    @property
    def _longest_s(self) -> float:
        """How long a call may take in the process, which until it is warm may compile first."""
        return self._brief.call_limit_s if self._is_warm else self._brief.load_limit_s

    def _read(self, answer: frames.Frame) -> CallResult:
        if answer.kind == frames.ANSWER:
            return CallResult(unpack(answer.body), answer.number, self.process)
        if answer.kind == frames.LATE:
            raise DeadlineExceeded("the model's process was busy for all the time there was")
        if answer.kind == frames.TOO_LARGE:
            raise TooLarge(
                f"the rows take more than the {int(answer.number)} bytes that the model's process "
                "has room for; send fewer at once"
            )
        if answer.kind == frames.LOST:
            self._disconnect()
            raise ModelDied("the model's process ran out of memory on this request, and ended")
        raise RaisedThere(frames.to_raised(answer.body))

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None
            self._ready_at_s = monotonic() + self._load_s

    def _end_process(self) -> None:
        """End a process that answers to nothing, not even to its own timer: it may be stopped."""
        with suppress(ProcessLookupError, PermissionError):
            os.kill(self.process, signal.SIGKILL)

    def _connect_or_explain(self, deadline_s: float) -> tuple[socket.socket, ArtefactSpecs]:
        try:
            return self._connect(deadline_s)
        except (EOFError, OSError) as error:
            stack = self._launcher.stack()
            if stack or isinstance(error, TimeoutError):
                raise LoadTimeout(self._brief.load_limit_s, stack) from None
            how = self._launcher.exit_reason()
            raise ProcessEnded(how, is_news=self._launcher.claim_end()) from error

    def _connect(self, deadline_s: float) -> tuple[socket.socket, ArtefactSpecs]:
        """Meet the process, and wait for its first word, for as long as it may load."""
        while (connected := self._launcher.connect()) is None:
            wait_s = self._start()
            self._ready_at_s = monotonic() + wait_s + self._load_s
            sleep(wait_s)
            if monotonic() > deadline_s + GRACE_S:
                raise LoadTimeout(self._brief.load_limit_s, self._launcher.stack())
        started_s = monotonic()
        try:
            connected.settimeout(self._brief.load_limit_s + GRACE_S)
            word = frames.receive(connected)
        except BaseException:
            connected.close()
            raise
        self._load_s = max(self._load_s, monotonic() - started_s)
        if word.kind == frames.FAILED:
            connected.close()
            said = word.body.decode("utf-8", "replace")
            raise InvalidModel(said) if word.number == frames.OURS else LoadRaised(said)
        self.process = int(word.number)
        return connected, frames.to_specs(word.body)


def _about() -> bytes:
    """The message that tells whom the batch is for; none of one that is nobody's."""
    fields = frames.from_identifiers(identifiers())
    return frames.pack(frames.ABOUT, body=fields) if fields else b""
