"""The request as routes read it: a body that is whole and within its limit."""

from functools import cached_property
from io import BytesIO
from typing import IO, cast

import flask
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from service.exchange import HOLD, KEY, Exchange
from service.inference.account import Hold, unlimited


class Request(flask.Request):
    """Flask's request with a checked body."""

    @property
    def exchange(self) -> Exchange:
        """The record of this request and its answer."""
        exchange: Exchange = self.environ[KEY]
        return exchange

    @property
    def has_body(self) -> bool:
        """Whether a body was sent: RFC 9112 section 6.3, neither field means none."""
        return bool(self.environ.get("CONTENT_LENGTH")) or (
            "HTTP_TRANSFER_ENCODING" in self.environ
        )

    @cached_property
    def stream(self) -> IO[bytes]:
        """
        The whole body in memory.

        Raises RequestEntityTooLarge beyond the limit, also for a chunked body, which Werkzeug's
        own stream would cut at the limit and hand on; BadRequest for a body that was cut short.
        """
        limit = self.max_content_length or 0
        declared = self.content_length
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
        return BytesIO(body)

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
        sent = f"has type {self.mimetype!r}" if self.mimetype else "has no Content-Type"
        return UnsupportedMediaType(f"the body {sent}; send {wanted}")


request = cast("Request", flask.request)


def _too_large(limit: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"the body is larger than the limit of {limit} bytes; send less")
