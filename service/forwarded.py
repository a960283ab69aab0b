"""What proxies and routers tell of a request in its fields: whose it is, and since when."""

import re
from collections.abc import Callable
from ipaddress import ip_address
from time import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# In milliseconds since 1970: https://devcenter.heroku.com/articles/http-routing
REQUEST_START = re.compile(r"[0-9]{13}")


# What some proxies write for an address, its port beside it or not.
ADDRESS_AND_PORT = re.compile(r"\[([^\[\]]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+")


def client_ip(environ: "WSGIEnvironment", trusts: Callable[[str], bool]) -> str:
    """
    The client's address.

    The last entry of `X-Forwarded-For` is the peer of the nearest proxy; it counts only when
    the connection comes from one that is trusted, and if it is an address. Some add its port.
    """
    peer: str = environ.get("REMOTE_ADDR", "")
    if "HTTP_X_FORWARDED_FOR" not in environ or not peer or not trusts(peer):
        return peer
    forwarded: str = environ["HTTP_X_FORWARDED_FOR"]
    entries = [entry for entry in forwarded.split(",") if not entry.isspace() and entry]
    return _address(entries[-1].strip(' \t"')) or peer if entries else peer


def _address(entry: str) -> str:
    """The address of `192.0.2.1:80`, `[2001:db8::1]:80`, or one without a port; else nothing."""
    found = ADDRESS_AND_PORT.fullmatch(entry)
    try:
        return str(ip_address(found[1] or found[2] if found else entry))
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
