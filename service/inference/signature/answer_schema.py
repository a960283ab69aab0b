"""What a model answers to a row, as JSON Schema (2020-12) says it."""

from collections.abc import Sequence
from typing import Any

from service.inference.protocol.datatypes import BYTES, DATATYPES
from service.inference.protocol.description import NamedTensor
from service.inference.signature.answers import AnsweredRow, Naming
from service.inference.signature.json_schema import (
    TEXT,
    JsonSchema,
    array_schema,
    closed,
    leaf_schema,
)

# Of more labels a list would be longer than anybody reads.
LABELS_TOLD = 100

WORDS: JsonSchema = {"type": ["string", "null"]}


def answer_schema(
    naming: Naming, outputs: Sequence[NamedTensor], golden: AnsweredRow, *, is_declared: bool
) -> JsonSchema:
    """
    Describe answers such as the *golden* one, which is of *outputs*.

    What it is made of is known from it; how wide, of what type and with which labels is not. What
    the artefact has not *declared* may be missing in another answer.
    """
    if any(naming.labels.get(each.name) for each in outputs):
        return closed({name: _member(name, naming, outputs, golden) for name in golden})
    words = [] if is_declared else [each for each in outputs if _may_be_words(each)]
    if words:
        return _with_words(words, outputs, golden)
    return _value_of_any_size(outputs, golden) or closed(
        {name: _plain(name, outputs, golden[name]) for name in golden}
    )


def _may_be_words(output: NamedTensor) -> bool:
    return output.datatype == BYTES and output.shape[1:] in {(), (1,)}


def _with_words(
    words: Sequence[NamedTensor], outputs: Sequence[NamedTensor], golden: AnsweredRow
) -> JsonSchema:
    """The first output whose value is a string is the label; one that is missing has its name."""
    members = {each.name: _tensor(each, golden.get(each.name)) for each in outputs}
    members |= {"label": dict(WORDS)} | ({"value": {}} if len(outputs) == 1 else {})
    optional = {each.name for each in words} | {"label", "value"}
    return closed(members, optional)


def _member(
    name: str, naming: Naming, outputs: Sequence[NamedTensor], golden: AnsweredRow
) -> JsonSchema:
    value = golden[name]
    labelled = [each for each in outputs if naming.labels.get(each.name)]
    if labelled and name == "scores" and isinstance(value, dict):
        return _scores(_in_order(naming, value))
    if labelled and name == "label":
        is_said = any(
            each.name.lower().endswith("label") for each in outputs if each not in labelled
        )
        return TEXT if is_said else _label(_in_order(naming, golden.get("scores", {})))
    if labelled and name == "top" and isinstance(value, list):
        return _top(naming, value)
    if labelled and name == "labels":
        return _applying(naming, labelled)
    if name in {each.name for each in labelled} and isinstance(value, dict):
        return closed({inner: _member(inner, naming, labelled, value) for inner in value})
    return _plain(name, outputs, value)


def _in_order(naming: Naming, scores: dict[str, float]) -> list[str]:
    """The labels that have *scores*, in the order that the model has them."""
    return next(
        (list(known) for known in naming.labels.values() if {*known} == scores.keys()),
        list(scores),
    )


def _scores(labels: Sequence[str]) -> JsonSchema:
    if len(labels) > LABELS_TOLD:
        count = len(set(labels))
        numbers: JsonSchema = {"type": "object", "additionalProperties": {"type": "number"}}
        return numbers | {"minProperties": count, "maxProperties": count}
    return closed({label: {"type": "number"} for label in labels})


def _label(labels: Sequence[str]) -> JsonSchema:
    known = list(dict.fromkeys(labels))
    return {"type": "string", "enum": known} if 0 < len(known) <= LABELS_TOLD else dict(TEXT)


def _top(naming: Naming, best: list[dict[str, Any]]) -> JsonSchema:
    """The best of the labels among which all of the golden answer's *best* are."""
    found = {each["label"] for each in best}
    labels = next((known for known in naming.labels.values() if found <= {*known}), ())
    one = closed({"label": _label(labels), "score": {"type": "number"}})
    return {"type": "array", "items": one, "minItems": 1, "maxItems": len(best)}


def _applying(naming: Naming, labelled: Sequence[NamedTensor]) -> JsonSchema:
    """Those of the last of the outputs of booleans that are true."""
    labels = next(
        (naming.labels[each.name] for each in reversed(labelled) if each.datatype == "BOOL"), ()
    )
    return {"type": "array", "items": _label(labels), "maxItems": len(labels)}


def _plain(name: str, outputs: Sequence[NamedTensor], value: Any) -> JsonSchema:
    known = [each for each in outputs if each.name == name]
    if not known and name in {"value", "label"} and len(outputs) == 1:
        known = list(outputs)
    return _tensor(known[0], value) if known else {}


def _tensor(output: NamedTensor, value: Any) -> JsonSchema:
    leaf = _leaf(output, value)
    sizes = output.shape[1:]
    if sizes == (1,):
        return leaf
    if sizes == (-1,):
        return {"anyOf": [leaf, array_schema(leaf, sizes)]}  # a list of one is the one
    return array_schema(leaf, sizes)


def _leaf(output: NamedTensor, value: Any) -> JsonSchema:
    if output.datatype != BYTES:
        return {"type": leaf_schema(DATATYPES[output.datatype])["type"]}
    while isinstance(value, list) and value:
        value = value[0]
    return dict(WORDS) if isinstance(value, str) else {}


def _value_of_any_size(outputs: Sequence[NamedTensor], golden: AnsweredRow) -> JsonSchema:
    """One output whose size is free: it is the value where it is one number, else has its name."""
    if len(outputs) != 1 or len(golden) != 1 or -1 not in outputs[0].shape[1:]:
        return {}
    ((name, value),) = golden.items()
    if name not in {"value", outputs[0].name}:
        return {}
    (output,) = outputs
    kinds = [closed({key: _tensor(output, value)}) for key in ("value", output.name)]
    return {"anyOf": kinds}
