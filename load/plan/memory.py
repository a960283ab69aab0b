"""How a server's memory grows with its workers."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from load.campaign import Window

MIB = 1 << 20


@dataclass(frozen=True)
class Memory:
    """PSS (proportional set size: memory, shared pages split fairly) of a server with N workers."""

    shared_bytes: float
    worker_bytes: float

    def bytes(self, workers: int) -> float:
        """What the server takes with so many workers."""
        return self.shared_bytes + workers * self.worker_bytes


def pss_bytes(window: Window) -> int:
    """All of the server in this window: its workers and their master."""
    return sum(window.server.pss_bytes_by_worker.values()) + window.server.pss_master_bytes


def fitted(windows: Iterable[Window]) -> Memory | None:
    """Least squares of PSS = shared + N × worker, neither below zero; None without a reading."""
    sizes = [
        (len(window.server.pss_bytes_by_worker), pss_bytes(window) / MIB)
        for window in windows
        if window.server.pss_bytes_by_worker
    ]
    if not sizes:
        return None
    if len({workers for workers, _ in sizes}) == 1:  # one number of workers gives no line
        return Memory(0.0, MIB * max(total / workers for workers, total in sizes))
    line = np.array([[1.0, workers] for workers, _ in sizes])
    (shared, worker), _ = nnls(line, np.array([total for _, total in sizes]))
    return Memory(shared * MIB, worker * MIB)
