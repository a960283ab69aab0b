"""
A body that has JSON first and the tensors' bytes after it.

The protocol's extension for binary tensors: a field of the head tells the JSON's length, counted
in the body as it is once it is decompressed.
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from collections.abc import Sequence

from service.errors import InvalidInput
from service.faults import Fault, Told, pointer
from service.inference.protocol.request import InputEntry

FIELD = "Inference-Header-Content-Length"


def json_bytes(body: bytes, told: str | None) -> int:
    """
    How long the JSON of *body* is, as the field *told*; all of it without one.

    Raises InvalidInput for a field that is no length, or more than there is.
    """
    if told is None:
        return len(body)
    if not (told.isascii() and told.isdecimal()) or len(told) > 12 or int(told) > len(body):
        want = f"the length of the body's JSON, 0 to {len(body)} bytes"
        detail = Told(f"{FIELD} is {told[:40]!r}; {want}", f"{FIELD} is none; {want}")
        raise InvalidInput([Fault("", "another value", want, detail)])
    return int(told)


def binary_parts(
    body: bytes, start: int, inputs: Sequence[InputEntry], *, is_told: bool
) -> dict[int, memoryview]:
    """
    Each binary tensor's bytes of *body*, from *start* on in the order of *inputs*, by its place.

    *is_told* whether a field told where they start. They share the body's memory. Raises
    InvalidInput where bytes are missing or left over.
    """
    view, parts = memoryview(body), {}
    for entry in inputs:
        size = entry.binary_bytes
        if size is None:
            continue
        if not is_told:
            raise entry.fault("parameters", "binary_data_size", f"it with the field {FIELD}")
        left = len(body) - start
        if size > left:
            sent = f"{left} bytes" if left else "nothing after the JSON"
            raise entry.fault("parameters", sent, f"{size} bytes, as binary_data_size says")
        parts[entry.at] = view[start : start + size]
        start += size
    if start < len(body):
        left, last = len(body) - start, inputs[-1].name if inputs else ""
        told = f"{left} bytes are left over after the last input, {last!r}; send what the sizes say"
        raise InvalidInput(
            [Fault(pointer("inputs"), f"{left} bytes more", "no bytes after the inputs'", told)]
        )
    return parts
