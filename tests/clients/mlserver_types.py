"""
`mlserver.types` as the judge of what is answered, and its codecs as the maker of requests.

Usage: mlserver_types.py HOST:PORT TOKEN PICTURE.
"""

import json
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pandas as pd
from calls import run
from mlserver import types
from mlserver.codecs import (
    Base64Codec,
    NumpyCodec,
    NumpyRequestCodec,
    PandasCodec,
    StringCodec,
)

URL, TOKEN, PICTURE = f"http://{sys.argv[1]}", *sys.argv[2:4]
FLOWER = np.array([[5.1, 3.5, 1.4, 0.2]], np.float32)


def ask(path, body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    fields = {"Content-Type": "application/json"} | (headers or {})
    with urlopen(Request(f"{URL}{path}", data, fields), timeout=20) as answer:
        return json.load(answer)


def infer(model, request):
    answer = ask(f"/v2/models/{model}/infer", request.model_dump())
    return types.InferenceResponse.model_validate(answer)


def metadata():
    types.MetadataServerResponse.model_validate(ask("/v2"))
    for model in ("iris", "words", "datatypes", "cat-or-dog"):
        types.MetadataModelResponse.model_validate(ask(f"/v2/models/{model}"))


def the_index():
    index = ask("/v2/repository/index", {}, {"Authorization": f"Bearer {TOKEN}"})
    types.RepositoryIndexResponse.model_validate(index)


def errors():
    try:
        ask("/v2/models/nobody")
    except HTTPError as error:
        told = json.load(error)
        types.InferenceErrorResponse.model_validate(told)
        assert error.code == 404
        return
    raise AssertionError("it was not refused")


def a_matrix_by_its_codec():
    tensor = NumpyCodec.encode_input("measurements", FLOWER)
    answer = infer("iris", types.InferenceRequest(inputs=[tensor], id="mine"))
    assert answer.id == "mine"
    assert NumpyCodec.decode_output(answer.outputs[0]).argmax() == 0
    assert NumpyRequestCodec.decode_response(answer).argmax() == 0


def a_data_frame_by_its_codec():
    names = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    frame = pd.DataFrame({name: [value] for name, value in zip(names, FLOWER[0], strict=True)})
    answer = infer("iris", PandasCodec.encode_request(frame))
    assert NumpyCodec.decode_output(answer.outputs[0]).argmax() == 0


def columns_by_their_codecs():
    tensors = [
        NumpyCodec.encode_input("age", np.array([31.0, 64.0])),
        StringCodec.encode_input("city", ["Oslo", "Brno"], use_bytes=False),
    ]
    answer = infer("people", types.InferenceRequest(inputs=tensors))
    assert [*answer.outputs[0].data] == [31.0, 64.0]
    assert StringCodec.decode_output(answer.outputs[1]) == ["Oslo", "Brno"]


def words_by_their_codec():
    tensor = StringCodec.encode_input("text", ["pes", "кот"], use_bytes=False)
    answer = infer("words", types.InferenceRequest(inputs=[tensor]))
    assert StringCodec.decode_output(answer.outputs[0]) == ["pes", "кот"]


def a_picture_in_base64_by_its_codec():
    picture = Path(PICTURE).read_bytes()
    tensor = Base64Codec.encode_input("image", [picture], use_bytes=False)
    answer = infer("cat-or-dog", types.InferenceRequest(inputs=[tensor]))
    assert np.argmax(NumpyCodec.decode_output(answer.outputs[0])) == 0


def only_the_outputs_that_are_asked_for():
    tensor = NumpyCodec.encode_input("measurements", FLOWER)
    outputs = [types.RequestOutput(name="probabilities")]
    answer = infer("iris", types.InferenceRequest(inputs=[tensor], outputs=outputs))
    assert [each.name for each in answer.outputs] == ["probabilities"]


run(
    [
        metadata,
        the_index,
        errors,
        a_matrix_by_its_codec,
        a_data_frame_by_its_codec,
        columns_by_their_codecs,
        words_by_their_codec,
        a_picture_in_base64_by_its_codec,
        only_the_outputs_that_are_asked_for,
    ]
)
