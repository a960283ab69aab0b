"""A body as routes see it: whole and within its limit, or refused."""

from contextlib import nullcontext
from io import BytesIO

import pytest
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from service.exchange import HOLD, KEY
from service.inference.account import Account, Hold
from service.recorder import Recorder
from service.request import Request


class Limited(Request):
    max_content_length = 10


def request(body=b"", **environ):
    exchange = Recorder(lambda *_: ()).open({"REQUEST_METHOD": "POST"})
    return Limited({"REQUEST_METHOD": "POST", "wsgi.input": BytesIO(body), KEY: exchange} | environ)


class Lost:
    """A connection that breaks while its body is read."""

    def read(self, _size):
        raise ConnectionResetError


def test_a_body_is_read_whole_and_its_size_recorded():
    asked = request(b"Hello", CONTENT_LENGTH="5")

    assert asked.get_data() == b"Hello"
    assert asked.exchange.bytes_in == 5


@pytest.mark.parametrize(
    ("environ", "has_body"),
    [
        ({}, False),
        ({"CONTENT_LENGTH": ""}, False),
        ({"CONTENT_LENGTH": "0"}, True),
        ({"CONTENT_LENGTH": "5"}, True),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, True),
    ],
)
def test_a_body_was_sent_where_a_field_says_so(environ, has_body):
    assert request(**environ).has_body is has_body


def test_what_no_field_declares_is_no_body():
    assert request(b"GET / HTTP/1.1").get_data() == b""


@pytest.mark.parametrize(
    "environ", [{"CONTENT_LENGTH": "11"}, {"HTTP_TRANSFER_ENCODING": "chunked"}]
)
def test_over_the_limit_it_is_refused(environ):
    asked = request(b"x" * 11, **environ, **{"wsgi.input_terminated": True})

    with pytest.raises(RequestEntityTooLarge, match="limit of 10 bytes"):
        asked.get_data()


def test_cut_short_it_is_refused_with_both_sizes():
    with pytest.raises(BadRequest, match="3 of the 5 bytes"):
        request(b"Hel", CONTENT_LENGTH="5").get_data()


def test_a_connection_that_breaks_is_a_client_s_fault():
    with pytest.raises(BadRequest, match="the connection ended"):
        request(CONTENT_LENGTH="5", **{"wsgi.input": Lost()}).get_data()


def test_outside_the_worker_nothing_is_counted():
    hold = Hold(Account(100, nullcontext))

    assert request(**{HOLD: hold}).hold is hold
    request().hold.grow(1 << 40)


@pytest.mark.parametrize(
    ("sent", "said"), [("text/plain", "has type 'text/plain'"), (None, "has no Content-Type")]
)
def test_a_media_type_that_is_not_read_is_told_with_those_that_are(sent, said):
    asked = request(**({"CONTENT_TYPE": sent} if sent else {}))

    assert asked.unsupported("image/*").description == f"the body {said}; send image/*"
