"""When requests are due, and calling on time; used in the generator's process."""

from collections import deque
from collections.abc import Callable
from time import perf_counter

import gevent
import numpy as np
from gevent.monkey import get_original

from load.generator.traffic import Traffic


def poisson_arrivals(traffic: Traffic, begins_s: float) -> list[float]:
    """
    When requests are due, in s: a Poisson process, given how many arrivals the rate makes.

    Given its count, the arrivals of a Poisson process are independent and uniform, sorted (Ross,
    Introduction to Probability Models, theorem 5.2); so the window's rate is the one asked for.
    """
    random_times = np.random.default_rng(traffic.seed)
    due: list[float] = []
    for length_s in (traffic.ramp_s, traffic.window_s):
        count = round(traffic.offered_rps * length_s)
        due += (begins_s + np.sort(random_times.uniform(0, length_s, count))).tolist()
        begins_s += length_s
    return due


def call_at(times_s: list[float], call: Callable[[float], None]) -> None:
    """
    Call *call* with each of *times_s* when it comes, and return after the last.

    A native thread keeps the time: the event loop wakes at whole milliseconds, late by one.
    """
    native_sleep = get_original("time", "sleep")
    due: deque[float] = deque()
    loop = gevent.get_hub().loop
    wakeup = loop.async_()

    def keep_time() -> None:
        for time_s in times_s:
            native_sleep(max(0.0, time_s - perf_counter()))
            due.append(time_s)
            wakeup.send_ignoring_arg(None)

    def answer_wakeup() -> None:
        while due:
            call(due.popleft())

    wakeup.start(answer_wakeup)
    try:
        gevent.get_hub().threadpool.apply(keep_time)
        answer_wakeup()
    finally:
        wakeup.close()


def sleep_until(when_s: float) -> None:
    """Let others run until *when_s*; at least once, also when it has passed."""
    gevent.sleep(max(0.0, when_s - perf_counter()))
