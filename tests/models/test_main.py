import subprocess
import sys

from tests.conftest import PROJECT


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "service.models", *map(str, arguments)],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_repository_is_the_service_s_own_or_another(tmp_path):
    assert "cat-or-dog" in run("list").stdout
    assert "no models" in run("--models", tmp_path, "list").stdout


def test_a_user_s_fault_is_a_sentence(tmp_path):
    for arguments in (
        ["add", "nothing.onnx"],
        ["check", "nobody"],
        ["--models", tmp_path / "nowhere", "list"],
    ):
        told = run(*arguments)

        assert told.returncode == 2
        assert told.stderr.startswith("weir: ")
        assert "Traceback" not in told.stderr
