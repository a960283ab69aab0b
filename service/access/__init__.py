"""Who may ask, and how often: keys, their scopes and models, and rates."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from config.api_keys import ADMIN, METRICS, ApiKey, digest_of
from config.settings import Settings
from service.access.guard import Guard
from service.access.issuer import Issuer
from service.access.limiter import Limiter
from service.access.published_keys import PublishedKeys
from service.access.register import Register
from service.access.store import Store

# What the tokens of the settings are called, as keys.
METRICS_TOKEN, ADMIN_TOKEN = "metrics-token", "admin-token"  # names

Find: TypeAlias = Callable[[str], ApiKey | None]


def guard_of(settings: Settings) -> Guard | None:
    """Make the guard that *settings* ask for, if they do."""
    if not settings.guarded_scopes and not settings.rate_limit:
        return None
    store = Store(settings.rate_limit_store) if settings.rate_limit_store else None
    path = Path(settings.api_keys_file) if settings.api_keys_file else None
    find = Register((*settings.api_keys, *_tokens(settings)), path, settings.keys_of_file).find
    if settings.jwt_issuer:
        keys = PublishedKeys(settings.jwks)
        find = partial(_find, find, Issuer(settings.jwt_issuer, settings.jwt_audience, keys).find)
    return Guard(settings.guarded_scopes, find, Limiter(store), settings.rate_limit)


def _find(find_key: Find, find_token: Find, sent: str) -> ApiKey | None:
    return find_key(sent) or find_token(sent)


def _tokens(settings: Settings) -> list[ApiKey]:
    """The tokens of metrics and of the repository, which are keys for one scope."""
    found = (
        (METRICS_TOKEN, settings.metrics_token, METRICS),
        (ADMIN_TOKEN, settings.admin_token, ADMIN),
    )
    return [
        ApiKey(name=name, digest=digest_of(token), scopes=frozenset({scope}), is_unlimited=True)
        for name, token, scope in found
        if token
    ]
