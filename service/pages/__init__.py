"""
What a browser is shown: the front page, a playground for each model, the API's documentation.

They are made from what the public API says, and use nothing else.
"""

from service import openapi
from service.api.echo import carries_no_msg, echoes_no_msg
from service.application import Application
from service.errors import KeyRefused
from service.pages import front, key, playground, routes
from service.pages.negotiation import Negotiated


def init_app(app: Application) -> None:
    """Show *app*'s pages to who prefers HTML; called by the factory where WEIR_PAGES is on."""
    openapi.init_app(app)
    app.register_blueprint(routes.blueprint)
    app.register_error_handler(KeyRefused, key.refused)
    views = app.view_functions
    views["echo.echo"] = Negotiated(views["echo.echo"], front.front, carries_no_msg, echoes_no_msg)
    views["models.card"] = Negotiated(views["models.card"], playground.playground)
