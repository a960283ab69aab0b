"""One window: the generator's figures and the machine's, taken over the same seconds."""

import time
from dataclasses import dataclass
from functools import cached_property

import msgspec

from load.campaign import Client, Point, Server
from load.generator.traffic import WINDOW_AGENT, Generator
from load.rig import readings
from load.rig.server import Instance
from load.sweep.targets import Target

IDLE_FOR_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long the parts of a window take."""

    ramp_s: float = 1.0
    window_s: float = 5.0
    drain_s: float = 10.0


@dataclass(frozen=True)
class _Snapshot:
    at_s: float
    server_ms: float
    waited_ms: float
    generator_ms: float
    machine: readings.MachineCpu


class Bench:
    """A running server and the generator that drives it, on cores of their own."""

    def __init__(
        self, instance: Instance, generator: Generator, server_cores: tuple[int, ...]
    ) -> None:
        self._instance = instance
        self._generator = generator
        self._core = server_cores[0]

    @cached_property
    def _idle_share(self) -> float:
        """CPU time without a request, of the time that passes; taken after the first window."""
        before = self._snapshot()
        time.sleep(IDLE_FOR_S)
        after = self._snapshot()
        return (after.server_ms - before.server_ms) / (after.at_s - before.at_s) / 1000

    def measure(
        self, target: Target, point: Point, timing: Timing, seed: int, *, dealt: bool = True
    ) -> tuple[Client, Server]:
        """One window of *point*. Connections are *dealt* evenly, or as the kernel does."""
        instance = self._instance
        workers = instance.workers
        traffic = target.traffic(
            instance.url,
            arrivals=point.arrivals,
            connections=point.connections,
            offered_rps=point.offered_rps or 0,
            ramp_s=timing.ramp_s,
            window_s=timing.window_s,
            drain_s=timing.drain_s,
            seed=seed,
            workers=tuple(workers) if dealt else (),
        )
        said_before = instance.log_position()
        spin_before_ms = readings.spin_ms(self._core)
        snapshots: list[_Snapshot] = []
        client = self._generator.run(
            traffic,
            at_start=lambda: snapshots.append(self._snapshot()),
            at_end=lambda: snapshots.append(self._snapshot()),
        )
        counted = instance.answered_by_worker(said_before, WINDOW_AGENT, client.answered)
        spin_ms = (spin_before_ms + readings.spin_ms(self._core)) / 2
        by_worker = client.answered_by_worker or {str(pid): n for pid, n in counted.items()}
        everyone = {str(pid): by_worker.get(str(pid), 0) for pid in workers}
        return (
            msgspec.structs.replace(client, answered_by_worker=everyone),
            self._server(*snapshots, answered=counted.total(), spin_ms=spin_ms),
        )

    def _snapshot(self) -> _Snapshot:
        pids = [self._instance.master, *self._instance.workers]
        return _Snapshot(
            at_s=time.monotonic(),
            server_ms=self._instance.clock.used_ms(pids),
            waited_ms=sum(readings.cpu_and_wait_ms(pid)[1] for pid in pids),
            generator_ms=readings.cpu_and_wait_ms(self._generator.pid)[0],
            machine=readings.machine_cpu(),
        )

    def _server(self, start: _Snapshot, end: _Snapshot, *, answered: int, spin_ms: float) -> Server:
        machine = end.machine.since(start.machine)
        server_ms = end.server_ms - start.server_ms
        generator_ms = end.generator_ms - start.generator_ms
        other_ms = machine.busy_ms - server_ms - generator_ms
        return Server(
            answered=answered,
            cpu_ms=server_ms,
            idle_cpu_ms=self._idle_share * (end.at_s - start.at_s) * 1000,
            run_queue_wait_ms=end.waited_ms - start.waited_ms,
            spin_ms=spin_ms,
            steal_share=machine.steal_ms / machine.total_ms,
            other_cpu_share=max(0.0, other_ms / machine.total_ms),
            pss_bytes_by_worker={
                str(pid): readings.pss_bytes(pid) for pid in self._instance.workers
            },
            pss_master_bytes=readings.pss_bytes(self._instance.master),
        )
