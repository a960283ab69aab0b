"""The composition root: the list of everything the service is made of."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import gevent.threadpool
import structlog
from gevent import monkey

from config import machine
from config.roster import IN_FLIGHT, LINES, PID, SPANS, Roster
from config.settings import Settings
from service import exemplars, logs, metrics, pages, problems
from service.api import echo, health, models, predict, v2
from service.application import Application
from service.aside import Aside
from service.exposition import Exposition
from service.inference.account import Account
from service.inference.catalog import Catalog
from service.inference.model import Model
from service.inference.resources import ModelResources
from service.quiet_minute import QuietMinute
from service.raised import log_raised
from service.recorder import Recorder
from service.repository.live import Repository
from service.statistics import Statistics
from service.tracing.observer import tracing_of
from service.trust import trust_in
from service.usage import Usage, watch_memory
from service.wire.admission import Admission

THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def create_app(settings: Settings) -> Application:
    """Make the application; its models load in the background and /readyz tells when they have."""
    app = Application(__name__, static_folder=None)
    _configure(app, settings)
    app.settings = settings
    app.admission = Admission(settings.in_flight_limit)
    app.account = Account(
        machine.request_memory_bytes(settings.workers), monkey.get_original("threading", "Lock")
    )
    app.parsing, app.scraping = Aside(native_threads), Aside(native_threads)
    app.statistics = Statistics()
    resources = _resources(settings, app.statistics)
    app.repository = Repository(settings, _log_unreadable, native_threads, _own_folder)
    app.catalog = Catalog(app.repository.found(), resources, _note_loaded, _note_retired)
    problems.init_app(app, settings.error_detail)
    metrics.init_app(app)
    faulted = ObserverFaults(metrics.observer_failed)
    app.attend = partial(attend, app)
    app.sample_gauges = partial(faulted.guard, partial(metrics.sample, app), "metrics")
    logs.writer().dropped = metrics.lines_dropped
    for routes in (echo, models, predict, health, *v2.FAMILIES):
        app.register_blueprint(routes.blueprint)
    if settings.pages:
        pages.init_app(app)
    app.tracing = tracing_of(os.environ, settings.slow_ms)
    if app.tracing:
        app.tracing.queue.dropped = metrics.spans_dropped
    app.recorder = Recorder(
        app.wsgi_app,
        trust_in(settings.trusted_proxies),
        closed=[
            metrics.closed,
            app.statistics.closed,
            logs.request_writer(),
            *([app.tracing.closed] if app.tracing else []),
        ],
        faulted=faulted,
    )
    app.wsgi_app = app.recorder  # type: ignore[method-assign]  # the documented way to wrap it
    return app


def attend(app: Application, roster: Roster, slot: int, sockets: Sequence[Any]) -> None:
    """Let *roster* know what the worker in *slot* has under way, and a scrape what all take."""
    roster.cell(slot, PID)[0] = os.getpid()
    app.recorder.told_in_flight = roster.cell(slot, IN_FLIGHT)
    logs.writer().count_in(roster.cell(slot, LINES))
    if app.tracing:
        app.tracing.queue.count_in(roster.cell(slot, SPANS))
    app.repository.attend(app.catalog, roster, slot)
    watch_memory(partial(metrics.remember, slot))
    path = exemplars.path_of(slot)
    folder = path.parent if path else None
    if folder:
        app.statistics.keep(folder / "statistics", slot)
    usage = Usage(roster, sockets, lambda: app.catalog, folder)
    app.exposition = Exposition(folder, usage, app.settings.instance)


def native_threads(count: int) -> Executor:
    """
    Threads of the operating system, also under gevent: work in them does not stop the hub.

    Without gevent (the development server) the standard library's are just that.
    """
    if monkey.is_module_patched("threading"):
        return cast("Executor", gevent.threadpool.ThreadPoolExecutor(count))
    return ThreadPoolExecutor(count)


def _resources(settings: Settings, statistics: Statistics) -> ModelResources:
    # Libraries that compute in threads of their own take the machine's CPUs for the container's.
    threads = {name: str(machine.cpus()) for name in THREAD_COUNTS}
    return ModelResources(
        native_threads=native_threads,
        threads=settings.inference_threads,
        limit_pixels=settings.image_limit_pixels,
        socket_directory=_own_folder,
        memory_limit_bytes=machine.memory_bytes() // 2,
        variables=threads,
        model_cache=settings.model_cache,
        json_lines=logs.is_json(settings.log_format),
        load_limit_s=settings.load_timeout_s,
        ran=partial(_note_call, statistics),
        died=_note_end,
    )


@cache
def _own_folder() -> Path:
    """Where this instance's workers meet their models' processes; nobody else may look."""
    instance = os.environ.get("PROMETHEUS_MULTIPROC_DIR")  # gunicorn.conf.py made and removes it
    if instance:
        place = Path(instance, "models")
        place.mkdir(mode=0o700, exist_ok=True)
        return place
    alone = Path(tempfile.mkdtemp(prefix="weir-"))
    atexit.register(shutil.rmtree, alone, ignore_errors=True)
    return alone


def _configure(app: Application, settings: Settings) -> None:
    app.config["MAX_CONTENT_LENGTH"] = settings.body_limit_bytes
    # The body is in memory and within its limit already; Werkzeug's own lower limit for form
    # fields would refuse a picture that JSON may carry.
    app.config["MAX_FORM_MEMORY_SIZE"] = settings.body_limit_bytes
    app.config["MAX_FORM_PARTS"] = 100
    # OPTIONS answers 405 with Allow, as problem+json like everything else.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # A redirect would answer HTML, and lose the body of a client that does not follow it.
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False


class ObserverFaults:
    """Counts the faults of observers, and tells one of them a minute."""

    def __init__(self, count: Callable[[str], None]) -> None:
        self._count = count
        self._minute = QuietMinute()

    def guard(self, observe: Callable[[], None], observer: str) -> None:
        """Call *observe*, whose faults are its *observer*'s alone."""
        try:
            observe()
        except Exception as error:  # noqa: BLE001  # an observer may fail in any way
            self(observer, error)

    def __call__(self, observer: str, error: Exception) -> None:
        """Note that *observer* raised *error*."""
        with suppress(Exception):
            self._count(observer)
        if self._minute.is_over():
            log_raised("observer_failed", error, observer=observer)


