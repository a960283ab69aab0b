"""
A dyno, by the documented steps of Heroku's Python buildpack: built from what is committed, started
by the Procfile with what the buildpack exports, in 512 MB, stopped by a signal to every process.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from environs import Env

from config import settings
from tests.conftest import CAT, PROJECT, eventually
from tests.live.checkout import committed, copied
from tests.live.clients import Clients
from tests.live.container import container
from tests.live.instance import PROCFILE, WEB, Instance
from tests.live.namespace import inside

DYNO_BYTES = 512 << 20

# One of them, or the build ends; and what must not be committed.
MANAGERS = ("requirements.txt", "Pipfile", "Pipfile.lock", "poetry.lock", "uv.lock", "setup.py")
REFUSED = (".heroku/python", ".venv", "venv", "runtime.txt")

# What the buildpack's .profile.d sets at each start, and the platform; a venv has no PYTHONHOME.
EXPORTED = {
    "DYNO": "web.1",
    "DYNO_RAM": "512",
    "FORWARDED_ALLOW_IPS": "*",
    "GUNICORN_CMD_ARGS": "--access-logfile -",
    "LANG": "en_US.UTF-8",
    "PYTHONUNBUFFERED": "true",
    "WEB_CONCURRENCY": "2",
    "WEB_CONCURRENCY_SET_BY": "heroku/python",
}


@pytest.fixture(scope="module")
def slug(tmp_path_factory):
    """The code and its packages, as a build leaves them."""
    folder = copied(tmp_path_factory.mktemp("slug") / "app")
    python = folder / ".heroku/python"
    subprocess.run([sys.executable, "-m", "venv", python], check=True)
    install = [python / "bin/pip", "install", "--requirement", "requirements.txt", "--quiet"]
    options = ["--exists-action=w", "--disable-pip-version-check", "--no-cache-dir", "--no-input"]
    subprocess.run([*install, *options], cwd=folder, check=True, timeout=600)
    yield folder
    shutil.rmtree(folder)


def started(slug, tmp_path, dyno):
    """An instance in the *dyno*, which cannot write to its slug."""
    path = f"{slug}/.heroku/python/bin:/usr/local/bin:/usr/bin:/bin"
    variables = {"PYTHONPATH": str(slug), "HOME": str(slug), "TMPDIR": str(tmp_path)}
    # The folder is entered anew: what was current before is still the one that can be written.
    prepare = f"mount --bind {slug} {slug}; mount -o remount,bind,ro {slug} {slug}; cd {slug}"
    command = inside("--mount", prepare, dyno.command(f"PATH={path} {WEB}"))
    return Instance(tmp_path, project=slug, command=command, **EXPORTED, **variables)


def test_the_build_finds_one_package_manager_and_a_python_that_it_has():
    names = committed()

    assert [name for name in names if name in MANAGERS] == ["requirements.txt"]
    assert not [name for name in names if name.startswith(REFUSED)]
    assert re.fullmatch(r"3\.1[0-4]\n", (PROJECT / ".python-version").read_text())


def test_a_dyno_serves_from_a_slug_that_it_cannot_write_and_loses_nothing(slug, tmp_path):
    before = {path for path in slug.rglob("*") if "__pycache__" not in path.parts}
    with (
        container(DYNO_BYTES) as dyno,
        started(slug, tmp_path, dyno) as instance,
        Clients(instance.port) as clients,
    ):
        answer = requests.post(
            instance.url + "/models/cat-or-dog/predict",
            data=CAT.read_bytes(),
            headers={"Content-Type": "image/jpeg"},
            timeout=20,
        )
        eventually(lambda: clients.account.answered > 500)
        used, kills = dyno.used_bytes(), dyno.kills()
        mounts = Path(f"/proc/{instance.process.pid}/mounts").read_text()
        # To every process of the dyno, and more than once.
        processes = (dyno.group / "cgroup.procs").read_text().split()
        for process in processes * 2:
            os.kill(int(process), signal.SIGTERM)
        code = instance.process.wait(30)
        eventually(lambda: clients.account.refused_connections)

    assert answer.json()["response"]["label"] == "cat"
    assert len(processes) >= 3
    assert re.search(rf" {slug} \S+ ro,", mounts)
    assert (code, kills) == (0, 0)
    assert used < DYNO_BYTES
    assert clients.account.lost == []
    assert clients.account.statuses == {200}
    assert instance.lines(event="Shutting down: Master")  # which reads each line as JSON
    assert {path for path in slug.rglob("*") if "__pycache__" not in path.parts} == before


def test_the_button_asks_for_settings_that_there_are():
    told = json.loads((PROJECT / "app.json").read_text())
    env = Env(eager=False)
    settings.read(env)

    assert {*told["env"]} <= {*env.dump()}
    assert all(each["description"] for each in told["env"].values())
    assert told["buildpacks"] == [{"url": "heroku/python"}]
    assert {*told["formation"]} == {*re.findall(r"^(\w+):", PROCFILE, re.MULTILINE)}


def test_what_the_button_sets_can_be_used(monkeypatch):
    told = json.loads((PROJECT / "app.json").read_text())["env"]
    for name, each in told.items():
        made = "0123456789abcdef" * 8 if each.get("generator") == "secret" else None
        value = made or each.get("value")
        assert value or each["required"] is False
        if value:
            monkeypatch.setenv(name, value)

    assert settings.from_environ().metrics_token == "0123456789abcdef" * 8


def test_the_other_build_is_the_dockerfile_s():
    told = (PROJECT / "heroku.yml").read_text()
    arguments = re.findall(r"^ARG (\w+)", Path(PROJECT / "Dockerfile").read_text(), re.MULTILINE)

    assert "    web: Dockerfile\n" in told
    assert 'FORWARDED_ALLOW_IPS: "*"' in told
    built = told.partition("\nbuild:")[2].partition("config:")[2]
    assert {*re.findall(r"^    (\w+):", built, re.MULTILINE)} <= {*arguments}
