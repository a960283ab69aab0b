import re
import shutil

import pytest

from config import machine
from config.settings import from_environ
from service.errors import UnknownModel
from service.models import check
from service.models.footprint import Footprint
from tests.conftest import PROJECT

IRIS = PROJECT / "config/models/iris"


@pytest.fixture
def repository(tmp_path):
    shutil.copytree(IRIS, tmp_path / "iris")
    return tmp_path


def checked(repository, name):
    return check.run(repository, name, from_environ())


def test_a_model_is_asked_and_measured(repository, capfd):
    assert checked(repository, "iris")

    said = capfd.readouterr()
    assert 'example: {"label":"setosa"' in said.out
    assert re.search(r"load time: \d+\.\d\d s", said.out)
    assert re.search(r"^ +64 +\d+\.\d\d ms", said.out, re.MULTILINE)
    once, further = map(int, re.findall(r"memory.*: +(\d+) MB", said.out))
    assert 10 < further < once < 300
    assert "weights: mapped" in said.out
    assert re.search(r"512 MB: WEB_CONCURRENCY=\d+", said.out)
    assert "serving it with one worker and with two …" in said.err


def test_what_cannot_load_is_refused_with_its_reason(repository, capfd):
    (repository / "iris/model.onnx").write_bytes(b"nothing")

    assert not checked(repository, None)
    assert "refused: model.onnx is no ONNX model" in capfd.readouterr().out


def test_an_unknown_name_is_refused(repository):
    with pytest.raises(UnknownModel, match="'rose'"):
        checked(repository, "rose")


@pytest.fixture
def measured(monkeypatch):
    def install(footprint, memory_mb, **variables):
        monkeypatch.setattr(check, "measure", lambda *_: footprint)
        monkeypatch.setattr(machine, "memory_bytes", lambda *_: memory_mb << 20)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return install


def test_what_does_not_fit_is_refused_with_the_figures(repository, measured, capfd):
    measured(Footprint(900, 300, 0, 0), memory_mb=1024)

    assert not checked(repository, "iris")

    said = capfd.readouterr().out
    assert "512 MB: does not fit: it takes 900 MB" in said
    assert "2560 MB: WEB_CONCURRENCY=3" in said
    assert "there are 1024 MB" in said


def test_a_process_s_limit_is_recommended_where_half_is_too_little(repository, measured, capfd):
    measured(Footprint(300, 50, 200, 300), memory_mb=4096)

    assert checked(repository, "iris")

    said = capfd.readouterr().out
    assert "512 MB: WEB_CONCURRENCY=1, and memory_mb = 450 under [serve]" in said
    assert re.search(r"1024 MB: WEB_CONCURRENCY=\d+ at most$", said, re.MULTILINE)


@pytest.fixture
def pictures(repository):
    shutil.copytree(PROJECT / "config/models/cat-or-dog", repository / "cat-or-dog")
    return repository


def test_the_largest_requests_are_told_with_what_they_hold(pictures, measured, capfd):
    measured(Footprint(120, 80, 0, 0), memory_mb=512, WEB_CONCURRENCY="2")

    assert checked(pictures, None)

    said = capfd.readouterr().out
    assert said.count("40 MB: 10485760 bytes, one long text in JSON") == 2
    for kind in ("JPEG", "progressive JPEG", "PNG", "WebP"):
        assert re.search(rf"^ +\d+ MB: 25000000 pixels, {kind}$", said, re.MULTILINE)
    assert "512 MB: WEB_CONCURRENCY=2 at most" in said


@pytest.mark.parametrize(
    ("variables", "fault"),
    [
        ({"WEB_CONCURRENCY": "3"}, "one long text in JSON: does not fit here, with 3 workers"),
        ({"WEIR_BODY_LIMIT_BYTES": "20971520"}, "20971520 bytes, a form: does not fit here"),
        ({"WEIR_IMAGE_LIMIT_PIXELS": "25000000"}, "25000000 pixels, WebP: does not fit here"),
    ],
)
def test_what_the_settings_promise_and_cannot_keep_is_refused(
    pictures, measured, capfd, variables, fault
):
    measured(Footprint(120, 80, 0, 0), memory_mb=512, **{"WEB_CONCURRENCY": "2"} | variables)

    assert not checked(pictures, "cat-or-dog")

    said = capfd.readouterr().out
    (line,) = [line for line in said.splitlines() if fault in line]
    assert re.search(r"have fewer, or WEIR_\w+=\d+$", line)


def test_a_limit_as_recommended_is_not_refused(pictures, measured, capfd):
    measured(Footprint(120, 80, 0, 0), memory_mb=512, WEB_CONCURRENCY="2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEIR_IMAGE_LIMIT_PIXELS", "25000000")
        assert not checked(pictures, "cat-or-dog")
        found = re.findall(
            r"or WEIR_IMAGE_LIMIT_PIXELS=(\d+)$", capfd.readouterr().out, re.MULTILINE
        )
        patch.setenv("WEIR_IMAGE_LIMIT_PIXELS", min(found, key=int))
        assert checked(pictures, "cat-or-dog")
