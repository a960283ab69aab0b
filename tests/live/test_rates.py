"""How often one may ask: over all workers of an instance, and over instances with a store."""

import secrets
import signal
import subprocess
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager

import pytest
import requests

from config.api_keys import digest_of
from tests.conftest import eventually, framework
from tests.live.instance import Instance, free_port
from tests.live.monitoring import tool
from tests.live.test_observers import ROOT_ONLY, small_disk
from tests.live.wire import Wire

KEY = f"weir_{secrets.token_hex(20)}"
FREE = f"weir_{secrets.token_hex(20)}"
KEYS = f"shop={digest_of(KEY).hex()}; free={digest_of(FREE).hex()} limit=none"
RATE = 100  # in a second
WINDOWS = 4


@contextmanager
def redis(folder, port):
    process = subprocess.Popen(
        [tool("redis-server", "redis-server"), "--port", str(port), "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: _answers(port))
        yield process
    finally:
        process.kill()
        process.wait()


def _answers(port):
    try:
        with Wire(port) as wire:
            return wire.send(b"PING\r\n").socket.recv(7) == b"+PONG\r\n"
    except OSError:
        return False


def offer(ports, per_s, seconds, key=KEY):
    """Ask as often as *per_s*, whatever is answered; the statuses, and the second of each."""
    threads, answers, lock = 16, [], threading.Lock()
    begins_s = time.monotonic() + 0.2

    def ask(number):
        mine = []
        with Wire(ports[number % len(ports)]) as wire:
            for turn in range(int(per_s * seconds / threads)):
                due_s = begins_s + (turn * threads + number) / per_s
                time.sleep(max(0, due_s - time.monotonic()))
                status = wire.get("/?msg=a", f"X-API-Key: {key}").answer().status
                mine.append((time.monotonic() - begins_s, status))
        with lock:
            answers.extend(mine)

    asking = [threading.Thread(target=ask, args=(number,)) for number in range(threads)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    return answers


def admitted_in(answers, windows):
    """How many were let in within so many windows of a second from the first request on."""
    first_s = min(at_s for at_s, _ in answers)
    return sum(status == 200 for at_s, status in answers if at_s < first_s + windows)


@pytest.mark.alone
def test_four_workers_admit_the_rate_together(tmp_path):
    variables = {"WEIR_API_KEYS": KEYS, "WEIR_RATE_LIMIT": f"{RATE}/s", "WEB_CONCURRENCY": "4"}
    with Instance(tmp_path, **variables) as instance:
        answers = offer([instance.port], 2 * RATE, WINDOWS + 1)
        free = offer([instance.port], RATE, 2, FREE)

        assert len({line["pid"] for line in instance.lines(event="http_request")}) == 4
    assert {status for _, status in answers} == {200, 429}
    assert admitted_in(answers, WINDOWS) == pytest.approx(RATE * WINDOWS, rel=0.02)
    assert {status for _, status in free} == {200}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """Two instances of four workers, and the store in which they count."""
    framework("redis", "make install-redis")
    folder = tmp_path_factory.mktemp("fleet")
    port = free_port()
    variables = {
        "WEIR_API_KEYS": KEYS,
        "WEIR_RATE_LIMIT": f"{RATE}/s",
        "WEIR_RATE_LIMIT_STORE": f"redis://127.0.0.1:{port}",
        "WEB_CONCURRENCY": "4",
    }
    with ExitStack() as stack:
        store = stack.enter_context(redis(folder, port))
        instances = [stack.enter_context(Instance(folder, **variables)) for _ in range(2)]
        yield instances, store, port


@pytest.mark.alone
def test_two_instances_admit_the_rate_together(fleet):
    instances, _, _ = fleet

    answers = offer([instance.port for instance in instances], 2 * RATE, WINDOWS + 1)

    assert {status for _, status in answers} == {200, 429}
    assert admitted_in(answers, WINDOWS) == pytest.approx(RATE * WINDOWS, rel=0.02)
    assert not [line for each in instances for line in each.lines(event="rate_limit_store_failed")]


@pytest.mark.alone
def test_while_the_store_stands_still_each_instance_counts_and_nobody_waits_for_it(fleet):
    instances, store, _ = fleet
    store.send_signal(signal.SIGSTOP)
    try:
        answers = offer([instance.port for instance in instances], 4 * RATE, WINDOWS)
    finally:
        store.send_signal(signal.SIGCONT)

    came = Counter(status for _, status in answers)
    assert set(came) == {200, 429}
    assert RATE * (WINDOWS - 2) <= came[200] <= 2 * RATE * (WINDOWS + 1)
    for instance in instances:
        told = instance.lines(event="rate_limit_store_failed")
        assert 1 <= len(told) <= 4
        assert {line["reason"] for line in told} == {"TimeoutError"}
        slowest_ms = max(line["duration_ms"] for line in instance.lines(event="http_request"))
        assert slowest_ms < 5000


@pytest.mark.alone
def test_when_the_store_is_gone_each_instance_counts_until_it_is_back(fleet):
    instances, store, port = fleet
    ports = [instance.port for instance in instances]
    store.kill()
    store.wait()
    without = offer(ports, 4 * RATE, WINDOWS)

    with redis(instances[0].log.parent, port):

        def is_shared():
            came = offer(ports, 4 * RATE, 1)
            return sum(status == 200 for _, status in came) <= RATE * 1.5

        eventually(is_shared)

    assert {status for _, status in without} == {200, 429}
    assert RATE * (WINDOWS - 2) <= admitted_in(without, WINDOWS) <= 2 * RATE * (WINDOWS + 1)


def test_an_address_without_a_key_is_counted_as_one(tmp_path):
    with Instance(tmp_path, WEIR_RATE_LIMIT="5/hour", WEB_CONCURRENCY="2") as instance:

        def ask(path="/?msg=a", **fields):
            return requests.get(instance.url + path, headers=fields, timeout=20)

        first = ask()
        statuses = [ask().status_code for _ in range(5)]
        refused = ask()
        others = [ask(path).status_code for path in ("/healthz", "/readyz", "/metrics")]
        elsewhere = ask(**{"X-Forwarded-For": "198.51.100.7"}).status_code

    assert first.headers["RateLimit-Policy"] == '"address";q=5;w=3600'
    assert first.headers["RateLimit"] == '"address";r=4;t=3600'
    assert statuses == [200, 200, 200, 200, 429]
    assert refused.headers["RateLimit"].startswith('"address";r=0;t=3')
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    assert refused.json()["detail"].startswith("this address may ask 5 times in 3600 s")
    assert others == [200, 200, 200]
    assert elsewhere == 200


@ROOT_ONLY
def test_where_there_is_no_room_for_the_counts_each_worker_counts_and_says_so(tmp_path):
    folder = tmp_path / "metrics"
    folder.mkdir()
    variables = {"PROMETHEUS_MULTIPROC_DIR": str(folder), "WEIR_RATE_LIMIT": "5/hour"}
    command = small_disk(folder, "100k")
    with Instance(tmp_path, command=command, WEB_CONCURRENCY="2", **variables) as instance:
        url = f"{instance.url}/?msg=a"
        statuses = [requests.get(url, timeout=20).status_code for _ in range(40)]

        assert len(instance.lines(event="rates_not_shared", reason="No space left on device")) == 2
        assert len(instance.workers()) == 2
    assert statuses.count(200) == 10
    assert set(statuses) == {200, 429}
