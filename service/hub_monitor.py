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

# One that lasts for five seconds may never end: it is told before.
LASTING_LOOKS = 51

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
    """
    Tell each blockage when it is over, and one that lasts while it does, too.

    Looks are counted, not time: a suspended process blocks nobody.
    """
    sleep = monkey.get_original("time", "sleep")
    seen, looks = -1, 0
    stack: list[str] = []
    while True:
        sleep(LOOK_S)
        turned = turns()
        if turned != seen:
            if looks >= LOOKS:
                _tell(looks, stack, lasts=False)
            seen, looks = turned, 0
            continue
        looks += 1
        if looks == LOOKS:
            stack = _stack_of(hub_thread)
        elif looks == LASTING_LOOKS:
            _tell(looks, stack, lasts=True)


def _stack_of(thread: int) -> list[str]:
    frame = sys._current_frames().get(thread)  # noqa: SLF001  # documented, and the only way
    return "".join(format_stack(frame)).splitlines()


def _tell(looks: int, stack: list[str], *, lasts: bool) -> None:
    """One look less than there were is what is sure of the time."""
    blocked_ms = round((looks - 1) * LOOK_S * 1000)
    log.warning("hub_blocked", blocked_ms=blocked_ms, lasts=lasts, stack=stack)
