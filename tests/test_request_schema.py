import gc
import weakref
from contextlib import suppress

import pytest
from marshmallow import fields

from service.errors import InvalidInput
from service.faults import Fault
from service.request_schema import RequestSchema


class CoffeeSchema(RequestSchema):
    request_example = b'{"cups": 1}'

    cups = fields.Integer(strict=True, required=True, metadata={"wanted": "a whole number"})
    beans = fields.List(fields.String(), metadata={"wanted": "a list of names"})


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (
            {"cups": "many, and nobody's business"},
            Fault("/cups", "a string", "a whole number", "Not a valid integer."),
        ),
        (
            {"cups": None},
            Fault("/cups", "null", "a whole number", "null was sent, a whole number is wanted"),
        ),
        (
            {},
            Fault(
                "/cups", "nothing", "a whole number", "nothing was sent, a whole number is wanted"
            ),
        ),
        (
            {"cups": 1, "a/b~c": 2},
            Fault("/a~1b~0c", "a number", "cups, beans", "no such name; send cups or beans"),
        ),
        (
            {"cups": 1, "beans": ["arabica", 7]},
            Fault("/beans/1", "a number", "a list of names", "Not a valid string."),
        ),
        ([1], Fault("", "a list of 1", "cups, beans", "Invalid input type.")),
    ],
)
def test_a_fault_says_what_was_sent_and_what_is_wanted(sent, fault):
    with pytest.raises(InvalidInput) as raised:
        CoffeeSchema().load(sent)

    assert raised.value.faults == (fault,)
    assert raised.value.example == b'{"cups": 1}'


def test_twenty_faults_are_told():
    with pytest.raises(InvalidInput) as raised:
        CoffeeSchema().load({"cups": 1, "beans": list(range(1000))})

    assert len(raised.value.faults) == 20


def test_a_refusal_keeps_nothing_of_what_was_sent():
    class Sent(dict):
        """A dictionary that can be watched."""

    gc.disable()
    try:
        sent = Sent(cups="many")
        watched = weakref.ref(sent)
        with suppress(InvalidInput):
            CoffeeSchema().load(sent)
        del sent

        assert watched() is None
    finally:
        gc.enable()
