"""Everything an operator may tune, read once from the environment."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environs import Env, EnvValidationError

from config import machine
from config.access import KEYS, STORE, read_access
from config.api_keys import ADMIN, METRICS, SCOPES, ApiKey
from config.origins import origins
from config.rates import Rate
from config.service_links import service_links
from config.variables import (
    PROJECT,
    choice,
    folder,
    own_address,
    plain_name,
    socket_path,
    text,
    token,
    trusted,
    whole,
)
from config.whole_number import WholeNumber

SECONDS = WholeNumber(1, 3600)
PORTS = WholeNumber(1, 65_535)

# What no message repeats.
TOKEN = "WEIR_METRICS_TOKEN"  # noqa: S105  # the variable's name
ADMIN_TOKEN = "WEIR_ADMIN_TOKEN"  # noqa: S105  # as above
SECRETS = frozenset({TOKEN, ADMIN_TOKEN, KEYS, STORE})

IMAGE_LIMIT_PIXELS = 25_000_000

# What the instance takes once, and each worker with cat-or-dog and iris beside it (33 MB, and what
# the largest pictures of phones take in hand): load.benchmarks.model_memory.
ONCE_BYTES, WORKER_BYTES = 112 << 20, 96 << 20


class InvalidSettings(ValueError):
    """One or more environment variables cannot be used; the message lists every one."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The service's settings. config/README.md says what each is for."""

    host: str
    port: int
    socket: str
    admin_port: int
    workers: int
    trusted_proxies: tuple[str, ...]
    forwarded: str
    proxy_protocol: bool
    metrics_folder: str
    models: Path
    model_name: str
    model_cache: str
    watches_models: bool
    admin_token: str
    pages: bool
    load_timeout_s: int
    body_limit_bytes: int
    image_limit_pixels: int
    inference_threads: int
    connection_limit: int
    in_flight_limit: int
    max_requests: int
    idle_timeout_s: int
    head_timeout_s: int
    body_timeout_s: int
    body_rate_bytes_per_s: int
    handling_timeout_s: int
    write_timeout_s: int
    metrics_token: str
    api_keys: tuple[ApiKey, ...]
    api_keys_file: str
    keys_of_file: tuple[ApiKey, ...]
    has_admin_key: bool
    jwt_issuer: str
    jwt_audience: str
    jwks: str
    rate_limit: Rate | None
    rate_limit_store: str
    instance: str
    slow_ms: int
    error_detail: str
    cors_origins: tuple[str, ...]
    compression: bool
    hsts_s: int
    log_level: str
    log_format: str
    commit: str

    @property
    def has_keys(self) -> bool:
        """Whether who asks needs a key."""
        return bool(self.api_keys or self.api_keys_file or self.jwt_issuer)

    @property
    def is_open_to_all(self) -> bool:
        """Whether every interface is listened on, and nobody who asks needs a key."""
        everywhere = self.host in {"", "0.0.0.0", "::"} and not self.socket  # noqa: S104  # no bind
        return everywhere and not self.has_keys

    @property
    def guarded_scopes(self) -> frozenset[str]:
        """For what a key is needed: for everything, or for what a token guards."""
        if self.has_keys:
            return frozenset(SCOPES)
        tokens = {METRICS: self.metrics_token, ADMIN: self.admin_token}
        return frozenset(scope for scope, token in tokens.items() if token)

    @property
    def takes_changes(self) -> bool:
        """Whether somebody may load and unload models while it serves."""
        return bool(self.admin_token) or self.has_admin_key

    @property
    def proxied_only(self) -> bool:
        """Whether nobody but a proxy can ask for anything, unless by the admin port."""
        return bool(self.socket) or self.proxy_protocol

    def for_gunicorn(self) -> dict[str, str]:
        """What Gunicorn reads of the environment itself, as it can read it."""
        return {
            "PORT": str(self.port),
            "WEB_CONCURRENCY": str(self.workers),
            "FORWARDED_ALLOW_IPS": ",".join(self.trusted_proxies),
        }


def from_environ() -> Settings:
    """
    Read the settings from the environment.

    Raises InvalidSettings naming every unknown `WEIR_*` variable, and every value that cannot be
    used with what is wanted. What Kubernetes sets for a Service of the name is no setting.
    """
    env = Env(eager=False)
    settings = read(env)
    invalid: dict[str, list[str]] = {}
    try:
        env.seal()
    except EnvValidationError as error:
        invalid = dict(error.error_messages)  # type: ignore[arg-type]  # a list only when eager
    faults = [f"{_readable(name)}: {' '.join(said)}" for name, said in invalid.items()]
    known = {*env.dump(), *invalid, *service_links(os.environ)}
    faults += [
        f"{name}: no such setting"
        for name in sorted(os.environ)
        if name.startswith("WEIR_") and name not in known
    ]
    faults += [] if invalid else _contradictions(settings)
    if faults:
        raise InvalidSettings("the environment cannot be used:\n  " + "\n  ".join(faults))
    return settings


