"""The guard: whether a request may come, by its key, what the key may, and how often it has."""

from collections.abc import Callable, Collection, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from config.api_keys import METRICS, ApiKey
from config.rates import Rate
from service.access.limiter import Limiter
from service.access.presented import CHALLENGE, key_in, missing, unknown
from service.access.rates import Allowance
from service.access.routes import OPEN, WHO_MAY_ASK
from service.errors import (
    AccessRefused,
    IssuerUnreachable,
    NotAllowed,
    ServiceError,
    TooManyRequests,
)
from service.exchange import KEY
from service.forwarded import client_ip

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# A household or a host of IPv6 has so many bits for itself (RFC 6177).
IPV6_SITE_BITS = 64


class Verdict(NamedTuple):
    """
    What was decided of a request: the name of its *key*, and why it is refused, if it is.

    *fields* are lines for the head of its answer.
    """

    key: str = ""
    refusal: ServiceError | None = None
    fields: str = ""


ADMITTED = Verdict()


class Guard:
    """
    Asks for a key where a scope is *guarded*, and counts requests where there is a rate.

    *find* knows the keys; *rate* is that of whoever has none of its own.
    """

    def __init__(
        self,
        guarded: Collection[str],
        find: Callable[[str], ApiKey | None],
        limiter: Limiter,
        rate: Rate | None,
    ) -> None:
        self._guarded = frozenset(guarded)
        self._find = find
        self.limiter = limiter
        self._rate = rate

    def judge(
        self, environ: "WSGIEnvironment", route: str, arguments: Mapping[str, Any]
    ) -> Verdict:
        """Decide on a request for *route* with its *arguments*, and count it."""
        scope = WHO_MAY_ASK[route]
        if scope == OPEN:
            return ADMITTED
        key: ApiKey | None = None
        refusal: ServiceError | None = None
        if scope in self._guarded:
            try:
                sent = key_in(environ)
                key = self._find(sent) if sent else None
                if key is None:
                    raise unknown() if sent else missing(environ, scope)
                if scope not in key.scopes or key.models:
                    _check(key, scope, arguments.get("name"))
            except (AccessRefused, IssuerUnreachable) as error:
                refusal = error.with_traceback(None)
        rate = key.limit or self._rate if key else self._rate
        if rate is None or (key and key.is_unlimited) or (scope == METRICS and refusal is None):
            name = key.name if key else ""
            return Verdict(name, refusal) if refusal else _admitted(name)
        return self._counted(environ, key, rate, refusal)

    def _counted(
        self,
        environ: "WSGIEnvironment",
        key: ApiKey | None,
        rate: Rate,
        refusal: ServiceError | None,
    ) -> Verdict:
        """Count the request of *key*, or else of its address; *refusal* is what is known of yet."""
        if key:
            who, name, policy = key.who, key.name, "key"
        else:
            who, name, policy = self._address(environ), "", "address"
        allowance = self.limiter.hit(who, rate)
        if not allowance.is_admitted:
            refusal = _too_many(f"the key {name!r}" if key else "this address", rate, allowance)
        return Verdict(name, refusal, _fields(policy, rate, allowance))

    def _address(self, environ: "WSGIEnvironment") -> str:
        exchange = environ.get(KEY)
        return _site(exchange.client_ip if exchange else client_ip(environ))


def _check(key: ApiKey, scope: str, model: str | None) -> None:
    """Raise NotAllowed unless *key* has the scope, and the model where one is asked for."""
    if scope not in key.scopes:
        raise NotAllowed(
            f"the key {key.name!r} is for {', '.join(sorted(key.scopes)) or 'nothing here'}, and "
            f"this is {scope}",
            f'{CHALLENGE}, error="insufficient_scope", scope="{scope}"',
        )
    if model is not None and key.models and not _is_among(key.models, model):
        raise NotAllowed(
            f"the key {key.name!r} may ask other models: {', '.join(key.models)}",
            f'{CHALLENGE}, error="insufficient_scope"',
        )


@lru_cache(maxsize=1024)
def _admitted(name: str) -> Verdict:
    return Verdict(name)


@lru_cache(maxsize=1024)
def _is_among(patterns: tuple[str, ...], model: str) -> bool:
    return any(fnmatchcase(model, pattern) for pattern in patterns)


@lru_cache(maxsize=1024)
def _site(address: str) -> str:
    """The address as it is counted: of IPv6 the network, within which a client chooses its own."""
    try:
        is_v6 = isinstance(ip_address(address), IPv6Address)
    except ValueError:
        return address
    return str(ip_network((address, IPV6_SITE_BITS), strict=False)) if is_v6 else address


def _fields(policy: str, rate: Rate, allowance: Allowance) -> str:
    """
    Write `RateLimit-Policy`, and `RateLimit` where it is known how many requests are left.

    https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (10)
    """
    line = _policy_line(policy, rate)
    if allowance.left is None:
        return line
    return f'{line}RateLimit: "{policy}";r={allowance.left};t={ceil(allowance.reset_s)}\r\n'


@lru_cache(maxsize=1024)
def _policy_line(policy: str, rate: Rate) -> str:
    return f'RateLimit-Policy: "{policy}";q={rate.requests};w={rate.window_s}\r\n'


def _too_many(who: str, rate: Rate, allowance: Allowance) -> TooManyRequests:
    return TooManyRequests(
        f"{who} may ask {rate.requests} times in {rate.window_s} s; come back after Retry-After "
        "seconds",
        allowance.reset_s,
    )
