from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.clients import models
from tests.conftest import eventually
from tests.openapi import repository


def served(folder: Path, **variables: str):
    """An application that serves the repository in *folder*."""
    from config.settings import from_environ
    from service.app import create_app

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEIR_MODELS", str(folder))
        for name, value in variables.items():
            patch.setenv(name, value)
        made = create_app(from_environ())
    eventually(lambda: not made.catalog.unready() and not made.catalog.is_loading)
    return made


@pytest.fixture(scope="session")
def described_app(tmp_path_factory):
    """Weir's two models, those of the clients' tests, and those of the repository here."""
    folder = tmp_path_factory.mktemp("described") / "models"
    return served(repository.write(models.write(folder)))


@pytest.fixture(scope="session")
def document(described_app):
    return described_app.test_client().get("/openapi.json").get_json()


@pytest.fixture(scope="session")
def schemas(document):
    return document["components"]["schemas"]


@pytest.fixture(scope="session")
def validator(document):
    """What judges values by a schema of the document, with its references."""
    registry = Registry().with_resource("urn:doc", DRAFT202012.create_resource(document))

    def of(name):
        schema = {"$ref": f"urn:doc#/components/schemas/{name}"}
        return Draft202012Validator(schema, registry=registry)

    return of
