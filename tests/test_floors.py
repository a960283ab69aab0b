"""Imports go downward only: the floors of the design, read from the source."""

import ast

import pytest

from tests.conftest import PROJECT

FLOORS = [
    {"config"},
    {
        "service.errors",
        "service.inference.tensors",
        "service",
        "service.wire.refusals",
        "service.wire.turn",
    },
    {
        "service.wire.admission",
        "service.wire.parting",
        "service.wire.reader",
        "service.wire.response",
        "service.inference.account",
        "service.inference.picture_files",
        "service.inference.conversion",
        "service.inference.allocator",
        "service.native_imports",
        "service.log_text",
        "service.exposition",
        "service.log_writer",
        "service.succession",
        "service.hub_monitor",
        "service.inference.places",
        "service.inference.whole_files",
        "service.wire.trust",
    },
    {"service.inference.runtimes.sklearn_columns"},
    {
        "service.wire.listener",
        "service.wire.body",
        "service.inference.runtimes",
        "service.inference.question",
    },
    {
        "service.wire.intake",
        "service.inference.native",
        "service.inference.quarantine",
        "service.inference.output",
        "service.inference.loaded_code",
        "service.inference.limits",
    },
    {"service.inference.execution", "service.inference.execution.frames"},
    {"service.inference.host"},
    {"service.inference.execution.launch"},
    {"service.inference.execution.process", "service.inference.execution.thread"},
    {"service.inference.jobs"},
    {"service.inference.batching"},
    {"service.inference.surroundings"},
    {"service.inference.images", "service.inference.manifest_schema", "service.inference.feature"},
    {"service.inference.manifest", "service.inference.features", "service.inference.nested"},
    {"service.inference.columns", "service.inference.naming"},
    {"service.inference.signature"},
    {"service.inference.model"},
    {"service.inference.catalog"},
    {"service.exchange", "service.answer"},
    {"service.problems", "service.logs", "service.request", "service.forms", "service.json_text"},
    {"service.aside"},
    {"service.application"},
    {"service.metrics"},
    {"service.models.progress", "service.models.draft", "service.models.listing"},
    {"service.models.footprint", "service.models.largest"},
    {"service.models.add", "service.models.check"},
    {"service.models"},
    {"service.api.models", "service.api.budget", "service.api.payload"},
    {"service.api"},
    {"service.app"},
    {"service.wsgi"},
    {"service.wire.serving", "service.wire.phases"},
    {"service.wire.connection"},
    {"service.wire.door"},
    {"service.worker"},
]
OURS = ("config", "service", "load")
SERVED = PROJECT / "load/rig/bench_app.py"  # runs in the server's process, on the service's worker
MODULES = sorted(
    path.relative_to(PROJECT)
    for top in OURS
    for path in (PROJECT / top).rglob("*.py")
    if path.name != "make.py" and not {"benchmarks", "peers"} & {*path.parts}
)


def name_of(path):
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imports_of(path):
    """Every module that a file imports, anywhere in it: `from a import b` may name a module b."""
    for node in ast.walk(ast.parse((PROJECT / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = (PROJECT / inner.replace(".", "/")).with_suffix(".py").exists()
                is_package = (PROJECT / inner.replace(".", "/") / "__init__.py").exists()
                yield inner if is_module or is_package else node.module


def floor_of(module):
    """The floor of the longest name that *module* is or stands under."""
    found = [
        (len(name), number)
        for number, names in enumerate(FLOORS)
        for name in names
        if module == name or (module.startswith(name + ".") and name != "service")
    ]
    assert found, f"{module} stands on no floor: give it one"
    return max(found)[1]


@pytest.mark.parametrize("path", [p for p in MODULES if p.parts[0] != "load"], ids=str)
def test_a_module_imports_only_from_lower_floors(path):
    module = name_of(path)
    for imported in imports_of(path):
        if imported.split(".")[0] in OURS:
            own_package = f"{module}.".startswith(f"{imported}.") or module.startswith("config")
            assert own_package or floor_of(imported) < floor_of(module), f"{module} → {imported}"


@pytest.mark.parametrize(
    ("part", "forbidden"),
    [
        ("service/inference", {"flask", "werkzeug", "prometheus_client", "gevent", "gunicorn"}),
        ("load", {"service", "config", "tests"}),  # but for SERVED
        ("config", {"service", "flask", "gevent"}),
        ("gunicorn.conf.py", {"service", "flask", "gevent"}),
    ],
)
def test_a_part_knows_nothing_of_what_it_must_not(part, forbidden):
    paths = [PROJECT / part] if part.endswith(".py") else (PROJECT / part).rglob("*.py")
    seen = {name.split(".")[0] for path in paths if path != SERVED for name in imports_of(path)}

    assert not seen & forbidden


@pytest.mark.parametrize(
    ("framework", "runtime"), [("onnxruntime", "onnx"), ("openvino", "keras"), ("skops", "sklearn")]
)
def test_a_framework_is_imported_by_its_own_runtime_only(framework, runtime):
    importers = {str(path) for path in MODULES if framework in imports_of(path)}

    assert importers == {f"service/inference/runtimes/{runtime}.py"}
