"""The campaign on disk, whole after every window."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from load.campaign import SCHEMA_VERSION, Campaign, Machine, Window, write
from load.sweep import verdicts


class Record:
    """Windows as they are measured; `add` writes all of them to *path*."""

    def __init__(self, path: Path, seed: int, machine: Machine) -> None:
        self.path = path
        self.windows: list[Window] = []
        self._seed = seed
        self._machine = machine
        self._started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._started_s = time.monotonic()
        self._write()

    @property
    def age_s(self) -> float:
        """Time since the campaign began."""
        return time.monotonic() - self._started_s

    def add(self, window: Window) -> None:
        """Keep *window*; an interruption leaves the file as it was before or after."""
        self.windows.append(window)
        self._write()

    def conclude(self) -> None:
        """Judge the windows together: what a machine that drifted spoilt is refused."""
        self.windows[:] = verdicts.judged_together(self.windows)
        self._write()

    def _write(self) -> None:
        campaign = Campaign(
            schema_version=SCHEMA_VERSION,
            started_at=self._started_at,
            duration_s=round(self.age_s, 3),
            seed=self._seed,
            machine=self._machine,
            windows=tuple(self.windows),
        )
        unfinished = self.path.with_suffix(".unfinished")
        write(campaign, unfinished)
        os.replace(unfinished, self.path)  # noqa: PTH105  # says what it does
