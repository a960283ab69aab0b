"""What travels between a web worker and a model's process, over a Unix socket."""

import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from service.inference.execution import ArtefactSpecs
from service.inference.tensors import TensorSpec
from service.raised import Raised

HEAD = struct.Struct("<cdQ")

# From the worker: a batch; its number is the deadline, by a clock that all processes share.
BATCH = b"B"

# Before it, if there is anything to say: the fields that tell whom the batch is for, in JSON.
ABOUT, NOBODY = b"I", b""

# From the process: it has loaded, or could not; it has begun the batch; how that ended. An
# answer's number is the seconds that the model took.
READY, FAILED, BEGUN, ANSWER, RAISED, LATE, LOST, TOO_LARGE = (
    *(b"R", b"F", b"S", b"A", b"E", b"L", b"M"),
    b"T",
)

# What the number of a failure tells: whether its text is this project's, or the model's own.
OURS, THEIRS = 1.0, 0.0

# A body that nobody wants is read in such pieces.
PIECE_BYTES = 1 << 16


class Head(NamedTuple):
    """What stands before a message's body, which is still to be read."""

    kind: bytes
    number: float
    size_bytes: int


class Frame(NamedTuple):
    """One message."""

    kind: bytes
    number: float
    body: bytearray


def send(sock: socket.socket, kind: bytes, number: float = 0.0, body: bytes = b"") -> None:
    """Send one message, whole."""
    sock.sendall(pack(kind, number, body))


def pack(kind: bytes, number: float = 0.0, body: bytes = b"") -> bytes:
    """One message, as it travels."""
    return HEAD.pack(kind, number, len(body)) + body


def receive(sock: socket.socket) -> Frame:
    """Wait for one message. Raises EOFError or OSError if the other side has ended."""
    head = receive_head(sock)
    return Frame(head.kind, head.number, receive_body(sock, head))


def receive_head(sock: socket.socket) -> Head:
    """Wait for the head of a message, whose body must be received or discarded next."""
    return Head(*HEAD.unpack(_exactly(sock, HEAD.size)))


def receive_body(sock: socket.socket, head: Head) -> bytearray:
    """Receive the body that *head* announces."""
    return _exactly(sock, head.size_bytes)


def discard_body(sock: socket.socket, head: Head) -> None:
    """Receive the body that *head* announces, and keep nothing of it."""
    left_bytes = head.size_bytes
    while left_bytes:
        left_bytes -= len(_exactly(sock, min(left_bytes, PIECE_BYTES)))


def _exactly(sock: socket.socket, size: int) -> bytearray:
    received = bytearray(size)
    left = memoryview(received)
    while left:
        count = sock.recv_into(left)
        if not count:
            raise EOFError
        left = left[count:]
    return received


def from_specs(specs: ArtefactSpecs) -> bytes:
    """Put the specs into JSON."""
    described = {
        "inputs": [_told(spec) for spec in specs.inputs.values()],
        "outputs": [_told(spec) for spec in specs.outputs.values()],
    }
    return json.dumps(described, default=np.generic.item).encode()


def to_specs(body: bytes | bytearray) -> ArtefactSpecs:
    """Undo `from_specs`."""
    described = json.loads(body)
    return ArtefactSpecs(_specs(described["inputs"]), _specs(described["outputs"]))


def from_raised(raised: Raised) -> bytes:
    """Put what was raised into JSON."""
    return json.dumps([raised.kind, raised.stack, raised.text]).encode()


def to_raised(body: bytes | bytearray) -> Raised:
    """Undo `from_raised`."""
    kind, stack, text = json.loads(body)
    return Raised(kind, tuple(stack), text)


def from_identifiers(identifiers: Mapping[str, Any]) -> bytes:
    """Put the fields of whom a batch is for into JSON, on one line."""
    return json.dumps(identifiers).encode() if identifiers else NOBODY


def _told(spec: TensorSpec) -> dict[str, Any]:
    return vars(spec) | {"datatype": spec.datatype.str}


def _specs(descriptions: list[dict[str, Any]]) -> Mapping[str, TensorSpec]:
    specs = (
        TensorSpec(**{name: _said(value) for name, value in described.items()})
        for described in descriptions
    )
    return {spec.name: replace(spec, datatype=np.dtype(spec.datatype)) for spec in specs}


def _said(value: Any) -> Any:
    """JSON has lists for tuples."""
    return tuple(value) if isinstance(value, list) else value
