"""/v2/models and what stands below it: names, metadata, readiness, configuration."""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint

from service.answer import Answer
from service.application import current_app
from service.errors import ModelLoading, ModelUnavailable
from service.inference.model import Model
from service.inference.protocol.description import NamedTensor

blueprint = Blueprint("v2_models", __name__)

# What the specification calls them; other platforms bear the file's ending.
PLATFORMS = {"onnx": "onnx_onnxv1"}


@blueprint.get("/v2/models")
def listing() -> Answer:
    """List the models by name, each once, whatever its state."""
    return Answer({"models": list(dict.fromkeys(model.name for model in current_app.catalog))})


@blueprint.get("/v2/models/<name>")
@blueprint.get("/v2/models/<name>/versions/<version>")
def metadata(name: str, version: str | None = None) -> Answer:
    """Show what the model takes and gives."""
    model = current_app.catalog.find(name, version)
    return Answer(
        {
            "name": model.name,
            "versions": [each.version for each in current_app.catalog.versions(name)],
            "platform": _platform(model),
            "inputs": _tensors(model.signature.tensors.inputs),
            "outputs": _tensors(model.golden.outputs),
        }
    )


@blueprint.get("/v2/models/<name>/ready")
@blueprint.get("/v2/models/<name>/versions/<version>/ready")
def ready(name: str, version: str | None = None) -> Answer:
    """Say that the model answers. Raises ModelLoading or ModelUnavailable while it does not."""
    model = current_app.catalog.find(name, version)
    if model.state == "loading":
        raise ModelLoading(f"the model {name!r} is still loading; try again shortly")
    if model.state != "ready":
        raise ModelUnavailable(f"the model {name!r} cannot answer: {model.reason}")
    return Answer({"name": model.name, "ready": True})


@blueprint.get("/v2/models/<name>/config")
@blueprint.get("/v2/models/<name>/versions/<version>/config")
def config(name: str, version: str | None = None) -> Answer:
    """
    Show how the model is served, in the terms of Triton's ModelConfig.

    `max_batch_size` are the rows that one request may have, and sizes are those of one row.
    https://github.com/triton-inference-server/common/blob/main/protobuf/model_config.proto
    """
    model = current_app.catalog.find(name, version)
    serve = model.manifest.serve
    return Answer(
        {
            "name": model.name,
            "platform": _platform(model),
            "backend": model.manifest.platform,
            "version_policy": {"all": {}},
            "max_batch_size": serve.queue_rows,
            "input": [
                _configured(each) | {"format": _format(model, each)}
                for each in model.signature.tensors.inputs
            ],
            "output": [_configured(each) for each in model.golden.outputs],
            "dynamic_batching": {
                "preferred_batch_size": [serve.batch_rows],
                "max_queue_delay_microseconds": 0,
                "default_queue_policy": {
                    "default_timeout_microseconds": serve.deadline_ms * 1000,
                    "allow_timeout_override": True,
                    "max_queue_size": serve.queue_rows,
                },
            },
            "default_model_filename": model.manifest.artefact.name,
        }
    )


def _platform(model: Model) -> str:
    platform, suffix = model.manifest.platform, model.manifest.artefact.suffix.lstrip(".")
    return PLATFORMS.get(platform, f"{platform}_{suffix}")


def _tensors(tensors: Iterable[NamedTensor]) -> list[dict[str, Any]]:
    return [{"name": each.name, "datatype": each.datatype, "shape": each.shape} for each in tensors]


def _configured(tensor: NamedTensor) -> dict[str, Any]:
    datatype = "STRING" if tensor.datatype == "BYTES" else tensor.datatype
    return {
        "name": tensor.name,
        "data_type": f"TYPE_{datatype}",
        "dims": tensor.shape[1:] or (1,),
    }


def _format(model: Model, tensor: NamedTensor) -> str:
    if model.signature.kind != "image" or len(tensor.shape) != 4:
        return "FORMAT_NONE"
    return "FORMAT_NCHW" if tensor.shape[1] in {1, 3} else "FORMAT_NHWC"
