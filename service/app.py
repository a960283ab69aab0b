"""The composition root: the list of everything the service is made of."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import gevent.threadpool
from gevent import monkey

from config import machine
from config.roster import IN_FLIGHT, LINES, PID, SPANS, Roster
from config.settings import Settings
from service import access, exemplars, logs, metrics, model_events, pages, problems
from service.access.routes import check as check_table
from service.api import echo, health, models, predict, v2
from service.application import Application
from service.aside import Aside
from service.cors import Cors, Preflights
from service.exchange import Beginner
from service.exposition import Exposition
from service.inference.account import Account
from service.inference.catalog import Catalog
from service.inference.resources import ModelResources
from service.observer_faults import ObserverFaults
from service.recorder import Recorder
from service.repository.live import Repository
from service.statistics import Statistics
from service.tracing.observer import tracing_of
from service.transport_security import StrictTransport
from service.usage import Usage, watch_memory
from service.wire.admission import Admission

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

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
    app.repository = Repository(settings, model_events.unreadable, native_threads, _own_folder)
    app.catalog = Catalog(
        app.repository.found(), resources, model_events.loaded, model_events.retired
    )
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
    check_table(rule.rule for rule in app.url_map.iter_rules())
    app.guard = access.guard_of(settings)
    app.tracing = tracing_of(os.environ, settings.slow_ms)
    if app.tracing:
        app.tracing.queue.dropped = metrics.spans_dropped
    app.recorder = _recorder(app, faulted)
    app.wsgi_app = app.recorder  # type: ignore[method-assign]  # the documented way to wrap it
    return app


def _recorder(app: Application, faulted: ObserverFaults) -> Recorder:
    """Make what stands around *app*: who may read its answers, and who is shown their record."""
    settings = app.settings
    begun: list[Beginner] = []
    answering: WSGIApplication = app.wsgi_app
    if settings.cors_origins:
        cors = Cors(settings.cors_origins)
        begun.append(cors)
        answering = Preflights(answering, cors, app.methods_at)
    if settings.hsts_s:
        begun.append(StrictTransport(settings.hsts_s))
    closed = [metrics.closed, app.statistics.closed, logs.request_writer()]
    if app.tracing:
        closed.append(app.tracing.closed)
    return Recorder(answering, begun=begun, closed=closed, faulted=faulted)


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
        if app.guard:
            app.guard.limiter.share(folder, slot, app.settings.workers)
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
        ran=partial(model_events.called, statistics),
        died=model_events.process_ended,
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
