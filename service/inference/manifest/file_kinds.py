"""What a file is that somebody wants to add: the platform that serves it, or how to convert it."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from service.errors import InvalidModel, WrongUsage

PLATFORMS = {
    ".onnx": "onnx",
    ".skops": "sklearn",
    ".joblib": "sklearn",
    ".pkl": "sklearn",
    ".pickle": "sklearn",
    ".sav": "sklearn",
    ".joblib.gz": "sklearn",
    ".pkl.gz": "sklearn",
    ".joblib.xz": "sklearn",
    ".joblib.bz2": "sklearn",
    ".joblib.lz4": "sklearn",
    ".joblib.z": "sklearn",
    ".keras": "keras",
    ".py": "python",
    ".ubj": "xgboost",
    ".cbm": "catboost",
    ".lgb": "lightgbm",
}
# Those of which the content decides.
MANY = {".json", ".txt", ".model", ".bst", ".xgb", ".lightgbm", ".xgboost"}
PICKLES = frozenset(suffix for suffix, platform in PLATFORMS.items() if platform == "sklearn") - {
    ".skops"
}

# What is known by its name and not served: what it is, and what makes of it what is.
CONVERT = {
    (".h5", ".hdf5"): (
        "an HDF5 file, Keras's older format",
        'keras.saving.load_model("{0}").save("{1}.keras")',
    ),
    (".pb", ".pbtxt"): (
        "a TensorFlow graph",
        "python -m tf2onnx.convert --saved-model FOLDER --output {1}.onnx",
    ),
    (".tflite",): (
        "a TensorFlow Lite model",
        "python -m tf2onnx.convert --tflite {0} --output {1}.onnx",
    ),
    (".pt", ".pth", ".ckpt", ".bin", ".torchscript"): (
        "a PyTorch file",
        (
            'torch.onnx.export(model, (example,), "{1}.onnx", dynamo=True, '
            'dynamic_shapes=({{0: "batch"}},))'
        ),
    ),
    (".pt2",): (
        "a PyTorch exported program",
        'torch.onnx.export(torch.export.load("{0}"), dynamo=True).save("{1}.onnx")',
    ),
    (".safetensors",): (
        "a file of weights without the model's code",
        'torch.onnx.export(model, (example,), "{1}.onnx", dynamo=True) once they are loaded',
    ),
    (".mlmodel", ".mlpackage"): ("a Core ML model", "export {1}.onnx from what it was made of"),
    (".pmml",): ("a PMML document", "save the pipeline that it was made of: skops.io.dump"),
    (".gguf", ".ggml"): ("a language model for llama.cpp", "llama-server serves it"),
    (".rds", ".rda", ".rdata"): ("an R object", "train it in Python, or export it as ONNX in R"),
    (".npz", ".npy"): ("an array of NumPy's", "save the fitted estimator: joblib.dump"),
    (".dill", ".cloudpickle"): ("a pickle of functions", "joblib.dump(model, '{1}.joblib')"),
    (".zip", ".tar", ".tgz", ".tar.gz", ".mar"): (
        "an archive",
        "unpack it, and add the model in it",
    ),
    (".csv", ".parquet", ".tsv"): ("data and no model", "add MODEL --data {0}"),
    (".ipynb",): ("a notebook", "save the model in it: skops.io.dump(model, '{1}.skops')"),
}

LFS = b"version https://git-lfs"
ZIP = b"PK\x03\x04"
LOOK_BYTES = 4096


def platform_of(files: Sequence[Path]) -> str:
    """
    Find the platform that serves the first of *files*.

    Raises WrongUsage for what is not there or given twice, and InvalidModel, with what to type,
    for what is no model or has to be converted.
    """
    first = files[0]
    if first.is_dir():
        raise InvalidModel(_of_folder(first))
    for file in files:
        if not file.is_file():
            raise WrongUsage(f"there is no file {file}")
    names = [file.name for file in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise WrongUsage(f"two of the files are called {twice[0]}; call one of them otherwise")
    head = _head(first)
    suffix = suffix_of(first)
    if suffix in MANY:
        return _of_content(first, head)
    if suffix not in PLATFORMS:
        raise _foreign(first, suffix)
    if suffix == ".keras" and not head.startswith(ZIP):
        raise InvalidModel(f"{first.name} is no .keras file, which is a zip; {_hint(head, first)}")
    if suffix == ".skops" and not zipfile.is_zipfile(first):
        raise InvalidModel(f"{first.name} is no skops file, which is a zip; {_hint(head, first)}")
    return PLATFORMS[suffix]


def suffix_of(file: Path) -> str:
    """Its ending as the tables have it: of `m.joblib.gz` both parts."""
    both = "".join(file.suffixes[-2:]).lower()
    return both if both in PLATFORMS or both == ".tar.gz" else file.suffix.lower()


def _head(file: Path) -> bytes:
    """Its first bytes. Raises InvalidModel for what has no model in it whatever it is called."""
    with file.open("rb") as opened:
        head = opened.read(LOOK_BYTES)
    if not head:
        raise InvalidModel(f"{file.name} is empty (0 bytes); save or copy it again")
    if head.startswith(LFS):
        raise InvalidModel(
            f"{file.name} is a Git LFS pointer, not the model itself; type: git lfs pull"
        )
    if head.lstrip()[:9].lower() in {b"<!doctype", b"<html>"} or head.startswith(b"<html"):
        raise InvalidModel(
            f"{file.name} is a web page, not the model; download the file itself (“raw”)"
        )
    return head


def _foreign(file: Path, suffix: str) -> InvalidModel:
    stem = file.name.removesuffix(file.suffix)
    for suffixes, (what, convert) in CONVERT.items():
        if suffix in suffixes:
            return InvalidModel(
                f"{file.name} is {what}, which is not served as it is; convert it: "
                + convert.format(file.name, stem)
            )
    return WrongUsage(
        f"{file.name} is of no known kind; add a file that ends with one of "
        + ", ".join([*PLATFORMS, ".json (XGBoost)", ".txt (LightGBM)"])
    )


def _of_folder(folder: Path) -> str:
    if (folder / "saved_model.pb").exists():
        return (
            f"{folder.name} is a TensorFlow SavedModel, which is not served as it is; convert it: "
            f"python -m tf2onnx.convert --saved-model {folder.name} --output {folder.name}.onnx"
        )
    if (folder / "MLmodel").exists():
        return f"{folder.name} is an MLflow model; add the model file in it"
    if (folder / "config.json").exists():
        return (
            f"{folder.name} is a Hugging Face model, which is not served as it is; convert it: "
            f"optimum-cli export onnx --model {folder.name} {folder.name}-onnx"
        )
    return f"{folder.name} is a folder; add the model's file in it, and what it needs beside it"


def _of_content(file: Path, head: bytes) -> str:
    """The library of a file whose name does not tell it."""
    if head.startswith((b"tree\n", b"tree\r\n")):
        return "lightgbm"
    if head.startswith(b"{L") or (head.startswith(b"binf") or b"learner" in head[:200]):
        if head.startswith(b"binf"):
            raise InvalidModel(
                f"{file.name} is in XGBoost's old binary format; convert it: "
                f'xgboost.Booster(model_file="{file.name}").save_model("{file.stem}.ubj")'
            )
        return "xgboost"
    if head.lstrip().startswith(b"{"):
        return _of_json(file)
    raise WrongUsage(
        f"{file.name} is no model of XGBoost (.json, .ubj) nor of LightGBM (.txt), and of no other "
        "kind that is known by this name"
    )


def _of_json(file: Path) -> str:
    try:
        held = json.loads(file.read_bytes())
    except ValueError:
        held = {}
    if "learner" in held:
        return "xgboost"
    if "oblivious_trees" in held or ("trees" in held and "model_info" in held):
        raise InvalidModel(
            f"{file.name} is CatBoost's JSON; convert it: catboost.CatBoost().load_model("
            f'"{file.name}", format="json").save_model("{file.stem}.cbm")'
        )
    if "class_name" in held or "module" in held:
        raise InvalidModel(
            f"{file.name} is a Keras model's architecture without its weights; save all of it: "
            f'model.save("{file.stem}.keras")'
        )
    raise WrongUsage(f"{file.name} is JSON, and no model of XGBoost")


def _hint(head: bytes, file: Path) -> str:
    if head.startswith(b"\x89HDF"):
        return f'convert it: keras.saving.load_model("{file.name}.h5").save("{file.stem}.keras")'
    return "save or copy it again"
