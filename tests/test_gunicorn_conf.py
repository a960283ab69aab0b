"""gunicorn.conf.py: the values that operations rely on."""

import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path

from config import instance_folder
from tests.conftest import PROJECT
from tests.live.instance import free_port

CONF = str(PROJECT / "gunicorn.conf.py")


def test_the_values_that_matter():
    conf = runpy.run_path(CONF)

    assert conf["bind"] == ["[::]:8000" if socket.has_dualstack_ipv6() else "0.0.0.0:8000"]
    assert conf["worker_class"] == "service.worker.Worker"
    assert conf["http_parser"] == "python"
    assert conf["forwarder_headers"] == ""
    assert conf["preload_app"] is False
    assert conf["reuse_port"] is False
    assert conf["control_socket_disable"] is True
    assert conf["accesslog"] is None
    assert conf["graceful_timeout"] < 30


def test_the_environment_decides_port_and_workers(monkeypatch):
    monkeypatch.setenv("PORT", "5001")
    monkeypatch.setenv("WEB_CONCURRENCY", "3")
    conf = runpy.run_path(CONF)

    assert conf["bind"][0].endswith(":5001")
    assert conf["workers"] == 3


def test_settings_that_cannot_be_used_stop_the_start_with_all_faults():
    done = subprocess.run(
        [Path(sys.executable).parent / "gunicorn", "--config", CONF, "service.wsgi:app"],
        cwd=PROJECT,
        env=os.environ | {"PORT": "high", "WEIR_BODY_LIMIT": "1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1
    assert "PORT='high'" in done.stderr
    assert "WEIR_BODY_LIMIT: no such setting" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_place_for_metrics_that_is_none_stops_the_start_with_a_sentence(tmp_path):
    taken = tmp_path / "file"
    taken.touch()
    done = subprocess.run(
        [Path(sys.executable).parent / "gunicorn", "--config", CONF, "service.wsgi:app"],
        cwd=PROJECT,
        env=os.environ | {"PORT": str(free_port()), "PROMETHEUS_MULTIPROC_DIR": str(taken)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1
    assert "name a folder in PROMETHEUS_MULTIPROC_DIR" in done.stderr
    assert str(taken) in done.stderr
    assert "Traceback" not in done.stderr


def test_without_room_in_memory_metrics_are_kept_elsewhere(tmp_path):
    full = tmp_path / "full"
    full.touch()

    folder, lock = instance_folder.make([full, tmp_path], 8000)

    assert folder.parent == tmp_path
    os.close(lock)


def test_a_folder_that_goes_away_meanwhile_does_not_stop_the_sweep(tmp_path):
    (tmp_path / "weir-8000-gone").symlink_to(tmp_path / "nowhere")  # listed, and not there
    folder, lock = instance_folder.make([tmp_path], 8000)
    os.close(lock)

    assert instance_folder.sweep(tmp_path) == [folder]
    assert not folder.exists()


def test_no_option_weakens_the_parser():
    conf = runpy.run_path(CONF)

    assert not [name for name in conf if name.startswith(("permit_", "casefold_", "strip_"))]
    assert conf.get("header_map", "drop") == "drop"
