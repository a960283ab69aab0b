import pytest

from tests.live.changing import iris
from tests.live.instance import Instance


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """One instance with two workers, for every test that leaves it as it was."""
    with Instance(tmp_path_factory.mktemp("service"), WEB_CONCURRENCY="2") as instance:
        yield instance


@pytest.fixture
def iris_alone(tmp_path):
    """A repository with iris, for tests that change it."""
    folder = tmp_path / "models"
    folder.mkdir()
    iris(folder, 1)
    return folder
