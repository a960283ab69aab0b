"""Marshmallow's schemas of what requests carry, with faults told as all others are."""

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Any, NoReturn, TypeAlias

from marshmallow import Schema, ValidationError

from service.errors import InvalidInput
from service.faults import FAULTS_TOLD, Fault, kind_of, pointer

Steps: TypeAlias = tuple[str | int, ...]


UNKNOWN = "no such name"

# What Marshmallow says where a field says nothing better, and the schema knows what is wanted.
OWN_WORDS = frozenset(
    {
        "Missing data for required field.",
        "Field may not be null.",
        "Not a valid string.",
        "Not a valid boolean.",
    }
)

# Longer names are not compared with the known ones: it costs time and cannot help.
NAME_CHARS = 64


class RequestSchema(Schema):
    """
    A schema that raises InvalidInput, with what was sent and wanted.

    A field says in its metadata what is *wanted* of it.
    """

    error_messages = {"unknown": UNKNOWN}  # noqa: RUF012  # as Marshmallow declares it

    # A valid request, in JSON.
    request_example = b""

    def handle_error(self, error: ValidationError, data: Any, **_: Any) -> NoReturn:
        """Tell each of Marshmallow's messages as a fault."""
        faults = islice(self._faults(error.messages, data), FAULTS_TOLD)
        # Raised as it comes: a variable that holds it would hold this frame, and with it the body.
        raise InvalidInput(list(faults), self.request_example) from None

    def _faults(self, messages: Any, data: Any) -> Iterator[Fault]:
        for steps, detail in _flat(messages):
            field = self.fields.get(str(steps[0])) if steps else None
            wanted = field.metadata.get("wanted", "") if field else ", ".join(self.fields)
            if detail == UNKNOWN:
                near = get_close_matches(str(steps[-1])[:NAME_CHARS], self.fields, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"send {' or '.join(self.fields)}"
                detail = f"{UNKNOWN}; {hint}"  # noqa: PLW2901  # told in full
            sent = _sent(data, steps)
            if detail in OWN_WORDS and wanted and len(steps) == 1:
                detail = f"{sent} was sent, {wanted} is wanted"  # noqa: PLW2901  # as above
            yield Fault(pointer(*steps), sent, wanted, detail)


def _flat(messages: Any, steps: Steps = ()) -> Iterator[tuple[Steps, str]]:
    """Marshmallow's nested messages as pairs of the steps of a JSON pointer and a sentence."""
    if isinstance(messages, dict):
        for name, inner in messages.items():
            yield from _flat(inner, steps if name == "_schema" else (*steps, name))
    elif isinstance(messages, list):
        for inner in messages:
            yield from _flat(inner, steps)
    else:
        yield steps, messages if isinstance(messages, str) else str(messages)


def _sent(data: Any, steps: Steps) -> str:
    """The kind of what stands where *steps* lead, never what it is."""
    for step in steps:
        try:
            data = data[step]
        except (LookupError, TypeError):
            return "nothing"
    return kind_of(data)
