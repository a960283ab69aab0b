"""Infer requests by hand, and what they are answered."""

import json

import numpy as np

FLOWER = [5.1, 3.5, 1.4, 0.2]
IRIS = "/v2/models/iris/infer"


def tensor(name="measurements", shape=(1, 4), datatype="FP32", **members):
    members = members or {"data": FLOWER}
    return {"name": name, "shape": list(shape), "datatype": datatype} | members


def asked(*inputs, **members):
    return {"inputs": list(inputs) or [tensor()]} | members


def framed(request, *arrays):
    """The body of *request* with the bytes of *arrays* after it, and the field that says where."""
    head = json.dumps(request).encode()
    raw = b"".join(each if isinstance(each, bytes) else each.tobytes() for each in arrays)
    return head + raw, {"Inference-Header-Content-Length": str(len(head))}


def output(answer, at=0):
    """An output of an answer in JSON, as an array."""
    assert answer.status_code == 200, answer.get_data()
    told = answer.get_json()["outputs"][at]
    return np.array(told["data"]).reshape(told["shape"])


def refused(answer, *words, status=400):
    """The answer is an error of the protocol whose text has all *words*."""
    told = answer.get_json()
    assert answer.status_code == status, told
    assert answer.content_type == "application/json"
    assert told["success"] is False
    for word in words:
        assert word in told["error"], told["error"]
    return told
