"""
The load generator, in a process of its own: `python -m load.generator`.

It takes one Traffic a line and answers as `load.generator.traffic` says, until its input ends.
Locust's client sends; who is served when is decided here, because Locust has no open arrivals: its
users wait for an answer before they think of the next request.
"""

# Locust patches the process as it is imported, so it comes before all that it patches.
from locust.contrib.fasthttp import FastHttpSession  # isort: skip
from locust.event import EventHook  # isort: skip

import gc
import os
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import perf_counter

import gevent
import msgspec
from gevent.socket import wait_read
from geventhttpclient.client import HTTPClientPool

from load.campaign import Arrivals, Client
from load.generator.arrivals import call_at, poisson_arrivals, sleep_until
from load.generator.tally import Tally
from load.generator.traffic import RAMP_AGENT, WINDOW_AGENT, Traffic
from load.rig.readings import cpu_and_wait_ms

NETWORK_TIMEOUT_S = 30.0
READY_LIMIT_S = 30.0
IN_FLIGHT_EVERY_S = 0.01
CPU_EVERY_S = 1.0
PRIORITY = -10


class ClientConnection:
    """One connection to the server, kept open; never more than one request at a time."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        timeouts = {
            "connection_timeout": NETWORK_TIMEOUT_S,
            "network_timeout": NETWORK_TIMEOUT_S,
        }
        self._session = FastHttpSession(
            base_url=traffic.url,
            request_event=EventHook(),  # type: ignore[no-untyped-call]  # Locust's are
            user=None,
            client_pool=HTTPClientPool(concurrency=1, **timeouts),
        )
        self._headers = {
            agent: {"Accept-Encoding": "identity", **traffic.headers, "User-Agent": agent}
            for agent in (RAMP_AGENT, WINDOW_AGENT)
        }

    def request(self, agent: str = RAMP_AGENT) -> tuple[int | str, str]:
        """Send the traffic's request: the status or the error's name, and who answered."""
        traffic = self._traffic
        answer = self._session.request(
            traffic.method,
            traffic.path,
            data=traffic.body,  # type: ignore[arg-type]  # it takes bytes, too
            headers=self._headers[agent],
            allow_redirects=False,
        )
        if not answer.status_code or answer.headers is None:
            return type(getattr(answer, "error", None)).__name__, ""
        return answer.status_code, str(answer.headers.get("x-worker", ""))

    def close(self) -> None:
        """Leave the server."""
        self._session.client.clientpool.close()

    def is_ready(self) -> bool:
        """Whether the worker at the other end says that it is."""
        return self._session.get("/readyz", headers=self._headers[RAMP_AGENT]).status_code == 200


class WindowRun:
    """One Traffic, from its first connection to its last answer."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._random = random.Random(traffic.seed)  # noqa: S311  # not for secrets
        self._tally = Tally(traffic.slo_ms)
        self._connections = [ClientConnection(traffic) for _ in range(traffic.connections)]
        self._starts_s = self._ends_s = 0.0

    def run(self) -> Client:
        """Connect, warm up, ramp, measure, drain."""
        traffic = self._traffic
        deal(self._connections, traffic.workers)
        warming = [gevent.spawn(self._warm, one) for one in self._connections]
        gevent.joinall(warming, raise_error=True)
        begins_s = perf_counter()
        self._starts_s = begins_s + traffic.ramp_s
        self._ends_s = self._starts_s + traffic.window_s
        makers = self._open(begins_s) if traffic.arrivals is Arrivals.OPEN else self._closed()
        sleep_until(self._starts_s)
        tell(b"window")
        samplers = [gevent.spawn(self._sample_in_flight), gevent.spawn(self._sample_cpu)]
        sleep_until(self._ends_s)
        tell(b"drain")
        gevent.killall(samplers)
        gevent.joinall(makers, timeout=traffic.drain_s)
        client = self._tally.client(perf_counter())
        gevent.killall(makers)
        for connection in self._connections:
            connection.close()
        return client

    def _warm(self, connection: ClientConnection) -> None:
        for _ in range(self._traffic.warm_requests):
            connection.request()

    def _closed(self) -> list[gevent.Greenlet]:
        """Every connection asks again as soon as it is answered; they begin out of step."""
        spread_s = self._traffic.ramp_s / 2

        def ask(connection: ClientConnection) -> None:
            gevent.sleep(self._random.random() * spread_s)
            while (due_s := perf_counter()) < self._ends_s:
                self._send(connection, due_s)

        return [gevent.spawn(ask, connection) for connection in self._connections]

    def _open(self, begins_s: float) -> list[gevent.Greenlet]:
        """Send on a free connection whenever a request is due, whatever the server does."""
        free = list(self._connections)
        sending: list[gevent.Greenlet] = []

        def send(connection: ClientConnection, due_s: float) -> None:
            self._send(connection, due_s)
            free.append(connection)

        def dispatch(due_s: float) -> None:
            if free:
                sending.append(gevent.spawn(send, self._chosen(free), due_s))
            elif due_s >= self._starts_s:
                self._tally.dropped += 1

        def follow() -> None:
            call_at(poisson_arrivals(self._traffic, begins_s), dispatch)
            gevent.joinall(sending)

        return [gevent.spawn(follow)]

    def _chosen(self, free: list[ClientConnection]) -> ClientConnection:
        """Any of those that were dealt to workers; else the last used, so that few are opened."""
        return free.pop(self._random.randrange(len(free)) if self._traffic.workers else -1)

    def _send(self, connection: ClientConnection, due_s: float) -> None:
        in_window = self._starts_s <= due_s < self._ends_s
        sent_s = perf_counter()
        self._tally.in_flight += 1
        if in_window:
            self._tally.begin(connection, due_s, sent_s)
        outcome, worker = connection.request(WINDOW_AGENT if in_window else RAMP_AGENT)
        self._tally.in_flight -= 1
        if in_window:
            self._tally.end(connection, perf_counter(), outcome, worker)

    def _sample_in_flight(self) -> None:
        while True:  # at random, so as not to keep step with the traffic
            gevent.sleep(self._random.uniform(0.2, 1.8) * IN_FLIGHT_EVERY_S)
            self._tally.in_flight_samples.append(self._tally.in_flight)

    def _sample_cpu(self) -> None:
        while True:
            wall_s, wanted_s = perf_counter(), core_wanted_s()
            gevent.sleep(CPU_EVERY_S)
            share = (core_wanted_s() - wanted_s) / (perf_counter() - wall_s)
            self._tally.cpu_shares.append(share)


