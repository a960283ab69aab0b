import pytest

from config.settings import InvalidSettings, from_environ
from config.variables import PROJECT


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
    assert "PORT='eighty': a whole number from 1 to 65535 is wanted" in said
    assert "WEB_CONCURRENCY='0': a whole number from 1 to 256 is wanted" in said
    assert "WEIR_LOG_LEVEL='loud': one of info, debug, warning, error is wanted" in said
    assert "WEIR_BODY_LIMIT_MB: no such setting" in said


def test_a_repository_that_is_not_there_is_a_fault(monkeypatch):
    monkeypatch.setenv("WEIR_MODELS", "config/nowhere")

    with pytest.raises(InvalidSettings, match="WEIR_MODELS='config/nowhere': no such"):
        from_environ()


def test_proxies_that_are_no_addresses_are_a_fault(monkeypatch):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "10.0.0.0/8,router")

    with pytest.raises(InvalidSettings, match="FORWARDED_ALLOW_IPS"):
        from_environ()


@pytest.mark.parametrize("proxies", ["*", "127.0.0.1", "10.0.0.0/8, ::1"])
def test_proxies_are_addresses_networks_or_everyone(monkeypatch, proxies):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", proxies)

    assert len(from_environ().trusted_proxies) == len(proxies.split(","))


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("WEB_CONCURRENCY", "auto", "a whole number from 1 to 256 is wanted"),
        ("WEB_CONCURRENCY", "1e3", "a whole number from 1 to 256 is wanted"),
        ("WEB_CONCURRENCY", "1_0", "a whole number from 1 to 256 is wanted"),
        ("WEB_CONCURRENCY", "٤", "a whole number from 1 to 256 is wanted"),
        ("WEB_CONCURRENCY", "-1", "a whole number from 1 to 256 is wanted"),
        ("PORT", "0x1F90", "a whole number from 1 to 65535 is wanted"),
        ("PORT", "tcp://10.0.0.1:80", "a whole number from 1 to 65535 is wanted"),
        ("WEIR_HOST", "256.0.0.1", "an address of this machine"),
        ("WEIR_HOST", "203.0.113.7", "an address of this machine"),
        ("WEIR_HOST", "::1:8000", "an address of this machine"),
        ("WEIR_HOST", "127.0.0.1:8000", "an address of this machine"),
        ("FORWARDED_ALLOW_IPS", "10.0.0.5/8", "addresses, networks or *, with commas between"),
        ("FORWARDED_ALLOW_IPS", "router", "addresses, networks or *, with commas between"),
        ("FORWARDED_ALLOW_IPS", "10.0.0.1 10.0.0.2", "addresses, networks or *"),
        ("WEIR_LOG_FORMAT", "text", "one of auto, json, console is wanted"),
        ("WEIR_ERROR_DETAIL", "some", "one of full, names, none is wanted"),
        ("WEIR_MODELS", "config/no", "a folder for each model, or one model, is wanted"),
        ("WEIR_MODEL_NAME", "a/b", "letters, digits, dots"),
        ("WEIR_WATCH_MODELS", "yes", "one of 0, 1 is wanted"),
        ("WEIR_FORWARDED", "both", "one of x-forwarded, forwarded is wanted"),
        ("WEIR_PROXY_PROTOCOL", "v2", "one of 0, 1 is wanted"),
        ("WEIR_SOCKET", "weir.sock", "a whole path of at most 107 bytes is wanted"),
        ("WEIR_SOCKET", "/tmp/" + "s" * 103, "a whole path of at most 107 bytes is wanted"),
        ("WEIR_SOCKET", "/nowhere/weir.sock", "a path in a folder in which this user may make"),
        ("WEIR_SOCKET", "/etc/passwd", "there is a file that is no socket"),
    ],
)
def test_a_fault_names_variable_value_and_what_is_wanted(monkeypatch, name, value, wanted):
    monkeypatch.setenv(name, value)

    with pytest.raises(InvalidSettings) as raised:
        from_environ()

    assert f"{name}={value!r}: " in str(raised.value)
    assert wanted in str(raised.value)


@pytest.mark.parametrize("name", ["WEB_CONCURRENCY", "PORT", "WEIR_HOST", "WEIR_LOG_LEVEL"])
@pytest.mark.parametrize("value", ["", " ", "\n"])
def test_an_empty_value_counts_as_not_set(monkeypatch, name, value):
    usual = from_environ()
    monkeypatch.setenv(name, value)

    assert from_environ() == usual


def test_a_value_from_a_file_may_end_with_a_newline(monkeypatch):
    monkeypatch.setenv("WEIR_METRICS_TOKEN", "s3cret\n")
    monkeypatch.setenv("WEB_CONCURRENCY", "3\n")

    assert from_environ().metrics_token == "s3cret"
    assert from_environ().workers == 3


@pytest.mark.parametrize("token", ["two words", "für", "tab\there", "bell\x07"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_repeated(monkeypatch, token):
    monkeypatch.setenv("WEIR_METRICS_TOKEN", token)

    with pytest.raises(InvalidSettings, match="WEIR_METRICS_TOKEN=…: visible ASCII") as raised:
        from_environ()

    assert token not in str(raised.value)


def test_an_empty_list_of_proxies_trusts_nobody(monkeypatch):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "")

    assert from_environ().trusted_proxies == ()


@pytest.mark.parametrize("host", ["::1", "[::1]", "127.0.0.1", "localhost", "::", "0.0.0.0"])
def test_a_host_is_an_address_of_this_machine_or_its_name(monkeypatch, host):
    monkeypatch.setenv("WEIR_HOST", host)

    assert from_environ().host == host.strip("[]")


@pytest.mark.parametrize(
    ("origins", "told"),
    [
        ("shop.example", "has no scheme: write https://shop.example"),
        ("https://shop.example/", "has a path, be it a slash: write https://shop.example"),
        ("https://shop.example/buy?x", "has a path"),
        ("https://Shop.example", "has capitals, which browsers write small"),
        ("https://shop.example:443", "a port that browsers leave out: write https://shop.example"),
        ("http://[::1]:80", "a port that browsers leave out: write http://"),
        ("https://me@shop.example", "has a user"),
        ("https://żółw.example", "xn--"),
        ("https://*.shop.example", "has no host"),
        ("https://", "has no host"),
        ("https://shop.example:port", "cannot be read"),
        ("https://shop.example, *", r"\* stands for every origin"),
        ("null", "sandboxed"),
    ],
)
def test_what_no_browser_says_of_itself_is_no_origin(monkeypatch, origins, told):
    monkeypatch.setenv("WEIR_CORS_ORIGINS", origins)

    with pytest.raises(InvalidSettings, match=f"WEIR_CORS_ORIGINS=.*wanted; .*{told}"):
        from_environ()


def test_origins_are_those_of_browsers_of_any_kind(monkeypatch):
    said = "https://shop.example, http://localhost:5173,capacitor://localhost , http://[::1]:8080"
    monkeypatch.setenv("WEIR_CORS_ORIGINS", said)

    assert from_environ().cors_origins == (
        "https://shop.example", "http://localhost:5173", "capacitor://localhost",
        "http://[::1]:8080",
    )  # fmt: skip
    monkeypatch.setenv("WEIR_CORS_ORIGINS", "*")
    assert from_environ().cors_origins == ("*",)


def test_a_proxy_header_that_nobody_may_send_is_a_fault(monkeypatch):
    monkeypatch.setenv("WEIR_PROXY_PROTOCOL", "1")
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "")

    with pytest.raises(InvalidSettings, match="WEIR_PROXY_PROTOCOL='1': nobody may send"):
        from_environ()
