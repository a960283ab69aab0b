import re
import stat
import subprocess
import sys

import pytest

from config.api_keys import digest_of, parse, read
from tests.conftest import PROJECT


def keys(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "service.keys", *arguments],
        check=False,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_new_key_is_printed_alone_and_the_line_beside_it():
    done = keys("new", "shop", "--scopes", "predict,metrics", "--models", "iris", "--limit", "9/s")

    key = done.stdout.strip()
    assert re.fullmatch(r"weir_[A-Za-z0-9_-]{43}", key)
    assert key not in done.stderr
    (line,) = parse(done.stderr.splitlines()[-1])
    assert line.digest == digest_of(key)
    assert (line.name, line.scopes, line.models) == ("shop", {"predict", "metrics"}, ("iris",))


def test_no_two_keys_are_the_same():
    assert keys("new", "shop").stdout != keys("new", "shop").stdout


def test_a_line_is_added_to_the_file_which_only_its_owner_reads(tmp_path):
    path = tmp_path / "keys"
    first = keys("new", "shop", "--file", str(path)).stdout.strip()
    path.write_text(path.read_text().rstrip("\n"))
    second = keys("new", "prom", "--file", str(path)).stdout.strip()

    assert [(key.name, key.digest) for key in read(path)] == [
        ("shop", digest_of(first)),
        ("prom", digest_of(second)),
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["new", "a shop"], "a name of letters"),
        (["new", "shop", "--scopes", "root"], "scopes= of predict, metrics, admin"),
        (["new", "shop", "--limit", "often"], "a number of requests and a time"),
        (["new", "shop", "--file", "/no/such/folder/keys"], "No such file"),
    ],
)
def test_what_cannot_be_made_is_told_and_no_key_printed(arguments, said):
    done = keys(*arguments)

    assert done.returncode == 1
    assert said in done.stderr
    assert done.stdout == ""


def test_a_file_that_cannot_be_used_is_left_as_it_is(tmp_path):
    path = tmp_path / "keys"
    path.write_text("something else\n")

    done = keys("new", "shop", "--file", str(path))

    assert done.returncode == 1
    assert path.read_text() == "something else\n"
