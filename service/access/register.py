"""The keys that are in force: the settings', and those of a file, which may change at any time."""

import os
import threading
from collections.abc import Iterable
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from time import sleep

import structlog

from config.api_keys import ApiKey, InvalidKeys, keep, read

# The file is looked at so often: a revoked key is refused a second later.
LOOK_S = 1.0

log = structlog.get_logger()


class Register:
    """Finds a key by what a request carries; a thread of its own follows the file."""

    def __init__(
        self, keys: Iterable[ApiKey], path: Path | None = None, of_file: Iterable[ApiKey] = ()
    ) -> None:
        """*path* is the file, and *of_file* what it had when the settings were read."""
        self._fixed = tuple(keys)
        self._of_file = tuple(of_file)
        self._seen: object = None  # which edition of the file has been read
        self._by_digest = {key.digest: key for key in (*self._of_file, *self._fixed)}
        if path:
            threading.Thread(target=self._follow, args=(path,), daemon=True).start()

    def find(self, sent: str) -> ApiKey | None:
        """
        The key that was *sent*, if it is one in force.

        It is looked up by its SHA-256, of which nobody can choose a byte: how long that takes tells
        nothing of a key.
        """
        digest = sha256(sent.encode("latin-1")).digest()  # PEP 3333's bytes as they came
        key = self._by_digest.get(digest)
        return key if key is not None and compare_digest(key.digest, digest) else None

    def _follow(self, path: Path) -> None:
        while True:
            sleep(LOOK_S)
            self._look(path)

    def _look(self, path: Path) -> None:
        """Take over the file if it has changed; one that cannot be used leaves what was."""
        seen = _edition(path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            keys = read(path)
        except InvalidKeys as error:
            told = {"reason": str(error), "kept": len(self._by_digest)}
            log.error("api_keys_unusable", **told)  # noqa: TRY400  # the reason is enough
            return
        if keys == self._of_file:
            return
        self._of_file = keys
        self._by_digest = {key.digest: key for key in (*keys, *self._fixed)}
        log.info("api_keys_changed", names=sorted({key.name for key in keys}))
        keep(keys)


def _edition(path: Path) -> object:
    """What changes with the file, also where it is another's by a link (Kubernetes' Secrets)."""
    try:
        status = os.stat(path)  # noqa: PTH116  # half the cost of Path's
    except OSError as error:
        return error.errno
    return status.st_ino, status.st_size, status.st_mtime_ns
