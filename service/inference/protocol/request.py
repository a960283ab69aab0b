"""A request of the protocol, its envelope read: what each tensor is said to be, and where it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.errors import InvalidInput
from service.faults import Fault, pointer, scalar


@dataclass(frozen=True, kw_only=True, slots=True)
class InputEntry:
    """
    One input tensor, the one *at* that place of the list.

    Its *data* are JSON's; where they are None, *binary_bytes* follow the JSON.
    """

    at: int
    name: str
    datatype: str
    shape: tuple[int, ...]
    data: list[Any] | None = None
    binary_bytes: int | None = None
    is_base64: bool = False

    def fault(self, member: str, sent: str, want: str, *steps: int) -> InvalidInput:
        """Say what is wrong with a member of this tensor, or *steps* below it."""
        detail = f"input {scalar(self.name)}: {sent} was sent, {want} is wanted"
        where = pointer("inputs", self.at, member, *steps)
        return InvalidInput([Fault(where, sent, want, detail)])

    def value_fault(self, at: int, sent: str, want: str) -> InvalidInput:
        """Say what is wrong with one value, the one *at* that place of all in their order."""
        is_nested = isinstance(self.data, list) and isinstance(next(iter(self.data), 0), list)
        steps = np.unravel_index(at, self.shape) if is_nested else (at,)
        return self.fault("data", sent, want, *map(int, steps))


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputEntry:
    """An output that is asked for; *classes* is how many of the best are, 0 for the tensor."""

    at: int
    name: str
    is_binary: bool | None = None
    classes: int = 0

    def fault(self, member: str, sent: str, want: str) -> InvalidInput:
        """Say what is wrong with a member of this output."""
        detail = f"output {scalar(self.name)}: {sent} was sent, {want} is wanted"
        return InvalidInput([Fault(pointer("outputs", self.at, member), sent, want, detail)])


@dataclass(frozen=True, kw_only=True, slots=True)
class InferRequest:
    """
    What is asked: of the *outputs*, if any are named, only those and in that order.

    *timeout_s* is None where the client has set none.
    """

    inputs: Sequence[InputEntry]
    outputs: Sequence[OutputEntry] = ()
    id: str | None = None
    timeout_s: float | None = None
    binary_output: bool = False
