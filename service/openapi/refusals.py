"""How requests are refused: each status once, as problems and as V2's clients look for them."""

from collections.abc import Iterable, Sequence

from service.inference.protocol.framing import FIELD
from service.inference.signature.json_schema import TEXT, JsonSchema, closed
from service.openapi.shapes import COUNT, NO, answered, content, ref
from service.problem_details import MEDIA_TYPE, PROTOCOL_MEDIA_TYPE

PROBLEM, FAULT = "Problem", "Fault"

MEANINGS = {
    400: "What was sent cannot be read to its end, or is no well-formed HTTP.",
    401: "There is no key, or none that is known.",
    403: "The key is not for this, or this is switched off here.",
    404: "There is no such path, model or version.",
    405: "The path does not take this method; `Allow` names those that it takes.",
    408: "The request did not arrive in its time.",
    413: "The body, or what is in it, is over a limit.",
    414: "The address is longer than is read.",
    415: "The media type, content coding or charset of the body is none that is read.",
    417: "An expectation other than `100-continue`.",
    422: "It can be read, and is not what is wanted; `errors` points at each fault.",
    429: "More requests than the rate says; come back later.",
    431: "The header fields are more or longer than are read.",
    500: "The service has failed; its log has the reason under the `request_id`.",
    501: "A transfer coding other than `chunked`.",
    503: "There is no room for the request now, or nothing that answers it; come back later.",
    504: "There is no answer within the time that the request may take.",
}
HEADERS_OF = {
    401: ["WWW-Authenticate"],
    405: ["Allow"],
    429: ["Retry-After", "RateLimit-Policy", "RateLimit"],
    503: ["Retry-After"],
}

# Those that any request may get, from the connection or from the service.
ANY = (400, 405, 408, 413, 414, 417, 431, 500, 501, 503, 504)

HEADERS: dict[str, JsonSchema] = {
    "X-Request-ID": {"description": "What the log calls this request.", "schema": TEXT},
    "Allow": {"description": "The methods that the path takes.", "schema": TEXT},
    "Retry-After": {
        "description": "Seconds after which to come back.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {"description": "How to be let in (RFC 6750).", "schema": TEXT},
    "RateLimit-Policy": {
        "description": "How many requests (q) may come within how many seconds (w).",
        "schema": TEXT,
    },
    "RateLimit": {
        "description": "How many more may come (r), and when the window ends (t, in seconds).",
        "schema": TEXT,
    },
    FIELD: {
        "description": "How long the JSON is, where the tensors' bytes follow it.",
        "schema": COUNT,
    },
    "ETag": {"description": "Which edition of the document this is.", "schema": TEXT},
}

FAULT_SCHEMA = closed(
    {
        "pointer": TEXT | {"description": "where, as a JSON pointer (RFC 6901)"},
        "sent": TEXT,
        "wanted": TEXT,
        "detail": TEXT,
    }
)
NOT_READY = closed(
    {
        "reason": TEXT | {"description": "loading, draining, overloaded, model_failed …"},
        "model": TEXT,
        "version": TEXT,
        "detail": TEXT,
    },
    optional=("model", "version", "detail"),
)


def problem_schema(status: JsonSchema) -> JsonSchema:
    """Describe a problem (RFC 9457), whose *status* is one or any; it may have more members."""
    members = {
        "type": TEXT,
        "title": TEXT,
        "status": status,
        "detail": TEXT,
        "instance": TEXT | {"description": "the path that was asked for"},
        "success": NO,
        "error": TEXT | {"description": "the detail once more"},
        "request_id": TEXT,
    }
    further: dict[str, JsonSchema] = {
        "errors": {"type": "array", "items": ref(FAULT)},
        "example": {"type": "object", "description": "a request that works"},
        "reasons": {"type": "array", "items": NOT_READY},
    }
    schema = closed(members | further, optional=tuple(further))
    del schema["additionalProperties"]
    return schema


SCHEMAS = {PROBLEM: problem_schema(COUNT), FAULT: FAULT_SCHEMA}


def name_of(status: int, *, is_protocols: bool = False) -> str:
    """What the component is called that describes the refusal of *status*."""
    return f"{'V2Refused' if is_protocols else 'Refused'}{status}"


def names(statuses: Iterable[int] = (), *, is_protocols: bool = False) -> Sequence[str]:
    """The components of the refusals that any request may get, and of the *statuses* besides."""
    return [name_of(each, is_protocols=is_protocols) for each in sorted({*ANY, *statuses})]


def responses() -> dict[str, JsonSchema]:
    """Describe every refusal, by its component's name."""
    described = {}
    for is_protocols, media_type in ((False, MEDIA_TYPE), (True, PROTOCOL_MEDIA_TYPE)):
        for status, meaning in MEANINGS.items():
            described[name_of(status, is_protocols=is_protocols)] = answered(
                meaning, {media_type: content(ref(PROBLEM))}, HEADERS_OF.get(status, ())
            )
    return described