def deal(connections: list[ClientConnection], workers: tuple[int, ...]) -> None:
    """
    Give each of *workers* its share of *connections*, by letting one at a time accept.

    They accept from one queue, and whichever wakes first takes all that comes while it idles: of
    32 workers one or two would serve.
    """
    try:
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        for turn, pid in enumerate(workers):
            os.kill(pid, signal.SIGCONT)
            for connection in connections[turn :: len(workers)]:
                _await_ready(connection)
            os.kill(pid, signal.SIGSTOP)
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)


def _await_ready(connection: ClientConnection) -> None:
    deadline_s = perf_counter() + READY_LIMIT_S
    while not connection.is_ready():
        if perf_counter() > deadline_s:
            raise TimeoutError(f"a worker was not ready within {READY_LIMIT_S:g} s")
        gevent.sleep(0.05)


def core_wanted_s() -> float:
    """Time for which this process has had a core or stood in line for one."""
    cpu_ms, waited_ms = cpu_and_wait_ms(os.getpid())
    return (cpu_ms + waited_ms) / 1000


def tell(line: bytes) -> None:
    """One line to the parent."""
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


@contextmanager
def undisturbed() -> Iterator[None]:
    """No garbage collection meanwhile, and an end if the parent has ended."""
    gc.collect()
    gc.disable()
    watch = gevent.spawn(_end_with_parent)
    try:
        yield
    finally:
        watch.kill()
        gc.enable()


def _end_with_parent() -> None:
    wait_read(sys.stdin.fileno())  # the parent sends nothing during a window, so it has gone
    os._exit(1)


def main() -> None:
    """Serve the parent until it closes the input."""
    gc.freeze()
    with suppress(PermissionError):  # only root may; on a shared core it sends on time so
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    while line := sys.stdin.buffer.readline():
        with undisturbed():
            client = WindowRun(msgspec.json.decode(line, type=Traffic)).run()
        tell(msgspec.json.encode(client))


if __name__ == "__main__":
    main()
