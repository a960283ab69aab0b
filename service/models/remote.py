"""`load`, `unload` and `reload`: changes of a service that runs, asked for over its own API."""

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import HTTPErrorProcessor, Request, build_opener

from config.settings import ADMIN_TOKEN
from service.errors import InvalidModel, WrongUsage
from service.log_text import harmless_lines

# Longer than the service waits for its workers.
LIMIT_S = 300.0


class Statuses(HTTPErrorProcessor):
    """Hands every answer over, whatever its status."""

    def http_response(self, request: Request, response: Any) -> Any:  # noqa: ARG002  # its own
        """The answer as it came."""
        return response

    https_response = http_response


def adding(parser: ArgumentParser, *, names: bool) -> None:
    """Give a command its arguments, a model's name among them if it *names* one."""
    if names:
        parser.add_argument("name", help="the model")
    port = os.environ.get("PORT", "").strip() or "8000"
    parser.add_argument(
        "--url", default=f"http://localhost:{port}", help="the service (default: %(default)s)"
    )


def load(_repository: Path, asked: Namespace) -> bool:
    """Have the model served as it stands in the service's repository."""
    told = _ask(asked.url, f"models/{quote(asked.name, safe='')}/load")
    changed = "is served as it stands now" if told["changed"] else "was served as it stands already"
    _say(f"{asked.name} {changed}, by every worker")
    return False


def unload(_repository: Path, asked: Namespace) -> bool:
    """Have the model served no more."""
    _ask(asked.url, f"models/{quote(asked.name, safe='')}/unload")
    _say(f"{asked.name} is served no more, by any worker")
    return False


def reload(_repository: Path, asked: Namespace) -> bool:
    """Have the whole repository served as it stands; whether something could not be."""
    told = _ask(asked.url, "reload")
    for name in told["changed"]:
        _say(f"{name} is served as it stands now")
    for reason in told["refused"].values():
        _say(reason)
    if not told["changed"] and not told["refused"]:
        _say("everything was served as it stands already")
    return bool(told["refused"])


def _ask(url: str, path: str) -> dict[str, Any]:
    """Raises WrongUsage without a token or a service, InvalidModel for what that refuses."""
    token = os.environ.get(ADMIN_TOKEN, "").strip()
    if not token:
        raise WrongUsage(
            f"set {ADMIN_TOKEN} to the token that the service was started with, or to an API key "
            "with the scope admin"
        )
    if not url.startswith(("http://", "https://")):
        raise WrongUsage(f"{url} is no address; http://… or https://… is wanted")
    request = Request(  # noqa: S310  # checked above
        f"{url.rstrip('/')}/v2/repository/{path}",
        data=b"",
        method="POST",
        headers={"Authorization": f"Bearer {token}"},
    )
    try:
        with build_opener(Statuses).open(request, timeout=LIMIT_S) as answer:
            told = json.loads(answer.read() or b"{}")
    except (OSError, HTTPException, ValueError) as error:
        raise WrongUsage(f"no answer from {url}: {error}") from None
    if answer.status != 200:
        raise InvalidModel(f"{told.get('error', answer.reason)} ({answer.status})")
    return dict(told)


def _say(line: str) -> None:
    sys.stdout.write(harmless_lines(line) + "\n")
