"""
`sweep`: measure the service with one worker, two, four … and write results.json.

Each number of workers is a start of its own of the real server, in rounds of random order; the
file is written after every window, so that what has been measured survives an interruption.
"""

import argparse
import dataclasses
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from rich.console import Console

from load import arguments
from load.arguments import Exit
from load.campaign import Regime, Verdict
from load.generator.traffic import Generator, GeneratorFailed
from load.rig.machine import cores, this_machine
from load.rig.server import ServerFailed
from load.sweep.measurement import Timing
from load.sweep.progress import Bar
from load.sweep.record import Record
from load.sweep.runner import NothingServed, Options, Runner
from load.sweep.schedule import Boot, boots
from load.sweep.targets import Target, targets

QUICK = "wait=1,2,4,8,16,32 cpu=1,2 model=1,2"
FULL = "wait=1,2,4,8,16,32 cpu=1,2,4 model=1,2,4"
QUICK_ROUNDS, FULL_ROUNDS = 2, 7
QUICK_WINDOW_S, FULL_WINDOW_S = 3.0, 10.0

FULL_OPEN = (0.2, 0.5, 0.8)

OPEN = (
    "open arrivals, as shares of what is served at most; default: 0.4 for cpu and 0.5 for model, "
    "with --full 0.2 0.5 0.8 for both"
)
LAW = "wait on an endpoint that obeys this law, to see whether it is found"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add, number = parser.add_argument, arguments.number
    add("--out", type=Path, default=Path("load/results/latest"), help="folder of results.json")
    add("--full", action="store_true", help=f"{FULL_ROUNDS} rounds of {FULL}; about an hour")
    add("--regimes", nargs="+", type=Regime, choices=list(Regime), help="only these")
    add("--workers", nargs="+", type=_counts, metavar="REGIME=N,…", help=f"default: {QUICK}")
    add("--rounds", type=arguments.whole, help=f"default: {QUICK_ROUNDS}")
    add("--window-s", type=number, help=f"default: {QUICK_WINDOW_S:g}")
    add("--ramp-s", type=number, default=0.5, help="the same load before each window (0.5)")
    add("--open", nargs="*", type=number, metavar="SHARE", help=OPEN)
    add("--law", type=arguments.coefficient, nargs=2, metavar=("SIGMA", "KAPPA"), help=LAW)
    add("--as-accepted", action="store_true", help="do not deal connections evenly to workers")
    add("--limit-s", type=number, default=7200.0, help="start no server after so long (7200)")
    add("--seed", type=int, default=1)


def run(args: argparse.Namespace) -> int:
    """Measure. Exit code: 0, 1 if the server or the generator failed, 130 if interrupted."""
    console = Console(stderr=True, highlight=False)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=args.out).close()
    except OSError as error:
        console.print(f"--out {args.out}: {error.strerror}", markup=False, soft_wrap=True)
        return Exit.USAGE
    record = Record(args.out / "results.json", args.seed, this_machine())
    failure, code = "", Exit.OK
    try:
        with _ended_by_sigterm():
            if not _measure(args, record, console):
                failure = f"the limit of {args.limit_s:g} s came first"
    except KeyboardInterrupt:
        failure, code = "interrupted", Exit.INTERRUPTED
    except (ServerFailed, GeneratorFailed, NothingServed) as error:
        failure, code = str(error), Exit.FAILED
    record.conclude()
    if failure:
        console.print(failure, style="red", markup=False, soft_wrap=True)
    valid = sum(window.verdict is Verdict.VALID for window in record.windows)
    console.print(
        f"{valid} of {len(record.windows)} windows are VALID; all are in {record.path}",
        soft_wrap=True,
    )
    return code


def _measure(args: argparse.Namespace, record: Record, console: Console) -> bool:
    seconds = args.window_s or (FULL_WINDOW_S if args.full else QUICK_WINDOW_S)
    timing = Timing(ramp_s=args.ramp_s, window_s=seconds)
    options = Options(
        timing=timing, dealt=not args.as_accepted, limit_s=args.limit_s, seed=args.seed
    )
    planned = _boots(args)
    _, sends = cores()
    with Generator(sends) as generator, Bar(planned, timing, console) as bar:
        return Runner(options, record, generator).run(planned, bar)


def _boots(args: argparse.Namespace) -> Sequence[Boot]:
    counts = dict(map(_counts, (FULL if args.full else QUICK).split()))
    counts |= dict(args.workers or {})
    named = args.regimes or [regime for regime, _ in args.workers or counts.items()]
    plan = {
        _loaded(target, args): counts[regime]
        for regime in Regime
        if regime in named
        for target in targets(regime, args.law)
    }
    rounds = args.rounds or (FULL_ROUNDS if args.full else QUICK_ROUNDS)
    return boots(plan, rounds, args.seed)


def _loaded(target: Target, args: argparse.Namespace) -> Target:
    if args.open is not None:
        return dataclasses.replace(target, open_shares=tuple(args.open))
    if args.full and target.open_shares:
        return dataclasses.replace(target, open_shares=FULL_OPEN)
    return target


def _counts(text: str) -> tuple[Regime, tuple[int, ...]]:
    regime, _, numbers = text.partition("=")
    try:
        return Regime(regime), tuple(arguments.whole(number) for number in numbers.split(","))
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(
            f"{text!r} given; name a regime and numbers of workers, such as wait=1,2,4"
        ) from None


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the campaign as Ctrl-C does, so that everything it started ends too."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
