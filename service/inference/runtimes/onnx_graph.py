"""
What an ONNX file says that a session does not tell: the words in its nodes' attributes.

Field numbers are those of onnx.proto; whatever else a file holds is passed over.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "weir.onnx"
FieldType = descriptor_pb2.FieldDescriptorProto
MESSAGES: dict[str, list[tuple[str, int, int, str]]] = {
    "Model": [("graph", 7, FieldType.TYPE_MESSAGE, "Graph")],
    "Graph": [("node", 1, FieldType.TYPE_MESSAGE, "Node")],
    "Node": [
        ("op_type", 4, FieldType.TYPE_STRING, ""),
        ("attribute", 5, FieldType.TYPE_MESSAGE, "Attribute"),
    ],
    "Attribute": [
        ("name", 1, FieldType.TYPE_STRING, ""),
        ("ints", 8, FieldType.TYPE_INT64, ""),
        ("strings", 9, FieldType.TYPE_BYTES, ""),
    ],
}
SINGLE = {"graph", "op_type", "name"}

# ai.onnx.ml: the classes of a map, and the categories that encoders know.
CLASSES = ("classlabels_strings", "classlabels_int64s")
CATEGORIES = ("cats_strings", "keys_strings")


def classes_in(artefact: Path) -> list[tuple[str, ...]]:
    """The classes of each ZipMap, in the order of the nodes."""
    found = []
    for node in _nodes(artefact):
        held = {each.name: each for each in node.attribute}
        for name in CLASSES if node.op_type == "ZipMap" else ():
            values = [*held[name].strings, *held[name].ints] if name in held else []
            if values:
                found.append(tuple(v.decode() if isinstance(v, bytes) else str(v) for v in values))
    return found


def categories_in(artefact: Path) -> list[str]:
    """The strings that encoders in the graph know, each once."""
    known = [
        value.decode()
        for node in _nodes(artefact)
        for attribute in node.attribute
        if attribute.name in CATEGORIES
        for value in attribute.strings
    ]
    return list(dict.fromkeys(known))


def _nodes(artefact: Path) -> Iterator[Any]:
    model = _model_class()()
    model.ParseFromString(artefact.read_bytes())
    yield from model.graph.node


def _model_class() -> Any:
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(name="part.proto", package=PACKAGE, syntax="proto2")
    for name, members in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, of in members:
            label = FieldType.LABEL_OPTIONAL if field in SINGLE else FieldType.LABEL_REPEATED
            added = message.field.add(name=field, number=number, type=kind, label=label)
            if of:
                added.type_name = f".{PACKAGE}.{of}"
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.Model"))
