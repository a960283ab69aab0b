import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import requests

from load.rig.server import ServerFailed, web_line
from tests.conftest import PROJECT, eventually
from tests.load.conftest import served

STARTS_AND_STAYS = """
import time
from tests.load.conftest import served
with served(2) as instance:
    print(instance.master, *instance.workers, flush=True)
    time.sleep(60)
"""


def is_gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_the_server_is_what_the_procfile_starts():
    line = re.search("^web: (.*)$", (PROJECT / "Procfile").read_text(), re.MULTILINE)[1]

    assert web_line("service.wsgi:app") == line
    assert web_line("load.rig.bench_app:app") == line.replace("service.wsgi", "load.rig.bench_app")


def test_it_has_the_workers_that_were_asked_for_and_ends_with_them(four_workers):
    with served(3) as instance:
        pids = [instance.master, *instance.workers]
        assert requests.get(instance.url, timeout=5).headers["X-Worker"] in map(str, pids[1:])

    assert len(pids) == 4
    eventually(lambda: all(map(is_gone, pids)))
    assert not is_gone(four_workers.master), "another one stays"


def test_it_listens_on_loopback_only(bench):
    (listening,) = {
        connection.laddr.ip
        for connection in psutil.Process(bench.master).net_connections()
        if connection.status == psutil.CONN_LISTEN
    }

    assert listening == "127.0.0.1"


def test_it_ends_when_the_harness_is_killed():
    harness = subprocess.Popen(
        [sys.executable, "-c", STARTS_AND_STAYS], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    pids = [int(word) for word in harness.stdout.readline().split()]
    harness.send_signal(signal.SIGKILL)
    harness.communicate()

    assert len(pids) == 3
    eventually(lambda: all(map(is_gone, pids)))


def test_a_server_that_does_not_come_up_says_why():
    with pytest.raises(ServerFailed, match="WEIR_NONSENSE: no such setting"):
        served(1, WEIR_NONSENSE="1").__enter__()


def test_each_answer_of_a_worker_is_counted(four_workers):
    before = four_workers.log_position()
    agent = {"User-Agent": "counted"}
    by_worker = [
        requests.get(four_workers.url + "/x", headers=agent, timeout=5).headers["X-Worker"]
        for _ in range(5)
    ]
    requests.get(four_workers.url + "/x", timeout=5)

    counted = four_workers.answered_by_worker(before, "counted", 5)

    assert counted == {int(pid): by_worker.count(pid) for pid in by_worker}


def test_its_cpu_clock_counts_what_a_request_burns(bench):
    before_ms = bench.clock.used_ms(bench.workers)
    for _ in range(20):
        requests.get(bench.url + "/cpu", timeout=5)

    assert bench.clock.used_ms(bench.workers) > before_ms + 5


def test_it_leaves_no_folder_and_no_cgroup_behind():
    with served(1) as instance:
        environment = Path(f"/proc/{instance.master}/environ").read_bytes()
        group = instance.clock.procs_file
    folder = Path(re.search(rb"FOLDER=([^\0]+)", environment)[1].decode())

    assert not folder.exists()
    assert group is None or not group.exists()
