"""Everything an operator may tune, read once from the environment."""

import os
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from environs import Env, EnvValidationError
from marshmallow import ValidationError
from marshmallow.validate import OneOf

from config import machine
from config.service_links import service_links
from config.whole_number import WholeNumber

PROJECT = Path(__file__).resolve().parent.parent

SECONDS = WholeNumber(1, 3600)
PORTS = WholeNumber(1, 65_535)

# What no message repeats.
TOKEN = "WEIR_METRICS_TOKEN"  # noqa: S105  # the variable's name
ADMIN_TOKEN = "WEIR_ADMIN_TOKEN"  # noqa: S105  # as above
SECRETS = frozenset({TOKEN, ADMIN_TOKEN})

IMAGE_LIMIT_PIXELS = 25_000_000

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")

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
    admin_port: int
    workers: int
    trusted_proxies: tuple[str, ...]
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
    instance: str
    slow_ms: int
    error_detail: str
    log_level: str
    log_format: str
    commit: str

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
    if settings.admin_port == settings.port and not invalid:
        faults.append(f"WEIR_ADMIN_PORT={settings.admin_port}: this is PORT; give another")
    if faults:
        raise InvalidSettings("the environment cannot be used:\n  " + "\n  ".join(faults))
    return settings


def read(env: Env) -> Settings:
    """Read every setting; what is wrong waits in *env* until it is sealed."""
    fitting = machine.worker_count(ONCE_BYTES, WORKER_BYTES)
    workers = _whole(env, "WEB_CONCURRENCY", fitting, WholeNumber(1, 256))
    threads = max(1, machine.cpus() // workers)
    return Settings(
        host=_text(env, "WEIR_HOST", "", _own_address).strip("[]"),
        port=_whole(env, "PORT", 8000, PORTS),
        admin_port=_whole(env, "WEIR_ADMIN_PORT", 0, PORTS),
        workers=workers,
        trusted_proxies=_proxies(env),
        metrics_folder=_text(env, "PROMETHEUS_MULTIPROC_DIR", ""),
        models=PROJECT / _text(env, "WEIR_MODELS", "config/models", _folder),
        model_name=_text(env, "WEIR_MODEL_NAME", "", _name),
        model_cache=_text(env, "WEIR_MODEL_CACHE", ""),
        watches_models=_choice(env, "WEIR_WATCH_MODELS", "0", "1") == "1",
        admin_token=_text(env, ADMIN_TOKEN, "", _token),
        pages=_choice(env, "WEIR_PAGES", "1", "0", "on", "off") in {"1", "on"},
        load_timeout_s=_whole(env, "WEIR_LOAD_TIMEOUT_S", 120, SECONDS),
        body_limit_bytes=_whole(env, "WEIR_BODY_LIMIT_BYTES", 10 << 20, WholeNumber(1024, 1 << 30)),
        image_limit_pixels=_whole(
            env, "WEIR_IMAGE_LIMIT_PIXELS", IMAGE_LIMIT_PIXELS, WholeNumber(1024, 1 << 30)
        ),
        inference_threads=_whole(env, "WEIR_INFERENCE_THREADS", threads, WholeNumber(1, 64)),
        connection_limit=_whole(env, "WEIR_CONNECTION_LIMIT", 1000, WholeNumber(1, 65_536)),
        in_flight_limit=_whole(env, "WEIR_IN_FLIGHT_LIMIT", 256, WholeNumber(1, 65_536)),
        max_requests=_whole(env, "WEIR_MAX_REQUESTS", 0, WholeNumber(0, 1 << 53)),
        # Longer than the 90 s for which Heroku's router keeps a connection, so that it, which knows
        # what it is about to send, closes first.
        idle_timeout_s=_whole(env, "WEIR_IDLE_TIMEOUT_S", 95, SECONDS),
        head_timeout_s=_whole(env, "WEIR_HEAD_TIMEOUT_S", 10, SECONDS),
        body_timeout_s=_whole(env, "WEIR_BODY_TIMEOUT_S", 20, SECONDS),
        body_rate_bytes_per_s=_whole(
            env, "WEIR_BODY_RATE_BYTES_PER_S", 1024, WholeNumber(1, 1 << 30)
        ),
        handling_timeout_s=_whole(env, "WEIR_HANDLING_TIMEOUT_S", 25, SECONDS),
        write_timeout_s=_whole(env, "WEIR_WRITE_TIMEOUT_S", 30, SECONDS),
        **_telling(env),
    )


def _telling(env: Env) -> dict[str, Any]:
    """What the service tells of itself, and to whom."""
    return {
        "metrics_token": _text(env, TOKEN, "", _token),
        "instance": _text(env, "WEIR_INSTANCE", _text(env, "DYNO", "")),
        "slow_ms": _whole(env, "WEIR_SLOW_MS", 1000, WholeNumber(1, 3_600_000)),
        "error_detail": _choice(env, "WEIR_ERROR_DETAIL", "full", "names", "none"),
        "log_level": _choice(env, "WEIR_LOG_LEVEL", "info", "debug", "warning", "error"),
        "log_format": _choice(env, "WEIR_LOG_FORMAT", "auto", "json", "console"),
        "commit": _text(env, "WEIR_COMMIT", _text(env, "HEROKU_SLUG_COMMIT", "unknown")),
    }


def _text(
    env: Env, name: str, default: str, validate: Callable[[str], object] | None = None
) -> str:
    """A text; one that is empty counts as not set, and a file's last newline is none of it."""
    if name in service_links(os.environ):
        return default

    def check(value: str) -> None:
        if validate and value.strip():
            validate(value.strip())

    text: str = env.str(name, "", validate=check) or ""
    return text.strip() or default


def _whole(env: Env, name: str, default: int, wanted: WholeNumber) -> int:
    text = _text(env, name, "", wanted)
    return int(text) if text else default


def _choice(env: Env, name: str, default: str, *others: str) -> str:
    one_of = OneOf([default, *others], error="one of {choices} is wanted")
    return _text(env, name, default, one_of)


def _proxies(env: Env) -> tuple[str, ...]:
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


def _own_address(value: str) -> None:
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


def _folder(value: str) -> None:
    path = PROJECT / value
    if not path.exists():
        raise ValidationError(
            "no such folder or file; one with a folder for each model, or one model, is wanted"
        )
    if not os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK):
        raise ValidationError("a folder or a file that this user may read is wanted")


def _name(value: str) -> None:
    """What can stand in a path and in a label as it is."""
    if not NAME.fullmatch(value):
        raise ValidationError("letters, digits, dots, dashes and underscores are wanted")


def _token(value: str) -> None:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValidationError("visible ASCII characters without spaces are wanted")


def _readable(name: str) -> str:
    """The variable and its value, unless that is secret."""
    return f"{name}=…" if name in SECRETS else f"{name}={os.environ[name]!r}"
