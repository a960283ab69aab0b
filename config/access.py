"""The settings of who may ask, and how often."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from environs import Env
from marshmallow import ValidationError

from config.api_keys import ADMIN, ApiKey, InvalidKeys, parse, read_or_kept
from config.rates import Rate
from config.variables import text

KEYS, KEYS_FILE = "WEIR_API_KEYS", "WEIR_API_KEYS_FILE"
ISSUER, AUDIENCE, JWKS = "WEIR_JWT_ISSUER", "WEIR_JWT_AUDIENCE", "WEIR_JWKS"
RATE, STORE = "WEIR_RATE_LIMIT", "WEIR_RATE_LIMIT_STORE"

STORES = ("redis", "rediss", "unix")

T = TypeVar("T")


def read_access(env: Env) -> dict[str, Any]:
    """Read them; what is wrong waits in *env*."""
    none: tuple[ApiKey, ...] = ()
    listed, in_file = _read(env, KEYS, _keys, none), _read(env, KEYS_FILE, _keys_in, none)
    return {
        **_read_issuer(env),
        "api_keys": listed,
        "api_keys_file": text(env, KEYS_FILE, ""),
        "keys_of_file": in_file,
        "has_admin_key": any(ADMIN in key.scopes for key in (*listed, *in_file)),
        "rate_limit": _read(env, RATE, Rate.parse, None),
        "rate_limit_store": text(env, STORE, "", _store),
    }


def _read_issuer(env: Env) -> dict[str, str]:
    """Read the issuer of tokens: all of it, or nothing."""
    names = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwks": JWKS}
    checks = {JWKS: _jwks}
    found = {field: text(env, name, "", checks.get(name)) for field, name in names.items()}
    missing = [name for field, name in names.items() if not found[field]]
    if 0 < len(missing) < len(names):

        def refuse(_value: str) -> None:
            raise ValidationError(f"with it, these are wanted: {', '.join(missing)}")

        present = next(name for field, name in names.items() if found[field])
        text(env, present, "", refuse)
    return found


def _jwks(source: str) -> None:
    if _parts(source).scheme not in {"http", "https"} and not Path(source).is_file():
        raise ValidationError("https:// with an address, or the path of a file, is wanted")
    if not find_spec("joserfc"):
        raise ValidationError("tokens need a package that is not here: make install-jwt")


def _read(env: Env, name: str, made_of: Callable[[str], T], default: T) -> T:
    """What *made_of* makes of the variable; its ValueError says what is wanted."""
    made = [default]

    def check(value: str) -> None:
        try:
            made[0] = made_of(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    text(env, name, "", check)
    return made[0]


def _keys(listed: str) -> tuple[ApiKey, ...]:
    keys = parse(listed)
    if not keys:
        raise InvalidKeys("a key is wanted, or nothing at all: without keys anybody may ask")
    return keys


def _keys_in(path: str) -> tuple[ApiKey, ...]:
    if not Path(path).is_absolute():
        raise InvalidKeys("the whole path of a file is wanted")
    return read_or_kept(Path(path))


def _parts(url: str) -> SplitResult:
    """The parts of *url*; of one that cannot be read there are none."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # read where it is asked for
    except ValueError:
        return urlsplit("")
    return parts


def _store(url: str) -> None:
    if not (find_spec("limits") and find_spec("redis")):
        raise ValidationError("a store needs packages that are not here: make install-redis")
    parts = _parts(url)
    number = parts.path.strip("/")
    is_usable = parts.scheme == "unix" or (parts.hostname and (number.isdecimal() or not number))
    if parts.scheme not in STORES or not is_usable or parts.query or parts.fragment:
        raise ValidationError(
            "redis://, rediss:// or unix:// with an address is wanted, with user:password@ before "
            "it and a database's number behind it if need be; in a password %23 is #, %2F is /"
        )
