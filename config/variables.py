"""One variable of the environment, read as what it is to hold; what is wrong waits in its Env."""

import os
import re
import socket
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path

from environs import Env
from marshmallow import ValidationError
from marshmallow.validate import OneOf

from config.service_links import service_links
from config.whole_number import WholeNumber

PROJECT = Path(__file__).resolve().parent.parent

# struct sockaddr_un's, with its last byte 0 (unix(7)).
SOCKET_PATH_BYTES = 107

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def text(env: Env, name: str, default: str, validate: Callable[[str], object] | None = None) -> str:
    """A text; one that is empty counts as not set, and a file's last newline is none of it."""
    if name in service_links(os.environ):
        return default

    def check(value: str) -> None:
        if validate and value.strip():
            validate(value.strip())

    found: str = env.str(name, "", validate=check) or ""
    return found.strip() or default


def whole(env: Env, name: str, default: int, wanted: WholeNumber) -> int:
    """A whole number of those *wanted*."""
    found = text(env, name, "", wanted)
    return int(found) if found else default


def choice(env: Env, name: str, default: str, *others: str) -> str:
    """One of a few words."""
    one_of = OneOf([default, *others], error="one of {choices} is wanted")
    return text(env, name, default, one_of)


def trusted(env: Env) -> tuple[str, ...]:
    """Addresses and networks whose word counts, or `*`; set and empty, nobody's does."""
    said = env.str("FORWARDED_ALLOW_IPS", "127.0.0.1,::1", validate=_networks) or ""
    return tuple(part.strip() for part in said.split(",") if part.strip())


def _networks(value: str) -> None:
    for part in filter(None, map(str.strip, value.split(","))):
        try:
            if part != "*":
                ip_network(part)
        except ValueError as error:
            said = f"addresses, networks or *, with commas between, are wanted; {error}"
            raise ValidationError(said) from None


def own_address(value: str) -> None:
    """An address that this machine can listen on, or a name of one."""
    host = value.removeprefix("[").removesuffix("]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        if ":" in host:
            ip_address(host)
        with socket.socket(family) as probe:
            probe.bind((host, 0))
    except (OSError, ValueError) as error:
        wanted = "an address of this machine, or a name of one, without a port is wanted"
        raise ValidationError(f"{wanted}; {error}") from None


def socket_path(value: str) -> None:
    """A path at which a Unix socket is, or can be made."""
    path = Path(value)
    wanted = ""
    if not path.is_absolute() or len(os.fsencode(value)) > SOCKET_PATH_BYTES:
        wanted = f"a whole path of at most {SOCKET_PATH_BYTES} bytes is wanted"
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        wanted = "a path in a folder in which this user may make files is wanted"
    elif path.exists() and not path.is_socket():
        wanted = "there is a file that is no socket; another path is wanted"
    if wanted:
        raise ValidationError(wanted)


def folder(value: str) -> None:
    """A folder or a file of the project's, or anybody's by its whole path."""
    path = PROJECT / value
    if not path.exists():
        raise ValidationError(
            "no such folder or file; one with a folder for each model, or one model, is wanted"
        )
    if not os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK):
        raise ValidationError("a folder or a file that this user may read is wanted")


def plain_name(value: str) -> None:
    """What can stand in a path and in a label as it is."""
    if not NAME.fullmatch(value):
        raise ValidationError("letters, digits, dots, dashes and underscores are wanted")


def token(value: str) -> None:
    """What can stand in a field of HTTP as it is."""
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValidationError("visible ASCII characters without spaces are wanted")
