"""Calls in a process of the model's own, which all web workers share."""

import socket
from time import monotonic, sleep

from service.errors import DeadlineExceeded, InvalidModel, ModelDied, ModelUnavailable
from service.inference.execution import Interrupted, Ran, Specs, frames
from service.inference.execution.launch import BACKOFF_FIRST_S, BACKOFF_MOST_S, Launcher
from service.inference.quarantine import Quarantine
from service.inference.tensors import Tensors, pack, unpack


class RaisedThere(Exception):
    """What the model raised in its process, with the traceback."""


class ProcessExecution:
    """One connection to the model's process: it runs one batch at a time for everybody."""

    lanes = 1

    def __init__(self, launcher: Launcher) -> None:
        self.quarantine: Quarantine | None = launcher.quarantine
        self.failure = ""
        self._launcher = launcher
        self._connection: socket.socket | None = None
        self._load_s = 0.0
        self._ready_at_s = 0.0
        self._is_warm = self._closed = False

    def open(self) -> Specs:
        """Find the process or start it, and wait until it has loaded. Raises InvalidModel."""
        try:
            self._connection, specs = self._connect()
        except (EOFError, OSError):
            # The one that was there may just have been leaving; a second end is no coincidence.
            self._connection, specs = self._connect_or_explain()
        return specs

    def execute(self, inputs: Tensors, deadline_s: float) -> Ran:
        """Have the process run the batch. Raises also ModelDied."""
        if self._closed:
            raise ModelUnavailable("the model has been let go of")
        if self._connection is None:
            raise Interrupted
        begun = False
        try:
            frames.send(self._connection, frames.BATCH, deadline_s, pack(inputs))
            answer = frames.receive(self._connection)
            if answer.kind == frames.BEGUN:
                begun = True
                answer = frames.receive(self._connection)
        except (EOFError, OSError):
            self._lose()
            if not begun:
                raise Interrupted from None
            how = self._launcher.obituary()
            raise ModelDied(f"the model's process ended on this request ({how})") from None
        ran = self._read(answer)
        if not self._is_warm:
            self._launcher.keep_warm_up(inputs)
            self._is_warm = True
        return ran

    def recover(self) -> None:
        """Connect again; a process that does not come is tried ever more rarely, for ever."""
        wait_s = BACKOFF_FIRST_S
        while not self._closed and self._connection is None:
            try:
                self.open()
                self.failure = ""
            except (InvalidModel, OSError) as error:
                self.failure = str(error)
                self._ready_at_s = monotonic() + wait_s + self._load_s
                sleep(wait_s)
                wait_s = min(2 * wait_s, BACKOFF_MOST_S)
        if self._closed and self._connection:
            self._connection.close()

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

    def _read(self, answer: frames.Frame) -> Ran:
        if answer.kind == frames.ANSWER:
            return Ran(unpack(answer.body), answer.number)
        if answer.kind == frames.LATE:
            raise DeadlineExceeded("the model's process was busy for all the time there was")
        if answer.kind == frames.LOST:
            self._lose()
            raise ModelDied("the model's process ran out of memory on this request, and ended")
        raise RaisedThere(answer.body.decode("utf-8", "replace"))

    def _lose(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None
            self._ready_at_s = monotonic() + self._load_s

    def _connect_or_explain(self) -> tuple[socket.socket, Specs]:
        try:
            return self._connect()
        except (EOFError, OSError) as error:
            how = self._launcher.obituary()
            raise InvalidModel(f"the model's process ended while it loaded ({how})") from error

    def _connect(self) -> tuple[socket.socket, Specs]:
        """Meet the process, and wait for its first word."""
        while (dialled := self._launcher.dial()) is None:
            wait_s = self._launcher.start()
            self._ready_at_s = monotonic() + wait_s + self._load_s
            sleep(wait_s)
        started_s = monotonic()
        try:
            word = frames.receive(dialled)
        except BaseException:
            dialled.close()
            raise
        self._load_s = max(self._load_s, monotonic() - started_s)
        if word.kind == frames.FAILED:
            dialled.close()
            raise InvalidModel(word.body.decode("utf-8", "replace"))
        return dialled, frames.to_specs(word.body)
