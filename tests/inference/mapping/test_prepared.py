"""A model is prepared once for all workers; what goes wrong with that costs memory alone."""

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest

from service.errors import DeadlineExceeded, InvalidModel
from service.inference.execution import own_program
from service.inference.manifest.reading import read_manifest
from service.inference.mapping import place, trial
from service.inference.mapping.prepared import Prepared, prepared
from service.inference.runtimes.onnx import OnnxRuntime
from service.inference.signature.signature import build_signature
from tests.conftest import PROJECT

PIXELS = 25_000_000


@pytest.fixture
def folder(tmp_path):
    """A model's folder of its own."""
    return Path(shutil.copytree(PROJECT / "config/models/iris", tmp_path / "iris"))


@pytest.fixture
def kept(tmp_path):
    made = tmp_path / "kept"
    made.mkdir(mode=0o700)
    return made


def find(folder, kept, within_s=60.0):
    return prepared(folder, folder / "model.onnx", str(kept), PIXELS, monotonic() + within_s)


def program(tmp_path, monkeypatch, body):
    """What runs in the place of the trial."""
    script = tmp_path / "trial.sh"
    script.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\n{body}\n")
    script.chmod(0o755)
    monkeypatch.setattr(own_program.sys, "executable", str(script))


@pytest.mark.parametrize("name", ["iris", "cat-or-dog"])
def test_what_is_mapped_answers_as_the_artefact_does(tmp_path, kept, name):
    folder = Path(shutil.copytree(PROJECT / "config/models" / name, tmp_path / name))
    artefact = folder / "model.onnx"

    found = find(folder, kept)

    assert (found.why, Path(found.mapped).parent) == ("", kept)
    plain = OnnxRuntime(artefact)
    mapped = OnnxRuntime(artefact, mapped=found.mapped, prepacks=found.prepacks)
    signature = build_signature(read_manifest(folder), plain.inputs, plain.outputs, PIXELS)
    inputs = signature.golden().inputs
    assert trial._equal(mapped.predict(inputs), plain.predict(inputs))
    assert (mapped.inputs, mapped.outputs) == (plain.inputs, plain.outputs)


def test_it_is_made_once_by_whoever_comes_first(folder, kept):
    with ThreadPoolExecutor(4) as workers:
        found = {*workers.map(lambda _: find(folder, kept), range(4))}
    (made,) = found
    first = Path(made.mapped).stat().st_ino

    again = find(folder, kept)

    assert again == made
    assert Path(again.mapped).stat().st_ino == first
    assert len([*kept.glob("*.ort")]) == 1


def test_other_weights_another_cpu_and_another_release_are_other_files(folder, monkeypatch):
    artefact = folder / "model.onnx"
    keys = {place.key_of(artefact)}
    (folder / "weights.bin").write_bytes(b"1")
    keys.add(place.key_of(artefact))
    monkeypatch.setattr(place, "_cpu", lambda: "another")
    keys.add(place.key_of(artefact))
    monkeypatch.setattr(place, "version", lambda _: "1.99")
    keys.add(place.key_of(artefact))

    assert len(keys) == 4


def test_a_copy_elsewhere_with_another_time_is_the_same(folder, kept, tmp_path):
    made = find(folder, kept)
    copy = Path(shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copy))

    assert find(copy, kept) == made


def test_a_file_that_has_gone_is_made_again(folder, kept):
    Path(find(folder, kept).mapped).unlink()

    assert Path(find(folder, kept).mapped).exists()


def test_an_artefact_that_ends_its_process_ends_no_worker(folder, kept, tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, "kill -SEGV $$")

    with pytest.raises(InvalidModel, match="ended the process by SIGSEGV"):
        find(folder, kept)


def test_a_trial_that_hangs_is_ended(folder, kept, tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, "exec sleep 100")

    with pytest.raises(DeadlineExceeded):
        find(folder, kept, within_s=0.5)

    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_what_a_trial_cannot_do_is_left_to_the_worker(folder, kept, tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, "exit 1")

    assert find(folder, kept) == Prepared(why="its trial failed")


def test_a_place_that_is_no_folder_costs_memory_alone(folder, tmp_path):
    (tmp_path / "file").touch()

    found = find(folder, tmp_path / "file/inner")

    assert (found.mapped, found.why) == ("", "there is no folder that only this user can write")


def test_a_folder_where_others_may_write_is_not_used(folder, kept):
    kept.chmod(0o777)

    assert find(folder, kept).why == "there is no folder that only this user can write"


def test_a_folder_that_is_made_can_be_read_by_whom_the_image_runs_as(folder, tmp_path):
    found = find(folder, tmp_path / "asked")

    assert Path(found.mapped).parent == tmp_path / "asked"
    for path in (tmp_path / "asked", Path(found.mapped), Path(found.mapped).with_suffix(".json")):
        assert path.stat().st_mode & 0o044 == 0o044


def test_what_an_image_lacks_is_kept_where_temporary_files_are(folder, kept, tmp_path, monkeypatch):
    monkeypatch.setattr(place.tempfile, "gettempdir", lambda: str(tmp_path))
    access = os.access
    # As on a read-only file system; root may write into any other.
    monkeypatch.setattr(os, "access", lambda path, mode: path != kept and access(path, mode))

    made = find(folder, kept)

    assert Path(made.mapped).parent == tmp_path / f"weir-models-{os.getuid()}"
    assert not [*kept.iterdir()]


def test_what_an_image_has_is_used_as_it_is(folder, kept, monkeypatch):
    made = find(folder, kept)
    monkeypatch.setattr(os, "access", lambda *_: False)

    assert find(folder, kept) == made


def test_somebody_elses_folder_under_the_own_name_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(place.tempfile, "gettempdir", lambda: str(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (tmp_path / f"weir-models-{os.getuid()}").symlink_to(elsewhere)

    assert place.folder("") is None


def test_what_nobody_has_used_for_long_is_removed(folder, kept):
    old, fresh = kept / "old.ort", kept / "fresh.ort"
    for path in (old, fresh):
        path.touch()
    before_s = time.time() - place.KEPT_S - 60
    os.utime(old, (before_s, before_s))

    find(folder, kept)

    assert (old.exists(), fresh.exists()) == (False, True)


def test_where_packing_pays_each_worker_packs(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(trial, "SLOWER", 0.0)

    found = trial.tried(read_manifest(folder), tmp_path / "made", PIXELS)

    assert found == Prepared(mapped=str(tmp_path / "made"), prepacks=True)


def test_what_answers_otherwise_is_not_mapped(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(trial, "_equal", lambda *_: False)

    found = trial.tried(read_manifest(folder), tmp_path / "made", PIXELS)

    assert not found.mapped
    assert "answers otherwise" in found.why
