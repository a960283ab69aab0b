"""The application that Gunicorn and `flask --app service.wsgi run` serve."""

import structlog

from config.settings import from_environ
from service import logs
from service.app import create_app

settings = from_environ()
if not structlog.is_configured():  # by Gunicorn's logger, whose level somebody may have changed
    logs.configure(settings.log_level, settings.log_format)
app = create_app(settings)
