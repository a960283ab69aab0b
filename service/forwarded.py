"""What proxies and routers tell of a request in its fields: whose it is, by which scheme, when."""

import re
from collections.abc import Callable
from ipaddress import ip_address
from time import time
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Where the environ carries the client's address as a trusted proxy has told it.
CLIENT_IP = "weir.client_ip"

# In milliseconds since 1970: https://devcenter.heroku.com/articles/http-routing
REQUEST_START = re.compile(r"[0-9]{13}")

# What proxies write for an address, with a port beside it or what hides one (RFC 7239 section 6).
ADDRESS_AND_PORT = re.compile(r"\[([^\[\]]+)\](?::_?[\w.-]+)?|([0-9.]+):_?[\w.-]+", re.ASCII)

# RFC 7239 section 4: a parameter of `Forwarded`, its value a token or a string in quotes.
PARAMETER = re.compile(r"""([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"([^"\\]*)")""", re.ASCII)

Heed: TypeAlias = Callable[["WSGIEnvironment"], None]


def heed_x_forwarded(environ: "WSGIEnvironment") -> None:
    """
    Believe `X-Forwarded-For` and `X-Forwarded-Proto`, which are no standard's.

    Each proxy appends to what it is sent: the last entry is the nearest one's. Some add the port.
    """
    if "HTTP_X_FORWARDED_FOR" in environ:
        environ[CLIENT_IP] = _address(_last(environ["HTTP_X_FORWARDED_FOR"]).strip('"'))
    if "HTTP_X_FORWARDED_PROTO" in environ:
        environ["wsgi.url_scheme"] = _scheme(_last(environ["HTTP_X_FORWARDED_PROTO"]))


def heed_forwarded(environ: "WSGIEnvironment") -> None:
    """
    Believe `Forwarded` (RFC 7239): the parameters `for` and `proto` of its last element.

    It is read from its end, so that no quote in what a client has sent hides what was appended. An
    element that is not well-formed tells nothing.
    """
    if "HTTP_FORWARDED" not in environ:
        return
    told: dict[str, str] = {}
    for part in _last(environ["HTTP_FORWARDED"]).split(";"):
        found = PARAMETER.fullmatch(part.strip(" \t"))
        if not found or found[1].lower() in told:
            return
        told[found[1].lower()] = found[2] or found[3] or ""
    environ[CLIENT_IP] = _address(told.get("for", ""))
    environ["wsgi.url_scheme"] = _scheme(told.get("proto", ""))


# By the setting WEIR_FORWARDED. One of them is read and never both: a proxy that sets the one
# passes the other on as its client has written it.
HEEDED: MappingProxyType[str, Heed] = MappingProxyType(
    {"x-forwarded": heed_x_forwarded, "forwarded": heed_forwarded}
)


def client_ip(environ: "WSGIEnvironment") -> str:
    """The client's address: what a trusted proxy has told, if that is one, or else the peer's."""
    told: str = environ.get(CLIENT_IP) or environ.get("REMOTE_ADDR", "")
    return told


def _last(field: str) -> str:
    """The last entry of a list; empty ones do not count (RFC 9110 section 5.6.1)."""
    return field.rstrip(" \t,").rpartition(",")[2].strip(" \t")


def _scheme(told: str) -> str:
    return "https" if told.lower() == "https" else "http"


def _address(entry: str) -> str:
    """The address of `192.0.2.1:80`, `[2001:db8::1]:80`, or one without a port; else nothing."""
    found = ADDRESS_AND_PORT.fullmatch(entry)
    try:
        address = ip_address(found[1] or found[2] if found else entry)
        return str(getattr(address, "ipv4_mapped", None) or address)
    except ValueError:
        return ""


def router_ms(request_start: str) -> float | None:
    """
    How long ago a router had the request, by *request_start*, its field `X-Request-Start`.

    Clocks of two machines differ: less than nothing is nothing. None for what is no such time.
    """
    if not REQUEST_START.fullmatch(request_start):
        return None
    return max(0.0, round(time() * 1000 - int(request_start), 1))
