"""
What the master does otherwise than Gunicorn's.

It replaces a worker before that leaves, keeps what runs when a reload cannot be, and blames no
worker for a time in which it stood still itself.

Gunicorn's arbiter has no hooks for these; `supervise` gives one arbiter other methods.
"""

import os
import signal
from collections.abc import Callable
from contextlib import redirect_stderr
from functools import partial
from io import StringIO
from time import monotonic
from typing import Any

from gunicorn import sock

from config.roster import Roster

# The master's loop comes round once a second; a longer gap means that it has been stopped.
STOOD_STILL_S = 5.0


def supervise(server: Any, roster: Roster) -> None:
    """Let *server*, the arbiter, manage its workers by *roster*."""
    server.manage_workers = partial(manage_workers, server, roster)
    server.reload = partial(reload, server, roster)
    server.stop = partial(stop, server.stop, roster)
    server.handle_usr1 = partial(turn_debug, server)
    server.murder_workers = Watchdog(server, server.murder_workers)


def manage_workers(server: Any, roster: Roster) -> None:
    """
    Start workers until enough stay, and tell the oldest of too many to leave.

    Gunicorn counts those that are leaving as well, and starts no successor before they have.
    """
    roster.wanted = server.num_workers
    staying = [worker for worker in server.WORKERS.values() if not roster.retires(worker.slot)]
    for _ in range(server.num_workers - len(staying)):
        server.spawn_worker()
    too_many = max(0, len(staying) - server.num_workers)
    retire(server, roster, sorted(staying, key=lambda worker: worker.age)[:too_many])


def stop(stop_all: Callable[[bool], None], roster: Roster, graceful: bool = True) -> None:  # noqa: FBT001, FBT002  # Gunicorn's own
    """Tell all workers, also those that are too young to hear a signal, and wait for their end."""
    roster.end()
    stop_all(graceful)


def turn_debug(server: Any) -> None:
    """Log at debug or no more, here and in every worker; Gunicorn's own would reopen files."""
    server.log.turn_debug()
    server.kill_workers(signal.SIGUSR1)


def note_end(server: Any, roster: Roster, worker: Any) -> None:
    """Count the end of *worker*, and tell what is lost with one that nobody has asked to leave."""
    if roster.is_ending:
        return
    row = roster.row(worker.slot)
    reason = "hung" if worker.aborted else "retired" if row.retires else "died"
    roster.count_end(reason)
    if reason != "retired" or row.in_flight or row.lines:
        server.log.tell(
            "worker_lost",
            worker=worker.slot,
            worker_pid=worker.pid,
            reason=reason,
            requests=row.in_flight,
            log_lines=row.lines,
            spans=row.spans,
        )


def retire(server: Any, roster: Roster, workers: list[Any]) -> None:
    """Tell *workers* to leave when others serve."""
    for worker in workers:
        roster.retire(worker.slot)
        server.kill_worker(worker.pid, signal.SIGTERM)


def reload(server: Any, roster: Roster) -> None:
    """
    Read the configuration again, replace every worker, and let the new ones read the models.

    If it cannot be read, say why and keep what runs. Gunicorn's own would end the master then; and
    it waits in its end for the old workers, which serve until the new ones do, deaf to signals.
    """
    kept, old_address = server.app.cfg, server.cfg.address
    fault = fault_of(server.app)
    if fault:
        server.app.cfg = kept
        server.log.error("Not reloaded, and what runs goes on: %s", fault)
        return
    server.setup(server.app)
    if old_address != server.cfg.address:
        sock.close_sockets(server.LISTENERS, unlink=False)
        server.LISTENERS = sock.create_sockets(server.cfg, server.log)
        server.log.info("Listening at: %s", ",".join(map(str, server.LISTENERS)))
    roster.reload()
    old = list(server.WORKERS.values())
    for worker in old:
        roster.retire(worker.slot)
    server.manage_workers()
    retire(server, roster, old)


def fault_of(app: Any) -> str:
    """Read the configuration of *app*, a Gunicorn application, again; what is wrong with it."""
    said = StringIO()
    try:
        with redirect_stderr(said):  # where Gunicorn tells what it then exits for
            app.do_load_config()
    except SystemExit as error:
        return error.code if isinstance(error.code, str) else said.getvalue().strip()
    except Exception as error:  # noqa: BLE001  # it is code, and may raise anything
        return f"{type(error).__name__}: {error}"
    return ""


class Watchdog:
    """Ends workers that hang, by Gunicorn's *murder*, but not after the master has been stopped."""

    def __init__(self, server: Any, murder: Callable[[], None]) -> None:
        self._server = server
        self._murder = murder
        self._looked_s = self._quiet_until_s = monotonic()

    def __call__(self) -> None:
        """Look, unless the workers may have been stopped as well, and have yet to beat again."""
        now = monotonic()
        if now - self._looked_s > STOOD_STILL_S:
            self._quiet_until_s = now + self._server.timeout
        self._looked_s = now
        if now >= self._quiet_until_s:
            self._murder()


def wake(master_pid: int) -> None:
    """Let the master look after its workers now; it does when one of them has ended."""
    os.kill(master_pid, signal.SIGCHLD)
