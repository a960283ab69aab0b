"""
The plan's simulation against several instances behind a router that chooses at random.

`python -m load.experiments.two_dynos RESULTS --target /models/iris/predict` boots the instances,
puts the random proxy before them, offers open arrivals, and prints the p50 and p99 that the
simulation on RESULTS predicts beside those measured. The instances share the server's cores, and
so do they in the simulation. "At its pace" is the p99 told for the CPU time that the instances
used for a request meanwhile, their own chores included: the machine's to say and not the plan's.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from load import arguments
from load.campaign import Arrivals, Client, Regime, read
from load.generator.traffic import Generator, Traffic
from load.latencies import decode, merged
from load.plan.demand import Demand, measured
from load.plan.simulation import ServiceDraw, Station
from load.rig import readings
from load.rig.machine import cores
from load.rig.server import PROJECT, Instance, Setup
from load.sweep.targets import Target, targets

HEADINGS = (
    *("offered 1/s", "p50 told", "p50 seen", "p99 told", "p99 seen", "p99 off by"),
    *("CPU seen/told", "at its pace"),
)
PERCENTILES = (0.5, 0.99)
SHARES = (0.3, 0.5, 0.7, 0.8)
CONNECTIONS = 64  # so that none ever waits for a connection


def main() -> None:
    """Measure and print."""
    args = _arguments()
    demand = measured(read(args.results), Regime(args.regime), args.target)
    target = next(each for each in targets(demand.regime) if each.path == demand.target)
    server_cores, generator_cores = cores()
    simulated = Station(
        args.instances * args.workers, len(server_cores), demand.slots, demand.lanes
    )
    most_rps = _most_rps(simulated, demand)
    _row(*HEADINGS)
    with ExitStack() as stack:
        setup = Setup(
            app=target.app, workers=args.workers, cores=server_cores, variables=target.variables
        )
        instances = [stack.enter_context(Instance(setup)) for _ in range(args.instances)]
        url = stack.enter_context(_proxy([each.port for each in instances], generator_cores))
        generator = stack.enter_context(Generator(generator_cores))
        for share in args.shares:
            rps = share * most_rps
            windows = [
                _measure(generator, _traffic(target, url, rps, args.window_s, seed), instances)
                for seed in range(args.seed, args.seed + args.rounds)
            ]
            clients = [client for client, _ in windows]
            cpu_ms = sum(used_ms for _, used_ms in windows)
            cpu_ms /= sum(client.answered for client in clients)
            pace = cpu_ms / demand.cost(simulated.workers).at_rate(rps)
            told, at_pace = (_told(demand, simulated, rps, each) for each in (1.0, pace))
            _compare(rps, told, at_pace, pace, clients)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--regime", choices=list(map(str, Regime)), default=str(Regime.MODEL))
    parser.add_argument("--target")
    parser.add_argument("--instances", type=arguments.whole, default=2)
    parser.add_argument("--workers", type=arguments.whole, default=1, help="in each instance")
    parser.add_argument("--shares", type=arguments.number, nargs="+", default=SHARES)
    parser.add_argument("--rounds", type=arguments.whole, default=5)
    parser.add_argument("--window-s", type=arguments.number, default=15.0)
    parser.add_argument("--seed", type=int, default=0, help="of the first window's arrivals")
    return parser.parse_args()


def _most_rps(simulated: Station, demand: Demand) -> float:
    """What CPU or slots allow at most."""
    cpu_ms = demand.cost(simulated.workers).cpu_ms
    wait_ms = demand.wait_ms(simulated.workers)
    by_cpu = min(simulated.cores, simulated.workers * simulated.lanes) / cpu_ms
    by_slots = simulated.workers * simulated.slots / (cpu_ms + wait_ms)
    return 1000 * min(by_cpu, by_slots)


def _measure(
    generator: Generator, traffic: Traffic, instances: Sequence[Instance]
) -> tuple[Client, float]:
    """One window, and the CPU time in ms that the instances used in it or were robbed of."""
    used_ms: list[float] = []
    machine: list[readings.MachineCpu] = []

    def look() -> None:
        used_ms.append(sum(each.clock.used_ms([each.master, *each.workers]) for each in instances))
        machine.append(readings.machine_cpu())

    client = generator.run(traffic, at_start=look, at_end=look)
    passed = machine[1].since(machine[0])
    return client, (used_ms[1] - used_ms[0]) / (1 - passed.steal_ms / passed.total_ms)


def _told(demand: Demand, simulated: Station, rps: float, pace: float) -> list[float]:
    workers = simulated.workers
    cost, wait_ms = demand.cost(workers).slower(pace), demand.wait_ms(workers)
    draw = ServiceDraw(demand.service, cost, wait_ms, 1, demand.wavering)
    times_ms = draw.response_ms(simulated, rps)
    return [float(np.quantile(times_ms, share)) for share in PERCENTILES]


def _traffic(target: Target, url: str, rps: float, window_s: float, seed: int) -> Traffic:
    return target.traffic(
        url,
        arrivals=Arrivals.OPEN,
        connections=CONNECTIONS,
        offered_rps=rps,
        ramp_s=2.0,
        window_s=window_s,
        drain_s=10.0,
        seed=seed,
    )


def _compare(
    rps: float,
    planned: Sequence[float],
    at_pace: Sequence[float],
    pace: float,
    clients: Sequence[Client],
) -> None:
    errors = sum(sum(client.errors.values()) + client.dropped for client in clients)
    seen = merged(decode(client.response_hdr) for client in clients).quantile_ms(
        np.array(PERCENTILES)
    )
    times = [f"{time:.1f} ms" for pair in zip(planned, seen, strict=True) for time in pair]
    noted = f"  ({errors} errors or dropped)" if errors else ""
    off = [f"{told[1] / seen[1] - 1:+.0%}" for told in (planned, at_pace)]
    _row(f"{rps:.1f}", *times, off[0], f"{pace:.2f}", off[1] + noted)


@contextmanager
def _proxy(ports: Sequence[int], on_cores: Sequence[int]) -> Iterator[str]:
    command = [sys.executable, "-m", "load.experiments.random_proxy", *map(str, ports)]
    with (
        readings.pinned(on_cores),
        subprocess.Popen(  # noqa: S603  # our own module
            command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        port = process.stdout.readline().strip() if process.stdout else ""
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _row(*cells: str) -> None:
    sys.stdout.write("".join(f"{cell:>14}" for cell in cells) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
