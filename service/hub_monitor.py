"""
A line with the stack for each time that a worker's hub stood still.

gevent's own monitor traces every switch, and on Python 3.11 goes on to tell for ever once it has
told (gevent 26.9).
"""

import sys
from collections.abc import Callable
from traceback import format_stack

import gevent
import structlog
from gevent import monkey

# The hub's timer and the monitor's looks. So many looks without a turn, and it is late by one less.
LOOK_S = 0.1
LOOKS = 3
BLOCKED_MS = 200

log = structlog.get_logger()


def watch_hub() -> None:
    """Watch the hub of this thread from a native one."""
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1

    gevent.get_hub().loop.timer(LOOK_S, LOOK_S).start(turn)
    hub_thread: int = monkey.get_original("_thread", "get_ident")()
    monkey.get_original("_thread", "start_new_thread")(_watch, (hub_thread, lambda: turns))


def _watch(hub_thread: int, turns: Callable[[], int]) -> None:
    """Tell each blockage once. Looks are counted, not time: a suspended process blocks nobody."""
    sleep = monkey.get_original("time", "sleep")
    seen, looks = -1, 0
    while True:
        sleep(LOOK_S)
        turned = turns()
        looks = looks + 1 if turned == seen else 0
        seen = turned
        if looks == LOOKS:
            _tell(hub_thread)


def _tell(hub_thread: int) -> None:
    frame = sys._current_frames().get(hub_thread)  # noqa: SLF001  # documented, and the only way
    stack = "".join(format_stack(frame)).splitlines()
    log.warning("hub_blocked", blocked_ms=BLOCKED_MS, stack=stack)
