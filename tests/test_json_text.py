"""JSON from strangers: what is too much is refused before it is parsed."""

import threading

import orjson
import pytest
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from service.errors import NoRoom
from service.inference.account import Account, Hold, unlimited
from service.json_text import read_object

EXAMPLE = '{"msg": "Hello"}'
HOSTILE = {
    "empty lists": b'{"msg": [' + b",".join([b"[]"] * 3_400_000) + b"]}",
    "numbers": b'{"msg": [' + b"1," * 5_000_000 + b"1]}",
    "objects": b'{"msg": [' + b",".join([b'{"a":1}'] * 1_300_000) + b"]}",
    "members": b"{" + b",".join(b'"k%06d":1' % number for number in range(850_000)) + b"}",
    "strings": b'{"msg": [' + b",".join([b'"a"'] * 2_600_000) + b"]}",
}
HONEST = {
    "a picture of 10 MB": b'{"image": "' + b"QUJD" * 2_600_000 + b'"}',
    "three pictures' numbers": orjson.dumps({"x": [[0.12345] * 150_528] * 3}),
    "a thousand rows of a hundred": orjson.dumps(
        {"rows": [{f"column_{number}": 1.5 for number in range(100)}] * 1024}
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_would_hold_the_interpreter_is_refused(name):
    with pytest.raises(RequestEntityTooLarge, match="values, names and lists, and 1000000 are"):
        read_object(HOSTILE[name], EXAMPLE, unlimited())


@pytest.mark.parametrize("name", HONEST)
def test_what_people_send_is_read(name):
    assert read_object(HONEST[name], EXAMPLE, unlimited()) == orjson.loads(HONEST[name])


def test_what_it_makes_counts_as_held():
    account = Account(1 << 30, threading.Lock)
    hold = Hold(account)

    read_object(b'{"msg": [' + b"1," * 100_000 + b"1]}", EXAMPLE, hold)
    assert account.held_bytes > 100_000 * 40

    hold.release()
    assert account.held_bytes == 0


def test_without_room_it_is_not_parsed():
    account = Account(1 << 20, threading.Lock)
    account.take((1 << 20) - 200_000)

    with pytest.raises(NoRoom):
        read_object(b'{"msg": "' + b"x" * 100_000 + b'"}', EXAMPLE, Hold(account))


def test_small_ones_are_not_counted():
    hold = Hold(Account(0, threading.Lock))

    assert read_object(b'{"msg": 1}', EXAMPLE, hold) == {"msg": 1}


@pytest.mark.parametrize("body", [b"", b"[1]", b'{"a": NaN}', b'{"a":' + b"[" * 100_000])
def test_what_is_no_object_is_refused_with_an_example(body):
    with pytest.raises(BadRequest, match="JSON"):
        read_object(body, EXAMPLE, unlimited())
