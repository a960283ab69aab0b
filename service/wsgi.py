"""The application that Gunicorn and `flask --app service.wsgi run` serve."""

from config.settings import from_environ
from service import logs
from service.app import create_app

settings = from_environ()
logs.configure(settings.log_level, settings.log_format)
app = create_app(settings)
