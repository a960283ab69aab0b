"""Imports go downward only: the floors of the design, read from the source."""

import ast
from graphlib import TopologicalSorter

import pytest

from tests.conftest import PROJECT

# What stands on one floor knows nothing of one another, but what is in one folder may.
FLOORS = [
    {"config"},
    {
        "service",
        "service.faults",
        "service.problem_details",
        "service.log_text",
        "service.forwarded",
        "service.trust",
        "service.counted_body",
        "service.origin",
        "service.stages",
        "service.trace_context",
        "service.raised",
        "service.security_headers",
        "service.whole_files",
    },
    {"service.explain", "service.keys"},
    {"service.errors", "service.quiet_minute", "service.content_coding"},
    {
        "service.inference.tensors",
        "service.inference.account",
        "service.inference.trip",
        "service.log_writer",
    },
    {"service.inference.telemetry", "service.observer_faults"},
    {
        "service.inference.pictures",
        "service.inference.protocol",
        "service.inference.runtimes",
        "service.inference.allocator",
    },
    {"service.inference.manifest", "service.inference.execution", "service.shared_imports"},
    {"service.inference.signature", "service.inference.batching"},
    {"service.inference", "service.native_threads", "service.succession", "service.exemplars"},
    {"service.exchange", "service.instruments", "service.usage"},
    {
        "service.recorder",
        "service.cors",
        "service.transport_security",
        "service.worker_files",
        "service.statistics",
        "service.repository",
    },
    {"service.sheet"},
    {
        "service.access",
        "service.hub_monitor",
        "service.exposition",
        "service.aside",
        "service.wire",
    },
    {
        "service.logs",
        "service.tracing",
        "service.request",
        "service.answer",
        "service.compression",
        "service.request_schema",
    },
    {
        "service.problems",
        "service.application",
        "service.gunicorn_logger",
        "service.forms",
        "service.json_text",
    },
    {"service.metrics", "service.models"},
    {"service.model_events"},
    {"service.api"},
    {"service.openapi"},
    {"service.pages"},
    {"service.app"},
    {"service.wsgi", "service.watch"},
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


def place_of(module):
    """The floor of the longest name that *module* is or stands under, and that name."""
    found = [
        (len(name), number, name)
        for number, names in enumerate(FLOORS)
        for name in names
        if module == name or (module.startswith(name + ".") and name != "service")
    ]
    assert found, f"{module} stands on no floor: give it one"
    return max(found)[1:]


@pytest.mark.parametrize("path", [p for p in MODULES if p.parts[0] != "load"], ids=str)
def test_a_module_imports_only_from_lower_floors(path):
    module = name_of(path)
    for imported in imports_of(path):
        if imported.split(".")[0] in OURS:
            (floor, folder), (lower, other) = place_of(module), place_of(imported)
            own_package = folder == other or f"{module}.".startswith(f"{imported}.")
            assert own_package or lower < floor, f"{module} → {imported}"


def test_no_module_imports_itself_by_way_of_others():
    imported = {
        name_of(path): {name for name in imports_of(path) if name.split(".")[0] in OURS}
        for path in MODULES
    }
    sorter = TopologicalSorter(
        {
            module: {name for name in names if not f"{module}.".startswith(f"{name}.")}
            for module, names in imported.items()
        }
    )

    assert list(sorter.static_order())  # raises CycleError


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
    ("framework", "runtime"),
    [
        ("onnxruntime", "onnx"),
        ("openvino", "keras"),
        ("skops", "sklearn"),
        ("xgboost", "xgboost"),
        ("lightgbm", "lightgbm"),
        ("catboost", "catboost"),
    ],
)
def test_a_framework_is_imported_by_its_own_runtime_only(framework, runtime):
    importers = {str(path) for path in MODULES if framework in imports_of(path)}

    assert importers == {f"service/inference/runtimes/{runtime}.py"}


@pytest.mark.parametrize(
    "path",
    sorted(
        path.relative_to(PROJECT)
        for top in (*OURS, "tests")
        for path in (PROJECT / top).rglob("*.py")
    ),
    ids=str,
)
def test_a_file_and_its_functions_are_short(path):
    text = (PROJECT / path).read_text()
    long = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 40
    ]

    assert len(text.splitlines()) <= 250
    assert not long