def _note_call(statistics: Statistics, model: str, version: str, rows: int, infer_s: float) -> None:
    metrics.ran(model, version, rows, infer_s)
    statistics.ran(model, version, rows, infer_s)


def _note_end(model: str, version: str, stage: str, how: str) -> None:
    metrics.process_ended(model, version, stage)
    log = structlog.get_logger()
    log.error("model_process_ended", model=model, version=version, stage=stage, reason=how)


def _log_unreadable(folder: Path, error: OSError) -> None:
    structlog.get_logger().error(
        "model_unreadable", model=folder.name, path=str(folder), reason=error.strerror
    )


def _note_retired(model: Model) -> None:
    metrics.retired(model.name, model.version)


def _weights(model: Model) -> dict[str, str]:
    """Where an ONNX model's weights are: in a file that all workers map, or in each of them."""
    found = model.prepared
    if found is None:
        return {}
    if not found.mapped:
        return {"weights": "private", "why": found.why}
    return {"weights": "mapped, and packed for each worker" if found.prepacks else "mapped"}


def _note_loaded(model: Model) -> None:
    if model.version:  # nothing of it is known where its model.toml cannot be read
        metrics.loaded(model.name, model.version, model.load_ms / 1000)
    log = structlog.get_logger()
    if model.state == "ready":
        log.info(
            "model_ready",
            model=model.name,
            version=model.version,
            load_ms=round(model.load_ms, 1),
            **_weights(model),
        )
    else:
        log.error(
            "model_failed",
            model=model.name,
            version=model.version,
            reason=model.log_reason or model.reason,
            **({"stack": model.stack} if model.stack else {}),
        )
