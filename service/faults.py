"""What is wrong with what was sent: where, what it was, what is wanted; never the whole of it."""

from dataclasses import dataclass, replace
from typing import Self

# A request may be wrong in thousands of places; so many are told.
FAULTS_TOLD = 20
SCALAR_CHARS = 40
STEP_CHARS = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request: where (RFC 6901), what was sent, what is wanted."""

    pointer: str
    sent: str
    wanted: str
    detail: str


class Told(str):
    """A sentence that repeats a value that was sent, and *without*, the same without the value."""

    __slots__ = ("without",)
    without: str

    def __new__(cls, text: str, without: str) -> Self:
        """Make the sentence *text*."""
        told = super().__new__(cls, text)
        told.without = without
        return told


def without_value(fault: Fault) -> Fault:
    """The same fault, with the kind of what was sent in the place of its value."""
    kind = _kind_of_scalar(fault.sent)
    if isinstance(fault.detail, Told):
        return replace(fault, sent=kind, detail=fault.detail.without)
    # A name before it may have the value in it.
    before, told, after = fault.detail.rpartition(f"{fault.sent} was sent")
    if told:
        return replace(fault, sent=kind, detail=f"{before}{kind} was sent{after}")
    return replace(fault, sent=kind, detail=fault.detail.replace(fault.sent, kind, 1))


def _kind_of_scalar(sent: str) -> str:
    """Undo `scalar`: a value that was quoted is named by its kind, all else stands as it is."""
    if sent.startswith('"'):
        return "a string"
    if sent in {"true", "false"}:
        return "a boolean"
    if sent.startswith("["):
        return "a list"
    return "a number" if sent[:1] in set("-0123456789") and " " not in sent else sent


def wanted(where: str, sent: str, want: str) -> Fault:
    """Say that *sent* is at the pointer *where*, and that *want* should be."""
    return Fault(where, sent, want, f"{sent} was sent, {want} is wanted")


def pointer(*steps: str | int) -> str:
    """Join *steps* to a JSON pointer (RFC 6901); a long name is cut."""
    return "".join(
        "/" + str(step)[:STEP_CHARS].replace("~", "~0").replace("/", "~1") for step in steps
    )


def json_kind(value: object) -> str:
    """Name what RFC 8259 calls *value*."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def kind_of(value: object) -> str:
    """Name the JSON kind of *value* in a sentence: "a string", never what is in it."""
    kind = json_kind(value)
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return {"null": "null", "object": "an object"}.get(kind, f"a {kind}")


def scalar(value: object) -> str:
    """Quote *value* where it is short, else name its kind."""
    if isinstance(value, str):
        if len(value) > SCALAR_CHARS:
            return f"a string of {len(value)} characters"
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else kind_of(value)
