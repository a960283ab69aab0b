"""The READMEs: every setting, metric, route, command and exit code, and no dead link."""

import re
from argparse import _SubParsersAction

import pytest
from environs import Env
from prometheus_client import REGISTRY

from config import settings
from load.__main__ import COMMANDS
from load.arguments import Exit
from service.models.__main__ import _parser
from tests.conftest import PROJECT

DOCUMENTS = sorted(
    path.relative_to(PROJECT)
    for path in PROJECT.rglob("README.md")
    if not {".venv", "node_modules"} & {*path.parts}
)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#([^)]*))?\)")


def text_of(document):
    return (PROJECT / document).read_text("utf-8")


def cells(document, column=0):
    """The cells of a column of every table, each code span of them."""
    rows = [line for line in text_of(document).splitlines() if line.startswith("| ")]
    return {code for row in rows for code in re.findall(r"`([^`]+)`", row.split(" | ")[column])}


def test_every_setting_stands_in_the_table_of_settings():
    env = Env(eager=False)
    settings.read(env)

    assert cells("config/README.md") == {*env.dump()}


def test_every_metric_stands_in_the_table_of_metrics(app):
    ours = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in REGISTRY.collect()
        if not family.name.startswith(("python_", "process_"))
    }

    assert app
    assert ours
    assert ours <= cells("service/README.md")


def test_every_route_stands_in_the_readme(app):
    routes = {re.sub(r"<version>", "<v>", rule.rule) for rule in app.url_map.iter_rules()}
    told = cells("README.md") | cells("service/api/v2/README.md")
    versioned = {"/models/<name>/versions/<v>" + end for end in ("", "/example", "/predict")}

    assert "/models/<name>/versions/<v>" in told
    assert {"…/example", "…/predict"} <= told
    v2 = {re.sub("/versions/<v>", "", route) for route in routes if route.startswith("/v2")}
    assert routes - versioned - {route for route in routes if "/v2/" in route} <= told
    assert v2 <= told


def test_every_command_stands_where_it_is_described():
    (models,) = (each for each in _parser()._actions if isinstance(each, _SubParsersAction))
    makes = set(re.findall(r"^([a-z][a-z-]*):", text_of("Makefile"), re.MULTILINE))

    assert {code.split()[0] for code in cells("config/models/README.md")} >= set(models.choices)
    assert all(f"python -m load {name} " in text_of("load/README.md") for name in COMMANDS)
    assert makes
    assert {f"make {name}" for name in makes} <= cells("README.md")


def test_every_exit_code_stands_in_the_table_of_exit_codes():
    table = text_of("load/README.md").partition("## Exit codes")[2].partition("\n## ")[0]

    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == {*Exit}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_relative_link_leads_somewhere(document):
    for target, heading in LINK.findall(text_of(document)):
        path = (PROJECT / document).parent / target
        assert path.exists(), target
        if heading:
            assert f"\n## {heading.replace('-', ' ')}\n" in path.read_text("utf-8").lower()
