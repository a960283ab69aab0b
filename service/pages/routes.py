"""/docs and /static: the API's documentation as a page, and what pages load."""

import gzip
from functools import partial

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from service.answer import Answer
from service.application import current_app
from service.pages.assets import Asset, assets
from service.pages.page import page
from service.request import request
from service.security_headers import KEPT_DATA

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
    is_packed = asset.is_compressed and request.accept_encodings["gzip"] > 0
    tag = f"{asset.hashed}-gzip" if is_packed else asset.hashed
    is_known = request.if_none_match.contains_weak(tag)
    answer = Response(content_type=asset.media_type, status=304 if is_known else 200)
    if not is_known:
        answer.data = _content(asset, is_packed=is_packed)
    answer.headers["Cache-Control"] = FOR_EVER if name == asset.hashed else "no-cache"
    request.exchange.protection = KEPT_DATA
    if asset.is_compressed:
        request.exchange.varies_by += ("Accept-Encoding",)
    if is_packed:
        answer.headers["Content-Encoding"] = "gzip"
    answer.set_etag(tag)
    return answer


def _content(asset: Asset, *, is_packed: bool) -> bytes:
    content = asset.read()
    if not asset.is_compressed or is_packed:
        return content
    return current_app.run_aside(partial(gzip.decompress, content))
