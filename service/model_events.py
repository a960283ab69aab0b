"""What is told of models, in the log and in the metrics: loaded, failed, called, retired, ended."""

from pathlib import Path

import structlog

from service import metrics
from service.inference.model import Model
from service.statistics import Statistics


def called(statistics: Statistics, model: str, version: str, rows: int, infer_s: float) -> None:
    """Count a call of a model and the rows that shared it."""
    metrics.ran(model, version, rows, infer_s)
    statistics.ran(model, version, rows, infer_s)


def process_ended(model: str, version: str, stage: str, how: str) -> None:
    """Tell that a process of a model's has ended."""
    metrics.process_ended(model, version, stage)
    log = structlog.get_logger()
    log.error("model_process_ended", model=model, version=version, stage=stage, reason=how)


def unreadable(folder: Path, error: OSError) -> None:
    """Tell that a model's folder cannot be read."""
    structlog.get_logger().error(
        "model_unreadable", model=folder.name, path=str(folder), reason=error.strerror
    )


def retired(model: Model) -> None:
    """Tell that a version answers no more."""
    metrics.retired(model.name, model.version)


def _weights(model: Model) -> dict[str, str]:
    """Where an ONNX model's weights are: in a file that all workers map, or in each of them."""
    found = model.prepared
    if found is None:
        return {}
    if not found.mapped:
        return {"weights": "private", "why": found.why}
    return {"weights": "mapped, and packed for each worker" if found.prepacks else "mapped"}


def loaded(model: Model) -> None:
    """Tell that a model is ready, or why it is not."""
    if model.version:  # nothing of it is known where its model.toml cannot be read
        metrics.loaded(model.name, model.version, model.load_ms / 1000)
    log = structlog.get_logger()
    if model.state == "ready":
        log.info(
            "model_ready",
            model=model.name,
            version=model.version,
            load_ms=round(model.load_ms, 1),
            **_weights(model),
        )
    else:
        log.error(
            "model_failed",
            model=model.name,
            version=model.version,
            reason=model.log_reason or model.reason,
            **({"stack": model.stack} if model.stack else {}),
        )
