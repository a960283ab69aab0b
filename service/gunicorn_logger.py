"""Gunicorn's messages in the log's shape, and the signal that changes the log's level."""

import logging
from typing import Any

import structlog
from gunicorn.glogging import Logger

from config.settings import from_environ
from service.logs import configure, set_level


class GunicornLogger(Logger):  # type: ignore[misc]  # Gunicorn has no types
    """Gunicorn's messages in our shape; its access line is ours to write, so it writes none."""

    def setup(self, cfg: Any) -> None:
        """Called by Gunicorn at its start and at each reload."""
        super().setup(cfg)
        settings = from_environ()
        configure(settings.log_level, settings.log_format)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.access_log.handlers.clear()

    def turn_debug(self) -> None:
        """
        Log at debug, or again at the level of the settings.

        Called on `SIGUSR1`, in the master and in its workers, which a route would reach but one of;
        Gunicorn has files of the log opened anew then, and there are none.
        """
        settings = from_environ()
        is_debug = logging.getLogger().level == logging.DEBUG
        level = settings.log_level if is_debug else "debug"
        set_level(level)
        self.error_log.setLevel(level.upper())
        structlog.get_logger().warning("log_level", to=level)

    def tell(self, event: str, **facts: Any) -> None:
        """Write a line of the master's own, with its facts as fields."""
        structlog.get_logger().error(event, **facts)

    def access(self, *_: Any) -> None:
        """Write nothing: a request has one line, and GUNICORN_CMD_ARGS cannot add another."""
