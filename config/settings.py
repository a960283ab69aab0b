"""Everything an operator may tune, read once from the environment."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from environs import Env, EnvValidationError
from marshmallow import ValidationError
from marshmallow.validate import OneOf, Range

from config import machine

PROJECT = Path(__file__).resolve().parent.parent

SECONDS = Range(1, 3600)

IMAGE_LIMIT_PIXELS = 25_000_000

# What one worker with cat-or-dog takes at its busiest (PSS), with room for two pictures in hand.
WORKER_MEMORY_BYTES = 192 << 20


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
    models: Path
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
    log_level: str
    log_format: str
    commit: str


def from_environ() -> Settings:
    """
    Read the settings from the environment.

    Raises InvalidSettings naming every unknown `WEIR_*` variable and every value out of range.
    """
    env = Env(eager=False)
    settings = read(env)
    invalid: dict[str, list[str]] = {}
    try:
        env.seal()
    except EnvValidationError as error:
        invalid = dict(error.error_messages)  # type: ignore[arg-type]  # a list only when eager
    faults = [f"{name}={os.environ[name]!r}: {' '.join(said)}" for name, said in invalid.items()]
    faults += [f"{name}: no such setting" for name in _unknown({*env.dump(), *invalid})]
    if settings.admin_port == settings.port and not invalid:
        faults.append(f"WEIR_ADMIN_PORT={settings.admin_port}: this is PORT; give another")
    if faults:
        raise InvalidSettings("the environment cannot be used:\n  " + "\n  ".join(faults))
    return settings


def read(env: Env) -> Settings:
    """Read every setting; what is wrong waits in *env* until it is sealed."""
    workers = env.int(
        "WEB_CONCURRENCY", machine.worker_count(WORKER_MEMORY_BYTES), validate=Range(1, 256)
    )
    threads = max(1, machine.cpus() // (workers or 1))
    proxies = env.str("FORWARDED_ALLOW_IPS", "127.0.0.1,::1", validate=_networks) or ""
    return Settings(
        host=env.str("WEIR_HOST", ""),
        port=env.int("PORT", 8000, validate=Range(1, 65535)),
        admin_port=env.int("WEIR_ADMIN_PORT", 0, validate=Range(0, 65535)),
        workers=workers,
        trusted_proxies=tuple(proxies.split(",")),
        models=PROJECT / (env.str("WEIR_MODELS", "config/models", validate=_folder) or ""),
        load_timeout_s=env.int("WEIR_LOAD_TIMEOUT_S", 120, validate=SECONDS),
        body_limit_bytes=env.int("WEIR_BODY_LIMIT_BYTES", 10 << 20, validate=Range(1024, 1 << 30)),
        image_limit_pixels=env.int(
            "WEIR_IMAGE_LIMIT_PIXELS", IMAGE_LIMIT_PIXELS, validate=Range(1024, 1 << 30)
        ),
        inference_threads=env.int("WEIR_INFERENCE_THREADS", threads, validate=Range(1, 64)),
        connection_limit=env.int("WEIR_CONNECTION_LIMIT", 1000, validate=Range(1, 65_536)),
        in_flight_limit=env.int("WEIR_IN_FLIGHT_LIMIT", 256, validate=Range(1, 65_536)),
        max_requests=env.int("WEIR_MAX_REQUESTS", 0, validate=Range(0)),
        # Longer than the 90 s for which Heroku's router keeps a connection, so that it, which knows
        # what it is about to send, closes first.
        idle_timeout_s=env.int("WEIR_IDLE_TIMEOUT_S", 95, validate=SECONDS),
        head_timeout_s=env.int("WEIR_HEAD_TIMEOUT_S", 10, validate=SECONDS),
        body_timeout_s=env.int("WEIR_BODY_TIMEOUT_S", 20, validate=SECONDS),
        body_rate_bytes_per_s=env.int(
            "WEIR_BODY_RATE_BYTES_PER_S", 1024, validate=Range(1, 1 << 30)
        ),
        handling_timeout_s=env.int("WEIR_HANDLING_TIMEOUT_S", 25, validate=SECONDS),
        write_timeout_s=env.int("WEIR_WRITE_TIMEOUT_S", 30, validate=SECONDS),
        metrics_token=env.str("WEIR_METRICS_TOKEN", ""),
        log_level=env.str(
            "WEIR_LOG_LEVEL", "info", validate=OneOf(["debug", "info", "warning", "error"])
        ),
        log_format=env.str("WEIR_LOG_FORMAT", "auto", validate=OneOf(["auto", "json", "console"])),
        commit=env.str("WEIR_COMMIT", env.str("HEROKU_SLUG_COMMIT", "unknown")),
    )


def _networks(value: str) -> None:
    try:
        [ip_network(part.strip(), strict=False) for part in value.split(",") if part != "*"]
    except ValueError as error:
        raise ValidationError(f"{error}; give addresses, networks or *, with commas") from None


def _folder(value: str) -> None:
    if not (PROJECT / value).is_dir():
        raise ValidationError("no such folder")


def _unknown(known: Iterable[str]) -> list[str]:
    return sorted(name for name in os.environ if name.startswith("WEIR_") and name not in known)
