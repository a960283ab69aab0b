"""A valid request that is changed is refused, or answered as what it says now: never otherwise."""

import copy
import json

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.v2.asking import asked, framed, tensor

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.lists(st.integers(-3, 300), max_size=4),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
DTYPES = {
    "int8": np.int8, "uint8": np.uint8, "int64": np.int64, "fp32": np.float32, "fp64": np.float64,
}  # fmt: skip
ALL = [*(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)), "bool"]
ANYTIME = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def whole():
    """A request of every datatype, with numbers that all of them have."""
    names = [*ALL, "fp16", "fp32", "fp64"]
    return asked(
        *(tensor(name, [2, 2], name.upper(), data=[name == "bool" or 1] * 4) for name in names),
        id="x",
    )


def places(value, path=()):
    """Where anything stands in a JSON document."""
    yield path
    if isinstance(value, dict | list):
        for step, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(each, (*path, step))


def put(document, path, value):
    if not path:
        return value
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return document


def check(answer, sent):
    """The answer is an error of the client's, or each output is the input as it was *sent*."""
    assert answer.status_code < 500, answer.get_data()
    assert answer.status_code == 200 or 400 <= answer.status_code < 500
    if answer.status_code != 200:
        assert answer.get_json()["error"]
        return
    outputs = {each["name"]: each for each in answer.get_json()["outputs"]}
    for each in sent["inputs"]:
        got = outputs.get(each["name"])
        if got is None:
            assert sent.get("outputs")
            continue
        flat = np.array(each["data"], dtype=object).ravel().tolist()
        narrow = {"FP16": np.float16, "FP32": np.float32}.get(each["datatype"], lambda value: value)
        assert got["data"] == [narrow(value) for value in flat]
        assert got["shape"] == each["shape"]


@ANYTIME
@given(data=st.data())
def test_json(v2, data):
    request = whole()
    path = data.draw(st.sampled_from([*places(request)]))
    value = data.draw(st.one_of(st.just(...), VALUES)) if path else data.draw(VALUES)
    changed = put(copy.deepcopy(request), path, value)

    check(v2.post("/v2/models/datatypes/infer", data=json.dumps(changed)), changed)


@ANYTIME
@given(data=st.data())
def test_the_bytes_of_json(v2, data):
    body = bytearray(json.dumps(whole()).encode())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        sent = json.loads(body)
    except ValueError:
        sent = None

    answer = v2.post("/v2/models/datatypes/infer", data=bytes(body))

    if sent is None:
        assert 400 <= answer.status_code < 500, answer.get_data()
    else:
        check(answer, sent)


@ANYTIME
@given(data=st.data())
def test_tensors_of_bytes(v2, data):
    sizes = {"parameters": {"binary_data_size": 16}}
    row = np.array([[5.1, 3.5, 1.4, 0.2]], np.float32)
    body, fields = framed(asked(tensor(**sizes), outputs=[{"name": "probabilities"}]), row)
    changed = bytearray(body)
    at = data.draw(st.integers(0, len(body)))
    changed[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    told = data.draw(
        st.one_of(
            st.just(fields),
            st.just({}),
            st.integers(-5, 500).map(lambda n: dict.fromkeys(fields, str(n))),
        )
    )

    answer = v2.post("/v2/models/iris/infer", data=bytes(changed), headers=told)

    assert answer.status_code < 500, answer.get_data()
    if answer.status_code == 200 and told == fields:
        asked_row = np.frombuffer(bytes(changed[-16:]), np.float32)
        again = v2.post(
            "/v2/models/iris/infer",
            json=asked(tensor(data=[float(number) for number in asked_row])),
        )
        assert again.get_json()["outputs"][0]["data"] == answer.get_json()["outputs"][0]["data"]
