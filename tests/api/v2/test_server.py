"""What the server says of itself."""

import pytest

from service import __version__
from tests.api.v2.asking import refused


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_what_serves_and_what_it_speaks(v2, path):
    told = v2.get(path).get_json()

    assert (told["name"], told["version"]) == ("weir", __version__)
    assert {"binary_tensor_data", "statistics", "model_repository"} <= {*told["extensions"]}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v2/health/live", {"live": True}),
        ("/v2/health/live/", {"live": True}),
        ("/v2/health/ready", {"ready": True, "live": True}),
        ("/v2/health/ready/", {"ready": True, "live": True}),
    ],
)
def test_health(v2, path, told):
    answer = v2.get(path)

    assert answer.get_json() == told
    assert answer.headers["Cache-Control"] == "no-store"


def test_not_ready_with_the_reason(v2, v2_app):
    v2_app.admission.ending = True
    try:
        told = refused(v2.get("/v2/health/ready"), "draining", status=503)
    finally:
        v2_app.admission.ending = False

    assert told["ready"] is False


@pytest.mark.parametrize(
    ("method", "path", "extension"),
    [
        ("GET", "/v2/logging", "logging"),
        ("POST", "/v2/logging", "logging"),
        ("GET", "/v2/trace/setting", "trace"),
        ("POST", "/v2/models/iris/trace/setting", "trace"),
        ("GET", "/v2/systemsharedmemory/status", "system_shared_memory"),
        ("POST", "/v2/cudasharedmemory/region/a/register", "cuda_shared_memory"),
        ("POST", "/v2/models/iris/generate", "generate"),
        ("POST", "/v2/models/iris/versions/1/generate_stream", "generate_stream"),
    ],
)
def test_extensions_that_are_not_here_say_so(v2, method, path, extension):
    refused(v2.open(path, method=method), f"no extension '{extension}'", status=501)
