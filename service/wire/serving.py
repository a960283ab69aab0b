"""What a worker serves, and what its connections share."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from config.roster import Roster
from config.settings import Settings
from service.inference.account import Account
from service.recorder import Recorder
from service.wire.admission import Admission
from service.wire.peer import Peers
from service.wire.response import Clock
from service.wire.share import Share

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Served(Protocol):
    """
    What a worker asks of the WSGI application that it serves.

    Connections come in when it is no longer *is_loading*. The *account* bounds what requests hold
    of memory, the *admission* how many are under way; the *recorder* records those that the
    application never sees.
    """

    settings: Settings
    admission: Admission
    account: Account
    recorder: Recorder

    @property
    def is_loading(self) -> bool:
        """Whether others should have the requests for now."""

    def attend(self, roster: Roster, slot: int, sockets: Sequence[Any]) -> None:
        """Called once: the worker is that in *slot* of *roster*, and listens on *sockets*."""

    def sample_gauges(self) -> None:
        """Set the gauges to what is under way now; called several times a second."""

    def takes(self, environ: "WSGIEnvironment") -> bool:
        """Whether a route takes the request, and its sender may ask; else its body is not read."""

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """
    What all connections of a worker's listening socket share; *admission* is the socket's.

    Each begins with a PROXY header where it *wants* one.
    """

    app: Served
    admission: Admission
    settings: Settings
    cfg: Any
    environ: dict[str, Any]
    clock: Clock
    peers: Peers
    timed_out: Callable[[str], None]
    share: Share
    answered: Callable[[], None]
    evicted: Callable[[], None]
    wants_proxy_header: bool = False

    def ask(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """
        Have the application answer (PEP 3333); meanwhile this worker is the busier for others.

        No longer: whoever has the answer may come again before this returns from having sent it.
        """
        self.share.begin()
        try:
            return self.app(environ, start_response)
        finally:
            self.share.end()

    @cached_property
    def keep_alive(self) -> str:
        """The fields that say for how long a connection is kept (RFC 2068 section 19.7.1.1)."""
        return f"Connection: keep-alive\r\nKeep-Alive: timeout={self.settings.idle_timeout_s}\r\n"
