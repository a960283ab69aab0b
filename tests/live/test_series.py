"""The metrics stay right: bounded in number, with the objectives' limits, and all that is told."""

import os
import random
import re
import signal
import socket
import string
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.conftest import PROJECT, eventually
from tests.live.instance import Instance
from tests.live.wire import Wire

PROC = Path("/proc")


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    with Instance(tmp_path_factory.mktemp("series"), WEB_CONCURRENCY="2") as started:
        yield started


def exposition(instance, **fields):
    return requests.get(instance.url + "/metrics", headers=fields, timeout=20).text


def series(instance):
    """The names and labels of all series."""
    lines = exposition(instance).splitlines()
    return {line.rpartition(" ")[0] for line in lines if line and not line.startswith("#")}


def asked_for(instance):
    """Those of requests, but for the scrapes, which come to either worker at any time."""
    return {one for one in series(instance) if "route=" in one and '"/metrics"' not in one}


def word(chance):
    return "".join(chance.choices(string.ascii_lowercase, k=12))


def test_no_path_method_host_or_model_s_name_makes_a_series(instance):
    chance = random.Random(7)
    known = ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND")

    def send(count):
        for number in range(count):
            method = known[number] if number < len(known) else word(chance).upper()
            path = (f"/{word(chance)}", f"/models/{word(chance)}/predict")[number % 2]
            fields = f"Host: {word(chance)}.example\r\nUser-Agent: {word(chance)}\r\n"
            with Wire(instance.port) as wire:
                wire.send(f"{method} {path}?{word(chance)}=1 HTTP/1.1\r\n{fields}\r\n".encode())
                assert 400 <= wire.answer().status < 500

    send(100)
    settled = asked_for(instance)
    send(400)

    assert asked_for(instance) <= settled
    assert len(series(instance)) < 700
    methods = set(re.findall(r'method="([^"]*)"', exposition(instance)))
    assert methods <= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER"}


def test_the_limits_of_the_objectives_are_limits_of_buckets(instance):
    rules = (PROJECT / "config/prometheus/recording.yml").read_text()
    wanted = set(re.findall(r'(\w+)_bucket\{[^}]*le="([^"]+)"', rules))
    requests.get(instance.url, timeout=10)

    found = set(re.findall(r'^(\w+)_bucket\{[^}]*le="([^"]+)"', exposition(instance), re.MULTILINE))
    assert wanted
    assert wanted <= found


@pytest.mark.parametrize(
    "name",
    [
        "worker_memory_bytes",
        "worker_cpu_seconds_total",
        "worker_open_fds",
        "worker_threads",
        "worker_greenlets",
        "worker_connections",
        "worker_request_memory_bytes",
        "log_queued_lines",
        "trace_queued_requests",
    ],
)
def test_each_worker_tells_what_it_takes(instance, name):
    def told():
        found = re.findall(rf'^{name}\{{.*worker="(\d)".*\}} (\S+)$', text(), re.MULTILINE)
        return {worker for worker, _ in found} == {"0", "1"} and found

    def text():
        return exposition(instance)

    values = [float(value) for _, value in eventually(told)]
    is_queue = "queued" in name or name == "worker_connections"
    assert all(value > 0 for value in values) or is_queue or "request_memory" in name


def test_the_figures_are_the_kernel_s(instance):
    requests.get(instance.url, timeout=10)
    pids = instance.workers()

    threads = sum(len(list((PROC / str(pid) / "task").iterdir())) for pid in pids)
    assert instance.metric("worker_threads") == pytest.approx(threads, abs=2)
    assert instance.metric("workers_ready") == instance.metric("workers_wanted") == 2
    limit = instance.metric("instance_memory_bytes", kind="limit")
    assert 0 < instance.metric("instance_memory_bytes", kind="used") < limit
    pss = instance.metric("worker_memory_bytes", kind="pss")
    assert 0 < pss < instance.metric("worker_memory_bytes", kind="rss")
    assert instance.metric("listen_backlog_limit_connections") > 0
    assert instance.metric("metric_files") >= 6
    for model in ("iris", "cat-or-dog"):
        assert instance.metric("model_load_seconds", model=model) > 0
        assert instance.metric("model_ready_workers", model=model) == 2
        assert instance.metric("model_memory_bytes", model=model, kind="mapped") > 0


def test_the_backlog_shows_who_waits_while_nobody_accepts(tmp_path):
    with Instance(tmp_path, WEB_CONCURRENCY="2") as instance, ExitStack() as stack:
        for worker in instance.workers():
            os.kill(worker, signal.SIGSTOP)
        for _ in range(20):
            address = ("127.0.0.1", instance.port)
            stack.enter_context(socket.create_connection(address))
        scrape = stack.enter_context(Wire(instance.port)).get("/metrics")
        # The first to go on is scraped with those behind it: each takes but what is its own.
        os.kill(instance.workers()[0], signal.SIGCONT)
        assert b"listen_backlog_connections" in scrape.answer().body
        os.kill(instance.workers()[1], signal.SIGCONT)
        eventually(lambda: instance.metric("listen_backlog_connections") == 0)


def test_restarts_are_counted_by_reason(tmp_path):
    with Instance(tmp_path) as instance:
        assert instance.metric("worker_restarts_total") == 0
        os.kill(instance.workers()[0], signal.SIGKILL)
        eventually(lambda: len(instance.lines(event="model_ready")) >= 4)
        assert instance.metric("worker_restarts_total", reason="died") == 1
        instance.process.send_signal(signal.SIGHUP)
        eventually(lambda: instance.metric("worker_restarts_total", reason="retired") == 1)
        assert instance.metric("worker_restarts_total") == 2


def test_the_series_of_all_scrapes_stand_in_the_readme(instance):
    names = set(re.findall(r"^# TYPE (\S+)", exposition(instance), re.MULTILINE))
    told = set(re.findall(r"`(\w+)`", (PROJECT / "service/README.md").read_text()))

    assert len(names) > 30
    assert names <= told
