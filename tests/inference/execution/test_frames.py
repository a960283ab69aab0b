import socket

import numpy as np
import pytest

from service.inference.execution import ArtefactSpecs, frames
from service.inference.tensors import TensorSpec


@pytest.fixture
def ends():
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_a_message_arrives_whole(ends):
    one, other = ends
    body = bytes(range(256)) * 100

    frames.send(one, frames.ANSWER, 0.25, body)

    assert frames.receive(other) == (frames.ANSWER, 0.25, body)


def test_a_message_that_is_cut_short_is_an_end(ends):
    one, other = ends
    one.sendall(frames.HEAD.pack(frames.ANSWER, 0, 10) + b"short")
    one.close()

    with pytest.raises(EOFError):
        frames.receive(other)


def test_specs_come_over_as_they_are():
    colour = TensorSpec("colour", np.dtype(object), (-1,), (), ("red", 7, None, np.float64(0.5)))
    x = TensorSpec("x", np.dtype("float32"), (-1, 2), ("a", "b"))
    specs = ArtefactSpecs({"x": x, "colour": colour}, {})

    assert frames.to_specs(frames.from_specs(specs)) == specs
