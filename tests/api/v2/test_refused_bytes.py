"""What is wrong with the bytes after the JSON, or with where they are said to be."""

import json

import numpy as np
import pytest

from tests.api.v2.asking import FLOWER, IRIS, asked, framed, refused, tensor

ROW = np.array([FLOWER], np.float32)
SIZED = {"parameters": {"binary_data_size": 16}}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ([], ["measurements", "nothing after the JSON", "16 bytes"]),
        ([ROW[:, :3]], ["measurements", "12 bytes", "16 bytes"]),
        ([ROW, b"x"], ["1 bytes are left over", "measurements"]),
        ([ROW * np.float32("nan")], ["measurements", "from 0 to 30"]),
    ],
)
def test_bytes_that_are_missing_left_over_or_no_numbers(v2, arrays, words):
    body, fields = framed(asked(tensor(**SIZED)), *arrays)

    refused(v2.post(IRIS, data=body, headers=fields), *words)


@pytest.mark.parametrize("told", ["-1", "x", "1.0", "99999", "1,1", "٣", ""])
def test_a_length_that_is_none(v2, told):
    body = json.dumps(asked()).encode()

    refused(
        v2.post(IRIS, data=body, headers={"Inference-Header-Content-Length": told}),
        "Inference-Header-Content-Length",
    )


@pytest.mark.parametrize("size", [0, 15, 17])
def test_a_body_that_is_not_the_one_tensor(v2, size):
    sent = {"data": b"\0" * size, "headers": {"Inference-Header-Content-Length": "0"}}

    refused(v2.post(IRIS, **sent), "measurements", "16 bytes")


def test_a_body_without_json_for_a_model_of_many_inputs(v2):
    sent = {"data": b"\0" * 16, "headers": {"Inference-Header-Content-Length": "0"}}

    refused(v2.post("/v2/models/people/infer", **sent), "2 inputs")


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        (b"\x03\0\0\0pes\x05\0\0\0kot", ["text", "element 1"]),
        (b"\x03\0\0\0pes\x03\0\0\0kotx", ["text", "1 bytes after the last element"]),
        (b"\xff\xff\xff\xffpes\0", ["text", "element 0"]),
        (b"\x01\0\0\0\xff\x03\0\0\0kot", ["text", "no UTF-8"]),
        (b"\x03\0\0\0", ["text"]),
    ],
)
def test_elements_whose_lengths_are_wrong(v2, elements, words):
    sized = {"parameters": {"binary_data_size": len(elements)}}
    body, fields = framed(asked(tensor("text", [2, 1], "BYTES", **sized)), elements)

    refused(v2.post("/v2/models/words/infer", data=body, headers=fields), *words)


def test_more_elements_than_are_read_at_once(v2):
    sized = {"parameters": {"binary_data_size": 4 * 1_500_000}}
    body, fields = framed(
        asked(tensor("text", [1_500_000, 1], "BYTES", **sized)), bytes(4 * 1_500_000)
    )

    refused(
        v2.post("/v2/models/words/infer", data=body, headers=fields), "1500000 elements", status=413
    )
