"""Logs and metrics observe a connection; whatever becomes of them, they cannot end it."""

import fcntl
import json
import os
import re
import signal
import socket
import threading
from pathlib import Path

import pytest
import requests

from tests.conftest import also, eventually
from tests.live.instance import WEB, Instance

SMALLEST_PIPE_BYTES, DEFAULT_PIPE_BYTES = 4096, 65_536
REQUEST = b"GET /?msg=1 HTTP/1.1\r\nHost: localhost\r\n%s\r\n"


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    os.close(writing)


def ask(port, count, fields=b""):
    """Send *count* echoes on one connection, some at once; the number of answers of each status."""
    statuses = []
    with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
        while len(statuses) < count:
            some = min(50, count - len(statuses))
            wire.sendall(REQUEST % fields * some)
            received = b""
            while received.count(b'"success":true}') < some:
                data = wire.recv(1 << 16)
                assert data, "the connection ended"
                received += data
            statuses += re.findall(rb"HTTP/1.1 (\d+)", received)
    return statuses


class Collector:
    """Reads a pipe to its end."""

    def __init__(self, reading):
        self.data = b""
        self._reading = reading
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while received := os.read(self._reading, 1 << 16):
            self.data += received
        os.close(self._reading)

    def events(self, event):
        whole = self.data[: self.data.rfind(b"\n") + 1]
        return [line for line in map(json.loads, whole.splitlines()) if line["event"] == event]


@pytest.mark.parametrize("workers", ["2", *also("1")])
@pytest.mark.parametrize("size_bytes", [SMALLEST_PIPE_BYTES, *also(DEFAULT_PIPE_BYTES)])
def test_a_reader_that_stops_costs_lines_which_are_counted_and_told(
    tmp_path, pipe, workers, size_bytes
):
    reading, writing = pipe
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, size_bytes)
    with Instance(tmp_path, ready=False, stdout=writing, WEB_CONCURRENCY=workers) as instance:
        eventually(instance.is_ready)
        for _ in range(3):
            assert set(ask(instance.port, 4000)) == {b"200"}
            assert requests.get(instance.url + "/healthz", timeout=5).ok
        dropped = instance.metric("log_lines_dropped_total")
        assert dropped > 1000

        collector = Collector(reading)
        told = eventually(
            lambda: sum(line["lines"] for line in collector.events("log_lines_dropped")) == dropped
        )
        assert told
        ask(instance.port, 1, b"User-Agent: the last\r\n")
        assert eventually(
            lambda: "the last" in [line["user_agent"] for line in collector.events("http_request")]
        )
        # Each worker writes its own lines in order; the other may still have some to write.
        assert eventually(lambda: len(collector.events("http_request")) + dropped >= 12_000)
        assert instance.metric("log_lines_dropped_total") == dropped


def test_a_reader_that_stopped_does_not_keep_the_service_from_ending(tmp_path, pipe):
    _, writing = pipe
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE_BYTES)
    with Instance(tmp_path, ready=False, stdout=writing) as instance:
        eventually(instance.is_ready)
        ask(instance.port, 200)
        assert instance.stop() == 0


def test_a_reader_that_has_gone_ends_no_connection(tmp_path, pipe):
    reading, writing = pipe
    with Instance(tmp_path, ready=False, stdout=writing) as instance:
        eventually(instance.is_ready)
        os.close(reading)
        assert set(ask(instance.port, 500)) == {b"200"}
        assert eventually(lambda: instance.metric("log_lines_dropped_total") >= 500)
        assert instance.stop() == 0


def test_a_full_disk_ends_no_connection(tmp_path):
    with (
        Path("/dev/full").open("wb") as full,
        Instance(tmp_path, ready=False, stdout=full.fileno()) as instance,
    ):
        eventually(instance.is_ready)
        assert set(ask(instance.port, 500)) == {b"200"}
        assert instance.stop() == 0


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", *also(">&-", ">&- 2>&-")])
def test_whoever_closes_the_standard_streams_loses_lines_only(tmp_path, closed):
    with Instance(tmp_path, ready=False, command=f"sh -c 'exec env {WEB} {closed}'") as instance:
        eventually(instance.is_ready)
        assert set(ask(instance.port, 500)) == {b"200"}
        assert instance.metric("http_requests_total", route="/") == 500
        assert instance.stop() == 0


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_ascii_stdout_takes_every_name(tmp_path, form):
    variables = {"PYTHONIOENCODING": "ascii", "WEIR_LOG_FORMAT": form, "LC_ALL": "C"}
    with Instance(tmp_path, ready=False, **variables) as instance:
        eventually(instance.is_ready)
        answers = ask(instance.port, 3, "User-Agent: żółw\r\n".encode())
        assert answers == [b"200"] * 3
        assert requests.get(instance.url + "/żółw", timeout=5).status_code == 404


