"""Every command: wrong usage is one sentence and exit code 2 before any work, Ctrl-C is clean."""

import base64
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.conftest import PROJECT, eventually

SERVED = "http://localhost:1/"
RUN = f"load run --rps 5 --url {SERVED} --slo p99<1ms"


def run(words, *more, timeout_s=60):
    """Run `python -m` with *words*."""
    return subprocess.run(
        [sys.executable, "-m", *words.split(), *map(str, more)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )


WRONG = [
    ("load", "the following arguments are required: COMMAND"),
    ("load nonsense", "'nonsense'"),
    (f"load run --rps inf --url {SERVED} --slo p99<1ms", "inf given; give a number above 0"),
    (f"load run --rps 1_0 --url {SERVED} --slo p99<1ms", "1_0 given; give a number above 0"),
    (
        "load run --rps 5 --url http://localhost:99999/ --slo p99<1ms",
        "give http://… or https://…, with a host",
    ),
    (
        "load run --rps 5 --url ftp://localhost --slo p99<1ms",
        "give http://… or https://…, with a host",
    ),
    (f"{RUN} --data /nowhere", "/nowhere given; give a file that can be read"),
    (f"{RUN} --junit /nowhere/slo.xml", "/nowhere/slo.xml given; give a file in a folder"),
    (f"{RUN} --duration inf", "inf given; give a time such as 60s"),
    (f"{RUN} --header nonsense", "write it as NAME: VALUE"),
    (f"{RUN} --method G@T", "give a method such as GET or POST"),
    ("load sweep --out README.md", "--out README.md: File exists"),
    ("load sweep --window-s inf", "inf given; give a number above 0"),
    ("load sweep --law nan 0", "nan given; give a number from 0"),
    ("load sweep --workers x", "name a regime and numbers of workers"),
    ("load fit /nowhere", "/nowhere: No such file or directory; python -m load sweep"),
    ("load report README.md", "README.md is no results.json of a sweep"),
    ("load plan README.md --rps 5 --p99 fast", "fast: a time with its unit is wanted"),
    ("load compare /nowhere /nowhere", "/nowhere: No such file or directory"),
    ("service.models", "the following arguments are required: COMMAND"),
    ("service.models add nothing.onnx", "there is no file nothing.onnx"),
    ("service.models add README.md", "README.md is of no known kind"),
    ("service.models add config/models/iris/model.onnx --name A_b", "letters, digits, dots"),
    ("service.models add config/models/iris/model.onnx --example nope", "neither a JSON object"),
    ("service.models check nobody", "no model named 'nobody'"),
    ("service.models --models /nowhere list", "/nowhere is no folder"),
]


@pytest.mark.parametrize(("words", "said"), WRONG, ids=[words for words, _ in WRONG])
def test_wrong_usage_is_one_sentence(words, said):
    done = run(words)

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert said in done.stderr


def test_the_readme_s_line_of_plan_works_as_it_stands():
    line = re.search(
        r"^python -m (load plan .*)$", (PROJECT / "load/README.md").read_text(), re.MULTILINE
    )
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m {line[1]}"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    assert "heroku ps:scale" in done.stdout


class Site:
    """A site that notes what it is asked with."""

    def __init__(self):
        noted = self.noted = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                noted.append(self.headers.get("Authorization"))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def site():
    made = Site()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_credentials_in_an_address_are_sent_and_not_told(site, tmp_path):
    url = f"http://user:pa55%20word@127.0.0.1:{site.server.server_port}/x"
    words = f"load run --rps 20 --slo p99<500ms --duration 1s --url {url} --junit"

    done = run(words, tmp_path / "slo.xml")

    written = (tmp_path / "slo.xml").read_text()
    assert "pa55" not in done.stdout + done.stderr + written
    assert f"127.0.0.1:{site.server.server_port}/x" in done.stdout
    wanted = "Basic " + base64.b64encode(b"user:pa55 word").decode()
    assert site.noted
    assert set(site.noted) == {wanted}


def test_a_measurement_shows_its_progress_without_a_terminal(site):
    url = f"http://127.0.0.1:{site.server.server_port}/"

    done = run(f"load run --rps 5 --slo p99<500ms --duration 10s --url {url}")

    assert "10 s of about 12 s" in done.stderr


@pytest.mark.parametrize("command", ["load run", "load sweep", "service.models check iris"])
def test_a_ctrl_c_is_clean(site, tmp_path, command):
    url = f"http://127.0.0.1:{site.server.server_port}/"
    more = {
        "load run": ["--rps", "5", "--slo", "p99<500ms", "--duration", "60s", "--url", url],
        "load sweep": ["--out", str(tmp_path)],
    }.get(command, [])
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command.split(), *more],
            cwd=PROJECT,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    eventually(lambda: log.stat().st_size)

    os.killpg(process.pid, signal.SIGINT)
    try:
        code = process.wait(40)
    finally:
        process.kill()
        process.wait()

    said = log.read_text()
    assert code == 130, said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_what_a_description_holds_is_no_command_to_a_terminal(tmp_path):
    shutil.copytree(PROJECT / "config/models/iris", tmp_path / "iris")
    toml = tmp_path / "iris/model.toml"
    told = r'description = "a\\u001b[31mb"'
    text = re.sub(r"^description = .*$", told, toml.read_text(), flags=re.MULTILINE)
    toml.write_text(text)

    done = run(f"service.models --models {tmp_path} list")

    assert "\x1b" not in done.stdout
    assert r"a\u001b[31mb" in done.stdout
