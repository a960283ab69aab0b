"""Manifests by the schemas that Kubernetes, KServe, KEDA and Prometheus's operator publish."""

import json
import subprocess

import kubernetes_validate
from jsonschema import Draft202012Validator

from tests.conftest import PROJECT
from tests.kubernetes.rendering import INSTALLED, installed

KUBERNETES = "1.34"
KSERVE = PROJECT / "tests/data/kserve-crd"
TYPED = {
    "ScaledObject": "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject",
    "PodMonitor": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor",
}
# Unknown members of a literal are faults to the compiler, values out of range to the model.
MODULE = """
import {{ {kind} }} from "{module}";
/** @type {{import("{module}").I{kind}}} */
const manifest = {manifest};
new {kind}(manifest).validate();
"""
TYPE_CHECK = ("--noEmit", "--allowJs", "--checkJs", "--strict", "--skipLibCheck")


def schema_faults(document, folder):
    """What its schema says against *document*; unknown members count. *folder* takes files."""
    kind = document["kind"]
    if kind in TYPED:
        return _typed_faults(document, folder)
    if document["apiVersion"].startswith("serving.kserve.io/"):
        schema = _closed(json.loads((KSERVE / f"{kind}.json").read_text()))
        return [each.message for each in Draft202012Validator(schema).iter_errors(document)]
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [error.message]
    return []


def _typed_faults(document, folder):
    kind = document["kind"]
    modules = installed("node_modules")
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(modules)
    module = folder / "manifest.mjs"
    manifest = json.dumps(document, indent=1)
    module.write_text(MODULE.format(kind=kind, module=TYPED[kind], manifest=manifest))
    compiler = INSTALLED / "node_modules/typescript/bin/tsc"
    target = ("--module", "nodenext", "--target", "es2022")
    checks = (["node", compiler, *TYPE_CHECK, *target, module], ["node", module])
    done = [
        subprocess.run(check, capture_output=True, text=True, cwd=folder, check=False, timeout=60)
        for check in checks
    ]
    return [each.stdout + each.stderr for each in done if each.returncode]


def _closed(schema):
    """*schema* with no members but those it names, wherever it names some."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    names_members = isinstance(schema.get("properties"), dict)
    if names_members and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed
