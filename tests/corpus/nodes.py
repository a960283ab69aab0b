"""
The ONNX backend tests that ship with the `onnx` package, added with a free first dimension.

`python -m tests.corpus.nodes [EVERY]` adds every so many of them and asks what they expect;
`make nodes` adds all.
"""

import sys
import warnings
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
import orjson
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

from config.settings import IMAGE_LIMIT_PIXELS
from service.errors import InvalidInput, InvalidModel
from service.inference.manifest.reading import read_manifest
from service.inference.runtimes import open_runtime
from service.inference.signature.signature import build_signature
from service.models import add

KINDS = ("node", "simple", "pytorch-operator", "pytorch-converted")
SENTENCE_CHARS, ROWS_LIMIT = 700, 1024


def cases():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [case for kind in KINDS for case in load_model_tests(kind=kind)]


def can_be_sent(arrays):
    """Whether JSON holds what a case sends."""
    return all(
        isinstance(array, np.ndarray)
        and array.size
        and len(array) <= ROWS_LIMIT
        and (array.dtype.kind not in "fc" or np.isfinite(array).all())
        for array in arrays
    )


def opened(case, path):
    """Write the model with a free first dimension; whether ONNX Runtime opens it."""
    model = case.model or onnx.load(f"{case.model_dir}/model.onnx")
    for value in (*model.graph.input, *model.graph.output):
        if value.type.HasField("tensor_type") and value.type.tensor_type.shape.dim:
            first = value.type.tensor_type.shape.dim[0]
            first.Clear()
            first.dim_param = "batch"
    onnx.save(model, path)
    try:
        onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception:
        return False
    return True


def data_of(case):
    """The inputs and outputs of its first data set."""
    if case.data_sets:
        return case.data_sets[0]
    folder = Path(case.model_dir, "test_data_set_0")
    return tuple(
        [
            numpy_helper.to_array(onnx.load_tensor(str(path)))
            for path in sorted(folder.glob(f"{kind}_*.pb"), key=lambda p: int(p.stem.split("_")[1]))
        ]
        for kind in ("input", "output")
    )


def has_batch(inputs, outputs):
    """
    Whether all have rows, and the same number of them.

    Of one row each, several inputs may be anything: a picture, and the weights of its convolution.
    """
    arrays = [*inputs, *outputs]
    sizes = {np.shape(array)[:1] if isinstance(array, np.ndarray) else () for array in arrays}
    return (
        len(sizes) == 1 and sizes != {()} and bool(inputs) and (sizes != {(1,)} or len(inputs) == 1)
    )


def asked(folder, inputs, outputs):
    """What is wrong with the answer to what the case sends; empty for nothing."""
    manifest = read_manifest(folder)
    runtime = open_runtime(manifest.platform, manifest.artefact, manifest.options)
    signature = build_signature(manifest, runtime.inputs, runtime.outputs, IMAGE_LIMIT_PIXELS)
    sent = dict(zip(signature.inputs, inputs, strict=True))
    if signature.kind == "image":  # bytes of pixels: no request holds them as numbers
        return "" if equal(next(iter(runtime.predict(sent).values())), outputs[0]) else "pixels"
    try:
        question = signature.read(request_of(signature, sent))
    except (InvalidInput, TypeError, ValueError) as error:  # NaN, or more than JSON holds
        return f"not asked: {error}"
    try:
        answers = runtime.predict(question.inputs)
    except Exception as error:
        return f"raised: {error}"
    for (name, answer), expected in zip(answers.items(), outputs, strict=False):
        if not equal(answer, np.asarray(expected)):
            return f"{name}: {answer.ravel()[:3]} for {np.ravel(expected)[:3]}"
    return ""


def request_of(signature, sent):
    lists = {name: np.asarray(array).tolist() for name, array in sent.items()}
    if signature.rows:
        rows = zip(*([np.ravel(column).tolist() for column in lists.values()]), strict=True)
        lists = {"rows": [dict(zip(lists, row, strict=True)) for row in rows]}
    return orjson.loads(orjson.dumps(lists))  # NaN is null, as no client could send it


def equal(answer, expected):
    if answer.shape != expected.shape:
        return False
    if expected.dtype.kind == "f":
        return np.allclose(answer, expected, 1e-3, 1e-3, equal_nan=True)
    return bool((answer == expected).all())


def outcome(case, folder):
    """What became of one case, and more about it."""
    path = folder / "model.onnx"
    if not opened(case, path):
        return "not opened by ONNX Runtime", ""
    inputs, outputs = data_of(case)
    batched = has_batch(inputs, outputs) and can_be_sent([*inputs, *outputs])
    (folder / "models").mkdir()
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            add.run(folder / "models", [path], name="node")
    except InvalidModel as error:
        said = str(error)
        if "\n" in said or len(said) > SENTENCE_CHARS:
            return "no one sentence", said
        return ("refused" if not batched else "refused, with a batch"), said
    except Exception as error:
        return "traceback", repr(error)
    fault = asked(folder / "models/node", inputs, outputs)
    if not fault:
        return "equal", ""
    return ("unequal" if batched else "added without a batch"), fault


def main(every):
    counts, stories = Counter(), []
    for case in cases()[::every]:
        with TemporaryDirectory() as folder:
            result, more = outcome(case, Path(folder))
        counts[result] += 1
        if more:
            stories.append((result, case.name, more))
    return counts, stories


if __name__ == "__main__":
    onnxruntime.set_default_logger_severity(4)
    found, stories = main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    for result, name, more in sorted(stories):
        print(f"{result:24} {name:50} {more[:220]}")
    print(found)
