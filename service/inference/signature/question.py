"""What a caller asks: the arrays that a model takes, made from what was sent."""

from dataclasses import dataclass

from service.errors import Fault
from service.inference.tensors import Tensors

# A request may be wrong in thousands of places; so many are told.
FAULTS_TOLD = 20
SCALAR_CHARS = 40


@dataclass(frozen=True, slots=True)
class Question:
    """*inputs* have *rows* rows each; *single* if the one row was sent alone, not in a list."""

    inputs: Tensors
    rows: int
    single: bool


def pointer(*steps: str | int) -> str:
    """Join *steps* to a JSON pointer (RFC 6901); a long name is cut."""
    return "".join("/" + str(step)[:100].replace("~", "~0").replace("/", "~1") for step in steps)


def kind_of(value: object) -> str:
    """Name the JSON kind of *value*: "a string", never what is in it."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return f"a list of {len(value)}"
    return "an object"


def scalar(value: object) -> str:
    """Quote *value* where it is short, else name its kind."""
    if isinstance(value, str):
        if len(value) > SCALAR_CHARS:
            return f"a string of {len(value)} characters"
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else kind_of(value)


def wanted(where: str, sent: str, want: str) -> Fault:
    """Say that *sent* is at the pointer *where*, and that *want* should be."""
    return Fault(where, sent, want, f"{sent} was sent, {want} is wanted")
