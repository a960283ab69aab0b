"""/v2 and /v2/health: what this server is and speaks, whether it lives, whether it is ready."""

from flask import Blueprint

from service import __version__
from service.answer import Answer
from service.api import health

blueprint = Blueprint("v2_server", __name__)

NAME = "weir"

# Those of https://github.com/triton-inference-server/server/tree/main/docs/protocol that are here.
EXTENSIONS = (
    "binary_tensor_data",
    "binary_tensor_data(raw)",
    "classification",
    "model_configuration",
    "model_repository",
    "parameters",
    "schedule_policy",
    "statistics",
)


@blueprint.get("/v2")
def server() -> Answer:
    """Say what serves, in which release, and what of the protocol's extensions."""
    return Answer({"name": NAME, "version": __version__, "extensions": EXTENSIONS})


@blueprint.get("/v2/health/live")
def live() -> Answer:
    """Say that this process turns."""
    return Answer({"live": True})


@blueprint.get("/v2/health/ready")
def ready() -> Answer:
    """Say whether this worker may have traffic, by what /readyz says it."""
    reasons = health.reasons()
    if not reasons:
        return Answer({"ready": True, "live": True})
    return health.not_ready(reasons, ready=False, live=True)
