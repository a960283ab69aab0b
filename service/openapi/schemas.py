"""What the service itself is answered with and answers: Marshmallow's schemas, and the rest."""

from collections.abc import Callable
from typing import Any, TypeAlias

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields

from service.api.echo import EchoSchema
from service.api.models import CardSchema, EntrySchema, LimitsSchema, TensorSchema
from service.api.v2.repository import ChangeSchema, IndexSchema
from service.inference.protocol.datatypes import DATATYPES
from service.inference.signature.json_schema import TEXT, JsonSchema, closed
from service.openapi.shapes import COUNT, NO, YES, listed, ref

SHAPE = listed({"type": "integer", "minimum": -1})
DATATYPE: JsonSchema = {"type": "string", "enum": [*DATATYPES]}
SCALAR: JsonSchema = {"type": ["string", "number", "boolean", "null"]}
PARAMETERS: JsonSchema = {
    "type": ["object", "null"],
    "additionalProperties": SCALAR,
    "propertyNames": {"not": {"pattern": "^shared_memory_"}},
}
TIME = closed({"count": COUNT, "ns": COUNT})
NAMED_TENSOR = closed({"name": TEXT, "datatype": DATATYPE, "shape": SHAPE})


class CommandsSchema(Schema):
    """What a card has besides: the commands to try the model with."""

    predict = fields.String(required=True)
    example_url = fields.String(required=True)
    curl = fields.String(required=True)
    curl_get = fields.String()
    example = fields.Raw()


Describe: TypeAlias = Callable[[type[Schema] | Schema], JsonSchema]

# By the names of their components.
MARSHMALLOW: dict[str, type[Schema]] = {
    "EchoBody": EchoSchema,
    "ListedModel": EntrySchema,
    "RepositoryIndex": IndexSchema,
    "RepositoryChange": ChangeSchema,
}
PLAIN: dict[str, JsonSchema] = {
    "Echo": {
        "anyOf": [
            closed({"response": {"description": "the msg that was sent"}, "success": YES}),
            closed({"success": NO}),
        ]
    },
    "Statistics": closed(
        {
            "name": TEXT,
            "version": TEXT,
            "last_inference": COUNT | {"description": "milliseconds since 1970"},
            "inference_count": COUNT,
            "execution_count": COUNT,
            "inference_stats": closed(
                dict.fromkeys(
                    (
                        *("success", "fail", "queue", "compute_input", "compute_infer"),
                        *("compute_output", "cache_hit", "cache_miss"),
                    ),
                    ref("Duration"),
                )
            ),
            "batch_stats": listed(
                closed(
                    {"batch_size": COUNT}
                    | dict.fromkeys(
                        ("compute_input", "compute_infer", "compute_output"), ref("Duration")
                    )
                )
            ),
        }
    ),
    "Duration": TIME,
    "NamedTensor": NAMED_TENSOR,
    "OutputTensor": closed(
        {
            "name": TEXT,
            "datatype": DATATYPE,
            "shape": listed(COUNT),
            "data": listed(SCALAR),
            "parameters": {"type": "object"},
        },
        optional=("data", "parameters"),
    ),
    "Metadata": closed(
        {
            "name": TEXT,
            "versions": listed(TEXT),
            "platform": TEXT,
            "inputs": listed(ref("NamedTensor")),
            "outputs": listed(ref("NamedTensor")),
        }
    ),
    "Configuration": {
        "type": "object",
        "description": "Triton's ModelConfig",
        "properties": {
            "name": TEXT,
            "platform": TEXT,
            "backend": TEXT,
            "max_batch_size": COUNT | {"description": "the rows that a request may have"},
            "input": listed({"type": "object"}),
            "output": listed({"type": "object"}),
        },
        "required": ["name", "platform", "backend", "max_batch_size", "input", "output"],
    },
}


def tell_wanted(_: OpenAPIConverter, field: fields.Field[Any], **__: Any) -> JsonSchema:
    """Describe a field by what the service says is wanted of it."""
    wanted = field.metadata.get("wanted")
    return {"description": wanted} if wanted else {}


def plugin() -> MarshmallowPlugin:
    """Make what describes Marshmallow's schemas in a document, each where it stands."""
    return MarshmallowPlugin(schema_name_resolver=lambda _schema: "")


def add(spec: APISpec, marshmallow: MarshmallowPlugin) -> Describe:
    """Add the schemas that do not depend on the models to *spec*; returns what describes others."""
    converter: Any = marshmallow.converter  # *spec* has made it
    converter.add_attribute_function(tell_wanted)
    describe: Describe = converter.schema2jsonschema
    spec.components.schema("ModelCard", _card(describe))
    for name, schema in MARSHMALLOW.items():
        spec.components.schema(name, describe(schema))
    for name, described in PLAIN.items():
        spec.components.schema(name, described)
    return describe


def _card(describe: Describe) -> JsonSchema:
    """A model's card, with what functions fill in told in full."""
    card, commands = describe(CardSchema), describe(CommandsSchema)
    tensors = listed(describe(TensorSchema({})))
    filled = {"inputs": tensors, "outputs": tensors, "limits": describe(LimitsSchema)}
    properties = card["properties"] | filled | commands["properties"]
    required = sorted({*card["required"], *filled, *commands["required"]})
    return card | {"properties": properties, "required": required}
