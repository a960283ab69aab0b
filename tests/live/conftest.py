import pytest

from tests.live.browsing import chromium, opened, write_kinds
from tests.live.changing import iris
from tests.live.instance import Instance
from tests.live.keyed import KEYS, TOKEN


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """One instance with two workers, for every test that leaves it as it was."""
    with Instance(tmp_path_factory.mktemp("service"), WEB_CONCURRENCY="2") as instance:
        yield instance


@pytest.fixture(scope="session")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def kinds(tmp_path_factory):
    """An instance with a model of each kind, for browsers."""
    folder = tmp_path_factory.mktemp("kinds")
    with Instance(folder, WEIR_MODELS=str(write_kinds(folder / "models"))) as instance:
        yield instance


@pytest.fixture
def page(browser, kinds, request):
    """The playground of the model that the test is marked with."""
    name = request.node.get_closest_marker("model").args[0]
    with opened(browser, f"{kinds.url}/models/{name}", complaints=True) as page:
        page.wait_for_selector("#playground[data-ready]")
        yield page


@pytest.fixture
def iris_alone(tmp_path):
    """A repository with iris, for tests that change it."""
    folder = tmp_path / "models"
    folder.mkdir()
    iris(folder, 1)
    return folder


@pytest.fixture(scope="module")
def keys_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("secret") / "keys"
    path.write_text(KEYS)
    return path


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, keys_file):
    with Instance(
        tmp_path_factory.mktemp("guarded"),
        WEB_CONCURRENCY="2",
        WEIR_API_KEYS_FILE=str(keys_file),
        WEIR_METRICS_TOKEN=TOKEN,
        WEIR_LOG_LEVEL="debug",
    ) as instance:
        yield instance
