import importlib
import io
import os
import signal
import time
from pathlib import Path

import pytest
import werkzeug.test

from tests.turns import turn

PROJECT = Path(__file__).resolve().parent.parent
CAT = PROJECT / "config/models/cat-or-dog/example.jpg"
COFFEE = PROJECT / "tests/data/coffee.jpg"
ROCKET = PROJECT / "tests/data/rocket.jpg"


def also(*values):
    """Further values of a parameter, for `make whole`: they vary what the others show."""
    return [pytest.param(value, marks=pytest.mark.whole) for value in values]


def pytest_collection_modifyitems(config, items):
    """Leave out what is marked `whole`, and count it as deselected, unless WHOLE is set."""
    if os.environ.get("WHOLE"):
        return
    left_out = [item for item in items if item.get_closest_marker("whole")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not item.get_closest_marker("whole")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    with turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def _plain_environment():
    """Tests choose the settings; the shell that runs them does not."""
    for name in list(os.environ):
        if name.startswith("WEIR_") or name in {"PORT", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS"}:
            del os.environ[name]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell's background jobs have it
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _short_boundaries():
    """Werkzeug's client, and nobody else, makes boundaries that may be longer than RFC 2046 has."""
    werkzeug.test.random = lambda: 0.5


@pytest.fixture(scope="session")
def app():
    from config.settings import from_environ
    from service.app import create_app

    made = create_app(from_environ())
    eventually(lambda: not made.catalog.unready())
    return made


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def cat():
    return CAT.read_bytes()


def eventually(holds, within_s=20):
    """Poll until *holds* returns something true, and return it; fail after *within_s*."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.02)
    pytest.fail(f"not so within {within_s} s: {holds}")


def encoded(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def assert_problem(answer, status, *words):
    """The answer is a problem of this status whose detail has every one of *words*."""
    said = answer.get_json(force=True)
    assert answer.status_code == status, said
    assert answer.content_type == "application/problem+json"
    assert said["status"] == status
    assert said["success"] is False
    assert said["error"] == said["detail"]
    assert said["request_id"] == answer.headers["X-Request-ID"]
    for word in words:
        assert word in said["detail"]
    return said


def framework(name, install):
    """Import an optional framework, or skip the tests that need it; in CI it must be there."""
    if os.environ.get("CI") == "true":
        return importlib.import_module(name)
    return pytest.importorskip(name, reason=f"{name} is not installed; type: {install}")
