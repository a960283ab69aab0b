"""`make` finds what it needs, wherever the project and Python stand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

BROKEN = "#!/bin/sh\necho 'pyenv: version `3.13` is not installed' >&2\nexit 1\n"
TOO_OLD = """#!/bin/sh
case "$*" in *version_info*) exit 1;; esac
echo "an old Python was used: $*" >&2
exit 1
"""


@pytest.fixture
def machine(tmp_path):
    """Run make with only the given programs beside those of the system's shell."""

    def run(*arguments, home=tmp_path, **programs):
        places = tmp_path / "programs"
        places.mkdir()
        for name, content in programs.items():
            program = places / name.replace("_", ".")
            if isinstance(content, Path):
                program.symlink_to(content)
            else:
                program.write_text(content)
                program.chmod(0o755)
        for name in ("sh", "sed", "rm", "touch", "printf", "env", "dirname"):
            (places / name).symlink_to(Path("/usr/bin", name))
        return subprocess.run(
            ["/usr/bin/make", f"VENV={tmp_path}/venv", "PLACES=$(NAMES)", *arguments],
            cwd=PROJECT,
            env={"PATH": str(places), "HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


@pytest.mark.parametrize("first", [BROKEN, TOO_OLD], ids=["a shim without it", "too old"])
def test_a_python_that_is_new_enough_is_found_beside_one_that_is_not(machine, tmp_path, first):
    done = machine(f"{tmp_path}/venv", python3=first, python3_12=Path(sys.executable).resolve())

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "venv/bin/python").exists()
    assert done.stderr == ""


def test_pyenvs_own_are_looked_through_where_its_shims_fail(machine, tmp_path):
    versions = tmp_path / "home/.pyenv/versions/3.12.1/bin"
    versions.mkdir(parents=True)
    (versions / "python3").symlink_to(Path(sys.executable).resolve())

    done = machine(f"{tmp_path}/venv", home=tmp_path / "home", python3=BROKEN, python3_12=BROKEN)

    assert done.returncode == 0, done.stderr


def test_without_any_there_is_one_sentence(machine, tmp_path):
    done = machine(f"{tmp_path}/venv", python3=TOO_OLD)

    assert done.returncode != 0
    assert done.stdout.startswith("Weir needs Python 3.11 or newer")
    assert len(done.stdout.splitlines()) == 1
    assert "old Python was used" not in done.stderr


def test_the_projects_path_may_have_spaces(tmp_path):
    environment = Path(sys.executable).parent.parent
    if not (environment / "serve").exists():
        assert os.environ.get("CI") != "true"
        pytest.skip("this Python is not that of make's environment")
    project = tmp_path / "my project"
    project.mkdir()
    for name in ("Makefile", "Procfile", "requirements.txt", "gunicorn.conf.py"):
        (project / name).symlink_to(PROJECT / name)
    for name in ("config", "service"):
        (project / name).symlink_to(PROJECT / name)
    (project / ".venv").symlink_to(environment)

    done = subprocess.run(
        ["make", "run", "PORT=none"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert "PORT='none': a whole number from 1 to 65535 is wanted" in done.stderr
