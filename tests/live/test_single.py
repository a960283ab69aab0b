"""One model by itself, as KServe's storage initializer leaves it."""

import shutil

import pytest
import requests

from tests.conftest import PROJECT, eventually
from tests.live.changing import BODY, TOKEN, post
from tests.live.instance import Instance

IRIS = PROJECT / "config/models/iris"


@pytest.mark.parametrize("token", ["", TOKEN], ids=["as it is", "open to changes"])
def test_a_file_is_served_by_all_workers_under_the_services_name(tmp_path, token):
    mounted = tmp_path / "mnt/models"
    mounted.mkdir(parents=True)
    shutil.copy(IRIS / "model.onnx", mounted)
    variables = {"WEIR_MODELS": str(mounted), "WEIR_MODEL_NAME": "flower"}
    with Instance(
        tmp_path, ready=False, WEB_CONCURRENCY="2", WEIR_ADMIN_TOKEN=token, **variables
    ) as instance:
        eventually(lambda: len(instance.lines(event="model_ready")) == 2)
        for _ in range(8):
            answer = requests.post(
                f"{instance.url}/v2/models/flower/infer", data=BODY, timeout=20
            ).json()
            assert answer["model_name"] == "flower"
            assert answer["outputs"][0]["data"] == ["setosa"]
        assert not instance.lines(level="error")

        if token:
            shutil.copy(IRIS / "model.toml", mounted)
            shutil.copy(IRIS / "example.json", mounted)
            assert post(instance, "models/flower/load").json()["changed"] is True
            card = requests.get(f"{instance.url}/models/flower", timeout=20).json()["model"]
            assert card["description"].startswith("Which iris")


def test_what_is_no_model_stops_the_start_and_says_why(tmp_path):
    with Instance(
        tmp_path, ready=False, WEIR_MODELS="README.md", WEIR_MODEL_NAME="flower"
    ) as instance:
        assert instance.process.wait(30)
        assert "README.md is of no known kind" in instance.log.read_text()
