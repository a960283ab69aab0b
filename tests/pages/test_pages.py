"""The front page and the playgrounds, as they leave the service."""

import re
import shutil
from dataclasses import replace

import pytest

from config.settings import from_environ
from service import __version__
from service.app import create_app
from tests.conftest import PROJECT, assert_problem, eventually

BROWSER = {"Accept": "text/html"}
IMG = "<img src=x onerror=alert(1)>"


def text_of(client, path, status=200):
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == status, answer.text
    assert answer.content_type == "text/html; charset=utf-8"
    return answer.text


def app_of(folder, **settings):
    return create_app(replace(from_environ(), models=folder, **settings))


@pytest.fixture
def hostile(tmp_path):
    """A model whose texts are markup, wherever a text may stand."""
    folder = tmp_path / "flowers"
    shutil.copytree(PROJECT / "config/models/iris", folder)
    manifest = (folder / "model.toml").read_text()
    for old in ("Which iris is it?", "Apache-2.0", "scikit-learn 1.9.1", "cm", '"setosa"'):
        manifest = manifest.replace(old, f'"{IMG}"' if '"' in old else IMG)
    (folder / "model.toml").write_text(manifest)
    app = app_of(tmp_path)
    eventually(lambda: not app.catalog.unready())
    return app.test_client()


def test_the_front_page_tells_what_runs_and_leads_everywhere(client):
    page = text_of(client, "/")

    for told in ("cat-or-dog", "iris", "ready", "version 1", __version__, "unknown"):
        assert told in page
    for way in ("models/iris", "models/cat-or-dog", "docs", "openapi.json", "healthz", "readyz",
                "metrics", "version"):  # fmt: skip
        assert f'href="./{way}"' in page


def test_a_link_holds_wherever_the_page_stands(client):
    assert 'href="../docs"' in text_of(client, "/models/iris")
    assert 'href="../../docs"' in text_of(client, "/models/iris/")
    assert 'href="../../../docs"' in text_of(client, "/models/iris/versions/1")


def test_a_playground_has_a_field_for_each_feature(client):
    page = text_of(client, "/models/iris")

    assert page.count("data-feature=") == 4
    assert 'data-feature="sepal_length"' in page
    assert "a number from 0 to 30 · cm" in page
    assert page.count('class="mark">required') == 4


def test_what_a_model_says_is_text(hostile):
    for path in ("/", "/models/flowers"):
        page = text_of(hostile, path)
        assert "&lt;img src=x onerror=alert(1)&gt;" in page
        assert "<img src=x" not in page


def test_a_page_may_load_only_what_is_this_hosts_own(client):
    for path in ("/", "/models/iris", "/models/cat-or-dog", "/docs"):
        fields = client.get(path, headers=BROWSER).headers
        policy = fields["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert fields["X-Frame-Options"] == "DENY"
        assert fields["Referrer-Policy"] == "no-referrer"
        page = text_of(client, path)
        assert "<script>" not in page
        assert "style=" not in page
        assert not re.search(r'(?:src|href|action)="(?:[a-z]+:)?//', page)


def test_an_unknown_model_is_told_in_a_page(client):
    assert "no model named" in text_of(client, "/models/nobody", 404)
    assert f"{IMG[1:-1]}" in text_of(client, f"/models/{IMG}", 404)
    assert IMG not in text_of(client, f"/models/{IMG}", 404)
    assert_problem(client.get("/models/nobody"), 404, "'nobody'")


def test_a_model_that_cannot_answer_has_a_page_that_says_why(tmp_path):
    shutil.copytree(PROJECT / "config/models/iris", tmp_path / "iris")
    (tmp_path / "iris/model.onnx").write_bytes(b"no model")
    app = app_of(tmp_path)
    client = app.test_client()
    eventually(lambda: app.catalog.find("iris").state == "failed")

    front, own = text_of(client, "/"), text_of(client, "/models/iris", 503)

    assert client.get("/models/iris", headers=BROWSER).headers["Retry-After"] == "1"
    assert "failed" in front
    assert "Not ready yet: model_failed iris" in " ".join(front.split())
    assert app.catalog.find("iris").reason in own.replace("&#39;", "'")


def test_no_more_is_told_than_the_operator_wants(tmp_path):
    client = app_of(tmp_path, error_detail="none").test_client()

    assert "Not Found" in text_of(client, "/models/nobody", 404)
    assert "served here" not in text_of(client, "/models/nobody", 404)


def test_a_repository_without_models_has_a_front_page(tmp_path):
    assert "No model is served" in text_of(app_of(tmp_path).test_client(), "/")


def test_without_pages_there_is_json_alone(tmp_path):
    shutil.copytree(PROJECT / "config/models/iris", tmp_path / "iris")
    app = app_of(tmp_path, pages=False)
    eventually(lambda: not app.catalog.unready())
    client = app.test_client()

    assert client.get("/", headers=BROWSER).data == b'{"success":false}'
    assert "Vary" not in client.get("/").headers
    assert client.get("/models/iris", headers=BROWSER).is_json
    for path in ("/docs", "/openapi.json", "/static/weir.css"):
        assert_problem(client.get(path, headers=BROWSER), 404)
