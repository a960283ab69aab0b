"""What Kubernetes sets in every container for each Service of the namespace is no setting."""

import pytest

from config.service_links import service_links
from config.settings import InvalidSettings, from_environ


def links(name, port=80, protocol="tcp"):
    """The variables of a Service, as kubelet makes them."""
    prefix, address = name.upper().replace("-", "_"), "10.96.3.7"
    of_port = f"{prefix}_PORT_{port}_{protocol.upper()}"
    return {
        f"{prefix}_SERVICE_HOST": address,
        f"{prefix}_SERVICE_PORT": str(port),
        f"{prefix}_SERVICE_PORT_HTTP": str(port),
        f"{prefix}_PORT": f"{protocol}://{address}:{port}",
        of_port: f"{protocol}://{address}:{port}",
        f"{of_port}_PROTO": protocol,
        f"{of_port}_PORT": str(port),
        f"{of_port}_ADDR": address,
    }


@pytest.mark.parametrize("name", ["weir", "weir-admin", "weir-api-v2", "weir-port"])
@pytest.mark.parametrize("protocol", ["tcp", "udp", "sctp"])
def test_a_service_of_the_name_does_not_stop_the_start(monkeypatch, name, protocol):
    usual = from_environ()
    for variable, value in links(name, protocol=protocol).items():
        monkeypatch.setenv(variable, value)

    assert from_environ() == usual


def test_a_linked_container_does_not_stop_the_start_either(monkeypatch):
    monkeypatch.setenv("WEIR_PORT", "tcp://172.17.0.2:8000")
    monkeypatch.setenv("WEIR_NAME", "/shop/weir")
    monkeypatch.setenv("WEIR_ENV_PYTHON_VERSION", "3.13")

    assert from_environ().port == 8000


def test_a_service_that_bears_a_settings_name_leaves_the_setting_as_it_is(monkeypatch):
    for variable, value in links("weir-admin").items():
        monkeypatch.setenv(variable, value)

    assert from_environ().admin_port == 0


@pytest.mark.parametrize("name", ["WEIR_SERVICE_HOST", "WEIR_SERVICE_PORT", "WEIR_PORT"])
def test_such_a_name_alone_is_a_mistake(monkeypatch, name):
    monkeypatch.setenv(name, "8000")

    with pytest.raises(InvalidSettings, match=f"{name}: no such setting"):
        from_environ()


def test_other_names_beside_them_are_mistakes_still(monkeypatch):
    for variable, value in links("weir").items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("WEIR_SERVICE_HOSTS", "10.0.0.1")

    with pytest.raises(InvalidSettings) as raised:
        from_environ()

    assert str(raised.value).count("no such setting") == 1
    assert service_links({"WEIR_PORT": "8000"}) == frozenset()
