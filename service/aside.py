"""Work that would keep every connection waiting goes to a native thread, a piece after another."""

from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from flask import current_app

from config.settings import Settings
from service.inference.native import NativeThreads

T = TypeVar("T")


def run_aside(work: Callable[[], T]) -> T:
    """
    Do *work*, which must not ask for the request at hand, and return or raise what it does.

    Raises DeadlineExceeded when its turn has not come within the time that handling may take.
    """
    threads: NativeThreads = current_app.extensions["parsing"]
    settings: Settings = current_app.extensions["settings"]
    return threads.run(work, monotonic() + settings.handling_timeout_s)
