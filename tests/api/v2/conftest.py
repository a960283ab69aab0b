import pytest

from tests.api.v2.protocol import CheckedClient
from tests.clients import models
from tests.conftest import eventually


@pytest.fixture(scope="session")
def v2_app(tmp_path_factory):
    """Weir's two models, one of every datatype, one of words, and one of named features."""
    from config.settings import from_environ
    from service.app import create_app

    repository = models.write(tmp_path_factory.mktemp("v2") / "models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEIR_MODELS", str(repository))
        made = create_app(from_environ())
    eventually(lambda: not made.catalog.unready())
    return made


@pytest.fixture
def v2(v2_app):
    """A client that holds every answer to the protocol's text."""
    return CheckedClient(v2_app, v2_app.response_class)
