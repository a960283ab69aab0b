"""What a campaign shows while it runs: a bar with its ETA, and a line for each window."""

from collections.abc import Sequence
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from load.campaign import Arrivals, Verdict, Window
from load.sweep.measurement import Timing
from load.sweep.schedule import Boot

# What a boot and a window take besides a window's own seconds, as far as the bar needs to know.
BOOT_S, BOOT_WORKER_S, WINDOW_S = 1.0, 0.3, 1.0
STYLES = {Verdict.VALID: "green", Verdict.LOWER_BOUND: "yellow", Verdict.REFUSED: "red"}


def expected_s(boot: Boot, timing: Timing) -> float:
    """About how long a boot and its windows take."""
    windows = 1 if boot.anchor else 1 + len(boot.target.open_shares)
    each_s = timing.ramp_s + timing.window_s + WINDOW_S
    return BOOT_S + BOOT_WORKER_S * boot.workers + windows * each_s


class Bar:
    """Use as a context manager around a campaign of *boots*."""

    def __init__(self, boots: Sequence[Boot], timing: Timing, console: Console) -> None:
        self._timing = timing
        self._rounds = 1 + max((boot.round for boot in boots), default=0)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("of about"),
            TextColumn("{task.fields[all_s]}, left:"),
            TimeRemainingColumn(),
            console=console,
            refresh_per_second=2,
        )
        total_s = self._total_s = sum(expected_s(boot, timing) for boot in boots)
        self._task = self._progress.add_task("", total=total_s, all_s=_minutes(total_s))
        self._done_s = 0.0
        self._current_s = 0.0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, boot: Boot) -> None:
        """The boot before has ended; this one begins."""
        self._done_s += self._current_s
        self._current_s = expected_s(boot, self._timing)
        workers = f"{boot.workers} worker{'s' if boot.workers > 1 else ''}"
        said = f"round {boot.round + 1}/{self._rounds} · {boot.target.regime} · {workers}"
        self._progress.update(self._task, completed=self._done_s, description=f"{said:32}")
        if not self._progress.console.is_terminal:  # where no bar is drawn
            self._progress.console.print(f"{said} …", soft_wrap=True)

    def end(self) -> None:
        """All has been measured."""
        self._progress.update(self._task, completed=self._total_s, description="measured")

    def measured(self, window: Window) -> None:
        """One line for it."""
        point = window.point
        load = "closed" if point.arrivals is Arrivals.CLOSED else f"open {point.offered_rps:g}/s"
        said = (
            f"{point.regime:5} {point.workers:3} × {point.target:28.28} {load:12} "
            f"{window.throughput_rps:8.1f}/s {window.cpu_ms_per_request:7.2f} CPU-ms  "
        )
        verdict = f"[{STYLES[window.verdict]}]{window.verdict}[/] {' '.join(window.reasons)}"
        self._progress.console.print(said + verdict, soft_wrap=True)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
