import pytest

from service.access.issuer import Issuer
from service.access.published_keys import PublishedKeys
from tests.access.tokens import AUDIENCE, ISSUER, Published


@pytest.fixture
def published():
    server = Published()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def issuer(published):
    return Issuer(ISSUER, AUDIENCE, PublishedKeys(published.url))
