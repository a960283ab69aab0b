"""
What the protocol says of answers, as JSON Schema, and a client that holds every answer to it.

The facts are those of open_inference_rest.yaml, version 2.0 of the data plane:
https://github.com/kserve/open-inference-protocol/tree/main/specification/protocol
"""

import gzip
import json
import re
import zlib

from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

STRING = {"type": "string"}
PARAMETERS = {"type": "object"}
DATA = {
    "$id": "data",
    "type": "array",
    "items": {"anyOf": [{"$ref": "data"}, {"type": ["number", "string", "boolean", "null"]}]},
}


def has(required, **members):
    return {"type": "object", "properties": members, "required": required}


def every(item):
    return {"type": "array", "items": item}


SHAPE = every({"type": "integer"})
TENSOR = has(["name", "datatype", "shape"], name=STRING, datatype=STRING, shape=SHAPE)
OUTPUT = has(
    ["name", "shape", "datatype"],
    name=STRING,
    shape=SHAPE,
    datatype=STRING,
    parameters=PARAMETERS,
    data=DATA,
)
# In the text each has data; the extension for binary tensors has their size instead.
SIZED = {"parameters": has(["binary_data_size"], binary_data_size={"type": "integer"})}
OUTPUT["anyOf"] = [{"required": ["data"]}, {"properties": SIZED, "required": ["parameters"]}]

ERROR = has(["error"], error=STRING)
MODEL = r"/v2/models/[^/]+(/versions/[^/]+)?"
ANSWERS = {
    r"/v2": has(
        ["name", "version", "extensions"], name=STRING, version=STRING, extensions=every(STRING)
    ),
    r"/v2/health/live": has(["live"], live={"type": "boolean"}),
    r"/v2/health/ready": has(["ready"], ready={"type": "boolean"}),
    r"/v2/models": has(["models"], models=every(STRING)),
    r"/v2/models/stats": has(["model_stats"]),
    MODEL: has(
        ["name", "platform"],
        name=STRING,
        versions=every(STRING),
        platform=STRING,
        inputs=every(TENSOR),
        outputs=every(TENSOR),
    ),
    MODEL + "/ready": has(["name", "ready"], name=STRING, ready={"type": "boolean"}),
    MODEL + "/config": has(["name", "max_batch_size", "input", "output"]),
    MODEL + "/stats": has(["model_stats"]),
    MODEL + "/infer": has(
        ["model_name", "outputs"],
        model_name=STRING,
        model_version=STRING,
        id=STRING,
        parameters=PARAMETERS,
        outputs=every(OUTPUT),
    ),
}


def schema_of(path):
    """The schema of what is answered at *path* when all is well."""
    path = path.rstrip("/")
    if path in ANSWERS:
        return ANSWERS[path]
    return next(schema for form, schema in ANSWERS.items() if re.fullmatch(form, path))


def told(answer):
    """The JSON of an answer, whatever follows it and whatever it is compressed with."""
    body = answer.get_data()
    coding = answer.headers.get("Content-Encoding")
    if coding:
        body = gzip.decompress(body) if coding == "gzip" else zlib.decompress(body)
    length = answer.headers.get("Inference-Header-Content-Length")
    return json.loads(body[: int(length)] if length else body)


class CheckedClient(FlaskClient):
    """Holds every answer below /v2 to the protocol's text."""

    def open(self, path, *args, **options):
        answer = super().open(path, *args, **options)
        if path.startswith("/v2") and options.get("method") != "HEAD":
            schema = schema_of(path) if answer.status_code == 200 else ERROR
            Draft202012Validator(schema).validate(told(answer))
        return answer
