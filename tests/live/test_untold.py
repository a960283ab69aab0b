"""What must not be told: outside, what a model's code says; in the log, what clients send."""

import json
import shutil

import pytest
import requests

from tests.conftest import PROJECT, also, eventually
from tests.live.instance import Instance

SECRET, VALUE = "postgres://user:pa55word@db", "8675309.25"
LOADS_NOT = f"""
class Model:
    def load(self): raise RuntimeError("cannot reach {SECRET}")
    def predict(self, batch): return batch
"""
RAISES = """
class Model:
    def load(self): pass
    def predict(self, batch):
        if (batch["x"] > 1).any(): raise ValueError(f"cannot use {batch['x'].tolist()}")
        return {"y": batch["x"]}
"""
TOML = """
platform = "python"
file = "model.py"
[input.x]
[serve]
execution = "%s"
[example]
file = "example.json"
"""


@pytest.fixture(params=["thread", "process"])
def repository(request, tmp_path):
    for name, code in (("broken", LOADS_NOT), ("raises", RAISES)):
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        (folder / "model.py").write_text(code)
        (folder / "model.toml").write_text(TOML % request.param)
        (folder / "example.json").write_text('{"x": 1}')
    return str(tmp_path / "models")


def test_what_a_model_s_code_says_is_in_the_log_alone(repository, tmp_path):
    with Instance(tmp_path, ready=False, WEIR_MODELS=repository) as instance:
        (failed,) = eventually(lambda: instance.lines(event="model_failed", model="broken"))
        eventually(lambda: instance.lines(event="model_ready", model="raises"))
        answers = [
            requests.get(f"{instance.url}{path}", timeout=10)
            for path in ("/models", "/readyz", "/models/broken", "/models/broken/predict?x=1")
        ]

    assert SECRET in failed["reason"]
    for answer in answers:
        assert "pa55word" not in answer.text
    listed = {model["name"]: model for model in answers[0].json()["models"]}
    assert "the log tells why, in the event model_failed" in listed["broken"]["reason"]
    assert "model_failed" in answers[1].text


def test_what_a_client_sent_is_in_no_line_unless_the_operator_wants_it(repository, tmp_path):
    for level, is_told in (("info", False), ("debug", True)):
        with Instance(
            tmp_path, ready=False, WEIR_MODELS=repository, WEIR_LOG_LEVEL=level
        ) as instance:
            eventually(lambda i=instance: i.lines(event="model_ready", model="raises"))
            answer = requests.get(f"{instance.url}/models/raises/predict?x={VALUE}", timeout=10)
            (line,) = eventually(lambda i=instance: i.lines(event="prediction_failed"))
            assert answer.status_code == 500
            assert VALUE not in answer.text
            assert line["request_id"] == answer.json()["request_id"]
            assert line["raised"] == "ValueError"
            assert "model.py" in line["at"][-1]
            assert ("text" in line) is is_told
            assert (VALUE in instance.log.read_text()) is is_told


@pytest.mark.parametrize("detail", ["names", "none"])
def test_an_error_tells_as_much_as_the_operator_wants(tmp_path, detail):
    long, kind = "12345678901234567890123", {"Content-Type": "application/json"}
    with Instance(tmp_path, WEIR_ERROR_DETAIL=detail) as instance:
        iris = f"{instance.url}/models/iris/predict"
        answers = [
            requests.post(iris, json={"sepal_length": 8675309, "sepal_width": "Jenny"}, timeout=10),
            requests.post(iris, json={"rows": [{"sepal_length": "8675309"}]}, timeout=10),
            requests.get(iris, params={"sepal_length": "Jenny"}, timeout=10),
            requests.get(iris, headers={"X-Request-Deadline-Ms": "Jenny"}, timeout=10),
            requests.post(iris, "{}", headers={"Content-Type": "text/jenny"}, timeout=10),
            requests.post(iris, "{}", headers=kind | {"Content-Encoding": "jenny"}, timeout=10),
            requests.post(instance.url, f'{{"msg": [{long}]}}', headers=kind, timeout=10),
        ]

    for answer in answers:
        said = answer.json()
        assert 400 <= answer.status_code < 500
        assert said["request_id"]
        for value in ("jenny", "8675309", long):
            assert value not in answer.text.lower()
        if detail == "none":
            assert said["detail"] == said["title"]
            assert not {"errors", "example"} & {*said}
    if detail == "names":
        first = answers[0].json()["errors"]
        assert {"/sepal_length", "/sepal_width"} <= {fault["pointer"] for fault in first}
        assert first[0]["detail"] == "a number was sent, a number from 0 to 30 is wanted"


@pytest.mark.parametrize("name", ["example.html", *also("example.svg", "example.js", "example")])
def test_an_example_has_no_type_that_a_browser_runs(tmp_path, name):
    for source, extra in (("iris", ""), ("cat-or-dog", "")):
        folder = tmp_path / "models" / source
        shutil.copytree(PROJECT / "config/models" / source, folder)
        toml = folder / "model.toml"
        example = "example.json" if source == "iris" else "example.jpg"
        (folder / example).rename(folder / name)
        toml.write_text(toml.read_text().replace(example, name) + extra)
    with Instance(tmp_path, WEIR_MODELS=str(tmp_path / "models")) as instance:
        rows = requests.get(f"{instance.url}/models/iris/example", timeout=10)
        picture = requests.get(f"{instance.url}/models/cat-or-dog/example", timeout=10)
        card = requests.get(f"{instance.url}/models/cat-or-dog", timeout=10).json()["model"]
        asked = requests.post(
            card["predict"], picture.content, headers={"Content-Type": "image/*"}, timeout=10
        )

    assert rows.headers["Content-Type"] == "application/json"
    assert picture.headers["Content-Type"] == "application/octet-stream"
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Type: image/*" in card["curl"]
    assert asked.json()["response"]["label"] == "cat"
    assert json.loads(rows.content)
