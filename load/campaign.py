"""
What a campaign measured: `results.json`, which the fit, the report and the plan read.

A *point* is what was asked for (a regime, a number of workers, a way to arrive); a *window* is one
measurement of a point; a *round* holds one window of every point, in random order.
"""

from enum import StrEnum
from pathlib import Path

import msgspec

SCHEMA_VERSION = 1


class Regime(StrEnum):
    """What bounds a request."""

    WAIT = "wait"  # an off-CPU dependency with a bounded concurrency in each worker
    CPU = "cpu"  # a fixed amount of Python
    MODEL = "model"  # a real model of the service


class Arrivals(StrEnum):
    """Who decides when the next request is sent."""

    CLOSED = "closed"  # a fixed number of clients, each waiting for its answer
    OPEN = "open"  # a Poisson process planned ahead, whatever the server does


class Verdict(StrEnum):
    """What a window is good for."""

    VALID = "VALID"
    LOWER_BOUND = "LOWER_BOUND"  # the generator was the limit: the server can do at least this
    REFUSED = "REFUSED"


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured."""

    regime: Regime
    target: str  # the path, such as /wait or /models/iris/predict
    workers: int
    arrivals: Arrivals
    connections: int
    offered_rps: float | None = None  # open arrivals only
    slo_ms: float  # an answer within it, counted from the intended send, is good


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A window as the generator saw it; every request that was due in the window is in it."""

    sent: int
    answered: int
    good: int  # 2xx within the SLO
    dropped: int  # never sent, for want of a free connection
    censored: int  # still unanswered when waiting for them ended
    errors: dict[str, int]  # by status ("503") or by the exception's name
    answered_by_worker: dict[str, int]  # by the X-Worker header
    response_hdr: str  # HDR histogram of µs, base64: intended send → last byte of the answer
    service_hdr: str  # the same from the actual send
    mean_service_ms: float
    mean_in_flight: float  # sampled, not derived
    lag_p99_ms: float  # actual send − intended send
    cpu_share_max: float  # of its core, used or waited for by the generator in its busiest second


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A window as the machine under the server saw it."""

    answered: int  # by the server's own count
    cpu_ms: float
    run_queue_wait_ms: float  # ready to run, while something else had the core
    spin_ms: float  # CPU time of a fixed piece of Python on the same core: the machine's own pace
    steal_share: float
    other_cpu_share: float  # of all cores, used by neither server nor generator
    pss_bytes_by_worker: dict[str, int]
    pss_master_bytes: int
    idle_cpu_ms: float = 0.0  # the part of cpu_ms that it would have used without a request


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement of a point."""

    point: Point
    round: int
    boot: int  # which start of the server it belongs to
    anchor: bool  # a repeat of the smallest point, to see the machine drift
    started_at_s: float  # since the campaign began
    duration_s: float
    client: Client
    server: Server
    verdict: Verdict
    reasons: tuple[str, ...] = ()  # why it is not VALID, each a sentence with its figures

    @property
    def throughput_rps(self) -> float:
        """Answers a second, whatever they said."""
        return self.client.answered / self.duration_s

    @property
    def goodput_rps(self) -> float:
        """Answers a second that were 2xx within the SLO."""
        return self.client.good / self.duration_s

    @property
    def cpu_ms_per_request(self) -> float:
        """The server's CPU time for an answer, beyond what it uses without a request."""
        return (self.server.cpu_ms - self.server.idle_cpu_ms) / max(1, self.server.answered)


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it was measured: enough to know whether two campaigns may be compared."""

    cpu: str
    cores: int
    memory_bytes: int
    kernel: str
    python: str
    versions: dict[str, str]  # of the packages that serve
    commit: str
    server_cores: tuple[int, ...]
    generator_cores: tuple[int, ...]


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a sweep measured, in the order it was measured."""

    schema_version: int
    started_at: str  # ISO 8601, UTC
    duration_s: float
    seed: int
    machine: Machine
    windows: tuple[Window, ...]


class UnreadableResults(ValueError):
    """The file is no campaign of this schema."""


def write(campaign: Campaign, path: Path) -> None:
    """Write *campaign* as indented JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(campaign), indent=1))


def read(path: Path) -> Campaign:
    """Read a campaign. Raises UnreadableResults with the path and what is wrong."""
    try:
        campaign = msgspec.json.decode(path.read_bytes(), type=Campaign)
    except OSError as error:
        raise UnreadableResults(
            f"{path}: {error.strerror}; python -m load sweep --out FOLDER writes such a file"
        ) from error
    except msgspec.MsgspecError as error:
        raise UnreadableResults(f"{path} is no results.json of a sweep: {error}") from error
    if campaign.schema_version != SCHEMA_VERSION:
        raise UnreadableResults(
            f"{path} has schema version {campaign.schema_version}; this one reads {SCHEMA_VERSION}"
        )
    return campaign
