"""Gunicorn's reader and request with deadlines and without repeated work; PEP 3333's environ."""

import sys
from time import monotonic
from typing import Any

from gunicorn.http.message import Request
from gunicorn.http.unreader import SocketUnreader
from gunicorn.util import split_request_uri, unquote_to_wsgi_str

FOREVER = float("inf")

# Fields that PEP 3333 gives a name of their own, like CGI.
BARE_FIELDS = {"CONTENT-TYPE": "CONTENT_TYPE", "CONTENT-LENGTH": "CONTENT_LENGTH"}


class Reader(SocketUnreader):  # type: ignore[misc]  # Gunicorn has no types
    """
    Gunicorn's reader, with a deadline for whatever is being read.

    Overrides `chunk`, through which every byte of a request comes.
    """

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self.allow(FOREVER)

    def allow(self, seconds: float, bytes_per_s: float = FOREVER) -> None:
        """Give what comes next *seconds*, and a second more for each *bytes_per_s* received."""
        self._deadline = monotonic() + seconds
        self._bytes_per_s = bytes_per_s
        self._received = 0

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Receive. Raises TimeoutError past the deadline."""
        left = self._deadline + self._received / self._bytes_per_s - monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)
        data: bytes = super().chunk(size_hint)
        self._received += len(data)
        return data

    @property
    def has_more(self) -> bool:
        """Whether bytes of the next request have been received already (pipelining)."""
        return bool(self.buf.tell())


class TrustingRequest(Request):  # type: ignore[misc]  # Gunicorn has no types
    """
    Gunicorn's request, parsed by its Python parser.

    Overrides `_peer_is_trusted_proxy`: a connection's peer does not change, so it is compared with
    FORWARDED_ALLOW_IPS once, not for every request.
    """

    def __init__(self, cfg: Any, reader: Reader, peer: tuple[str, int], *, trusted: bool) -> None:
        self._trusted = trusted
        super().__init__(cfg, reader, peer)

    def _peer_is_trusted_proxy(self) -> bool:
        return self._trusted


class FrozenConfig:
    """
    Gunicorn's configuration as plain attributes.

    Gunicorn's own looks each setting up in a dict of objects, some thirty times a request.
    """

    def __init__(self, cfg: Any) -> None:
        self.__dict__.update({name: setting.get() for name, setting in cfg.settings.items()})
        self.is_ssl = cfg.is_ssl


def base_environ(address: tuple[Any, ...]) -> dict[str, Any]:
    """The part of the environ that is the same for every request of a worker (PEP 3333)."""
    return {
        "wsgi.version": (1, 0),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "SERVER_NAME": str(address[0]),
        "SERVER_PORT": str(address[1]),
        "SCRIPT_NAME": "",
    }


def environ_of(request: Any, peer: tuple[str, int]) -> dict[str, Any]:
    """
    The part of the environ that the request decides.

    Fields of one name are joined by commas (RFC 9110 section 5.3). Names with an underscore, which
    could pass for another field's, are gone already (`header_map` and `forwarder_headers`).
    """
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query,
        "SERVER_PROTOCOL": "HTTP/{}.{}".format(*request.version),
        "PATH_INFO": unquote_to_wsgi_str(request.path),
        "wsgi.url_scheme": request.scheme,
        "REMOTE_ADDR": peer[0],
        "REMOTE_PORT": str(peer[1]),
    }
    for name, value in request.headers:
        key = BARE_FIELDS.get(name) or "HTTP_" + name.replace("-", "_")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if not request.uri.startswith("/") and "HTTP_HOST" in environ:
        # RFC 9112 section 3.2.2: the host of an absolute-form target overrides the field's.
        environ["HTTP_HOST"] = split_request_uri(request.uri).netloc or environ["HTTP_HOST"]
    return environ
