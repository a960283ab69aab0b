"""The request as routes read it: a body that is whole and within its limit, JSON by orjson."""

from functools import cached_property
from io import BytesIO
from typing import IO, Any, cast

import flask
import orjson
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.formparser import FormDataParser

from service import exchange


class Request(flask.Request):
    """Flask's request with a checked body."""

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
        exchange.current().bytes_in = len(body)
        return BytesIO(body)

    def _read(self, size: int) -> bytes:
        if not self.has_body:
            return b""
        try:
            return self.environ["wsgi.input"].read(size)  # type: ignore[no-any-return]
        except OSError:
            raise BadRequest("the connection ended before the body did; send it whole") from None

    def json_object(self, example: str = '{"msg": "Hello"}') -> dict[str, Any]:
        """The body as a JSON object. Raises BadRequest that says to send one such as *example*."""
        return json_object(self.get_data(), example)

    def unsupported(self, wanted: str) -> UnsupportedMediaType:
        """The refusal of a body in a media type that is not among those *wanted*."""
        sent = f"has type {self.mimetype!r}" if self.mimetype else "has no Content-Type"
        return UnsupportedMediaType(f"the body {sent}; send {wanted}")

    def _load_form_data(self) -> None:
        try:
            super()._load_form_data()
        except ValueError as error:
            raise BadRequest(f"the form cannot be read: {error}") from None

    def make_form_data_parser(self) -> FormDataParser:
        """Like Werkzeug's, but a malformed form is an error, not an empty form."""
        parser = super().make_form_data_parser()
        parser.silent = False
        return parser

    def _get_file_stream(self, *_args: Any, **_kwargs: Any) -> IO[bytes]:
        return BytesIO()  # the body is in memory already: no temporary file on the hub


request = cast("Request", flask.request)


def json_object(body: bytes, example: str) -> dict[str, Any]:
    """Read a JSON object. Raises BadRequest that says to send one such as *example*."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadRequest(f"the body is a JSON {_kind(value)}; send an object, such as {example}")
    return value


def _too_large(limit: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"the body is larger than the limit of {limit} bytes; send less")


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "array"
    if isinstance(value, str):
        return "string"
    return "null" if value is None else "boolean" if isinstance(value, bool) else "number"
