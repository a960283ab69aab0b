"""
Traffic to make and what it met; the making is done by `load.generator`, in a process of its own.

The two talk in lines: a Traffic goes in as JSON; "window" and "drain" come out at the moments when
the measured window begins and ends, and then the Client of results.py as JSON.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Timer
from typing import IO, Self, cast

import msgspec

from load.campaign import Arrivals, Client
from load.rig import readings

PROJECT = Path(__file__).resolve().parents[2]

# The window's requests are told from those before it by their User-Agent.
WINDOW_AGENT = "weir-load"
RAMP_AGENT = "weir-load-ramp"

OVERHEAD_LIMIT_S = 60.0


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What to send, how and for how long."""

    url: str  # scheme, host and port
    path: str
    method: str = "GET"
    headers: dict[str, str] = {}
    body: bytes = b""
    arrivals: Arrivals
    connections: int
    offered_rps: float = 0  # open arrivals only
    slo_ms: float
    ramp_s: float
    window_s: float
    drain_s: float
    seed: int
    warm_requests: int = 2  # on each connection, before the ramp
    # Process ids among which the connections are dealt evenly; none: as the kernel deals them.
    workers: tuple[int, ...] = ()


class GeneratorFailed(RuntimeError):
    """The generator ended without a result; the message is what it said last."""


class Generator:
    """The generator's process, pinned to *cores*; use as a context manager."""

    def __init__(self, cores: Iterable[int]) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # closed in __exit__
        with readings.pinned(cores):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "load.generator"],
                cwd=PROJECT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                start_new_session=True,  # Ctrl-C is the parent's to handle
            )
        self._stdin = cast("IO[bytes]", self._process.stdin)
        self._stdout = cast("IO[bytes]", self._process.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._said.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def run(
        self,
        traffic: Traffic,
        at_start: Callable[[], None] = lambda: None,
        at_end: Callable[[], None] = lambda: None,
    ) -> Client:
        """Make *traffic*, calling *at_start* and *at_end* as its window begins and ends."""
        limit_s = traffic.ramp_s + traffic.window_s + traffic.drain_s + OVERHEAD_LIMIT_S
        watch = Timer(limit_s, self._process.kill)
        watch.daemon = True  # a Ctrl-C may come before it can be cancelled
        try:
            watch.start()
            self._stdin.write(msgspec.json.encode(traffic) + b"\n")
            self._stdin.flush()
            self._expect(b"window\n")
            at_start()
            self._expect(b"drain\n")
            at_end()
            return msgspec.json.decode(self._next_line(), type=Client)
        except BrokenPipeError:
            raise self._failed() from None
        finally:
            watch.cancel()

    def _expect(self, line: bytes) -> None:
        said = self._next_line()
        if said != line:
            raise GeneratorFailed(f"the generator said {said!r} instead of {line!r}")

    def _next_line(self) -> bytes:
        line = self._stdout.readline()
        if not line:
            raise self._failed()
        return line

    def _failed(self) -> GeneratorFailed:
        self._process.wait(5)
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").split("\n")
        last = next((line for line in reversed(said) if line.strip()), "it said nothing")
        return GeneratorFailed(f"the generator ended (exit {self._process.returncode}): {last}")
