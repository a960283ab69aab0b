"""The weights of an ONNX model stand in memory once for all workers of an instance."""

import shutil
from pathlib import Path

from tests.conftest import PROJECT
from tests.live.instance import Instance
from tests.live.test_replaced import model_processes


def mapped_by(pid):
    """The prepared files that a process maps."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {line.split()[-1] for line in lines if line.endswith(".ort")}


def test_all_workers_map_the_same_file(service):
    files = [mapped_by(worker) for worker in service.workers()]

    assert len(files) == 2
    assert files[0] == files[1]
    assert len(files[0]) == 2, "cat-or-dog's and iris'"
    ready = service.lines(event="model_ready")
    assert all(line["weights"].startswith("mapped") for line in ready)


def test_a_cache_that_cannot_be_keeps_nothing_from_being_served(tmp_path):
    place = tmp_path / "place"
    place.touch()
    with Instance(tmp_path, WEIR_MODEL_CACHE=f"{place}/inner") as instance:
        ready = instance.lines(event="model_ready")

        assert {line["weights"] for line in ready} == {"private"}
        assert "only this user can write" in ready[0]["why"]
        assert not any(mapped_by(worker) for worker in instance.workers())


def test_a_process_of_a_model_maps_it_too(tmp_path):
    folder = shutil.copytree(PROJECT / "config/models/iris", tmp_path / "models/iris")
    told = (folder / "model.toml").read_text()
    (folder / "model.toml").write_text(f'{told}\n[serve]\nexecution = "process"\n')
    with Instance(tmp_path, WEIR_MODELS=str(folder.parent)) as instance:
        (worker,) = instance.workers()
        (process,) = model_processes(instance)

        assert not mapped_by(worker)
        assert len(mapped_by(process)) == 1
