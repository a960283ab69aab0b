"""Every start gets ready, however many models are opened at once."""

import os
import shutil

import pytest

from tests.conftest import PROJECT, eventually
from tests.live.instance import Instance

STARTS = int(os.environ.get("STARTS", "4"))


@pytest.mark.parametrize("models", [1, 3, 8])
def test_every_start_gets_ready(tmp_path, models):
    repository = tmp_path / "models"
    for number in range(models):
        shutil.copytree(PROJECT / "config/models/iris", repository / f"iris-{number}")

    for start in range(STARTS):
        folder = tmp_path / str(start)
        folder.mkdir()
        variables = {"WEB_CONCURRENCY": "2", "WEIR_MODELS": str(repository)}
        with Instance(folder, **variables) as instance:
            assert instance.is_ready()
            assert not instance.lines(event="model_failed")


def test_every_replacement_gets_ready(tmp_path):
    repository = tmp_path / "models"
    for number in range(3):
        shutil.copytree(PROJECT / "config/models/iris", repository / f"iris-{number}")
    variables = {"WEB_CONCURRENCY": "2", "WEIR_MODELS": str(repository)}

    with Instance(tmp_path, **variables) as instance:
        for reload in range(1, STARTS + 1):
            instance.process.send_signal(1)
            eventually(
                lambda r=reload: len(instance.lines(event="model_ready")) == 6 * (r + 1),
                within_s=30,
            )
