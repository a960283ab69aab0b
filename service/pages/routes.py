"""/docs and /static: the API's documentation as a page, and what pages load."""

import gzip
from functools import partial

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from service.answer import Answer
from service.application import current_app
from service.pages.assets import assets
from service.pages.page import page
from service.request import request

blueprint = Blueprint("pages", __name__)

FOR_EVER = "public, max-age=31536000, immutable"


@blueprint.get("/docs")
def docs() -> Answer:
    """Show /openapi.json with Swagger UI, whose files are here."""
    return page("docs")


@blueprint.get("/static/<name>")
def static(name: str) -> Response:
    """
    Answer a file that a page loads.

    While a new release takes the place of an old one, a page of one may ask the other: what is here
    is answered, and not to be kept.
    """
    asset = assets().find(name)
    if asset is None:
        raise NotFound
    content = asset.read()
    takes_gzip = request.accept_encodings["gzip"] > 0
    if asset.is_compressed and not takes_gzip:
        content = current_app.run_aside(partial(gzip.decompress, content))
    answer = Response(content, content_type=asset.media_type)
    answer.headers["Cache-Control"] = FOR_EVER if name == asset.hashed else "no-cache"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    if asset.is_compressed:
        answer.headers["Vary"] = "Accept-Encoding"
        if takes_gzip:
            answer.headers["Content-Encoding"] = "gzip"
    coding = "-gzip" if asset.is_compressed and takes_gzip else ""
    answer.set_etag(f"{asset.hashed}{coding}")
    answer.make_conditional(request.environ)
    return answer
