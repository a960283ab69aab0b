import pytest

from config.settings import from_environ
from service.app import create_app
from service.instruments import IN_FLIGHT
from tests.conftest import assert_problem


@pytest.fixture(scope="module")
def guarded():
    """The application, but for a token on /metrics."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEIR_METRICS_TOKEN", "s3cr3t")
        return create_app(from_environ()).test_client()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("", "send Authorization: Bearer <key>"),
        ("Bearer", "send Authorization: Bearer <key>"),
        ("Basic s3cr3t", "send Authorization: Bearer <key>"),
        ("Bearer wrong", "none that is known here"),
        ("Bearer żółw", "none that is known here"),
    ],
)
def test_without_the_token_metrics_are_refused(guarded, sent, said):
    answer = guarded.get("/metrics", headers={"Authorization": sent.encode().decode("latin-1")})

    assert_problem(answer, 401, said)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert b"http_requests_total" not in answer.data


def test_with_the_token_metrics_are_served(guarded):
    assert guarded.get("/metrics", headers={"Authorization": "Bearer s3cr3t"}).status_code == 200


@pytest.mark.parametrize(
    ("accept", "content_type", "last_line"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8", None),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text", "# EOF"),
    ],
)
def test_the_format_goes_by_accept(client, accept, content_type, last_line):
    answer = client.get("/metrics", headers={"Accept": accept})

    assert answer.content_type.startswith(content_type)
    assert "http_requests_in_flight" in answer.text
    assert last_line is None or answer.text.splitlines()[-1] == last_line


def test_a_gauge_that_cannot_be_set_ends_no_worker(app, client, monkeypatch):
    def fails(_value):
        raise OSError("no space left on device")

    monkeypatch.setattr(IN_FLIGHT, "set", fails)

    app.sample_gauges()

    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert 'observer_faults_total{observer="metrics"} 0.0' not in answer.text
