"""`python -m load` tells how the service scales, and how much of it to order."""

import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from load.arguments import CommandLine, Exit

# What each command is for, and the package that it stands in.
COMMANDS = {
    "sweep": ("measure the service with one worker, two, four …", "sweep"),
    "fit": ("fit the scaling law to what a sweep measured", "scaling"),
    "report": ("write the report of a sweep", "report"),
    "plan": ("turn a sweep into the dynos or replicas to order", "plan"),
    "run": ("check a deployed service against its objective", "gate"),
    "compare": ("tell what changed between two sweeps", "compare"),
}


# Those that pin processes to cores, and read what these take of CPU and memory.
MEASURING = frozenset({"sweep", "run"})

# Where matplotlib keeps what it knows of fonts; by default that is in the user's home.
PLOTS_CACHE = Path(__file__).parent / "results/.matplotlib"


def main() -> int:
    """Run the command that was named; a Ctrl-C ends it without a traceback."""
    try:
        return _run()
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return Exit.INTERRUPTED


def _run() -> int:
    """Only the command's own module is imported."""
    os.environ.setdefault("MPLCONFIGDIR", str(PLOTS_CACHE))
    if MEASURING.intersection(sys.argv[1:2]) and not _is_linux():
        sys.stderr.write(
            f"load {sys.argv[1]} needs Linux with /proc, where processes can be pinned to cores "
            "and read; the other commands work on what it has measured anywhere\n"
        )
        return Exit.USAGE
    parser = CommandLine(prog="python -m load", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (summary, package) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name in sys.argv[1:2]:
            module = _imported(f"load.{package}.command")
            module.configure(command)
            command.set_defaults(run=module.run)
    args = parser.parse_args()
    code: int = args.run(args)
    return code


def _imported(name: str) -> ModuleType:
    """Import a module; a Ctrl-C meanwhile ends at once, as it would be lost in native ones."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        return import_module(name)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return import_module(name)
    finally:
        signal.signal(signal.SIGINT, before)


def _is_linux() -> bool:
    return hasattr(os, "sched_setaffinity") and Path("/proc/self/stat").exists()


if __name__ == "__main__":
    sys.exit(main())
