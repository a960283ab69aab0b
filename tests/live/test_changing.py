"""Models that come, go and are replaced while others serve: in all workers or in none."""

import os
import shutil
import signal
import subprocess
import sys
import threading

import pytest
import requests

from tests.conftest import PROJECT, eventually
from tests.live.changing import (
    IRIS,
    TOKEN,
    broken,
    double,
    iris,
    post,
    processes,
    serving,
    versions,
)


def test_the_old_process_of_a_model_ends_when_the_new_one_answers(tmp_path, iris_alone):
    shutil.rmtree(iris_alone / "iris")
    double(iris_alone, 1)
    with serving(tmp_path, iris_alone) as instance:

        def asked():
            tensor = {"name": "x", "shape": [1], "datatype": "FP64", "data": [1.0]}
            answer = requests.post(
                f"{instance.url}/v2/models/double/infer", json={"inputs": [tensor]}, timeout=20
            ).json()
            return answer["model_version"], answer["outputs"][0]["data"][0]

        assert asked() == ("1", 1.0)
        for version in (2, 3):
            double(iris_alone, version)
            assert asked() == (str(version - 1), float(version - 1))
            post(instance, "models/double/load").raise_for_status()
            assert {asked() for _ in range(6)} == {(str(version), float(version))}
        eventually(lambda: len(processes(instance)) == 1)

        (iris_alone / "double/model.py").write_text("class Broken:\n    pass\n")
        assert post(instance, "models/double/load").status_code == 400
        os.kill(processes(instance)[0], signal.SIGKILL)
        eventually(lambda: len(processes(instance)) == 1)
        assert asked() == ("3", 3.0)


def test_a_worker_that_comes_later_serves_what_the_others_serve(tmp_path, iris_alone):
    with serving(tmp_path, iris_alone) as instance:
        iris(iris_alone, 2)
        post(instance, "models/iris/load").raise_for_status()
        iris(iris_alone, 3)
        broken(iris_alone)
        shutil.copytree(IRIS, iris_alone / "another")
        for pid in instance.workers():
            os.kill(pid, signal.SIGKILL)
            eventually(lambda: len(instance.lines(event="worker_lost")) > 0)
            eventually(lambda: requests.get(instance.url + "/readyz", timeout=5).ok)

        assert versions(instance) == {"2"}
        assert versions(instance, "another", 4) == {404}


def test_what_is_unloaded_comes_back_when_it_is_loaded(tmp_path, iris_alone):
    with serving(tmp_path, iris_alone) as instance:
        assert post(instance, "models/iris/unload").ok
        assert versions(instance) == {404}
        index = post(instance, "index").json()
        assert index == [{"name": "iris", "state": "UNAVAILABLE", "reason": "unloaded"}]
        assert post(instance, "reload").json() == {"changed": [], "refused": {}}
        assert versions(instance, tries=4) == {404}

        assert post(instance, "models/iris/load").ok
        assert versions(instance) == {"1"}
        assert post(instance, "models/iris/load").json()["changed"] is False
        assert post(instance, "models/nobody/load").status_code == 404
        assert post(instance, "models/nobody/unload").status_code == 404


def test_who_has_no_token_changes_nothing(tmp_path, iris_alone):
    with serving(tmp_path, iris_alone, "1") as instance:
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {TOKEN}"}):
            for path in ("index", "models/iris/unload", "models/iris/load", "reload"):
                refused = post(instance, path, headers)
                assert refused.status_code == 401
                assert refused.headers["WWW-Authenticate"].startswith("Bearer ")
        assert versions(instance, tries=2) == {"1"}


def test_a_signal_reads_the_repository_and_the_broken_stay_as_they_were(tmp_path, iris_alone):
    shutil.copytree(IRIS, iris_alone / "second")
    with serving(tmp_path, iris_alone) as instance:
        iris(iris_alone, 2)
        (iris_alone / "second/model.onnx").write_bytes(b"no graph")
        instance.process.send_signal(signal.SIGHUP)

        eventually(lambda: instance.lines(event="models_reloaded"), 60)
        (told,) = instance.lines(event="models_reloaded")
        assert (told["changed"], told["refused"]) == (["iris"], ["second"])
        assert versions(instance) == {"2"}
        assert versions(instance, "second") == {"1"}
        assert instance.lines(event="model_not_replaced")[0]["model"] == "second"


def test_a_watched_repository_is_served_as_it_changes(tmp_path, iris_alone):
    with serving(tmp_path, iris_alone, WEIR_WATCH_MODELS="1") as instance:
        iris(iris_alone, 2)
        shutil.copytree(IRIS, iris_alone / "new")
        eventually(lambda: versions(instance, tries=4) == {"2"}, 30)
        eventually(lambda: versions(instance, "new", 4) == {"1"}, 30)

        broken(iris_alone)
        eventually(lambda: instance.lines(event="model_not_replaced"), 30)
        shutil.rmtree(iris_alone / "new")
        eventually(lambda: versions(instance, "new", 4) == {404}, 30)
        assert versions(instance) == {"2"}
        assert len(instance.lines(event="model_not_replaced")) == 1  # told once


def test_the_same_by_command(tmp_path, iris_alone):
    def run(*words, token=TOKEN):
        return subprocess.run(
            [sys.executable, "-m", "service.models", *words],
            capture_output=True,
            text=True,
            cwd=PROJECT,
            env=os.environ | {"PORT": str(instance.port), "WEIR_ADMIN_TOKEN": token},
            timeout=90,
            check=False,
        )

    with serving(tmp_path, iris_alone) as instance:
        iris(iris_alone, 2)
        loaded = run("load", "iris")
        assert (loaded.returncode, loaded.stdout) == (
            0,
            "iris is served as it stands now, by every worker\n",
        )
        assert versions(instance, tries=4) == {"2"}
        assert run("unload", "iris").returncode == 0
        assert versions(instance, tries=4) == {404}
        iris(iris_alone, 3)
        assert run("reload").stdout == "iris is served as it stands now\n"
        assert versions(instance, tries=4) == {"3"}
        assert run("reload").stdout == "everything was served as it stands already\n"

        broken(iris_alone)
        refused = run("load", "iris")
        assert refused.returncode == 1
        assert "failed to load 'iris': version 3: model.onnx is no ONNX model" in refused.stderr
        assert run("load", "iris", token="wrong").returncode == 1
        assert "WEIR_ADMIN_TOKEN" in run("load", "iris", token="").stderr
        nobody = run("load", "iris", "--url", "http://127.0.0.1:9")
        assert nobody.returncode == 2
        assert "no answer from http://127.0.0.1:9" in nobody.stderr


def test_a_coordinator_that_is_killed_leaves_the_old_one_serving(tmp_path, iris_alone):
    shutil.rmtree(iris_alone / "iris")
    double(iris_alone, 1)
    with serving(tmp_path, iris_alone) as instance:
        double(iris_alone, 2)
        slow = (iris_alone / "double/model.py").read_text()
        slow = slow.replace("self.weights", "import time; time.sleep(3); self.weights")
        (iris_alone / "double/model.py").write_text(slow)

        def ask():
            with pytest.raises(requests.RequestException):
                post(instance, "models/double/load")

        asking = threading.Thread(target=ask)
        asking.start()
        eventually(lambda: len(processes(instance)) == 2)
        for pid in instance.workers():
            os.kill(pid, signal.SIGKILL)
        asking.join(30)
        eventually(lambda: len(instance.workers()) == 2)
        eventually(instance.is_ready)

        assert versions(instance, "double") == {"1"}
        assert post(instance, "models/double/load").ok
        assert versions(instance, "double") == {"2"}
