"""
What the instance takes of the machine, read at each scrape: by worker, by listener, by model.

A worker's own figures are kept in files (`instruments`); these are the kernel's, of all workers at
once, by the roster. What takes the kernel long, a worker's memory, each worker reads for itself now
and then. Linux tells all this; elsewhere it is missing.
"""

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from gevent import monkey
from prometheus_client import Metric
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from config import machine
from config.roster import Roster, Row
from service.inference.model import Model

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")

# Where user and system time and the number of threads stand in /proc/<pid>/stat after the name.
UTIME, STIME, THREADS = 11, 12, 17

# Where a process's resident pages, and those of files among them, stand in /proc/<pid>/statm.
RESIDENT, SHARED = 1, 2
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

# The kernel goes through all of a worker's pages, 1 to 5 ms for 100 MB: not at each scrape.
MEMORY_S = 10.0

# What of /proc/<pid>/smaps_rollup is told, and how it is called.
KINDS = {"Rss": "rss", "Pss": "pss"}

# Of a listening socket TCP_INFO has the length of the accept queue and its limit where others have
# segments: tcpi_unacked and tcpi_sacked (net/ipv4/tcp.c, tcp_get_info).
QUEUED_AT, LIMIT_AT, INFO_BYTES = 24, 28, 104


class Usage(Collector):
    """Reads what the workers of *roster*, their listeners and their *models* take."""

    def __init__(
        self,
        roster: Roster,
        sockets: Iterable[socket.socket],
        models: Callable[[], Iterable[Model]],
        folder: Path | None,
    ) -> None:
        """*folder* is where the metric files are, if there is one."""
        self._roster = roster
        self._sockets = list(sockets)
        self._models = models
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Read it all; what has gone meanwhile is left out."""
        workers = [(str(slot), row) for slot, row in enumerate(self._roster.rows()) if row.pid]
        yield from _of_workers(workers)
        yield self._ends()
        wanted = GaugeMetricFamily("workers_wanted", "Workers that there should be.")
        wanted.add_metric([], self._roster.wanted)
        yield wanted
        yield _of_instance()
        yield from self._backlogs()
        yield from _of_models(self._models())
        if self._folder:
            yield from _of_files(self._folder)

    def _ends(self) -> Metric:
        ends = CounterMetricFamily(
            "worker_restarts", "Workers that have ended and been replaced.", labels=["reason"]
        )
        for reason, count in self._roster.ends().items():
            ends.add_metric([reason], count)
        return ends

    def _backlogs(self) -> Iterator[Metric]:
        queued = GaugeMetricFamily(
            "listen_backlog_connections",
            "Connections that no worker has accepted.",
            labels=["port"],
        )
        limit = GaugeMetricFamily(
            "listen_backlog_limit_connections", "How many may wait so.", labels=["port"]
        )
        for listener in self._sockets:
            with suppress(OSError, AttributeError):  # no TCP socket, or no Linux
                info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_BYTES)
                port = [str(listener.getsockname()[1])]
                queued.add_metric(port, _number(info, QUEUED_AT))
                limit.add_metric(port, _number(info, LIMIT_AT))
        yield from (queued, limit)


def _of_workers(workers: list[tuple[str, Row]]) -> Iterator[Metric]:
    cpu = CounterMetricFamily(
        "worker_cpu_seconds", "User and system time of a worker.", labels=["worker"]
    )
    files = GaugeMetricFamily("worker_open_fds", "Open descriptors of a worker.", labels=["worker"])
    threads = GaugeMetricFamily("worker_threads", "Threads of a worker.", labels=["worker"])
    lines = GaugeMetricFamily(
        "log_queued_lines", "Log lines that wait to be written.", labels=["worker"]
    )
    spans = GaugeMetricFamily(
        "trace_queued_requests", "Requests whose spans wait to be exported.", labels=["worker"]
    )
    for slot, row in workers:
        lines.add_metric([slot], row.lines)
        spans.add_metric([slot], row.spans)
        with suppress(OSError, IndexError, ValueError):  # it has ended, or this is no Linux
            fields = _stat(row.pid)
            cpu.add_metric([slot], (int(fields[UTIME]) + int(fields[STIME])) / TICKS_PER_S)
            threads.add_metric([slot], int(fields[THREADS]))
            files.add_metric([slot], len(os.listdir(f"{PROC}/{row.pid}/fd")))  # noqa: PTH208  # of many
    yield from (cpu, files, threads, lines, spans)


def _of_instance() -> Metric:
    memory = GaugeMetricFamily(
        "instance_memory_bytes",
        "What the container, or the machine without one, grants, and what of it is in use.",
        labels=["kind"],
    )
    memory.add_metric(["limit"], machine.memory_bytes())
    used_bytes = machine.memory_used_bytes()
    if used_bytes is not None:
        memory.add_metric(["used"], used_bytes)
    return memory


def _of_models(models: Iterable[Model]) -> Iterator[Metric]:
    memory = GaugeMetricFamily(
        "model_memory_bytes",
        "What a model's own process has for itself, or the file that all workers map.",
        labels=["model", "version", "kind"],
    )
    for model in models:
        usage = model.usage
        if usage.mapped_bytes:
            memory.add_metric([model.name, model.version, "mapped"], usage.mapped_bytes)
        if usage.process:
            with suppress(OSError):
                own_bytes = _own_bytes(usage.process)
                memory.add_metric([model.name, model.version, "process"], own_bytes)
    yield memory


def _of_files(folder: Path) -> Iterator[Metric]:
    sizes = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".db"):
                with suppress(OSError):  # it has gone meanwhile
                    sizes.append(entry.stat().st_size)
    count = GaugeMetricFamily("metric_files", "Files in which workers keep their metrics.")
    count.add_metric([], len(sizes))
    total = GaugeMetricFamily("metric_files_bytes", "What they take.")
    total.add_metric([], sum(sizes))
    yield from (count, total)


def memory_bytes(pid: int) -> dict[str, int]:
    """Resident memory of a process and its share of what is shared, by kind. Raises OSError."""
    lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    fields = (line.split() for line in lines)
    return {
        KINDS[name]: int(words[1]) * 1024
        for words in fields
        if (name := words[0].removesuffix(":")) in KINDS
    }


def _own_bytes(pid: int) -> int:
    pages = (PROC / str(pid) / "statm").read_text().split()
    return (int(pages[RESIDENT]) - int(pages[SHARED])) * PAGE_BYTES


def watch_memory(tell: Callable[[str, int], None]) -> None:
    """Tell the memory of this process by kind, now and then, from a native thread."""
    sleep, start = (
        monkey.get_original("time", "sleep"),
        monkey.get_original("_thread", "start_new_thread"),
    )

    def watch() -> None:
        with suppress(OSError):  # no Linux
            while True:
                for kind, size_bytes in memory_bytes(os.getpid()).items():
                    tell(kind, size_bytes)
                sleep(MEMORY_S)

    start(watch, ())


def _stat(pid: int) -> list[str]:
    """What stands after the process's name, which may hold anything."""
    with open(f"{PROC}/{pid}/stat", "rb") as file:  # noqa: PTH123  # Path takes twice as long
        return file.read().rpartition(b")")[2].decode().split()


def _number(info: bytes, at: int) -> int:
    return int.from_bytes(info[at : at + 4], "little")
