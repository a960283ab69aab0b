"""Kept connections spread evenly over the workers who can take them."""

import os
import re
import signal
import socket
import time
from contextlib import ExitStack

import psutil
import pytest
import requests

from tests.conftest import eventually
from tests.live.instance import Instance

# Who is idle is asked first; with the cores full of another test's work it may come too late.
pytestmark = pytest.mark.alone

WORKERS, CONNECTIONS = 4, 64
REQUEST = b"GET /?msg=Hello HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    folder = tmp_path_factory.mktemp("balance")
    with Instance(folder, WEB_CONCURRENCY=str(WORKERS)) as started:
        yield started


def opened(instance, stack):
    """A kept connection that has been answered."""
    client = stack.enter_context(socket.create_connection(("127.0.0.1", instance.port), 30))
    client.sendall(REQUEST)
    assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")


def held(instance):
    """How many connections each worker holds, by its process."""
    return {
        pid: sum(
            each.status == psutil.CONN_ESTABLISHED
            for each in psutil.Process(pid).net_connections("tcp")
        )
        for pid in instance.workers()
    }


def told(instance):
    """The same by the gauge."""
    text = requests.get(instance.url + "/metrics", timeout=10).text
    found = re.findall(r"^worker_connections\{.*\} (\S+)$", text, re.MULTILINE)
    return [float(value) for value in found]


def test_kept_connections_are_shared_evenly(instance):
    eventually(lambda: sum(held(instance).values()) == 0)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            opened(instance, stack)

        counts = held(instance).values()

        assert sum(counts) == CONNECTIONS
        assert max(counts) - min(counts) <= 2, counts  # each within 1 of an even share
        # One more for the scrape's own.
        eventually(lambda: CONNECTIONS <= sum(told(instance)) <= CONNECTIONS + 1)
        assert len(told(instance)) == WORKERS


def test_a_worker_that_is_stopped_is_given_nothing_and_waited_for_by_nobody(instance):
    eventually(lambda: sum(held(instance).values()) == 0)
    stopped = instance.workers()[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        with ExitStack() as stack:
            for _ in range(CONNECTIONS // 2):
                opened(instance, stack)
            counts = held(instance)
            assert counts.pop(stopped) == 0
            assert max(counts.values()) - min(counts.values()) <= 2, counts
    finally:
        os.kill(stopped, signal.SIGCONT)


def test_a_worker_that_died_is_replaced_and_its_successor_takes_most_of_the_next(instance):
    eventually(lambda: sum(held(instance).values()) == 0)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS // 2):
            opened(instance, stack)
        before = set(instance.workers())
        os.kill(min(before), signal.SIGKILL)
        eventually(lambda: len(set(instance.workers()) - before) == 1)
        (successor,) = set(instance.workers()) - before
        eventually(lambda: _is_listening(instance, successor))
        for _ in range(CONNECTIONS // 8):
            opened(instance, stack)
        assert held(instance)[successor] > CONNECTIONS // 16, held(instance)


def _is_listening(instance, worker):
    """Whether it has told that it serves: the gauge has its row, and it takes a connection."""
    time.sleep(0.1)
    with socket.create_connection(("127.0.0.1", instance.port), 30) as client:
        client.sendall(REQUEST)
        client.recv(1 << 16)
        return held(instance)[worker] == 1
