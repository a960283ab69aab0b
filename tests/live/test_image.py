"""The image, in a container as a platform confines one: a user of its choice, nothing to write."""

import json
import re
import shlex
import shutil
import subprocess
import sys

import pytest
import requests

from service import __version__
from tests.conftest import CAT, PROJECT, eventually, framework
from tests.live.checkout import copied
from tests.live.clients import Clients
from tests.live.contained import MEMORY_BYTES, WRITABLE, Contained
from tests.live.image import BUILDING, builder
from tests.live.instance import WEB
from tests.live.test_add import TRAIN

IRIS = PROJECT / "config/models/iris"
FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}

# As service/README.md has it.
PREPARED = """
FROM localhost/weir
ENV WEIR_MODEL_CACHE=/opt/prepared
USER 0
RUN ["python", "-m", "service.models", "check"]
USER 1001:0
"""

# What lies in the places where it may write: prepared models, and an instance's metrics.
LISTING = """
import os
for place in {places}:
    print(*os.listdir(place), sep="\\n")
try:
    open("/app/new", "w")
except OSError as error:
    print(error.strerror)
"""

STOPPING = """
import os, signal
for worker in open("/proc/1/task/1/children").read().split():
    os.kill(int(worker), signal.SIGSTOP)
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    with builder(tmp_path_factory.mktemp("images")) as made:
        yield made


@pytest.fixture(scope="module")
def image(images, tmp_path_factory):
    """Built by somebody whose files nobody else may read."""
    checkout = copied(tmp_path_factory.mktemp("checkout") / "weir", umask=0o077)
    return images.build(checkout, EXTRAS="otlp", WEIR_COMMIT="c0ffee")


@pytest.fixture(scope="module")
def running(image, tmp_path_factory):
    """One for all tests that leave it as it was."""
    with Contained(tmp_path_factory.mktemp("contained"), image) as made:
        yield made


def test_the_image_says_how_it_is_run(image):
    told = image.config
    user, _, group = told["User"].partition(":")

    assert told["Cmd"] == shlex.split(WEB)
    assert not told.get("Entrypoint")
    assert int(user) > 0
    assert int(group) == 0
    assert told["StopSignal"] == "SIGTERM"
    assert "PORT=8080" in told["Env"]
    assert "8080/tcp" in told["ExposedPorts"]
    assert told["Labels"]["org.opencontainers.image.revision"] == "c0ffee"
    assert told["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_the_base_has_the_project_s_python():
    dockerfile = (PROJECT / "Dockerfile").read_text()
    (base,) = re.findall(r"^ARG BASE=.*:(\S+)-slim$", dockerfile, re.MULTILINE)

    assert base == (PROJECT / ".python-version").read_text().strip()


def test_the_image_has_no_tool_that_builds_or_installs(image):
    there = {path.name for path in image.root.glob("**/bin/*")}
    code = {path.name for path in (image.root / "app").iterdir()} - {"__pycache__"}

    assert "gunicorn" in there
    assert not there & {"sh", "bash", "dash", "pip", "pip3", "gcc", "cc", "make", "curl"}
    assert not list(image.root.glob("opt/weir/lib/*/site-packages/pip"))
    assert list(image.root.glob("opt/weir/lib/*/site-packages/opentelemetry/exporter"))
    assert code == {"LICENSE", "config", "gunicorn.conf.py", "requirements.txt", "service"}


def test_no_start_compiles_anything(image):
    """Where nothing can be written it would be each start's to do: 0.9 s of 2.5."""
    for folder in (
        "app/service",
        "opt/weir/lib/python3.*/site-packages/flask",
        "usr/lib/python3.*",
    ):
        (place,) = image.root.glob(folder)
        compiled = {path.name.partition(".")[0] for path in (place / "__pycache__").iterdir()}

        assert compiled >= {path.stem for path in place.glob("*.py")}


def test_no_setting_of_the_build_s_pip_stays(image):
    settings = image.root / "etc/pip.conf"

    assert not settings.exists() or not settings.read_text()  # buildah leaves where it was mounted
    assert not [told for told in image.config["Env"] if told.startswith("PIP_")]


def test_it_answers_as_anybody_with_nothing_to_write(running):
    picture = requests.post(
        running.url + "/models/cat-or-dog/predict",
        data=CAT.read_bytes(),
        headers={"Content-Type": "image/jpeg"},
        timeout=20,
    ).json()
    flower = requests.get(running.url + "/models/iris/predict", params=FLOWER, timeout=20).json()
    version = requests.get(running.url + "/version", timeout=20).json()

    assert picture["response"]["label"] == "cat"
    assert flower["response"]["label"] == "setosa"
    assert version["commit"] == "c0ffee"
    assert version["version"] == __version__


