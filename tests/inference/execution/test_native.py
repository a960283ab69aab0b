import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from service.errors import DeadlineExceeded
from service.inference.execution.native import NativeThreads
from service.inference.execution.places import Places
from tests.conftest import PROJECT, eventually


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


def test_who_is_killed_while_it_waits_takes_nobody_s_place():
    """As a handling limit does to a greenlet that has been woken and has not run yet."""
    script = """
from gevent import monkey; monkey.patch_all()
import gevent
from service.inference.execution.places import Places

places = Places(1)
places.take()
first, second = gevent.spawn(places.take), gevent.spawn(places.take)
gevent.sleep(0.01)
first.kill(block=False)  # before it runs ...
places.give()  # ... with the place that this gives it
print(second.get(timeout=5))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert done.stdout == "True\n", done.stderr


def test_places_are_given_in_the_order_of_asking():
    places, order = Places(1), []
    places.take()

    def ask(number):
        places.take()
        order.append(number)
        places.give()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    for number, thread in enumerate(threads):
        thread.start()
        eventually(lambda number=number: len(places._waiting) == number + 1)
    places.give()
    for thread in threads:
        thread.join(20)

    assert order == list(range(5))
    assert places.take(0)
    assert not places.take(0.01)


def test_a_thread_that_hangs_tells_where_it_stands(gate):
    threads = NativeThreads(ThreadPoolExecutor, 1)
    assert threads.stacks() == []

    with pytest.raises(DeadlineExceeded):
        threads.run(gate.wait, monotonic() + 0.05)

    assert any(line.endswith(" wait") for line in threads.stacks())
    assert threads.is_stalled(0.01)
    assert not threads.is_stalled(60)
    gate.set()
    eventually(lambda: not threads.is_stalled(0))
    assert threads.stacks() == []
