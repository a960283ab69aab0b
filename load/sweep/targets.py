"""What each regime serves and sends, and how hard."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from load.campaign import Arrivals, Point, Regime
from load.generator.traffic import Traffic
from load.rig.server import BENCH, PRODUCT

MODELS = Path(__file__).resolve().parents[2] / "config/models"

# A worker has so many slots for the dependency it waits for; twice as many clients keep them full.
SLOTS = 4

# Open arrivals must find a free connection, or it is the generator that holds them back.
OPEN_CONNECTIONS = 32

IRIS = b'{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}'


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """One path of one application, the request to send to it and the loads to try."""

    regime: Regime
    app: str
    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    variables: dict[str, str] = field(default_factory=dict)
    connections_per_worker: int  # closed arrivals
    slo_ms: float
    open_shares: tuple[float, ...]  # open arrivals, as shares of what one worker serves at most

    def traffic(self, url: str, **load: Any) -> Traffic:
        """Its request, sent to the server at *url* in the way that *load*, Traffic's rest, says."""
        return Traffic(
            url=url,
            path=self.path,
            method=self.method,
            headers=self.headers,
            body=self.body,
            slo_ms=self.slo_ms,
            **load,
        )

    def closed(self, workers: int) -> Point:
        """As much as *workers* can take: clients that ask again as soon as they are answered."""
        return self._point(workers, self.connections_per_worker, Arrivals.CLOSED, None)

    def open(self, workers: int, offered_rps: float) -> Point:
        """Requests that come when they come."""
        return self._point(workers, OPEN_CONNECTIONS, Arrivals.OPEN, offered_rps)

    def _point(
        self, workers: int, each: int, arrivals: Arrivals, offered_rps: float | None
    ) -> Point:
        return Point(
            regime=self.regime,
            target=self.path,
            workers=workers,
            arrivals=arrivals,
            connections=each * workers,
            offered_rps=offered_rps,
            slo_ms=self.slo_ms,
        )


def targets(regime: Regime, law: tuple[float, float] | None = None) -> list[Target]:
    """The targets of *regime*; a *law* (σ, κ) puts the endpoint that obeys it in wait's place."""
    if regime is Regime.WAIT:
        return [_waiting(law)]
    return [_computing()] if regime is Regime.CPU else _models()


def _waiting(law: tuple[float, float] | None) -> Target:
    sigma, kappa = law or (0.0, 0.0)
    return Target(
        regime=Regime.WAIT,
        app=BENCH,
        path="/law" if law else "/wait",
        variables={
            "BENCH_SLOTS": str(SLOTS),
            "BENCH_SIGMA": str(sigma),
            "BENCH_KAPPA": str(kappa),
        },
        connections_per_worker=2 * SLOTS,
        slo_ms=500,
        open_shares=(),
    )


def _computing() -> Target:
    return Target(
        regime=Regime.CPU,
        app=BENCH,
        path="/cpu",
        connections_per_worker=4,
        slo_ms=100,
        open_shares=(0.4,),
    )


def _models() -> list[Target]:
    picture = (MODELS / "cat-or-dog/example.jpg").read_bytes()
    return [_asking("cat-or-dog", "image/jpeg", picture), _asking("iris", "application/json", IRIS)]


def _asking(model: str, media_type: str, body: bytes) -> Target:
    return Target(
        regime=Regime.MODEL,
        app=PRODUCT,
        path=f"/models/{model}/predict",
        method="POST",
        headers={"Content-Type": media_type},
        body=body,
        connections_per_worker=4,
        slo_ms=200,
        open_shares=(0.5,),
    )
