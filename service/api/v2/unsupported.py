"""/v2/trace, /v2/logging and their like: extensions of the protocol that are not here."""

from typing import NoReturn

from flask import Blueprint
from werkzeug.exceptions import NotImplemented as Unsupported

blueprint = Blueprint("v2_unsupported", __name__)

BOTH = ["GET", "POST"]


@blueprint.route("/v2/trace/setting", methods=BOTH)
@blueprint.route("/v2/models/<name>/trace/setting", methods=BOTH)
@blueprint.route("/v2/models/<name>/versions/<version>/trace/setting", methods=BOTH)
def trace(name: str = "", version: str = "") -> NoReturn:  # noqa: ARG001  # as the routes have them
    """Say how spans are had."""
    raise _unsupported("trace", "; spans leave by OTEL_EXPORTER_OTLP_ENDPOINT")


@blueprint.route("/v2/logging", methods=BOTH)
def logging() -> NoReturn:
    """Say how the log is set."""
    raise _unsupported("logging", "; WEIR_LOG_LEVEL sets the level, SIGUSR1 turns debug on or off")


@blueprint.route("/v2/<any(systemsharedmemory, cudasharedmemory):kind>/<path:rest>", methods=BOTH)
def shared_memory(kind: str, rest: str) -> NoReturn:  # noqa: ARG001  # as the route has it
    """Say that tensors come in the body."""
    raise _unsupported(kind.replace("sharedmemory", "_shared_memory"), "; send tensors in the body")


@blueprint.post("/v2/models/<name>/<any(generate, generate_stream):kind>")
@blueprint.post("/v2/models/<name>/versions/<version>/<any(generate, generate_stream):kind>")
def generate(kind: str, name: str, version: str = "") -> NoReturn:  # noqa: ARG001  # as above
    """Say that models here answer once."""
    raise _unsupported(kind, "; models are asked at /v2/models/<name>/infer")


def _unsupported(extension: str, instead: str) -> Unsupported:
    """Make the refusal, with the status that Triton has for it."""
    told = f"this server has no extension {extension!r}{instead}; GET /v2 lists those that it has"
    return Unsupported(told)