def _contradictions(settings: Settings) -> list[str]:
    """What cannot be used together."""
    faults = []
    if settings.admin_port == settings.port and not settings.socket:
        faults.append(f"WEIR_ADMIN_PORT={settings.admin_port}: this is PORT; give another")
    if settings.proxy_protocol and not settings.trusted_proxies:
        faults.append(
            "WEIR_PROXY_PROTOCOL='1': nobody may send the header while FORWARDED_ALLOW_IPS is "
            "empty; name the proxies there"
        )
    return faults


def read(env: Env) -> Settings:
    """Read every setting; what is wrong waits in *env* until it is sealed."""
    fitting = machine.worker_count(ONCE_BYTES, WORKER_BYTES)
    workers = whole(env, "WEB_CONCURRENCY", fitting, WholeNumber(1, 256))
    threads = max(1, machine.cpus() // workers)
    return Settings(
        workers=workers,
        metrics_folder=text(env, "PROMETHEUS_MULTIPROC_DIR", ""),
        models=PROJECT / text(env, "WEIR_MODELS", "config/models", folder),
        model_name=text(env, "WEIR_MODEL_NAME", "", plain_name),
        model_cache=text(env, "WEIR_MODEL_CACHE", ""),
        watches_models=choice(env, "WEIR_WATCH_MODELS", "0", "1") == "1",
        admin_token=text(env, ADMIN_TOKEN, "", token),
        pages=choice(env, "WEIR_PAGES", "1", "0", "on", "off") in {"1", "on"},
        load_timeout_s=whole(env, "WEIR_LOAD_TIMEOUT_S", 120, SECONDS),
        body_limit_bytes=whole(env, "WEIR_BODY_LIMIT_BYTES", 10 << 20, WholeNumber(1024, 1 << 30)),
        image_limit_pixels=whole(
            env, "WEIR_IMAGE_LIMIT_PIXELS", IMAGE_LIMIT_PIXELS, WholeNumber(1024, 1 << 30)
        ),
        inference_threads=whole(env, "WEIR_INFERENCE_THREADS", threads, WholeNumber(1, 64)),
        connection_limit=whole(env, "WEIR_CONNECTION_LIMIT", 1000, WholeNumber(1, 65_536)),
        in_flight_limit=whole(env, "WEIR_IN_FLIGHT_LIMIT", 256, WholeNumber(1, 65_536)),
        max_requests=whole(env, "WEIR_MAX_REQUESTS", 0, WholeNumber(0, 1 << 53)),
        # Longer than the 90 s for which Heroku's router keeps a connection, so that it, which knows
        # what it is about to send, closes first.
        idle_timeout_s=whole(env, "WEIR_IDLE_TIMEOUT_S", 95, SECONDS),
        head_timeout_s=whole(env, "WEIR_HEAD_TIMEOUT_S", 10, SECONDS),
        body_timeout_s=whole(env, "WEIR_BODY_TIMEOUT_S", 20, SECONDS),
        body_rate_bytes_per_s=whole(
            env, "WEIR_BODY_RATE_BYTES_PER_S", 1024, WholeNumber(1, 1 << 30)
        ),
        handling_timeout_s=whole(env, "WEIR_HANDLING_TIMEOUT_S", 25, SECONDS),
        write_timeout_s=whole(env, "WEIR_WRITE_TIMEOUT_S", 30, SECONDS),
        **_listening(env),
        **_telling(env),
        **read_access(env),
    )


def _listening(env: Env) -> dict[str, Any]:
    """Where the service listens, and what counts of those who come."""
    return {
        "host": text(env, "WEIR_HOST", "", own_address).strip("[]"),
        "port": whole(env, "PORT", 8000, PORTS),
        "socket": text(env, "WEIR_SOCKET", "", socket_path),
        "admin_port": whole(env, "WEIR_ADMIN_PORT", 0, PORTS),
        "trusted_proxies": trusted(env),
        "forwarded": choice(env, "WEIR_FORWARDED", "x-forwarded", "forwarded"),
        "proxy_protocol": choice(env, "WEIR_PROXY_PROTOCOL", "0", "1") == "1",
    }


def _telling(env: Env) -> dict[str, Any]:
    """What the service tells of itself, and to whom."""
    return {
        "metrics_token": text(env, TOKEN, "", token),
        "instance": text(env, "WEIR_INSTANCE", text(env, "DYNO", "")),
        "slow_ms": whole(env, "WEIR_SLOW_MS", 1000, WholeNumber(1, 3_600_000)),
        "cors_origins": origins(env, "WEIR_CORS_ORIGINS"),
        "compression": choice(env, "WEIR_COMPRESSION", "1", "0", "on", "off") in {"1", "on"},
        # Two years: what lists of browsers' own ask for is the longest that is of use.
        "hsts_s": whole(env, "WEIR_HSTS_S", 0, WholeNumber(0, 63_072_000)),
        "error_detail": choice(env, "WEIR_ERROR_DETAIL", "full", "names", "none"),
        "log_level": choice(env, "WEIR_LOG_LEVEL", "info", "debug", "warning", "error"),
        "log_format": choice(env, "WEIR_LOG_FORMAT", "auto", "json", "console"),
        "commit": text(env, "WEIR_COMMIT", text(env, "HEROKU_SLUG_COMMIT", "unknown")),
    }


def _readable(name: str) -> str:
    """The variable and its value, unless that is secret."""
    return f"{name}=…" if name in SECRETS else f"{name}={os.environ[name]!r}"
