"""Gunicorn's settings, each with its reason. It imports only `config`."""

import os
import shutil
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from config import instance_folder, machine, standard_streams
from config.api_keys import keep as keep_keys
from config.dual_stack import listen_on_both
from config.roster import Roster
from config.settings import InvalidSettings, from_environ
from config.supervision import note_end, supervise
from config.unix_socket import listen_for_few

standard_streams.open_missing()

try:
    settings = from_environ()
except InvalidSettings as error:
    sys.exit(f"weir: {error}")

METRICS_DIR = "PROMETHEUS_MULTIPROC_DIR"
SHARED_MEMORY = Path("/dev/shm")


def _address(port: int) -> str:
    # Heroku's router and most platforms speak IPv4 and IPv6; [::] takes both where IPv6 exists.
    host = settings.host or ("::" if socket.has_dualstack_ipv6() else "0.0.0.0")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


# A Unix socket takes the port's place, so that nobody comes but by the proxy before it. The second,
# where there is one, answers probes and scrapes only.
bind = [f"unix:{settings.socket}" if settings.socket else _address(settings.port)]
bind += [_address(settings.admin_port)] if settings.admin_port else []

# One hub a worker serves every connection; inference leaves it for native threads.
worker_class = "service.worker.Worker"

# WEB_CONCURRENCY, else one for each CPU that the container grants, as far as its memory reaches.
workers = settings.workers

# A worker leaves after so many requests, and so that not all leave at once, a tenth sooner or so.
max_requests = settings.max_requests
max_requests_jitter = settings.max_requests // 10

# The kernel's accept queue; it is cut to net.core.somaxconn.
backlog = 2048

# Each worker loads the application after it has patched itself; a preloaded one would have been
# imported unpatched, and its native threads would not survive the fork. What can be shared is
# (when_ready).
preload_app = False

# One shared accept queue: with one a worker, a worker's end resets what waits in its own.
reuse_port = False

# The heartbeat's limit: a worker whose hub has stood still this long is killed.
timeout = 30

# Inside the 30 s that a dyno has between SIGTERM and SIGKILL, and longer than a request may take.
graceful_timeout = settings.handling_timeout_s + 2

# The C parser that can be installed takes bare LF and folded headers, which this one refuses.
http_parser = "python"

# Trusted proxies may tell the client's address and the scheme, and nothing else: by default they
# could set SCRIPT_NAME.
forwarded_allow_ips = ",".join(settings.trusted_proxies)
forwarder_headers = ""

# No second door into the master.
control_socket_disable = True

# Heartbeat files in memory: on a busy disk they have blocked workers.
worker_tmp_dir = str(SHARED_MEMORY) if instance_folder.takes_files(SHARED_MEMORY) else None

# Our JSON shape for Gunicorn's messages; the line of a request is the service's own.
logger_class = "service.gunicorn_logger.GunicornLogger"
accesslog = None
loglevel = settings.log_level

proc_name = "weir"


def _metric_parents():
    """Where the metrics may be kept: in the folder that is asked for, or in memory, or on disk."""
    asked = settings.metrics_folder
    if not asked:
        places = [Path(worker_tmp_dir)] if worker_tmp_dir else []
        with suppress(FileNotFoundError):  # on a read-only file system there is no other
            places.append(Path(tempfile.gettempdir()))
        return places or [SHARED_MEMORY]
    if instance_folder.is_one(Path(asked)):
        return [Path(asked).parent]  # SIGUSR2: the new master inherits the old one's variable
    return [Path(asked)]


def on_starting(server):
    """Give this instance a folder of its own and a roster, before the first worker starts."""
    # A supervisor keeps the socket that it hands over, and need not be seen from here.
    listen_on_both()
    listen_for_few()
    server.made_sockets = "LISTEN_FDS" not in os.environ
    parents = _metric_parents()
    dead = [folder for parent in parents for folder in instance_folder.sweep(parent)]
    try:
        folder, server.folder_lock = instance_folder.make(parents, settings.port)
    except OSError as error:
        sys.exit(f"weir: metrics cannot be kept ({error}); name a folder in {METRICS_DIR}")
    os.environ[METRICS_DIR] = str(folder)
    keep_keys(settings.keys_of_file)
    # From here its locks are native ones, in the workers too. On a hub they never contend, and
    # gevent's, which it would take after the patch, cost a tenth of an echo.
    import prometheus_client  # noqa: F401

    machine.raise_descriptor_limit()
    _warn(server.log)
    server.roster = Roster()
    supervise(server, server.roster)
    server.log.info("Metrics directory: %s", folder)
    if dead:
        server.log.info("Swept what dead instances have left: %s", ", ".join(map(str, dead)))


def _warn(log):
    """Say what an operator would want to know before the first request."""
    fitting = machine.fitting_connections(settings.connection_limit)
    if fitting < settings.connection_limit:
        log.warning(
            "A worker holds %d connections, not %d: the system grants it no more open files "
            "(ulimit -n)",
            fitting,
            settings.connection_limit,
        )
    if settings.is_open_to_all and not sys.stdout.isatty():
        log.warning(
            "Whoever reaches port %d may ask: there are no API keys (WEIR_API_KEYS_FILE)",
            settings.port,
        )
    if machine.memory_used_bytes() is None:
        log.warning(
            "What of the memory is in use cannot be read on this system: requests may hold a "
            "quarter of it"
        )


def when_ready(server):
    """
    Import what all workers need; each gets it by the fork.

    From here the master hears a Ctrl-C, which until now would have ended in a traceback.
    """
    import_shared = getattr(server.worker_class, "import_shared", None)
    if import_shared:  # a class of the command line's has none
        import_shared()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def pre_fork(server, worker):
    """Give the worker the lowest free slot: its metric files are the slot's, not the process's."""
    taken = {other.slot for other in server.WORKERS.values()}
    worker.made_sockets = server.made_sockets
    worker.slot = next(slot for slot in range(len(taken) + 1) if slot not in taken)
    worker.roster = server.roster
    worker.roster.strike(worker.slot)


def post_fork(server, worker):
    """Name the worker's metric files by its slot, before the application defines a metric."""
    # By process, as is the default, every restart would leave files that each scrape reads.
    from prometheus_client import values

    from config.metric_files import Files, FileValue

    FileValue.files = Files(worker.slot)
    values.ValueClass = FileValue


def worker_exit(server, worker):
    """Let the worker end in its own way; called in it when it has served."""
    end = getattr(worker, "end", None)
    if end:
        end()


def child_exit(server, worker):
    """Tell what a worker has taken with it, and drop its gauges before its slot is given again."""
    from prometheus_client import multiprocess

    note_end(server, server.roster, worker)
    server.roster.strike(worker.slot)
    with suppress(OSError):
        multiprocess.mark_process_dead(worker.slot)


def on_exit(server):
    """Take the metrics directory away with the instance."""
    shutil.rmtree(os.environ[METRICS_DIR], ignore_errors=True)
