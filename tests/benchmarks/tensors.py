"""
What the V2 protocol costs beside the model: a tensor of 150,528 numbers, FP32.

    decode   the body in JSON to the model's array, all checks with it, over orjson.loads and
             numpy.asarray of the same body; flat and nested
    binary   a request in bytes from one client to the answer, over the model's call alone:
             cat-or-dog with a cast before it, served by one worker; the call on the worker's core

Both of a pair are timed in turn; the ratio is that of their medians. Needs `make install-corpus`.

    python -m tests.benchmarks.tensors [rounds]
"""

import http.client
import json
import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import onnx
import onnxruntime
import orjson
from onnx import TensorProto, helper

from service.api.v2.envelope import InferSchema
from service.inference.account import unlimited
from service.inference.protocol.json_data import from_json
from service.inference.signature.tensors import SentTensor, check_finite
from service.json_text import name_sent_twice, read_object
from tests.conftest import CAT
from tests.live.instance import Instance

SHAPE = (1, 224, 224, 3)
PICTURE = np.random.default_rng(0).integers(0, 256, SHAPE).astype(np.float32)
INFER = InferSchema()


def in_turn(first, second, rounds):
    """The seconds of each, timed one after the other."""
    times = [], []
    for _ in range(rounds):
        for call, own in zip((first, second), times, strict=True):
            started = perf_counter()
            call()
            own.append(perf_counter() - started)
    return [median(own) for own in times]


def tell(name, times):
    ours, alone = (1000 * each for each in times)
    print(f"{name:14} {ours:7.2f} ms over {alone:7.2f} ms: {ours / alone:.2f}")


def decode(rounds):
    for name, numbers in (("decode flat", PICTURE.ravel()), ("decode nested", PICTURE)):
        tensor = {"name": "image", "shape": SHAPE, "datatype": "FP32", "data": numbers / 255}
        body = orjson.dumps({"inputs": [tensor]}, option=orjson.OPT_SERIALIZE_NUMPY)

        def ours(body=body):
            sent = read_object(body, "", unlimited())
            assert not name_sent_twice(body, sent)
            (entry,) = INFER.load(sent).inputs
            array = from_json(entry)
            check_finite(SentTensor(entry, array))
            return array

        def alone(body=body):
            data = orjson.loads(body)["inputs"][0]["data"]
            return np.asarray(data, np.float32).reshape(SHAPE)

        assert (ours() == alone()).all()
        tell(name, in_turn(ours, alone, rounds))


def with_a_cast(folder):
    """Cat-or-dog, whose input is FP32; its artefact."""
    folder.mkdir(parents=True)
    model = onnx.load(CAT.parent / "model.onnx")
    (image,) = model.graph.input
    old = f"{image.name}_bytes"
    for node in model.graph.node:
        node.input[:] = [old if name == image.name else name for name in node.input]
    image.type.tensor_type.elem_type = TensorProto.FLOAT
    model.graph.node.insert(0, helper.make_node("Cast", [image.name], [old], to=TensorProto.UINT8))
    onnx.save(model, folder / "model.onnx")
    (folder / "model.toml").write_text('platform = "onnx"\nfile = "model.onnx"\n')
    return folder / "model.onnx"


def binary(rounds):
    with tempfile.TemporaryDirectory() as scratch:
        artefact = with_a_cast(Path(scratch, "models/cat"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(artefact, options)
        command = "taskset -c 0 gunicorn --config gunicorn.conf.py service.wsgi:app"
        variables = {"WEIR_MODELS": f"{scratch}/models", "WEIR_INFERENCE_THREADS": "1"}
        with Instance(Path(scratch), command=command, **variables) as instance:
            ask = asking(instance.port)

            def alone():
                os.sched_setaffinity(0, {0})
                answer = session.run(None, {"image": PICTURE})
                os.sched_setaffinity(0, {1})
                return answer

            alone()
            ask()
            tell("binary", in_turn(ask, alone, rounds))


def asking(port):
    entry = {"name": "image", "shape": SHAPE, "datatype": "FP32"}
    entry["parameters"] = {"binary_data_size": PICTURE.nbytes}
    head = json.dumps({"inputs": [entry], "parameters": {"binary_data_output": True}}).encode()
    fields = {"Inference-Header-Content-Length": str(len(head))}
    body, connection = head + PICTURE.tobytes(), http.client.HTTPConnection("127.0.0.1", port)

    def ask():
        connection.request("POST", "/v2/models/cat/infer", body, fields)
        answer = connection.getresponse()
        told = answer.read()
        assert answer.status == 200, told[:300]

    return ask


if __name__ == "__main__":
    asked_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    decode(asked_rounds)
    binary(asked_rounds)
