"""How the protocol describes a model's tensors, and a body that is one of them and nothing else."""

from dataclasses import dataclass

from service.inference.protocol.datatypes import BYTES, DATATYPES
from service.inference.protocol.request import InputEntry


@dataclass(frozen=True, slots=True)
class NamedTensor:
    """An input or output as clients see it; -1 is a size of any number, the first is the rows."""

    name: str
    datatype: str
    shape: tuple[int, ...]


def raw_entry(tensor: NamedTensor, size_bytes: int, *, is_picture: bool) -> InputEntry:
    """
    Say what a body of *size_bytes* is that has no JSON: one row of *tensor*, or one BYTES element.

    A size that is free is what the body has. For a model of pictures, what has not the size of its
    tensor *is_picture*. Raises InvalidInput for a shape that the size does not tell.
    """
    shape = [1, *tensor.shape[1:]]
    item_bytes = DATATYPES[tensor.datatype].itemsize
    row_bytes = item_bytes
    for size in shape:
        row_bytes *= max(1, size)
    datatype = tensor.datatype
    if is_picture and size_bytes != row_bytes:
        datatype, shape = BYTES, [1]
    elif datatype == BYTES:
        shape = [abs(size) for size in shape]
    elif -1 in shape:
        shape[shape.index(-1)] = size_bytes // row_bytes
    entry = InputEntry(
        at=0,
        name=tensor.name,
        datatype=datatype,
        shape=tuple(max(0, size) for size in shape),
        binary_bytes=size_bytes,
    )
    if -1 in shape or (datatype == BYTES and set(shape) != {1}):
        raise entry.fault("shape", "no JSON", f"JSON with the shape of {list(tensor.shape)}")
    return entry
