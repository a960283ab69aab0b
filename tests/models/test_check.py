import re
import shutil

import pytest

from config import machine
from service.errors import UnknownModel
from service.models import check
from service.models.footprint import Footprint
from tests.conftest import PROJECT

IRIS = PROJECT / "config/models/iris"


@pytest.fixture
def repository(tmp_path):
    shutil.copytree(IRIS, tmp_path / "iris")
    return tmp_path


def test_a_model_is_asked_and_measured(repository, capfd):
    assert check.run(repository, "iris")

    said = capfd.readouterr()
    assert 'example: {"label":"setosa"' in said.out
    assert re.search(r"load time: \d+\.\d\d s", said.out)
    assert re.search(r"^ +64 +\d+\.\d\d ms", said.out, re.MULTILINE)
    first, further = map(int, re.findall(r"memory.*: +(\d+) MB", said.out))
    assert 20 < further < first < 500
    assert re.search(r"512 MB: WEB_CONCURRENCY=\d+", said.out)
    assert "serving it with one worker and with two …" in said.err


def test_what_cannot_load_is_refused_with_its_reason(repository, capfd):
    (repository / "iris/model.onnx").write_bytes(b"nothing")

    assert not check.run(repository, None)
    assert "failed" in capfd.readouterr().out


def test_an_unknown_name_is_refused(repository):
    with pytest.raises(UnknownModel, match="'rose'"):
        check.run(repository, "rose")


@pytest.fixture
def measured(monkeypatch):
    def install(footprint, memory_mb):
        monkeypatch.setattr(check, "measure", lambda *_: footprint)
        monkeypatch.setattr(machine, "memory_bytes", lambda: memory_mb << 20)

    return install


def test_what_does_not_fit_is_refused_with_the_figures(repository, measured, capfd):
    measured(Footprint(900, 300, 0, 0), memory_mb=1024)

    assert not check.run(repository, "iris")

    said = capfd.readouterr().out
    assert "512 MB: does not fit: it takes 900 MB" in said
    assert "2560 MB: WEB_CONCURRENCY=5" in said
    assert "there are 1024 MB" in said


def test_a_process_s_limit_is_recommended_where_half_is_too_little(repository, measured, capfd):
    measured(Footprint(300, 50, 200, 300), memory_mb=4096)

    assert check.run(repository, "iris")

    said = capfd.readouterr().out
    assert "512 MB: WEB_CONCURRENCY=3 at most, and memory_mb = 450 under [serve]" in said
    assert re.search(r"1024 MB: WEB_CONCURRENCY=\d+ at most$", said, re.MULTILINE)
