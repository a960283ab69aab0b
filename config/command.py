"""How a command of ours becomes another: with settings that can be used, or a word and the end."""

import os
import sys
from collections.abc import Mapping
from typing import NoReturn

from config.settings import InvalidSettings, Settings, from_environ


def usable_settings() -> Settings:
    """Read the settings, or end with what is wrong."""
    try:
        return from_environ()
    except InvalidSettings as error:
        sys.exit(f"weir: {error}")


def become(command: list[str], environ: Mapping[str, str]) -> NoReturn:
    """Run *command* in this process's place, or end with why not."""
    try:
        os.execvpe(command[0], command, environ)  # noqa: S606  # as asked
    except OSError as error:
        sys.exit(f"weir: {command[0]} cannot be started: {error.strerror}")
