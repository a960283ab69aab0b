"""The paths that are there whatever the models are."""

from typing import Any

from service.exposition import OPENMETRICS
from service.exposition import TEXT as PROMETHEUS
from service.forms import MULTIPART, URLENCODED
from service.inference.signature.json_schema import TEXT, JsonSchema, closed
from service.openapi import refusals
from service.openapi.refusals import NOT_READY, PROBLEM
from service.openapi.shapes import (
    HTML,
    JSON,
    YES,
    answered,
    content,
    in_json,
    listed,
    operation,
    ref,
)
from service.problem_details import MEDIA_TYPE

SERVICE, HEALTH, PROTOCOL, REPOSITORY = "service", "health", "v2", "repository"
TAGS = {
    SERVICE: "The echo, and what is served here.",
    HEALTH: "For probes, routers and Prometheus.",
    PROTOCOL: "The Open Inference Protocol V2, as clients of Triton, KServe and MLServer speak it.",
    REPOSITORY: "Models that come and go while others serve.",
}

PAGE = {HTML: content(TEXT)}
ECHO = content(ref("Echo"), {"response": "Hello", "success": True})
MSG: JsonSchema = {
    "name": "msg",
    "in": "query",
    "description": "what comes back",
    "schema": TEXT,
}
MSG_BODY: JsonSchema = {
    "description": (
        "Any JSON value, but no integer beyond 64 bits and no nesting beyond what can be answered; "
        "of a form, the first field msg. Without a body the query counts."
    ),
    "content": {
        JSON: content(ref("EchoBody"), {"msg": "Hello"}),
        URLENCODED: content({"type": "object", "properties": {"msg": TEXT}}),
        MULTIPART: content({"type": "object", "properties": {"msg": TEXT}}),
    },
}


def paths(*, has_repository: bool) -> dict[str, JsonSchema]:
    """Describe each, by its path."""
    described = {**_service(), **_health(), "/metrics": _metrics()}
    described |= _protocol()
    return described | (_repository() if has_repository else {})


def get(
    operation_id: str, tag: str, summary: str, answer: JsonSchema, **members: Any
) -> dict[str, JsonSchema]:
    """Describe the GET of a path, which has one *answer*."""
    names = refusals.names(is_protocols=tag == PROTOCOL)
    return {"get": operation(operation_id, tag, summary, {200: answer}, names, **members)}


def _service() -> dict[str, JsonSchema]:
    echoed = answered("The msg, or success: false without one.", {JSON: ECHO, **PAGE})
    models = closed({"success": YES, "models": listed(ref("ListedModel"))})
    document = in_json("This document, for the models as they are.", {"type": "object"})
    document["headers"]["ETag"] = ref("ETag", "headers")
    unchanged = {
        "description": "It is as `If-None-Match` says.",
        "headers": {"ETag": ref("ETag", "headers")},
    }
    post = operation(
        "echo_body",
        SERVICE,
        "Answer the msg of a body",
        {200: answered("The msg.", {JSON: ECHO})},
        refusals.names([415]),
        requestBody=MSG_BODY,
    )
    return {
        "/": get("echo", SERVICE, "Answer a msg", echoed, parameters=[MSG]) | {"post": post},
        "/models": get("list_models", SERVICE, "List the models", in_json("The models.", models)),
        "/version": get(
            "version",
            SERVICE,
            "Say which release, commit and models run here",
            in_json("What runs here.", _version()),
        ),
        "/openapi.json": {
            "get": operation(
                "openapi_document",
                SERVICE,
                "Describe this service",
                {200: document, 304: unchanged},
                refusals.names(),
            )
        },
    }


def _version() -> JsonSchema:
    models: JsonSchema = {"type": "object", "additionalProperties": TEXT}
    return closed(
        {"success": YES, "version": TEXT, "commit": TEXT, "python": TEXT, "models": models}
    )


def _health() -> dict[str, JsonSchema]:
    alive = closed({"success": YES, "status": {"const": "alive"}})
    ready = closed({"success": YES, "status": {"const": "ready"}})
    return {
        "/healthz": get(
            "health", HEALTH, "Say that this process turns", in_json("It does.", alive)
        ),
        "/readyz": _ready("readiness", HEALTH, ready, MEDIA_TYPE),
    }


def _ready(operation_id: str, tag: str, schema: JsonSchema, media_type: str) -> JsonSchema:
    """Describe readiness, whose refusal tells the reasons."""
    reasons = {"type": "object", "properties": {"reasons": listed(NOT_READY)}}
    refusal = answered(
        "It may not, for these reasons.",
        {media_type: content({"allOf": [ref(PROBLEM), reasons]})},
        ["Retry-After"],
    )
    answers = {200: in_json("It may.", schema), 503: refusal}
    names = refusals.names(is_protocols=tag == PROTOCOL)
    summary = "Say whether this worker may have traffic"
    return {"get": operation(operation_id, tag, summary, answers, names)}


def _metrics() -> JsonSchema:
    texts = {PROMETHEUS: content(TEXT), OPENMETRICS: content(TEXT)}
    return {
        "get": operation(
            "metrics",
            HEALTH,
            "Tell the metrics of all workers",
            {200: answered("By `Accept`: Prometheus's text or OpenMetrics.", texts)},
            refusals.names(),
        )
    }


def _protocol() -> dict[str, JsonSchema]:
    server = closed({"name": TEXT, "version": TEXT, "extensions": listed(TEXT)})
    ready = closed({"ready": YES, "live": YES})
    models = closed({"models": listed(TEXT)})
    told = in_json(
        "What each version has done.", closed({"model_stats": listed(ref("Statistics"))})
    )
    live = in_json("It does.", closed({"live": YES}))
    return {
        "/v2": get("v2_server", PROTOCOL, "Say what serves", in_json("What serves.", server)),
        "/v2/health/live": get("v2_live", PROTOCOL, "Say that this process turns", live),
        "/v2/health/ready": _ready("v2_ready", PROTOCOL, ready, JSON),
        "/v2/models": get(
            "v2_models", PROTOCOL, "List the models by name", in_json("Their names.", models)
        ),
        "/v2/models/stats": get("v2_stats", PROTOCOL, "Tell of every model", told),
    }


def _repository() -> dict[str, JsonSchema]:
    changed = closed({"name": TEXT, "changed": {"type": "boolean"}})
    reloaded = closed({"changed": listed(TEXT), "refused": {"type": "object"}})
    entry = closed({"name": TEXT, "version": TEXT, "state": TEXT, "reason": TEXT}, ("version",))
    name = {"name": "name", "in": "path", "required": True, "schema": TEXT}
    one = "/v2/repository/models/{name}"
    return {
        "/v2/repository/index": _post(
            "repository_index",
            "List every version of every model",
            "RepositoryIndex",
            listed(entry),
        ),
        f"{one}/load": _post(
            "repository_load", "Serve a model as it stands", "RepositoryChange", changed, name
        ),
        f"{one}/unload": _post(
            "repository_unload", "Serve a model no more", "RepositoryChange", changed, name
        ),
        "/v2/repository/reload": _post(
            "repository_reload", "Serve the whole repository", "RepositoryChange", reloaded
        ),
    }


def _post(
    operation_id: str, summary: str, body: str, answer: JsonSchema, *parameters: JsonSchema
) -> JsonSchema:
    return {
        "post": operation(
            operation_id,
            REPOSITORY,
            summary,
            {200: in_json("Done.", answer)},
            refusals.names([403, 404, 415], is_protocols=True),
            parameters=list(parameters),
            requestBody={"content": {JSON: content(ref(body))}},
        )
    }