def test_lines_of_several_workers_are_whole_whatever_clients_send(tmp_path, pipe):
    reading, writing = pipe
    collector = Collector(reading)
    with Instance(tmp_path, ready=False, stdout=writing, WEB_CONCURRENCY="2") as instance:
        eventually(instance.is_ready)
        threads = [
            threading.Thread(target=ask_for_nothing, args=(instance.port, 250, target, agent))
            for target, agent in HOSTILE
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        instance.stop()

    lines = collector.data.splitlines(keepends=True)
    assert len([line for line in map(json.loads, lines) if line["event"] == "http_request"]) >= 2000
    assert max(map(len, lines)) <= 4096


HOSTILE = [
    (b"%1b%7f%c2%9b%0d%0a" * 200, b"plain"),
    (b"%E2%80%AE" * 300, b'"\\' * 2000),
    (b"%00" * 600, "\U0001f600\u202e".encode() * 500),
    (b"%ed%a0%80" * 300, b"\xed\xa0\x80" * 1000),
]


def ask_for_nothing(port, count, target, agent):
    for _ in range(count):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
            wire.sendall(
                b"GET /%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUser-Agent: %s\r\n\r\n"
                % (target, agent)
            )
            assert wire.recv(64).startswith(b"HTTP/1.1 404")


def small_disk(folder, size):
    inner = f"mount -t tmpfs -o size={size} tmpfs {folder} && exec env {WEB}"
    return f"unshare --mount sh -c '{inner}'"


ROOT_ONLY = pytest.mark.skipif(
    os.geteuid() != 0 and os.environ.get("CI") != "true", reason="mounting wants root"
)


@ROOT_ONLY
@pytest.mark.parametrize("size", ["100k", *also("4k", "180k")])
def test_a_full_metrics_directory_costs_figures_and_no_worker(tmp_path, size):
    folder = tmp_path / "metrics"
    folder.mkdir()
    variables = {"PROMETHEUS_MULTIPROC_DIR": str(folder), "WEB_CONCURRENCY": "2"}
    with Instance(tmp_path, command=small_disk(folder, size), **variables) as instance:
        workers = instance.workers()
        for _ in range(4):
            assert set(ask(instance.port, 100)) == {b"200"}
            assert requests.get(instance.url + "/metrics", timeout=5).status_code == 200
        assert instance.workers() == workers
        faults = instance.lines(level="error", logger="config.metric_files")
        assert 1 <= len(faults) <= 8
        assert "No space left" in str(faults[0]["event"])


def metrics_folder(instance):
    (line,) = (
        line for line in instance.lines() if str(line["event"]).startswith("Metrics directory")
    )
    return Path(str(line["event"]).partition(": ")[2])


def test_a_scrape_answers_while_workers_boot_and_are_replaced(tmp_path):
    with Instance(tmp_path, WEB_CONCURRENCY="2") as instance:
        statuses, ended = set(), threading.Event()

        def scrape():
            while not ended.is_set():
                statuses.add(requests.get(instance.url + "/metrics", timeout=10).status_code)

        scraper = threading.Thread(target=scrape)
        scraper.start()
        for _ in range(3):
            before = set(instance.workers())
            instance.process.send_signal(signal.SIGHUP)
            eventually(lambda before=before: not before & set(instance.workers()))
        ended.set()
        scraper.join()

        assert statuses == {200}


@pytest.mark.parametrize("content", [b"\x10" + bytes(7) + b"garbage!" * 9, *also(b"", b"\xff" * 9)])
def test_a_file_that_cannot_be_read_costs_its_own_figures(tmp_path, content):
    with Instance(tmp_path) as instance:
        (metrics_folder(instance) / "counter_7.db").write_bytes(content)
        ask(instance.port, 10)

        assert instance.metric("http_requests_total", route="/") >= 10
        assert not instance.lines(level="error")


def test_a_metrics_directory_that_was_removed_ends_nothing(tmp_path):
    with Instance(tmp_path) as instance:
        folder = metrics_folder(instance)
        for file in folder.glob("*.db"):
            file.unlink()
        assert set(ask(instance.port, 10)) == {b"200"}
        assert requests.get(instance.url + "/metrics", timeout=5).status_code == 200
