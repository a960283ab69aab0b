"""Nothing that serves, adds, checks or measures looks a host up, or writes where it should not."""

import shutil
import signal
import subprocess
import sys

import psutil
import pytest
import requests

from tests.conftest import PROJECT, also, eventually, framework
from tests.live.instance import free_port
from tests.live.test_add import THERMOMETER, TRAIN
from tests.live.traced import environment, lookups, strace, writings

FILES = ("shop.skops", "digits.keras", "thermometer.py", "flowers.onnx")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A model of each platform, as its file."""
    framework("skops", "make install-sklearn")
    framework("openvino", "make install-keras")
    folder = tmp_path_factory.mktemp("made")
    (folder / "train.py").write_text(TRAIN)
    (folder / "thermometer.py").write_text(THERMOMETER)
    shutil.copy(PROJECT / "tests/data/digits-keras/model.keras", folder / "digits.keras")
    shutil.copy(PROJECT / "config/models/iris/model.onnx", folder / "flowers.onnx")
    subprocess.run([sys.executable, "train.py"], cwd=folder, check=True)
    return folder


@pytest.fixture
def quiet(tmp_path):
    """Run a command and return what it said to whom, and wrote where."""
    home = tmp_path / "home"
    home.mkdir()

    def run(*command, **variables):
        trace = tmp_path / "trace"
        done = subprocess.run(
            [*strace(trace), *map(str, command)],
            cwd=PROJECT,
            env=environment(home) | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert list(home.iterdir()) == []
        return lookups(trace), writings(trace, home)

    return run


@pytest.mark.parametrize("files", [FILES[1:2], *also(FILES)], ids=lambda files: f"{len(files)}")
def test_adding_every_platform_and_checking_what_looks_up_most(made, quiet, tmp_path, files):
    command = [sys.executable, "-m", "service.models", "--models", tmp_path / "models"]
    (tmp_path / "models").mkdir()

    for file in files:
        assert quiet(*command, "add", made / file) == ([], []), file
    assert quiet(*command, "check", "digits") == ([], [])


@pytest.fixture
def repository(made, tmp_path):
    """Every model twice, in a thread and in a process."""
    repository = tmp_path / "models"
    for folder in ("iris", "cat-or-dog"):
        shutil.copytree(PROJECT / "config/models" / folder, repository / folder)
    add = [sys.executable, "-m", "service.models", "--models", repository, "add"]
    for file in FILES:
        subprocess.run([*add, made / file], cwd=PROJECT, check=True, capture_output=True)
    for folder in list(repository.iterdir()):
        other = shutil.copytree(folder, repository / f"{folder.name}-elsewhere")
        toml = (folder / "model.toml").read_text()
        place = "thread" if 'execution = "process"' in toml else "process"
        toml = toml.replace('execution = "process"', "").replace('execution = "thread"', "")
        serve = f'[serve]\nexecution = "{place}"\n'
        toml = toml.replace("[serve]\n", serve) if "[serve]" in toml else f"{toml}\n{serve}"
        (other / "model.toml").write_text(toml)
    return repository


def test_serving_every_platform_in_threads_and_in_processes(repository, tmp_path):
    trace, home, port = tmp_path / "trace", tmp_path / "home", free_port()
    home.mkdir()
    variables = {"WEIR_MODELS": str(repository), "WEIR_LOG_FORMAT": "json", "WEB_CONCURRENCY": "1"}
    server = subprocess.Popen(
        [*strace(trace), "make", "run", f"PORT={port}"],
        cwd=PROJECT,
        env=environment(home) | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: _is_ready(url), within_s=90)
        for model in requests.get(f"{url}/models", timeout=10).json()["models"]:
            example = requests.get(f"{url}{model['url']}/example", timeout=10)
            kind = {"Content-Type": example.headers["Content-Type"]}
            answer = requests.post(
                f"{url}{model['url']}/predict", example.content, headers=kind, timeout=30
            )
            assert answer.status_code == 200, answer.text
    finally:
        for child in psutil.Process(server.pid).children(recursive=True)[:1]:
            child.send_signal(signal.SIGTERM)  # make, which has become Gunicorn
        server.wait(60)

    assert list(home.iterdir()) == []
    assert lookups(trace) == []
    assert writings(trace, home) == []


def _is_ready(url):
    try:
        return requests.get(f"{url}/readyz", timeout=2).ok
    except (requests.ConnectionError, requests.Timeout):  # traced, and busy with its imports
        return False
