"""A Unix socket in the port's place: whose it is, who may come, and that nothing is lost at it."""

import os
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest
import requests

from tests.conftest import eventually
from tests.live.clients import Clients
from tests.live.instance import AtSocket
from tests.live.proxies import Nginx
from tests.live.test_handover import is_alive, new_master
from tests.live.test_proxy_header import ASK, CLIENT, V1
from tests.live.wire import Wire

NGINX = """
upstream weir {{ server unix:{path}; keepalive 8; }}
server {{
    listen PORT;
    location / {{
        proxy_pass http://weir;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header X-Forwarded-For $remote_addr;
    }}
}}
"""


# Not the user's first group, if this user may give one away.
OTHERS = [group for group in os.getgroups() if group != os.getegid()]
GROUP = 12_345 if os.geteuid() == 0 else (OTHERS or [os.getegid()])[0]


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    folder = tmp_path_factory.mktemp("socket")
    os.chown(folder, -1, GROUP)
    folder.chmod(0o2750)
    with AtSocket(folder) as made:
        yield made


def addresses(instance):
    return [line["client_ip"] for line in instance.lines(event="http_request", path="/")]


def test_owner_and_the_folder_s_group_may_connect_and_there_is_no_port(instance):
    made = Path(instance.path).stat()

    assert stat.S_IMODE(made.st_mode) == 0o660
    assert made.st_gid == GROUP
    with pytest.raises(ConnectionRefusedError):
        Wire(instance.port)


def test_curl_asks_and_the_peer_has_no_address(instance):
    before = len(addresses(instance))
    command = ["curl", "-s", "--unix-socket", instance.path, "http://localhost/?msg=curled"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)

    assert "curled" in done.stdout
    assert addresses(instance)[before:] == [""]
    assert requests.get(f"{instance.url}/readyz", timeout=5).ok


def test_the_peer_is_a_proxy_whose_word_counts(instance, tmp_path):
    before = len(addresses(instance))
    with Nginx(tmp_path, NGINX.format(path=instance.path)) as proxy:
        forged = {"X-Forwarded-For": "6.6.6.6"}
        assert requests.get(f"{proxy.url}/?msg=a", headers=forged, timeout=10).ok

    assert addresses(instance)[before:] == ["127.0.0.1"]


def test_a_proxy_header_is_taken_from_it(tmp_path):
    with AtSocket(tmp_path, WEIR_PROXY_PROTOCOL="1") as instance:
        with Wire(instance.path) as wire:
            assert wire.send(V1 + ASK % 1).answer().status == 200

        assert addresses(instance) == [CLIENT]


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_a_drain_under_load_loses_no_request(tmp_path, sent):
    with (
        AtSocket(tmp_path, WEB_CONCURRENCY="2") as instance,
        Clients(instance.path, count=16) as clients,
    ):
        eventually(lambda: clients.account.answered > 500)
        old = set(instance.workers())
        instance.process.send_signal(sent)
        if sent == signal.SIGTERM:
            assert instance.process.wait(40) == 0
            eventually(lambda: clients.account.refused_connections)
        else:
            eventually(lambda: len(instance.workers()) == 2 and not old & {*instance.workers()})
            assert clients.account.refused_connections == 0
        assert Path(instance.path).exists() is (sent == signal.SIGHUP)

    assert clients.account.lost == []
    assert clients.account.statuses == {200}


def test_a_new_master_takes_the_file_over(tmp_path):
    with (
        AtSocket(tmp_path, WEB_CONCURRENCY="2") as instance,
        Clients(instance.path, count=8) as clients,
    ):
        instance.process.send_signal(signal.SIGUSR2)
        new = eventually(lambda: new_master(instance), within_s=40)
        try:
            assert instance.stop() == 0
            eventually(lambda: instance.lines(event="Master has been promoted."))
            answered = clients.account.answered
            eventually(lambda: clients.account.answered > answered + 200)
            assert clients.account.refused_connections == 0
        finally:
            os.kill(new, signal.SIGTERM)
            eventually(lambda: not is_alive(new), within_s=40)

    assert clients.account.lost == []
    assert not Path(instance.path).exists()


def test_a_dead_instance_s_file_is_replaced(tmp_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "weir.sock"))
    with AtSocket(tmp_path) as instance, Wire(instance.path) as wire:
        assert wire.get().answer().status == 200


def test_a_living_instance_s_file_stays(instance):
    second = AtSocket(instance.log.parent, ready=False)

    assert second.process.wait(30) == 1
    assert second.lines(event=f"Connection in use: {second.path}")
    assert "Traceback" not in second.log.read_text()
    with Wire(instance.path) as wire:
        assert wire.get().answer().status == 200


@pytest.mark.parametrize("theirs", [False, True])
def test_the_end_takes_away_no_file_of_another_s(tmp_path, theirs):
    with AtSocket(tmp_path) as instance:
        Path(instance.path).unlink()
        with socket.socket(socket.AF_UNIX) as other:
            if theirs:
                other.bind(instance.path)
            assert instance.stop() == 0

    assert "Traceback" not in instance.log.read_text()
    assert Path(instance.path).exists() is theirs
