"""Forms: read as browsers write them, refused in a sentence where they are too much."""

import os
from contextlib import suppress
from urllib.parse import quote_plus, unquote_to_bytes, urlencode

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from service.forms import FIELDS_LIMIT, PARTS_LIMIT, PIECE_BYTES, read_form

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=B"
PART = b'--B\r\nContent-Disposition: form-data; name="a"'
ONE = PART + b"\r\n\r\nx\r\n"


def pairs(body, content_type=URLENCODED):
    return [(field.name, field.text) for field in read_form(body, content_type)]


@given(st.lists(st.tuples(st.text(max_size=50), st.text(max_size=3000)), max_size=5))
def test_what_urlencode_writes_is_read_back(sent):
    assert pairs(urlencode(sent).encode()) == sent


@given(st.lists(st.sampled_from([b"%", b"%4", b"%41", b"%fF", b"+", b"a", b"\n"]), max_size=2000))
def test_escapes_of_any_kind_are_read_as_the_standard_library_reads_them(pieces):
    text = b"x" * 1100 + b"".join(pieces)  # long enough for the decoder of long ones

    (field,) = read_form(b"a=" + text, URLENCODED)

    assert field.content == unquote_to_bytes(text.replace(b"+", b" "))


@pytest.mark.parametrize("shift", [0, 1, 2, 3])
def test_an_escape_on_the_edge_of_two_pieces_is_not_cut(shift):
    picture = os.urandom(2 * PIECE_BYTES)

    (field,) = read_form(b"a=" + b"x" * shift + quote_plus(picture).encode(), URLENCODED)

    assert field.content == b"x" * shift + picture


def test_ten_megabytes_of_invalid_utf_8_become_replacement_characters():
    ((name, text),) = pairs(b"msg=" + b"%ff" * 3_000_000)

    assert name == "msg"
    assert text == "�" * 3_000_000


def test_too_many_fields_or_too_long_a_name_are_refused():
    assert len(pairs(b"&".join([b"a=1"] * FIELDS_LIMIT))) == FIELDS_LIMIT
    with pytest.raises(RequestEntityTooLarge, match=f"more than {FIELDS_LIMIT} fields"):
        pairs(b"a&" * 5_000_000)
    with pytest.raises(BadRequest, match="a name has 10000 bytes"):
        pairs(b"n" * 10_000 + b"=1")


@given(st.binary(max_size=2000), st.text("abc é\"'", min_size=1, max_size=20))
def test_what_requests_uploads_is_read_back(content, file_name):
    asked = requests.Request(
        "POST", "http://x", files={"image": (file_name, content)}, data={"b": "é"}
    ).prepare()

    fields = read_form(asked.body, asked.headers["Content-Type"])

    assert [(field.name, field.is_file) for field in fields] == [("b", False), ("image", True)]
    assert fields[0].text == "é"
    assert fields[1].content == content


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (ONE + b"--B--\r\n", [("a", "x")]),
        (ONE + b"--B--", [("a", "x")]),
        (b"a preamble\r\n" + ONE + ONE + b"--B--\r\nand an epilogue", [("a", "x")] * 2),
        (PART + b"\r\n\r\n\r\n--B--\r\n", [("a", "")]),
        (PART + b"\r\n\r\n--BB\r\n\r\n--B--\r\n", [("a", "--BB\r\n")]),
        (b"--B--\r\n", []),
    ],
)
def test_parts_are_read_as_they_stand(body, fields):
    assert pairs(body, MULTIPART) == fields


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "boundary that Content-Type names is not all in it"),
        (b"Hello", "boundary that Content-Type names is not all in it"),
        (ONE, "boundary that Content-Type names is not all in it"),
        (b"--B\r\n\r\nx\r\n--B--", "no Content-Disposition"),
        (PART + b"\r\n" + b"X: y\r\n" * 1_000_000 + b"\r\n\r\n--B--", "head that ends within 4096"),
        (PART + b'; a="b"' * 1_000_000 + b"\r\n\r\n\r\n--B--", "head that ends within 4096"),
        (b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--", "with a name"),
    ],
)
def test_what_is_no_form_is_refused_in_a_sentence(body, said):
    with pytest.raises(BadRequest, match=said):
        read_form(body, MULTIPART)


def test_too_many_parts_are_refused():
    assert len(pairs(ONE * PARTS_LIMIT + b"--B--", MULTIPART)) == PARTS_LIMIT
    with pytest.raises(RequestEntityTooLarge, match=f"more than {PARTS_LIMIT} parts"):
        pairs(ONE * (PARTS_LIMIT + 1) + b"--B--", MULTIPART)


@pytest.mark.parametrize(
    "boundary", ["", "; boundary=", "; boundary=" + "b" * 71, '; boundary="' + "é" * 80 + '"']
)
def test_a_boundary_is_wanted(boundary):
    with pytest.raises(BadRequest, match="boundary of 1 to 70"):
        read_form(ONE + b"--B--", "multipart/form-data" + boundary)


@given(st.binary(max_size=300), st.sampled_from([URLENCODED, MULTIPART]))
def test_whatever_bytes_there_are_it_is_read_or_refused(body, content_type):
    with suppress(BadRequest, RequestEntityTooLarge):
        assert all(isinstance(field.text, str) for field in read_form(body, content_type))