def test_it_is_confined_and_writes_where_it_may_alone(running):
    status = running.run("python", "-c", "print(open('/proc/1/status').read())").stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    listed = running.run("python", "-c", LISTING.format(places=WRITABLE)).stdout.split("\n")
    metrics = requests.get(running.url + "/metrics", timeout=20).text

    assert {*fields["Uid"].split()} == {str(running.user)}
    assert {int(fields[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    workers = running.run("python", "-c", "print(open('/proc/1/task/1/children').read())").stdout
    kept = [name for name in listed if name.startswith("weir-")]
    assert sorted(listed) == sorted(["", *kept, "Read-only file system"])
    assert f"weir-models-{running.user}" in kept
    assert len(workers.split()) == 1
    (limit,) = re.findall(r"^instance_memory_bytes{kind=\"limit\"} (\S+)$", metrics, re.MULTILINE)
    assert float(limit) == MEMORY_BYTES


def test_the_health_check_passes_while_it_lives_and_fails_when_it_does_not(running):
    assert running.health().returncode == 0

    other = running.run("python", "-m", "config.probe", "/nowhere")
    assert other.returncode == 1
    assert "/nowhere answers 404" in other.stderr


def test_the_health_check_fails_while_nothing_moves(image, tmp_path):
    with Contained(tmp_path, image) as made:
        workers = made.run("python", "-c", STOPPING)
        assert workers.returncode == 0, workers.stderr

        said = made.health()

    assert said.returncode == 1
    assert "/healthz does not answer: timed out" in said.stderr


def test_a_stop_ends_it_with_nothing_lost(image, tmp_path):
    with Contained(tmp_path, image) as made, Clients(made.port) as clients:
        eventually(lambda: clients.account.answered > 200)
        code = made.stop()
        eventually(lambda: clients.account.refused_connections)

    assert code == 0, made.log.read_text()[-3000:]
    assert clients.account.lost == []
    assert clients.account.statuses == {200}
    assert '"event":"Shutting down: Master"' in made.log.read_text()


def test_a_model_that_is_mounted_is_served(image, tmp_path):
    mounted = tmp_path / "models"
    mounted.mkdir()
    shutil.copy(IRIS / "model.onnx", mounted)
    variables = {"WEIR_MODELS": "/mnt/models", "WEIR_MODEL_NAME": "flower"}
    with Contained(tmp_path, image, mounts=[(mounted, "/mnt/models")], **variables) as made:
        listed = requests.get(made.url + "/models", timeout=20).json()

    assert [model["name"] for model in listed["models"]] == ["flower"]


@pytest.mark.whole
def test_models_that_were_prepared_in_an_image_are_mapped_by_anybody(images, image, tmp_path):
    assert image
    (tmp_path / "Dockerfile").write_text(PREPARED)
    with Contained(tmp_path, images.build(tmp_path, "prepared")) as made:
        listed = made.run("python", "-c", LISTING.format(places=WRITABLE)).stdout

    told = [json.loads(line) for line in made.log.read_text().splitlines()]
    weights = [line["weights"] for line in told if line["event"] == "model_ready"]
    assert len(weights) == 2
    assert all(each.startswith("mapped") for each in weights)
    assert "weir-models" not in listed


@pytest.mark.whole
def test_an_image_has_what_models_of_a_platform_need(images, tmp_path):
    framework("skops", "make install-sklearn")
    models = tmp_path / "models"
    models.mkdir()
    (tmp_path / "train.py").write_text(TRAIN)
    subprocess.run([sys.executable, "train.py"], cwd=tmp_path, check=True)
    command = [sys.executable, "-m", "service.models", "--models", models, "add"]
    subprocess.run([*command, tmp_path / "shop.skops"], cwd=PROJECT, check=True)
    images.base("with-apt", BUILDING, variant="apt")
    asked_for = {"BASE": "localhost/with-apt", "EXTRAS": "sklearn lightgbm"}
    built = images.build(PROJECT, "platforms", **asked_for)
    mounts = [(models, "/mnt/models")]
    variables = {"WEIR_MODELS": "/mnt/models", "memory_bytes": 512 << 20}
    with Contained(tmp_path, built, mounts=mounts, **variables) as made:
        asked = made.url + "/models/shop/predict?age=50&city=Paris"
        answer = requests.get(asked, timeout=20).json()
        imported = made.run("python", "-c", "import lightgbm")

    assert answer["response"]["label"] == "yes"
    assert imported.returncode == 0, imported.stderr
