"""Changes of models that meet trouble: it is told, ends there, and leaves nothing behind."""

import os
import shutil
import signal
from pathlib import Path

import pytest
import requests

from tests.conftest import eventually
from tests.live.changing import double, iris, post, processes, serving, versions

THREAD = '[serve]\nexecution = "thread"\n'


def deadly(iris_alone):
    """A model in the worker's own threads whose loading ends the worker."""
    double(iris_alone, 1)
    (iris_alone / "double/model.py").write_text(
        "import os\n\n\nclass Deadly:\n    def load(self):\n        os._exit(9)\n\n"
        "    def predict(self, batch):\n        return batch\n"
    )
    toml = iris_alone / "double/model.toml"
    toml.write_text(toml.read_text() + THREAD)


@pytest.mark.parametrize("watched", ["0", "1"], ids=["asked for", "watched"])
def test_a_model_that_ends_its_worker_is_tried_once(tmp_path, iris_alone, watched):
    with serving(tmp_path, iris_alone, "3", WEIR_WATCH_MODELS=watched) as instance:
        deadly(iris_alone)
        if watched == "0":
            with pytest.raises(requests.ConnectionError):
                post(instance, "models/double/load")
        eventually(lambda: instance.lines(event="worker_lost"), 30)
        eventually(lambda: len(instance.workers()) == 3)
        assert post(instance, "reload").json()["refused"] == {}
        iris(iris_alone, 2)
        assert post(instance, "models/iris/load").ok
        eventually(lambda: versions(instance, tries=4) == {"2"}, 30)

        assert len(instance.lines(event="worker_lost")) == 1
        assert versions(instance, "double", 4) == {404}


def test_a_load_may_take_longer_than_a_prediction(tmp_path, iris_alone):
    with serving(tmp_path, iris_alone, WEIR_HANDLING_TIMEOUT_S="2") as instance:
        double(iris_alone, 1)
        code = iris_alone / "double/model.py"
        slow = code.read_text().replace("self.weights", "import time; time.sleep(3); self.weights")
        code.write_text(slow)

        assert post(instance, "models/double/load").json()["changed"] is True
        assert versions(instance, "double", 4) == {"1"}


def test_replacements_leave_no_threads_processes_or_files(tmp_path, iris_alone):
    def threads():
        return sum(len([*Path(f"/proc/{pid}/task").iterdir()]) for pid in instance.workers())

    def files():
        (folder,) = Path("/dev/shm").glob(f"weir-{instance.port}-*")
        return len([path for path in (folder / "models").iterdir() if path.suffix != ".lock"])

    with serving(tmp_path, iris_alone, WEIR_MODEL_CACHE=str(tmp_path / "cache")) as instance:
        counts = []
        for version in range(1, 8):
            iris(iris_alone, version + 1)
            double(iris_alone, version)
            assert post(instance, "reload").json()["changed"] == ["double", "iris"]
            counts.append((threads(), files()))
        eventually(lambda: len(processes(instance)) == 1, 30)
        eventually(lambda: threads() <= counts[1][0], 30)
        eventually(lambda: files() <= counts[1][1], 30)
        (copies,) = (tmp_path / "cache/copies").iterdir()
        assert len([path for path in copies.iterdir() if path.is_dir()]) == 2


def test_what_others_serve_and_one_cannot_is_never_served_from_the_repository(tmp_path, iris_alone):
    with serving(tmp_path, iris_alone, WEIR_MODEL_CACHE=str(tmp_path / "cache")) as instance:
        iris(iris_alone, 2)
        first, other = instance.workers()
        shutil.move(tmp_path / "cache/copies", tmp_path / "moved")
        (tmp_path / "cache/copies").write_text("in the way")
        os.kill(first, 9)
        eventually(lambda: instance.lines(event="worker_lost"))
        assert versions(instance) == {"1"}

        (tmp_path / "cache/copies").unlink()
        shutil.move(tmp_path / "moved", tmp_path / "cache/copies")
        eventually(lambda: len(instance.lines(event="model_ready")) >= 3, 30)
        assert versions(instance) == {"1"}
        assert other in instance.workers()


def test_once_a_load_has_answered_nobody_serves_the_old_one_also_amid_a_reload(
    tmp_path, iris_alone
):
    double(iris_alone, 1)
    code = iris_alone / "double/model.py"
    code.write_text(code.read_text().replace("self.weights", "import time; time.sleep(3); self.w"))
    toml = iris_alone / "double/model.toml"
    toml.write_text(toml.read_text() + THREAD)
    with serving(tmp_path, iris_alone) as instance:
        before = set(instance.workers())
        instance.process.send_signal(signal.SIGHUP)
        eventually(lambda: set(instance.workers()) - before)
        iris(iris_alone, 2)
        post(instance, "models/iris/load").raise_for_status()

        old = []

        def only_new_workers():
            old.extend(versions(instance, tries=2) - {"2"})
            return not before & set(instance.workers())

        eventually(only_new_workers, 60)
        old += versions(instance) - {"2"}
        assert old == []
