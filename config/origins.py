"""Origins of pages, as browsers write them in `Origin` (RFC 6454 section 6.2)."""

import re
from urllib.parse import urlsplit

from environs import Env
from marshmallow import ValidationError

from config.variables import text

ANYONE = "*"
DEFAULT_PORTS = {"http": 80, "https": 443}
WANTED = "origins such as https://shop.example, with commas between, or * alone are wanted"
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")


def origins(env: Env, name: str) -> tuple[str, ...]:
    """The origins that the variable *name* lists; none where it is not set."""
    return tuple(_listed(text(env, name, "", check)))


def check(value: str) -> None:
    """Raise ValidationError for what no browser would ever say of itself."""
    listed = _listed(value)
    if ANYONE in listed and len(listed) > 1:
        raise ValidationError(f"{WANTED}; * stands for every origin, leave the others out")
    for origin in listed:
        if origin != ANYONE and (fault := fault_of(origin)):
            raise ValidationError(f"{WANTED}; {origin!r} {fault}")


def _listed(value: str) -> list[str]:
    return [origin.strip() for origin in value.split(",") if origin.strip()]


def fault_of(origin: str) -> str:
    """What is wrong with *origin*, in words that follow it; nothing if it is one."""
    if origin == "null":
        return "is what every sandboxed frame and local file says; none of them can be told apart"
    if not SCHEME.match(origin):
        return f"has no scheme: write https://{origin}"
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError as error:
        return f"cannot be read: {error}"
    is_default = port is not None and port == DEFAULT_PORTS.get(parts.scheme)
    host = parts.netloc.rpartition("@")[2].removesuffix(f":{port}")
    bare = f"{parts.scheme}://{host if is_default else parts.netloc}".lower()
    faults = {
        "has a user: leave it out": "@" in parts.netloc,
        f"has a path, be it a slash: write {bare}": origin.partition("://")[2] != parts.netloc,
        f"has capitals, which browsers write small: write {bare}": origin != origin.lower(),
        f"has a port that browsers leave out: write {bare}": is_default,
        "has no host in ASCII letters (a name's xn-- form)": not HOST.fullmatch(host),
    }
    return next((fault for fault, is_so in faults.items() if is_so), "")
