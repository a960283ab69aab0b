"""Lines on their way to a reader that is slow, stops, goes or never was."""

import contextlib
import json
import os
import subprocess
import sys
import threading

import pytest

from service.log_writer import QUEUE_LINES, LineWriter
from tests.conftest import PROJECT, eventually


def told(lines):
    return b"dropped %d" % lines


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


class Reader:
    """Reads a pipe to its end in a thread."""

    def __init__(self, descriptor):
        self.data = b""
        self._descriptor = descriptor
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while received := os.read(self._descriptor, 1 << 16):
            self.data += received

    def has(self, text):
        return eventually(lambda: text in self.data)


def test_lines_arrive_in_their_order(pipe):
    writer = LineWriter(pipe[1], told)
    reader = Reader(pipe[0])

    for number in range(3000):
        writer.put(b"line %d" % number)
    writer.flush()

    assert reader.has(b"line 2999\n")
    assert reader.data.splitlines() == [b"line %d" % number for number in range(3000)]


def test_who_logs_never_waits_and_what_was_dropped_is_told(pipe):
    writer, counted = LineWriter(pipe[1], told), []
    writer.dropped = counted.append

    for number in range(QUEUE_LINES + 5000):
        writer.put(b"%06d " % number + b"x" * 100)
    dropped = sum(counted)
    assert dropped > 1000

    reader = Reader(pipe[0])
    assert reader.has(b"dropped %d\n" % dropped)
    writer.put(b"the last")
    assert reader.has(b"the last\n")
    kept = [line for line in reader.data.splitlines() if line.endswith(b"x")]
    assert len(kept) + dropped == QUEUE_LINES + 5000


def test_a_reader_that_has_gone_costs_its_lines(pipe):
    writer, counted = LineWriter(pipe[1], told), []
    writer.dropped = counted.append
    os.close(pipe[0])

    writer.put(b"for nobody")
    writer.flush()

    assert counted == [1]


def test_a_pipe_that_somebody_made_non_blocking_is_waited_for(pipe):
    os.set_blocking(pipe[1], False)
    writer = LineWriter(pipe[1], told)

    for _ in range(2000):
        writer.put(b"x" * 200)
    reader = Reader(pipe[0])
    writer.flush()

    assert eventually(lambda: reader.data.count(b"\n") == 2000)


def test_a_child_writes_its_own_lines_and_not_its_parent_s():
    script = """
import os
from service.log_writer import LineWriter
writer = LineWriter(1, lambda lines: b"")
writer.put(b"parent")
if os.fork() == 0:
    writer.put(b"child")
    raise SystemExit
os.wait()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, check=True
    )

    assert sorted(done.stdout.splitlines()) == [b"child", b"parent"]


def test_a_child_writes_also_where_its_parent_waits_for_a_reader():
    script = """
import os, time
from service.log_writer import LineWriter
reading, writing = os.pipe()
os.set_blocking(writing, False)
try:
    while os.write(writing, b"x" * 4096):
        pass
except BlockingIOError:
    os.set_blocking(writing, True)
writer = LineWriter(writing, lambda lines: b"")
writer.put(b"parent")
time.sleep(0.2)  # the parent's thread polls by now
if os.fork() == 0:
    os.read(reading, 1 << 20)
    writer.put(b"child")
    writer.flush(5)
    os.set_blocking(reading, False)
    print(b"child" in os.read(reading, 1 << 20))
    raise SystemExit
os.wait()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, check=True, timeout=30
    )

    assert done.stdout == b"True\n", done.stderr


def test_a_disk_that_is_full_for_a_while_tears_no_line(tmp_path):
    script = f"""
import os, resource, signal
from service.log_writer import LineWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then write(2) is cut short, and then fails
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
writer = LineWriter(os.open({str(tmp_path / "log")!r}, os.O_WRONLY | os.O_CREAT), lambda n: b"told")
for number in range(100):
    writer.put(b"%03d" % number + b"x" * 96)
writer.flush()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.put(b"afterwards")
"""
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=True)
    lines = (tmp_path / "log").read_bytes().splitlines()

    assert lines[-2:] == [b"afterwards", b"told"]
    assert all(len(line) == 99 for line in lines[:40])


@pytest.mark.parametrize("end", ["", "import sys; sys.exit(3)", "raise KeyError"])
def test_the_end_of_a_process_loses_nothing(end):
    script = f"""
import structlog
from service import logs
logs.configure("info", "json")
for number in range(500):
    structlog.get_logger().info("counted", number=number)
{end}
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, check=False
    )

    numbers = [json.loads(line)["number"] for line in done.stdout.splitlines()]
    assert numbers == list(range(500))
