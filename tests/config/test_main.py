"""`python -m config COMMAND…`, with which the Procfile's line begins."""

import os
import subprocess
import sys

import pytest

from tests.conftest import PROJECT

TELL = "import os; print({name: os.environ.get(name) for name in %r})"


def run(*command, module="config", **variables):
    return subprocess.run(
        [sys.executable, "-m", module, *command],
        cwd=PROJECT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def told(names, **variables):
    return eval(run(sys.executable, "-c", TELL % (names,), **variables).stdout)


def test_the_command_finds_what_gunicorn_reads_as_gunicorn_can_read_it():
    names = ("WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "GUNICORN_CMD_ARGS", "SENDFILE", "PORT")

    assert told(
        names,
        WEB_CONCURRENCY=" 2\n",
        FORWARDED_ALLOW_IPS=" 10.0.0.0/8 , ::1 ",
        GUNICORN_CMD_ARGS="--access-logfile -",
        SENDFILE="perhaps",
        PORT="",
    ) == {
        "WEB_CONCURRENCY": "2",
        "FORWARDED_ALLOW_IPS": "10.0.0.0/8,::1",
        "GUNICORN_CMD_ARGS": None,
        "SENDFILE": None,
        "PORT": "8000",
    }


@pytest.mark.parametrize("workers", ["auto", "1e3", "0"])
def test_what_cannot_be_used_ends_in_sentences_before_the_command(workers):
    done = run("echo", "started", WEB_CONCURRENCY=workers, FORWARDED_ALLOW_IPS="10.0.0.5/8")

    assert done.returncode == 1
    assert done.stdout == ""
    assert f"WEB_CONCURRENCY={workers!r}: a whole number from 1 to 256 is wanted" in done.stderr
    assert "FORWARDED_ALLOW_IPS='10.0.0.5/8'" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_command_it_says_how_it_is_used():
    done = run()

    assert done.returncode == 2
    assert done.stderr.startswith("usage: python -m config COMMAND")


def test_a_command_that_is_not_there_is_a_sentence():
    done = run("no-such-command")

    assert done.returncode == 1
    assert done.stderr == "weir: no-such-command cannot be started: No such file or directory\n"


def test_an_agent_that_only_a_proxy_could_let_in_is_told_to_use_the_admin_port():
    asked = {"module": "config.agent", "REMOTE_WRITE_URL": "http://a", "PROMETHEUS": "true"}
    done = run("true", **asked, WEIR_PROXY_PROTOCOL="1")

    assert done.returncode == 1
    assert done.stderr == (
        "weir: the agent cannot scrape what is for proxies only; set WEIR_ADMIN_PORT\n"
    )
