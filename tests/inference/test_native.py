import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from service.errors import DeadlineExceeded
from service.inference.native import NativeThreads


@pytest.fixture
def gate():
    opened = threading.Event()
    yield opened
    opened.set()


def test_work_is_done_in_another_thread_and_handed_back():
    threads = NativeThreads(ThreadPoolExecutor, 1)

    assert threads.run(threading.get_ident) != threading.get_ident()


@pytest.mark.parametrize(("raised", "seen"), [(OSError("disk"), "disk"), (SystemExit(3), "System")])
def test_what_work_raises_is_raised_where_it_was_asked(raised, seen):
    def fail():
        raise raised

    with pytest.raises(Exception, match=seen):
        NativeThreads(ThreadPoolExecutor, 1).run(fail)


def test_work_that_overruns_keeps_its_thread_and_nobody_waits_for_it(gate):
    threads = NativeThreads(ThreadPoolExecutor, 1)

    for _ in range(2):
        with pytest.raises(DeadlineExceeded):
            threads.run(gate.wait, monotonic() + 0.05)
    gate.set()

    assert threads.run(lambda: 7, monotonic() + 20) == 7
