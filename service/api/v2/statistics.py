"""/v2/models/<name>/stats: what each version has done, over all workers."""

from flask import Blueprint

from service.answer import Answer
from service.application import current_app

blueprint = Blueprint("v2_statistics", __name__)


@blueprint.get("/v2/models/stats")
def all_statistics() -> Answer:
    """Tell of every version of every model that has loaded once."""
    told = current_app.statistics.told
    models = [model for model in current_app.catalog if model.version]
    return Answer({"model_stats": [told(model.name, model.version) for model in models]})


@blueprint.get("/v2/models/<name>/stats")
@blueprint.get("/v2/models/<name>/versions/<version>/stats")
def statistics(name: str, version: str | None = None) -> Answer:
    """Tell of one version, or of all that the model has."""
    if version is not None:
        models = [current_app.catalog.find(name, version)]
    else:
        models = current_app.catalog.versions(name)
    told = current_app.statistics.told
    return Answer({"model_stats": [told(model.name, model.version) for model in models]})
