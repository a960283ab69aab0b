"""A socket that somebody else holds stays whole when one of its holders ends."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.conftest import PROJECT, also, eventually
from tests.live.clients import Clients
from tests.live.instance import WEB, Instance, free_port


def new_master(instance):
    """The master that SIGUSR2 has started, once both of its workers have loaded their models."""
    if len(instance.lines(event="model_ready")) < 8:
        return None
    masters = {line["pid"] for line in instance.lines() if "Listening at" in str(line["event"])}
    (found,) = masters - {instance.process.pid}
    return found


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def has_workers(pid):
    return bool(Path(f"/proc/{pid}/task/{pid}/children").read_text())


@pytest.mark.parametrize("leaves", ["the old one", *also("the new one")])
@pytest.mark.parametrize("sent", [signal.SIGTERM, *also(signal.SIGKILL)])
@pytest.mark.parametrize("then", [signal.SIGHUP, *also(None)])
def test_after_usr2_either_master_may_leave(tmp_path, leaves, sent, then):
    with (
        Instance(tmp_path, WEB_CONCURRENCY="2") as instance,
        Clients(instance.port, count=8) as clients,
    ):
        old = instance.process.pid
        os.kill(old, signal.SIGUSR2)
        new = eventually(lambda: new_master(instance), within_s=40)
        leaving, staying = (old, new) if leaves == "the old one" else (new, old)
        try:
            os.kill(leaving, sent)
            eventually(lambda: instance.process.poll() is not None or not is_alive(leaving), 40)
            if then is not None:
                ready = len(instance.lines(event="model_ready"))
                os.kill(staying, then)
                eventually(lambda: len(instance.lines(event="model_ready")) >= ready + 4, 40)
            for _ in range(20):  # each on a connection of its own
                assert requests.get(instance.url, timeout=10).ok
            answered = clients.account.answered
            eventually(lambda: clients.account.answered > answered + 200)
            assert clients.account.refused_connections == 0
        finally:
            if staying == new:
                os.kill(new, signal.SIGTERM)
                eventually(lambda: not is_alive(new), within_s=40)

    assert clients.account.lost == []
    assert clients.account.statuses == {200}


def test_a_new_master_that_is_killed_while_it_boots_harms_nobody(tmp_path):
    with (
        Instance(tmp_path, WEB_CONCURRENCY="2") as instance,
        Clients(instance.port, count=8) as clients,
    ):
        os.kill(instance.process.pid, signal.SIGUSR2)
        os.kill(eventually(lambda: born(instance), within_s=40), signal.SIGKILL)
        answered = clients.account.answered
        eventually(lambda: clients.account.answered > answered + 500)
        os.kill(instance.process.pid, signal.SIGHUP)
        eventually(lambda: clients.account.answered > answered + 1000)
        for _ in range(20):
            assert requests.get(instance.url, timeout=10).ok
        assert clients.account.refused_connections == 0

    assert clients.account.lost == []
    assert clients.account.statuses == {200}


def born(instance):
    """The new master, as soon as it has said a word."""
    pids = {line["pid"] for line in instance.lines() if "Starting gunicorn" in str(line["event"])}
    return next(iter(pids - {instance.process.pid}), None)


@pytest.fixture
def supervisor():
    """Starts instances on a socket that it keeps, as systemd does."""
    port = free_port()
    script = (
        "import os, sys\n"
        "os.dup2(int(sys.argv[1]), 3)\n"
        "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))\n"
        "os.execvp('sh', ['sh', '-c', 'exec env ' + sys.argv[2]])\n"
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with socket.create_server(("127.0.0.1", port), backlog=100) as listener:
        listener.set_inheritable(True)

        def start():
            return subprocess.Popen(
                [sys.executable, "-c", script, str(listener.fileno()), WEB],
                cwd=PROJECT,
                env=os.environ | {"PATH": path, "PORT": str(port), "WEB_CONCURRENCY": "2"},
                pass_fds=[listener.fileno()],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

        yield port, start


def test_a_supervisor_s_socket_serves_the_next_one_it_starts(supervisor):
    port, start = supervisor
    for _ in range(2):
        started = start()
        try:
            assert eventually(lambda: answered(port), within_s=30) == b"200"
        finally:
            started.terminate()
            assert started.wait(40) == 0


@pytest.mark.parametrize("sent", [signal.SIGKILL, *also(signal.SIGTERM)])
def test_nothing_is_lost_between_two_that_a_supervisor_starts(supervisor, sent):
    port, start = supervisor
    with Clients(port, count=8) as clients:
        for signals in ([], [signal.SIGHUP], []):
            started = start()
            answered = clients.account.answered
            eventually(lambda before=answered: clients.account.answered > before + 300, 40)
            for each in (*signals, sent):
                started.send_signal(each)
            started.wait(40)
        last = start()
        answered = clients.account.answered
        eventually(lambda: clients.account.answered > answered + 300, within_s=40)
    eventually(lambda: has_workers(last.pid))  # those of one that was killed may serve a little on
    last.terminate()
    assert last.wait(40) == 0

    assert clients.account.refused_connections == 0
    assert clients.account.lost == []
    assert clients.account.statuses == {200}


def answered(port):
    """The status of an echo on a new connection; the accept queue holds it until one serves."""
    with socket.create_connection(("127.0.0.1", port), timeout=25) as client:
        client.sendall(b"GET /?msg=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return client.recv(1000)[9:12]
