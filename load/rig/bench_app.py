"""
What the harness serves instead of the product, on the product's worker, configuration and log.

    /wait   sleeps BENCH_WAIT_MS behind BENCH_SLOTS slots a worker: workers are what is scarce
    /law    the same with S(N) = S(1)·(1 + σ(N−1) + κN(N−1)), N from WEB_CONCURRENCY: a law to find
    /cpu    BENCH_CPU_ROUNDS rounds of Python
    else    answers at once

Every answer names its worker in X-Worker and, as every answer of the product, has one line in the
log; that line is the server's own count. This runs in the server's process, so it alone in load/
imports the service.
"""

import os
from collections.abc import Callable, Iterable
from threading import Lock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import gevent
import structlog
from gevent.lock import Semaphore

from config.settings import from_environ
from service import logs
from service.inference.account import Account
from service.recorder import Recorder
from service.wire.admission import Admission

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

BODY = b'{"success":true}'


class BenchApp:
    """The WSGI application, with what the service's worker asks of one (`wire.serving.Served`)."""

    is_loading = False

    def __init__(self) -> None:
        self.settings = from_environ()
        logs.configure(self.settings.log_level, self.settings.log_format)
        self._routes = _routes(self.settings.workers)
        self._headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(BODY))),
            ("X-Worker", str(os.getpid())),
        ]
        self.admission = Admission(self.settings.in_flight_limit)
        self.account = Account(1 << 30, Lock)
        self.recorder = Recorder(self._answer, closed=[logs.request_writer()])
        structlog.get_logger().info("model_ready", model="bench")

    def takes(self, _environ: "WSGIEnvironment") -> bool:
        """Every request is answered."""
        return True

    def attend(self, *_: object) -> None:
        """Nobody asks for its worker's figures."""

    def sample_gauges(self) -> None:
        """There are none."""

    def __call__(  # noqa: D102  # PEP 3333
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        return self.recorder(environ, start_response)

    def _answer(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        work = self._routes.get(environ["PATH_INFO"])
        if work:
            work()
        start_response("200 OK", list(self._headers))
        return [BODY]


def _routes(workers: int) -> dict[str, Callable[[], None]]:
    asked = SimpleNamespace(
        wait_ms=_number("BENCH_WAIT_MS", 100),
        slots=int(_number("BENCH_SLOTS", 4)),
        sigma=_number("BENCH_SIGMA", 0),
        kappa=_number("BENCH_KAPPA", 0),
        rounds=int(_number("BENCH_CPU_ROUNDS", 100_000)),
    )
    loss = 1 + asked.sigma * (workers - 1) + asked.kappa * workers * (workers - 1)
    return {
        "/wait": _sleeping(asked.wait_ms / 1000, asked.slots),
        "/law": _sleeping(asked.wait_ms / 1000 * loss, asked.slots),
        "/cpu": lambda: _burn(asked.rounds),
    }


def _number(name: str, default: float) -> float:
    return float(os.environ.get(name, default))


def _sleeping(seconds: float, slots: int) -> Callable[[], None]:
    free = Semaphore(slots)

    def sleep() -> None:
        with free:
            gevent.sleep(seconds)

    return sleep


def _burn(rounds: int) -> None:
    for _ in range(rounds):
        pass


def __getattr__(name: str) -> Any:
    # Made when Gunicorn asks for it in a worker, not when a reader imports the file.
    if name == "app":
        return BenchApp()
    raise AttributeError(name)
