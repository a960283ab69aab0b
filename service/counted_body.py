"""The body of an answer on its way out: its bytes are counted, and its end is told."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeAlias


class Counted(Protocol):
    """What the bytes are counted for."""

    bytes_out: int


Close: TypeAlias = Callable[[Any], None]


class CountedBody:
    """The body on its way out: counts its bytes, and may close the exchange at its end."""

    __slots__ = ("_body", "_chunks", "_close", "_exchange")

    def __init__(
        self, body: Iterable[bytes], exchange: Counted, close: Close = lambda _exchange: None
    ) -> None:
        self._body = body
        self._chunks = iter(body)
        self._exchange = exchange
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = next(self._chunks)
        self._exchange.bytes_out += len(chunk)
        return chunk

    def close(self) -> None:
        """Called by the server when the answer has left, or the client has (PEP 3333)."""
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._close(self._exchange)
