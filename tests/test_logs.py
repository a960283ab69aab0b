"""The shapes that log lines take, as a process of its own writes them."""

import json
import os
import pty
import subprocess
import sys

import pytest

from tests.conftest import PROJECT

SCRIPT = """
import logging, structlog, warnings
from service import logs
logs.configure("info", {form!r})
log = structlog.get_logger()
{body}
"""


def lines_of(body, form="json"):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(form=form, body=body)],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def only_line_of(body):
    (line,) = lines_of(body)
    return json.loads(line)


def test_an_event_of_ours_is_one_object_with_the_facts_beside_its_name():
    line = only_line_of("log.info('model_ready', model='iris', load_ms=1.5)")

    assert list(line) == ["timestamp", "level", "event", "pid", "model", "load_ms"]
    assert line["event"] == "model_ready"
    assert line["level"] == "info"
    assert line["timestamp"].endswith("+00:00")


def test_a_library_s_message_has_the_same_shape():
    line = only_line_of("logging.getLogger('some.library').warning('%s went', 'it')")

    assert list(line) == ["timestamp", "level", "event", "pid", "logger"]
    assert (line["event"], line["level"], line["logger"]) == ("it went", "warning", "some.library")


def test_a_warning_is_a_line_too():
    line = only_line_of("warnings.warn('soon gone', stacklevel=1)")

    assert line["logger"] == "py.warnings"
    assert "soon gone" in line["event"]


@pytest.mark.parametrize("logger", ["log", "logging.getLogger('x')"])
def test_an_exception_is_structured_and_shows_no_values(logger):
    body = (
        f"secret = 's3cr3t'\ntry:\n    1 / 0\nexcept Exception:\n    {logger}.exception('failed')"
    )
    line = only_line_of(body)

    assert line["level"] == "error"
    assert line["exception"][0]["exc_type"] == "ZeroDivisionError"
    assert line["exception"][0]["frames"][0]["lineno"] == 8
    assert "s3cr3t" not in json.dumps(line["exception"])


@pytest.mark.parametrize(
    "value", ["a\nb", "\x1b[31m", "\u2028", "\x85", '"}{"', "żółw", "\x00"], ids=ascii
)
def test_a_value_cannot_forge_a_line(value):
    assert only_line_of(f"log.info('x', value={value!r})")["value"] == value


@pytest.mark.parametrize("value", ["'\\ud800'", "object", "b'bytes'", "{1: {2, 3}}"])
def test_a_value_that_json_does_not_know_is_still_a_line(value):
    assert "value" in only_line_of(f"log.info('x', value={value})")


def test_debug_is_silent_at_info():
    assert lines_of("log.debug('x'); logging.getLogger('x').debug('y')") == []


def test_a_terminal_gets_the_readable_form():
    master, terminal = pty.openpty()
    subprocess.run(
        [sys.executable, "-c", SCRIPT.format(form="auto", body="log.info('model_ready', ms=5)")],
        cwd=PROJECT,
        check=True,
        stdout=terminal,
    )
    os.close(terminal)
    said = os.read(master, 4096).decode()
    os.close(master)

    assert "model_ready" in said
    assert "ms" in said
    assert "{" not in said


def test_a_terminal_obeys_nothing_that_a_client_sent():
    master, terminal = pty.openpty()
    body = """
evil = "\\x1b]0;x\\x07\\r\\n\\x9b2J\\u202e"
log.info('event' + evil, path=evil, names=[evil])
logging.getLogger('x').warning(evil)
try:
    raise ValueError(evil)
except ValueError:
    log.exception('failed')
"""
    subprocess.run(
        [sys.executable, "-c", SCRIPT.format(form="console", body=body)],
        cwd=PROJECT,
        check=True,
        stdout=terminal,
    )
    os.close(terminal)
    said = os.read(master, 1 << 16).decode()
    os.close(master)

    assert said.count("u202e") >= 5
    assert not set(said) & set("\x07\x9b\u202e")
    assert "\x1b]" not in said


def test_an_ascii_stdout_gets_escapes():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(form="console", body="log.info('x', name='żółw')")],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )

    assert rb"\u017c" in done.stdout


HOSTILE = [
    "'x' * 100_000",
    "'\\x00' * 5_000",
    "'\\u202e' * 5_000",
    "'\\U0001f600' * 5_000",
    "'\\ud800' * 5_000",
    "list(range(10_000))",
    "{str(n) * 50: 'y' * n for n in range(500)}",
    "[[['z' * 900] * 30] * 30]",
    "2 ** 20_000 + 1",
    "type('Silent', (), {'__repr__': lambda self: 1 / 0})()",
    "(lambda circle: circle.append(circle) or circle)([])",
    "b'\\xff' * 10_000",
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("write", ["log.info('x', value={})", "logging.warning('%s', {})"])
def test_a_line_is_json_of_4096_bytes_at_most(value, write):
    script = SCRIPT.format(form="json", body=write.format(value))
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, check=True, capture_output=True
    )
    (line,) = done.stdout.splitlines(keepends=True)

    assert len(line) <= 4096
    assert json.loads(line)["level"] in {"info", "warning", "error"}


def test_the_innermost_frames_of_a_long_stack_are_kept():
    body = """
def deeper(depth):
    return deeper(depth - 1) if depth else 1 / 0
try:
    deeper(200)
except ZeroDivisionError:
    log.exception('failed')
"""
    line = only_line_of(body)

    assert len(json.dumps(line)) < 4096
    assert line["exception"][0]["exc_type"] == "ZeroDivisionError"
    assert line["exception"][0]["frames"][-1]["name"] == "deeper"


def test_a_pipe_gets_json():
    (line,) = lines_of("log.info('model_ready')", form="auto")

    assert json.loads(line)["event"] == "model_ready"
