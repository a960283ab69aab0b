"""A request's head: read by Gunicorn's parser, known as far as it was read; PEP 3333's environ."""

from functools import lru_cache
from typing import Any

from gunicorn.http.errors import ParseException
from gunicorn.http.message import (
    RFC9110_5_3_SINGLETON_FIELDS,
    RFC9110_5_5_INVALID_AND_DANGEROUS,
    TOKEN_RE,
    Request,
)
from gunicorn.util import split_request_uri, unquote_to_wsgi_str

from service.exchange import STAGES
from service.stages import Stages
from service.wire.peer import Peer
from service.wire.reader import SocketReader

# Fields that may come once.
SINGLETONS = frozenset(RFC9110_5_3_SINGLETON_FIELDS)

# Fields that PEP 3333 gives a name of their own, like CGI.
BARE_FIELDS = {"CONTENT-TYPE": "CONTENT_TYPE", "CONTENT-LENGTH": "CONTENT_LENGTH"}

# Lines of so many bytes are remembered: clients send the same ones again and again.
KNOWN_LINE_BYTES, KNOWN_LINES = 256, 1024
OF_REQUEST_LINE = ("method", "uri", "path", "query", "fragment", "version")

# Of a request line that is never parsed, so much is kept for the log.
NOTED_BYTES = 1 << 10


class TrustingRequest(Request):  # type: ignore[misc]  # Gunicorn has no types
    """
    Gunicorn's request, parsed by its Python parser; not yet read when it is made.

    Overrides `_peer_trusted_for_forwarded`: `Peer.heed` reads what a trusted peer tells, and hints
    that contradict each other are no fault of the request's. `read_line`: what cannot be read to
    its end is known as far as it was. `parse_request_line` and `parse_headers`: lines that came
    before are not parsed again. `should_close`: `Connection` is a list (RFC 9110, 7.6.1).
    """

    def __init__(self) -> None:
        self.method: str | None = None
        self.path: str | None = None
        self.headers: list[tuple[str, str]] = []
        self._closes = True

    def read(self, cfg: Any, reader: SocketReader, peer: Peer) -> None:
        """Read the head. Raises ParseException, or TimeoutError."""
        super().__init__(cfg, reader, (peer.address, peer.port))
        self._closes = self._is_last()

    def _peer_trusted_for_forwarded(self) -> tuple[dict[str, str], list[str]]:
        return {}, []

    def read_line(self, unreader: Any, buf: bytearray, limit: int = 0) -> Any:
        """Read the request line, and note what there is of one that cannot be read."""
        try:
            return super().read_line(unreader, buf, limit)
        except (ParseException, OSError):
            method, _, target = bytes(buf[:NOTED_BYTES]).decode("latin-1").partition(" ")
            if target and TOKEN_RE.fullmatch(method):
                self.method, self.path = method, target.partition("?")[0].partition(" ")[0]
            raise

    def parse_request_line(self, line_bytes: bytes) -> None:
        """Read the request line, if it came before from what it was parsed to then."""
        known = self.cfg.known_request_lines
        parsed = known.get(line_bytes)
        if parsed is None:
            super().parse_request_line(line_bytes)
            if len(line_bytes) <= KNOWN_LINE_BYTES:
                if len(known) >= KNOWN_LINES:
                    known.clear()
                known[line_bytes] = {name: getattr(self, name) for name in OF_REQUEST_LINE}
        else:
            self.__dict__.update(parsed)

    def parse_headers(self, data: bytes, from_trailer: bool = False) -> Any:  # noqa: FBT001, FBT002  # Gunicorn's own
        """The fields of a head; Gunicorn's own code reads any that is not plain."""
        lines = data.split(b"\r\n")
        fields = [_plain_field(line) for line in lines] if not from_trailer else [None]
        names = {field[0] for field in fields if field}
        is_plain = None not in fields and len(fields) <= self.limit_request_fields
        if is_plain and (len(names) == len(fields) or names.isdisjoint(SINGLETONS)):
            return fields
        return super().parse_headers(data, from_trailer)

    def should_close(self) -> bool:
        """Whether the connection ends with this request, as far as its client has a say."""
        return self.must_close or self._closes

    def _is_last(self) -> bool:
        told = [value for name, value in self.headers if name == "CONNECTION"]
        if not told:
            return self.version <= (1, 0) or self.method == "CONNECT"
        options = {option.strip(" \t").lower() for option in ",".join(told).split(",")}
        kept = self.version > (1, 0) or "keep-alive" in options
        return "close" in options or not kept or self.method == "CONNECT"


def environ_so_far(request: TrustingRequest, peer: Peer, stages: Stages) -> dict[str, Any]:
    """What the record needs of a request whose head was not read whole."""
    environ = {
        STAGES: stages,
        "REQUEST_METHOD": request.method or "",
        "PATH_INFO": unquote_to_wsgi_str(request.path or ""),
        "REMOTE_ADDR": peer.address,
    }
    _add_fields(environ, request.headers)
    if peer.heed:
        peer.heed(environ)
    return environ


def environ_of(request: TrustingRequest, peer: Peer) -> dict[str, Any]:
    """
    The part of the environ that the request decides; a trusted peer tells scheme and client.

    Fields of one name are joined by commas (RFC 9110 section 5.3). Names with an underscore, which
    could pass for another field's, are gone already (`header_map` and `forwarder_headers`).
    """
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query,
        "SERVER_PROTOCOL": "HTTP/{}.{}".format(*request.version),
        "PATH_INFO": unquote_to_wsgi_str(request.path),
        "wsgi.url_scheme": "http",
        "REMOTE_ADDR": peer.address,
        "REMOTE_PORT": str(peer.port),
    }
    _add_fields(environ, request.headers)
    if peer.heed:
        peer.heed(environ)
    if not request.uri.startswith("/") and "HTTP_HOST" in environ:
        # RFC 9112 section 3.2.2: the host of an absolute-form target overrides the field's.
        host = split_request_uri(request.uri).netloc.rpartition("@")[2]
        environ["HTTP_HOST"] = host or environ["HTTP_HOST"]
    return environ


def _add_fields(environ: dict[str, Any], fields: list[tuple[str, str]]) -> None:
    for name, value in fields:
        key = _key(name)
        environ[key] = f"{environ[key]},{value}" if key in environ else value


def _plain_field(line: bytes) -> tuple[str, str] | None:
    """
    The name in capitals and the value of a field line that needs no more than to be read.

    None for one with a name that maps to another's, with an expectation, or at fault in any way.
    """
    return _known_field(line) if len(line) <= KNOWN_LINE_BYTES else None


@lru_cache(maxsize=KNOWN_LINES)
def _known_field(line: bytes) -> tuple[str, str] | None:
    name, colon, value = line.decode("latin-1").partition(":")
    value = value.strip(" \t")
    if (
        not colon
        or not TOKEN_RE.fullmatch(name)
        or "_" in name
        or name.upper() == "EXPECT"
        or RFC9110_5_5_INVALID_AND_DANGEROUS.search(value)
    ):
        return None
    return name.upper(), value


# Clients send a few dozens of names; what hostile ones send comes and goes.
@lru_cache(maxsize=512)
def _key(name: str) -> str:
    """A field's name in the environ."""
    return BARE_FIELDS.get(name) or "HTTP_" + name.replace("-", "_")
