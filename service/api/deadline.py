"""How long a prediction may take, and whether anybody still waits for it."""

import re
from collections.abc import Callable
from time import monotonic

from service.application import current_app
from service.errors import BadDeadline
from service.exchange import CLIENT_GONE
from service.faults import Told
from service.inference.model import Model
from service.request import request

FIELD = "X-Request-Deadline-Ms"
VARIABLE = "HTTP_X_REQUEST_DEADLINE_MS"  # as PEP 3333 has it
MILLISECONDS = re.compile(r"[0-9]{1,9}")


def deadline_s(model: Model) -> float:
    """
    When the request at hand must have its answer, by `time.monotonic`.

    The client's own budget counts as far as the model's and the service's go. Raises BadDeadline.
    """
    limit_ms = min(model.manifest.serve.deadline_ms, current_app.settings.handling_timeout_s * 1000)
    sent = request.environ.get(VARIABLE)
    if sent is not None:
        limit_ms = min(limit_ms, _milliseconds(sent))
    return monotonic() + limit_ms / 1000


def client_gone() -> Callable[[], bool]:
    """Tell, each time it is called, whether the client of the request at hand has left."""
    gone: Callable[[], bool] = request.environ.get(CLIENT_GONE, _never)
    return gone


def _milliseconds(sent: str) -> int:
    if not MILLISECONDS.fullmatch(sent) or not int(sent):
        want = "send a whole number of milliseconds from 1 to 999999999"
        raise BadDeadline(Told(f"{FIELD} is {sent[:20]!r}; {want}", f"{FIELD} is none; {want}"))
    return int(sent)


def _never() -> bool:
    return False
