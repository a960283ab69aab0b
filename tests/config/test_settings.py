import pytest

from config.settings import PROJECT, InvalidSettings, from_environ


def test_the_defaults_are_those_of_a_small_dyno():
    settings = from_environ()

    assert settings.port == 8000
    assert settings.models == PROJECT / "config/models"
    assert settings.body_limit_bytes == 10 * 1024 * 1024
    assert settings.workers >= 1


def test_a_variable_overrides_its_default(monkeypatch):
    monkeypatch.setenv("WEIR_BODY_LIMIT_BYTES", "2048")
    monkeypatch.setenv("WEB_CONCURRENCY", "3")

    assert from_environ().body_limit_bytes == 2048
    assert from_environ().workers == 3


def test_all_faults_are_told_at_once(monkeypatch):
    monkeypatch.setenv("PORT", "eighty")
    monkeypatch.setenv("WEB_CONCURRENCY", "0")
    monkeypatch.setenv("WEIR_LOG_LEVEL", "loud")
    monkeypatch.setenv("WEIR_BODY_LIMIT_MB", "5")

    with pytest.raises(InvalidSettings) as raised:
        from_environ()

    said = str(raised.value)
    assert "PORT='eighty': Not a valid integer." in said
    assert "WEB_CONCURRENCY='0': Must be greater than or equal to 1" in said
    assert "WEIR_LOG_LEVEL='loud': Must be one of: debug, info, warning, error." in said
    assert "WEIR_BODY_LIMIT_MB: no such setting" in said


def test_a_repository_that_is_not_there_is_a_fault(monkeypatch):
    monkeypatch.setenv("WEIR_MODELS", "config/nowhere")

    with pytest.raises(InvalidSettings, match="WEIR_MODELS='config/nowhere': no such folder"):
        from_environ()


def test_proxies_that_are_no_addresses_are_a_fault(monkeypatch):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "10.0.0.0/8,router")

    with pytest.raises(InvalidSettings, match="FORWARDED_ALLOW_IPS"):
        from_environ()


@pytest.mark.parametrize("proxies", ["*", "127.0.0.1", "10.0.0.0/8, ::1"])
def test_proxies_are_addresses_networks_or_everyone(monkeypatch, proxies):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", proxies)

    assert len(from_environ().trusted_proxies) == len(proxies.split(","))
