"""What made a request slow on purpose is what `explain` names, from the log alone."""

import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests.conftest import CAT, PROJECT, encoded, eventually
from tests.live.instance import Instance
from tests.live.sleeping import ASK, MODEL, line_of, repository
from tests.live.wire import Wire

# A route that holds the hub for a second and a half.
HOLDS_THE_HUB = """
import time, urllib.parse
def compute(pairs):
    end = time.perf_counter() + 1.5
    while time.perf_counter() < end: pass
    return ""
urllib.parse.urlencode = compute
"""


PICTURE = (
    b"POST /models/cat-or-dog/predict HTTP/1.1\r\nHost: a\r\n"
    b"Content-Type: image/%s\r\nContent-Length: %d\r\n\r\n"
)


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    settings = repository(folder)
    slow_start = MODEL.replace("def load(self): pass", "def load(self): time.sleep(1)")
    (folder / "models/sleeper/model.py").write_text(slow_start)
    for model in ("cat-or-dog", "iris"):
        shutil.copytree(PROJECT / "config/models" / model, folder / "models" / model)
    (folder / "sitecustomize.py").write_text(HOLDS_THE_HUB)
    with Instance(folder, PYTHONPATH=str(folder), **settings) as started:
        yield started


def explained(instance, *words):
    with instance.log.open() as log:
        done = subprocess.run(
            [sys.executable, "-m", "service.explain", *words],
            cwd=PROJECT,
            stdin=log,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout


def cause_of(instance, answer):
    """What is named as the cause; its line has been written by then."""
    request_id = answer.fields["x-request-id"]
    line_of(instance, request_id)
    told = explained(instance, request_id)
    (cause,) = re.findall(r"^  cause: ([a-z ]+): ", told, re.MULTILINE)
    return cause, told


def sleep(wire, seconds):
    return wire.get(f"{ASK}?x={seconds}")


def is_asked_for(instance, seconds):
    return lambda: instance.lines(event="model_output", line=f"asked for {seconds}")


def test_the_model_itself(instance):
    with Wire(instance.port) as wire:
        answer = sleep(wire, 0.4).answer()

    cause, told = cause_of(instance, answer)
    assert cause == "infer"
    assert re.search(r"^  infer +4\d\d\.\d ms  █{30,40}$", told, re.MULTILINE)
    assert "0 other requests shared its call" in told


def test_the_queue(instance):
    with Wire(instance.port) as first, Wire(instance.port) as second:
        sleep(first, 0.71)
        eventually(is_asked_for(instance, 0.71))
        answer = sleep(second, 0.01).answer()
        ahead = first.answer()

    cause, told = cause_of(instance, answer)
    assert cause == "queue"
    assert "had 1 other requests in flight" in told
    assert ahead.fields["x-request-id"] in told


def test_the_batch(instance):
    with ExitStack() as stack:
        alone, held, slow, quick = [stack.enter_context(Wire(instance.port)) for _ in range(4)]
        sleep(alone, 0).answer()
        sleep(held, 0.31)
        eventually(is_asked_for(instance, 0.31))
        sleep(slow, 0.9)
        answer = sleep(quick, 0).answer()
        slow.answer()
        held.answer()

    cause, told = cause_of(instance, answer)
    assert cause == "batch"
    assert "1 other requests shared its call, 2 rows in all" in told


def test_the_decoding(instance):
    picture = encoded(Image.new("RGB", (4900, 5000), "red"), "PNG")
    with Wire(instance.port) as wire:
        answer = wire.send(PICTURE % (b"png", len(picture)) + picture).answer()

    assert answer.status == 200
    assert cause_of(instance, answer)[0] == "decode"


def test_a_slow_body(instance):
    body = CAT.read_bytes()
    with Wire(instance.port) as wire:
        wire.send(PICTURE % (b"jpeg", len(body)) + body[:1000])
        time.sleep(0.8)  # this is what is slow
        answer = wire.send(body[1000:]).answer()

    cause, told = cause_of(instance, answer)
    assert cause == "slow body"
    assert f"body of {len(body)} bytes" in told


def test_a_slow_client(instance):
    body = b'{"msg": "%s"}' % (b"x" * (9 << 20))
    wire = Wire.__new__(Wire)
    wire.socket = socket.socket()
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.socket.connect(("127.0.0.1", instance.port))
    wire.received = b""
    with wire:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        wire.send(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        time.sleep(1.5)  # this is what is slow
        answer = wire.answer()

    assert cause_of(instance, answer)[0] == "slow client"


def test_a_hub_that_stood_still(instance):
    with Wire(instance.port) as waiting, Wire(instance.port) as holding:
        sleep(waiting, 0.21)
        eventually(is_asked_for(instance, 0.21))
        holding.get("/models/iris")
        answer = waiting.answer()
        holding.answer()
    eventually(lambda: instance.lines(event="hub_blocked"))

    cause, told = cause_of(instance, answer)
    assert cause == "hub blocked"
    assert "compute" in told


def test_a_model_s_process_that_was_being_started(instance):
    (process,) = (
        each
        for each in psutil.Process(instance.process.pid).children(recursive=True)
        if '"model": "sleeper"' in " ".join(each.cmdline())
    )
    process.kill()
    with Wire(instance.port) as wire:
        answer = sleep(wire, 0.02).answer()

    assert answer.status == 200
    cause, told = cause_of(instance, answer)
    assert cause == "model process restarting"
    assert "model_process_ended" in told


def test_the_slowest_and_a_moment(instance):
    with Wire(instance.port) as one, Wire(instance.port) as other:
        sleep(one, 3.5)
        eventually(is_asked_for(instance, 3.5))
        sleep(other, 0.03)
        ids = [wire.answer().fields["x-request-id"] for wire in (one, other)]
    lines = [line_of(instance, each) for each in ids]

    assert ids[0] in explained(instance, "slowest").splitlines()[0]
    moment = lines[0]["timestamp"].replace("+00:00", "")[:-1]
    told = explained(instance, moment)
    assert "2 requests were in flight" in told
    assert all(each in told for each in ids)


def test_lines_that_others_have_put_words_before_or_cut_are_no_obstacle(instance, tmp_path):
    with Wire(instance.port) as wire:
        request_id = sleep(wire, 0.04).answer().fields["x-request-id"]
    line_of(instance, request_id)
    log = tmp_path / "log"
    prefix = "2026-11-28T15:00:00.000000+00:00 app[web.1]: "
    lines = [prefix + line for line in instance.log.read_text().splitlines(keepends=True)]
    log.write_text("".join(["not a line\n", "{}\n", '{"event": 1}\n', *lines, prefix, '{"timest']))

    assert request_id in explained(instance, request_id, str(log))


def test_what_is_not_there_is_said_to_be_not_there(instance):
    for words, told in [
        (["no-such-request-00000000", str(instance.log)], "no request 'no-such-request-00000000'"),
        (["slowest", str(Path("/dev/null"))], "no line of a request"),
        (["slowest", "/nowhere"], "No such file"),
    ]:
        done = subprocess.run(
            [sys.executable, "-m", "service.explain", *words],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert told in done.stderr
        assert "Traceback" not in done.stderr
