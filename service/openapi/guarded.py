"""Which operations want a key, and which are counted: by the table of who may ask."""

from config.api_keys import METRICS, PREDICT
from config.settings import Settings
from service.access.routes import OPEN, WHO_MAY_ASK
from service.inference.signature.json_schema import JsonSchema
from service.openapi.refusals import name_of
from service.openapi.shapes import ref
from service.problem_details import is_protocols

SCHEMES: dict[str, JsonSchema] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key of this service."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def guard(document: JsonSchema, settings: Settings) -> None:
    """Add to the operations of *document* who may ask them, and how they are refused."""
    guarded = settings.guarded_scopes
    if guarded:
        document["components"]["securitySchemes"] = SCHEMES
    for path, operations in document["paths"].items():
        scope = _scope_of(path)
        statuses = [401, 403] if scope in guarded else []
        if settings.rate_limit and scope not in {OPEN, METRICS}:
            statuses.append(429)
        for operation in operations.values():
            if scope in guarded:
                operation["security"] = [{name: [scope]} for name in SCHEMES]
            for status in statuses:
                refusal = ref(name_of(status, is_protocols=is_protocols(path)), "responses")
                operation["responses"][str(status)] = refusal


def _scope_of(path: str) -> str:
    """Who may ask what is described at *path*: a model's own path is none of the table's."""
    return WHO_MAY_ASK.get(path.replace("{", "<").replace("}", ">"), PREDICT)
