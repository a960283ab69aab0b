"""Strict-Transport-Security (RFC 6797): browsers that came by https are to come by nothing else."""

from typing import TYPE_CHECKING

from service.exchange import Exchange

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class StrictTransport:
    """Adds the field to each answer over https, for which it must be told in plain HTTP never."""

    def __init__(self, seconds: int) -> None:
        """It holds for so many *seconds*, and for this host alone."""
        self._line = f"Strict-Transport-Security: max-age={seconds}\r\n"

    def __call__(self, environ: "WSGIEnvironment", exchange: Exchange) -> None:
        """Begin *exchange*; the scheme is that of the connection, or what a trusted proxy tells."""
        if environ.get("wsgi.url_scheme") == "https":
            exchange.called_for += self._line
