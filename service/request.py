"""The request as routes read it: a body that is whole and within its limit."""

from functools import cache, cached_property, lru_cache, partial
from io import BytesIO
from typing import IO, Any, cast
from urllib.parse import quote

import flask
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.http import parse_options_header

from service.content_coding import CODINGS_LIMIT, check_charset, codings_of, expand, expanders
from service.exchange import HOLD, KEY, Exchange
from service.faults import Told
from service.inference.account import Hold, unlimited

# Beyond this, what a compressed body becomes may keep the hub for longer than a millisecond.
INLINE_BYTES = 512

# Content types of so many characters are remembered.
KNOWN_TYPE_CHARS = 100

_expanders = cache(expanders)
_known_content_type = lru_cache(maxsize=64)(parse_options_header)


class UnreadCoding(UnsupportedMediaType):
    """A body in a coding that this service does not read; RFC 9110 section 15.5.16."""

    def __init__(self, detail: str, read_here: str) -> None:
        """*read_here* are the codings that it does read."""
        super().__init__(detail)
        self._read_here = read_here

    def get_headers(self, *_: Any, **__: Any) -> list[tuple[str, str]]:
        """Say what could be sent instead."""
        return [("Accept-Encoding", self._read_here)]


class Request(flask.Request):
    """Flask's request with a checked body."""

    @property
    def exchange(self) -> Exchange:
        """The record of this request and its answer."""
        exchange: Exchange = self.environ[KEY]
        return exchange

    @property
    def own_url(self) -> str:
        """The address that the client has asked, as far as it told: Werkzeug's knows few hosts."""
        environ = self.environ
        host = environ.get("HTTP_HOST") or f"localhost:{environ['SERVER_PORT']}"
        return f"{environ['wsgi.url_scheme']}://{host}{quote(self.path)}"

    def _parse_content_type(self) -> None:
        """Parse as Werkzeug does; what clients say again and again, once."""
        told = self.environ.get("CONTENT_TYPE", "")
        parse = _known_content_type if len(told) <= KNOWN_TYPE_CHARS else parse_options_header
        self._parsed_content_type = parse(told)

    @property
    def has_body(self) -> bool:
        """Whether a body was sent: RFC 9112 section 6.3, neither field means none."""
        return bool(self.environ.get("CONTENT_LENGTH")) or (
            "HTTP_TRANSFER_ENCODING" in self.environ
        )

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body, as Werkzeug has it read."""
        return BytesIO(self.body)

    def get_data(self, *_: object, **__: object) -> bytes:  # type: ignore[override]  # bytes alone
        """The body: it is in memory and remembered, whatever Werkzeug's options say."""
        return self.body

    @cached_property
    def body(self) -> bytes:
        """
        The whole body in memory, expanded where it was sent compressed.

        Raises RequestEntityTooLarge beyond the limit, also for a chunked body, which Werkzeug's
        own stream would cut at the limit and hand on; BadRequest for a body that was cut short;
        UnsupportedMediaType for a coding that cannot be read.
        """
        limit = self.max_content_length or 0
        declared = self._declared_bytes
        if declared is not None and declared > limit:
            raise _too_large(limit)
        body = self._read(limit + 1 if declared is None else declared)
        if len(body) > limit:
            raise _too_large(limit)
        if declared is not None and len(body) < declared:
            raise BadRequest(
                f"the body ended after {len(body)} of the {declared} bytes that Content-Length "
                "declares; send it whole"
            )
        self.exchange.bytes_in = len(body)
        names_one = "charset" in self.environ.get("CONTENT_TYPE", "").lower()
        if names_one and not self.mimetype.startswith("image/"):
            check_charset(self.mimetype_params.get("charset", "utf-8"), "the body")
        coding = self.environ.get("HTTP_CONTENT_ENCODING")
        return self._expanded(body, coding, limit) if coding else body

    @property
    def _declared_bytes(self) -> int | None:
        """What Content-Length declares, where it counts (RFC 9112 section 6.3)."""
        text = self.environ.get("CONTENT_LENGTH", "")
        is_told = text.isdecimal() and "HTTP_TRANSFER_ENCODING" not in self.environ
        return int(text) if is_told else None

    def _expanded(self, body: bytes, field: str, limit_bytes: int) -> bytes:
        codings = codings_of(field)
        if not codings or not body:
            return body
        coding, expander = codings[0], _expanders().get(codings[0])
        if expander is None or len(codings) > CODINGS_LIMIT:
            listed = ", ".join(name for name in _expanders() if not name.startswith("x-"))
            told = f"send it in one of {listed}, or as it is"
            raise UnreadCoding(
                Told(
                    f"the body has Content-Encoding {field[:40]!r}; {told}",
                    f"the body has another Content-Encoding; {told}",
                ),
                listed,
            )
        work = partial(expand, body, coding, expander, limit_bytes, self.hold.grow)
        is_short = len(body) <= INLINE_BYTES or not flask.has_app_context()
        expanded: bytes = work() if is_short else cast("Any", flask.current_app).run_aside(work)
        return expanded

    def _read(self, size: int) -> bytes:
        if not self.has_body:
            return b""
        try:
            return self.environ["wsgi.input"].read(size)  # type: ignore[no-any-return]
        except OSError:
            raise BadRequest("the connection ended before the body did; send it whole") from None

    @cached_property
    def hold(self) -> Hold:
        """What this request holds of the worker's memory; the connection releases it."""
        return self.environ.get(HOLD) or unlimited()

    def unsupported(self, wanted: str) -> UnsupportedMediaType:
        """The refusal of a body in a media type that is not among those *wanted*."""
        if not self.mimetype:
            return UnsupportedMediaType(f"the body has no Content-Type; send {wanted}")
        sent = f"the body has type {self.mimetype!r}; send {wanted}"
        return UnsupportedMediaType(Told(sent, f"the body has another type; send {wanted}"))


request = cast("Request", flask.request)


def _too_large(limit: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"the body is larger than the limit of {limit} bytes; send less")
