"""
What an exception tells the log: what it is and where it was raised, not what it says.

Its text may hold what a client has sent ("could not convert string to float: …"), which is in no
line. At level debug it is: there the operator has asked for it.
"""

from dataclasses import dataclass
from logging import DEBUG
from traceback import extract_tb
from typing import Any

import structlog

# The innermost frames, which tell most.
FRAMES = 20


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception: its type, where it was raised (outermost frame first), and what it says."""

    kind: str
    stack: tuple[str, ...]
    text: str

    def facts(self, *, with_text: bool) -> dict[str, Any]:
        """The fields of a log line."""
        facts: dict[str, Any] = {"raised": self.kind, "at": list(self.stack)}
        return facts | {"text": self.text} if with_text else facts


class RaisedThere(Exception):
    """What was *raised* in another process."""

    def __init__(self, raised: Raised) -> None:
        super().__init__(raised.kind)
        self.raised = raised


def log_raised(event: str, error: BaseException, **facts: Any) -> None:
    """Write the line *event* about *error*."""
    log = structlog.get_logger()
    with_text = log.is_enabled_for(DEBUG)
    log.error(event, **facts, **raised_by(error).facts(with_text=with_text))


def raised_by(error: BaseException) -> Raised:
    """Describe *error*, wherever it was raised."""
    if isinstance(error, RaisedThere):
        return error.raised
    frames = extract_tb(error.__traceback__)[-FRAMES:]
    stack = tuple(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return Raised(type(error).__name__, stack, str(error))
