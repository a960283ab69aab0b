"""Where a socket stands in a folder, under a name that is short enough for one."""

import os
from contextlib import suppress
from pathlib import Path

from service.errors import InvalidModel

# sizeof(sun_path) less its end, on macOS and the BSDs; Linux has 107 (unix(7)).
ADDRESS_BYTES = 103


class SocketPlace:
    """The address of a Unix socket *name* in *folder*, while it is open."""

    def __init__(self, folder: Path, name: str) -> None:
        """Raises InvalidModel for a folder whose own path is too long, and has no shorter name."""
        self._folder = -1
        self.address = str(folder / name)
        with suppress(OSError, AttributeError):  # Linux's own
            self._folder = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            through = f"/proc/self/fd/{self._folder}"
            if os.path.exists(through):  # noqa: PTH110  # a descriptor, not a path of anybody's
                self.address = f"{through}/{name}"
        if len(os.fsencode(self.address)) > ADDRESS_BYTES:
            raise InvalidModel(
                "the folder in which workers meet the model's process has too long a path; "
                "name a shorter one in PROMETHEUS_MULTIPROC_DIR"
            )

    def close(self) -> None:
        """Let go of the folder."""
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1
            self.address = ""
