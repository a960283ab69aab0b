"""A line with the stack for each time that a worker's hub stood still, from gevent's monitor."""

import warnings
from collections.abc import Callable

import gevent
import structlog
from gevent import events

HUB_BLOCKED_S = 0.2

log = structlog.get_logger()


def prepare() -> None:
    """Let gevent watch hubs; called before the first one is made."""
    gevent.config.monitor_thread = True
    gevent.config.max_blocking_time = HUB_BLOCKED_S
    gevent.config.print_blocking_reports = False
    warnings.filterwarnings("ignore", message="Unable to monitor memory")


def report(ticks: Callable[[], int]) -> None:
    """Report every blockage; *ticks* counts the hub's turns, so that each is told once."""
    told_at_tick = -1

    def report_blocked(event: object) -> None:
        """Called in the monitor's native thread."""
        nonlocal told_at_tick
        if not isinstance(event, events.EventLoopBlocked) or told_at_tick == ticks():
            return
        told_at_tick = ticks()
        text = "\n".join(map(str, event.info))
        stack = text.partition("Blocked Stack")[2].partition("\nInfo:")[0].splitlines()[1:]
        log.warning("hub_blocked", blocked_ms=round(event.blocking_time * 1000), stack=stack)

    events.subscribers.append(report_blocked)
