"""What the document says of the service, by the service itself."""

import json
import re
from dataclasses import replace

import pytest

from config.api_keys import ApiKey, digest_of
from config.rates import Rate
from service.openapi.document import document as written
from tests.openapi.repository import HOSTILE

METHODS = {"get", "post"}

# The extensions of the protocol that are not here, which say so with 501, and the pages.
UNTOLD = ("v2_unsupported.", "pages.")


def operations(document):
    """Each operation with its path and method."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def with_tokens(app, **more):
    settings = replace(
        app.settings, admin_token="opensesame-admin", metrics_token="opensesame-m", **more
    )
    return json.loads(written(list(app.catalog), settings))


def test_it_is_weirs_own(document):
    from service import __version__

    assert document["openapi"] == "3.1.0"
    assert document["info"]["title"] == "Weir"
    assert document["info"]["version"] == __version__
    assert document["info"]["license"]["identifier"] == "Apache-2.0"


def test_every_route_is_described(described_app):
    document = with_tokens(described_app)
    for rule in described_app.url_map.iter_rules():
        if rule.endpoint.startswith(UNTOLD):
            continue
        name = "grades" if "<version>" in rule.rule else "iris"
        if rule.rule.startswith("/v2/repository"):
            name = "{name}"
        path = rule.rule.replace("<name>", name).replace("<version>", "1")
        described = {method.upper() for method in document["paths"].get(path, ())}
        assert rule.methods - {"HEAD", "OPTIONS"} == described, path


def test_whatever_is_described_has_a_route(described_app):
    adapter = described_app.url_map.bind("localhost")
    for path, method, _ in operations(with_tokens(described_app)):
        assert adapter.test(path, method.upper()), path


def test_references_lead_somewhere(document):
    text = json.dumps(document)
    for kind, name in re.findall(r'"#/components/(\w+)/([^"]+)"', text):
        assert name in document["components"][kind]


def test_names_are_safe_and_each_is_one_things(document):
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    for components in document["components"].values():
        assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in components)
    tags = [tag["name"] for tag in document["tags"]]

    assert len({each.lower() for each in ids}) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9_]+", each) for each in ids)
    assert len(set(tags)) == len(tags)
    assert {"iris", "orders", "service", "health", "v2"} <= set(tags)
    assert {"predict_iris", "query_iris", "infer_cat_or_dog", "echo", "list_models"} <= set(ids)


def test_models_whose_names_are_alike_have_components_of_their_own(document):
    bodies = [
        document["paths"][f"/models/{name}/predict"]["post"]["requestBody"]["content"]
        for name in ("a-b", "a_b")
    ]

    assert bodies[0] != bodies[1]


def test_each_version_has_paths_of_its_own(document, schemas):
    most = {}
    for version in ("", "/versions/1", "/versions/2"):
        for end in ("", "/predict", "/example"):
            assert f"/models/grades{version}{end}" in document["paths"]
        for end in ("", "/ready", "/config", "/stats", "/infer"):
            assert f"/v2/models/grades{version}{end}" in document["paths"]
        query = document["paths"][f"/models/grades{version}/predict"]["get"]["parameters"][0]
        most[version] = query["schema"]["maximum"]

    assert most == {"": 20, "/versions/1": 10, "/versions/2": 20}
    assert schemas["GradesVersion1Row"]["properties"]["points"]["maximum"] == 10
    assert "/models/iris/versions/1" not in document["paths"]


def test_every_answer_may_be_refused(document):
    for path, _, operation in operations(document):
        responses = operation["responses"]
        prefix = "V2Refused" if path.startswith("/v2") else "Refused"
        for status in ("400", "404", "405", "408", "413", "414", "417", "431", "500", "501"):
            if status != "404" or "models/" in path:
                told = responses.get(status, {}).get("$ref", "")
                if "text/html" in responses.get(status, {}).get("content", {}):
                    continue  # a browser is told so in a page
                assert told.endswith(f"/{prefix}{status}") or path == "/v2/models/stats", path
        assert "503" in responses


def test_refusals_are_of_the_type_that_their_clients_look_for(document):
    responses = document["components"]["responses"]

    for name, response in responses.items():
        is_protocols = name.startswith("V2")
        media_type = "application/json" if is_protocols else "application/problem+json"
        assert list(response["content"]) == [media_type]
    assert "Allow" in responses["Refused405"]["headers"]
    assert "Retry-After" in responses["V2Refused503"]["headers"]


def test_tokens_are_told_of_only_where_they_are_wanted(described_app, document):
    assert "securitySchemes" not in document["components"]
    assert not [path for path in document["paths"] if "repository" in path]

    wanted = with_tokens(described_app)
    assert wanted["paths"]["/metrics"]["get"]["security"] == by("metrics")
    assert wanted["paths"]["/v2/repository/reload"]["post"]["security"] == by("admin")
    assert set(wanted["components"]["securitySchemes"]) == {"bearer", "apiKey"}
    assert "security" not in wanted["paths"]["/models"]["get"]


def by(scope):
    return [{"bearer": [scope]}, {"apiKey": [scope]}]


def test_with_keys_every_operation_says_what_it_wants_and_how_it_refuses(described_app):
    keys = (ApiKey(name="shop", digest=digest_of("opensesame-shop")),)
    document = with_tokens(described_app, api_keys=keys, rate_limit=Rate(10, 1))
    for path, _, operation in operations(document):
        if path in {"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"}:
            assert "security" not in operation
            assert not {"401", "429"} & operation["responses"].keys()
            continue
        scope = "metrics" if path == "/metrics" else "admin" if "repository" in path else "predict"
        assert operation["security"] == by(scope)
        assert {"401", "403"} <= operation["responses"].keys()
        assert ("429" in operation["responses"]) == (path != "/metrics")
    assert "opensesame" not in json.dumps(document)


def test_nothing_private_is_in_it(described_app):
    text = json.dumps(with_tokens(described_app))

    assert "opensesame" not in text
    for model in described_app.catalog:
        assert str(model.manifest.artefact.parent) not in text
        assert model.manifest.artefact.name not in text


def test_a_models_own_words_are_text(document, schemas):
    told = document["paths"]["/models/orders/predict"]["post"]["description"]
    (tag,) = [tag for tag in document["tags"] if tag["name"] == "orders"]

    assert told.startswith("&lt;img src=x onerror=alert(1)&gt; \\*\\*bold\\*\\*")
    assert tag["description"] == told
    assert schemas["OrdersRow"]["properties"]["amount"]["description"] == r"\*pieces\*"
    assert HOSTILE not in json.dumps(document)


@pytest.mark.parametrize("path", ["/", "/models/iris", "/models/grades/versions/1"])
def test_pages_are_told_of(document, path):
    contents = document["paths"][path]["get"]["responses"]["200"]["content"]

    assert set(contents) == {"application/json", "text/html"}
