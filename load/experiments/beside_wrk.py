"""
The generator beside wrk: the same closed-loop point, measured by each in turn.

`python -m load.experiments.beside_wrk` boots the bench with one worker and prints what each found
and the ratios, pair by pair. wrk is Debian's package of that name.
"""

import argparse
import sys
from statistics import median

from load import arguments
from load.benchmarks import wrk
from load.campaign import Arrivals, Regime
from load.generator.traffic import Generator
from load.rig.machine import cores
from load.rig.server import Instance, Setup
from load.sweep.targets import targets


def main() -> None:
    """Measure in pairs and print."""
    args = _arguments()
    server_cores, generator_cores = cores()
    target = targets(Regime(args.regime))[0]
    connections = target.closed(args.workers).connections
    setup = Setup(
        app=target.app, workers=args.workers, cores=server_cores, variables=target.variables
    )
    ratios = []
    with Instance(setup) as instance, Generator(generator_cores) as generator:
        traffic = target.traffic(
            instance.url,
            arrivals=Arrivals.CLOSED,
            connections=connections,
            ramp_s=1.0,
            window_s=args.window_s,
            drain_s=10.0,
            seed=1,
            workers=tuple(instance.workers),
        )
        for _ in range(args.rounds):
            ours_rps = generator.run(traffic).answered / args.window_s
            its_rps = wrk.run(
                instance.url + target.path,
                connections=connections,
                seconds=args.window_s,
                core=str(generator_cores[0]),
            ).rate_rps
            ratios.append(ours_rps / its_rps)
            _say(f"ours {ours_rps:8.1f}/s   wrk {its_rps:8.1f}/s   ratio {ratios[-1]:.3f}")
    _say(f"median ratio {median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--regime", choices=[str(Regime.WAIT), str(Regime.CPU)], default="wait")
    parser.add_argument("--workers", type=arguments.whole, default=1)
    parser.add_argument("--rounds", type=arguments.whole, default=5)
    parser.add_argument("--window-s", type=arguments.number, default=8.0)
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
