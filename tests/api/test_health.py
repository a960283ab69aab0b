import platform
import shutil

import pytest

from config.settings import from_environ
from service import __version__
from service.app import create_app
from tests.conftest import CAT, assert_problem, eventually


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/version"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_probes_answer_and_are_never_cached(client, path, method):
    answer = client.open(path, method=method)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


def test_version_tells_what_runs(client):
    assert client.get("/version").get_json() == {
        "success": True,
        "version": __version__,
        "commit": "unknown",
        "python": platform.python_version(),
        "models": {"cat-or-dog": "1", "iris": "1"},
    }


@pytest.fixture
def broken_app(tmp_path, monkeypatch):
    """An application whose repository has a good model and one with a damaged artefact."""
    shutil.copytree(CAT.parent, tmp_path / "good")
    shutil.copytree(CAT.parent, tmp_path / "bad")
    (tmp_path / "bad/model.onnx").write_bytes(b"not a graph")
    monkeypatch.setenv("WEIR_MODELS", str(tmp_path))
    app = create_app(from_environ())
    catalog = app.catalog
    eventually(lambda: all(model.state != "loading" for model in catalog))
    yield app
    for model in catalog:
        model.close()


def test_a_model_that_cannot_load_is_told_and_the_others_serve(broken_app):
    client = broken_app.test_client()
    picture = {"data": CAT.read_bytes(), "content_type": "image/jpeg"}

    problem = assert_problem(client.get("/readyz"), 503, "model_failed bad 1 (")
    states = {entry["name"]: entry["state"] for entry in client.get("/models").get_json()["models"]}

    (reason,) = problem["reasons"]
    assert (reason["reason"], reason["model"], reason["version"]) == ("model_failed", "bad", "1")
    assert reason["detail"]
    assert client.get("/healthz").status_code == 200
    assert states == {"bad": "failed", "good": "ready"}
    assert client.post("/models/good/predict", **picture).status_code == 200
    refused = client.post("/models/bad/predict", **picture)
    assert_problem(refused, 503, "'bad' could not be loaded")
    assert refused.headers["Retry-After"] == "1"
    assert_problem(client.get("/models/bad"), 503)
