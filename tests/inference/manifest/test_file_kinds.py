"""What people add that is no model, or none that is served: one sentence, with what to type."""

import pickle
import zipfile

import pytest

from service.errors import InvalidModel
from service.inference.manifest.file_kinds import PLATFORMS, platform_of

ZIP_END = b"PK\x05\x06" + bytes(18)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("m.onnx", b"version https://git-lfs.github.com/spec/v1\n", ["Git LFS", "git lfs pull"]),
        ("m.joblib", b"", ["empty"]),
        ("m.onnx", b"<!DOCTYPE html><html>", ["web page"]),
        ("m.h5", b"\x89HDF", ["HDF5", 'save("m.keras")']),
        ("m.hdf5", b"\x89HDF", ["HDF5", "keras.saving.load_model"]),
        ("m.keras", b"\x89HDF", ["no .keras file", "convert it"]),
        ("m.skops", b"\x80\x04", ["no skops file"]),
        ("m.pb", b"\n", ["TensorFlow graph", "tf2onnx"]),
        ("m.tflite", b"\x1c", ["--tflite m.tflite"]),
        ("m.pt", ZIP_END, ["PyTorch", 'torch.onnx.export(model, (example,), "m.onnx"']),
        ("m.pth", ZIP_END, ["PyTorch", "dynamic_shapes"]),
        ("m.pt2", ZIP_END, ['torch.export.load("m.pt2")', "m.onnx"]),
        ("m.safetensors", b"1", ["weights without the model's code"]),
        ("m.pmml", b"<?xml", ["PMML"]),
        ("m.gguf", b"GGUF", ["llama-server"]),
        ("m.zip", ZIP_END, ["unpack"]),
        ("m.npz", ZIP_END, ["array"]),
        ("m.csv", b"a,b\n", ["--data m.csv"]),
        ("m.ipynb", b"{}", ["notebook"]),
        ("m.json", b'{"class_name": "Sequential"}', ["architecture", 'model.save("m.keras")']),
        ("m.json", b'{"oblivious_trees": []}', ["CatBoost's JSON", 'save_model("m.cbm")']),
        ("m.json", b'{"a": 1}', ["no model of XGBoost"]),
        ("m.bst", b"binf\0", ["old binary format", 'save_model("m.ubj")']),
        ("m.txt", b"notes", ["no model of XGBoost"]),
        ("m.docx", b"PK", [*PLATFORMS]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_served_is_told_in_one_sentence(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(InvalidModel) as raised:
        platform_of([path])

    assert "\n" not in str(raised.value)
    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ("saved_model.pb", "tf2onnx.convert --saved-model folder --output folder.onnx"),
        ("MLmodel", "MLflow"),
        ("config.json", "optimum-cli export onnx --model folder"),
        ("model.onnx", "add the model's file in it"),
    ],
)
def test_a_folder_is_told_what_it_is(tmp_path, inner, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / inner).touch()

    with pytest.raises(InvalidModel, match=words):
        platform_of([tmp_path / "folder"])


@pytest.mark.parametrize(
    ("name", "content", "platform"),
    [
        ("m.pickle", pickle.dumps(1), "sklearn"),
        ("m.sav", pickle.dumps(1), "sklearn"),
        ("m.joblib.gz", b"\x1f\x8b", "sklearn"),
        ("M.ONNX", b"\x08\x08", "onnx"),
        ("m.json", b'{"learner": {}}', "xgboost"),
        ("m.ubj", b"{L", "xgboost"),
        ("m.model", b"tree\nversion=v4\n", "lightgbm"),
        ("m.txt", b"tree\r\nversion=v4\r\n", "lightgbm"),
        ("m.cbm", b"CBM1", "catboost"),
    ],
)
def test_a_model_is_known_by_its_name_and_by_what_it_begins_with(tmp_path, name, content, platform):
    (tmp_path / name).write_bytes(content)

    assert platform_of([tmp_path / name]) == platform


def test_an_archive_that_keras_wrote_is_a_model(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as packed:
        packed.writestr("config.json", "{}")

    assert platform_of([tmp_path / "m.keras"]) == "keras"
