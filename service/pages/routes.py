"""/docs and /static: the API's documentation as a page, and what pages load."""

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from service.answer import Answer
from service.application import current_app
from service.compression import CODING, wants_gzip
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
    wants = wants_gzip(request.environ.get("HTTP_ACCEPT_ENCODING", ""))
    is_packed = asset.is_packed and wants
    tag = f"{asset.hashed}-{CODING}" if is_packed else asset.hashed
    is_known = request.if_none_match.contains_weak(tag)
    answer = Response(content_type=asset.media_type, status=304 if is_known else 200)
    if not is_known:
        answer.data = _content(asset, is_packed=is_packed)
    answer.headers["Cache-Control"] = FOR_EVER if name == asset.hashed else "no-cache"
    request.exchange.protection = KEPT_DATA
    if asset.is_packed:
        request.exchange.varies_by += ("Accept-Encoding",)
    if is_packed:
        answer.headers["Content-Encoding"] = CODING
    answer.set_etag(tag)
    return answer


def _content(asset: Asset, *, is_packed: bool) -> bytes:
    if is_packed:
        return asset.as_gzip()
    return current_app.run_aside(asset.plain) if asset.is_on_disk_packed else asset.plain()
