"""The PROXY protocol as HAProxy, nginx and curl speak it, and as nobody should."""

import subprocess
import time
from contextlib import suppress

import pytest
import requests

from service.wire.proxy_header import V2_START
from tests.conftest import eventually
from tests.live.instance import Instance, free_port
from tests.live.proxies import HAProxy, Nginx
from tests.live.wire import Wire

CLIENT = "198.51.100.7"
V1 = f"PROXY TCP4 {CLIENT} 10.0.0.1 4711 80\r\n".encode()
V2 = V2_START + bytes.fromhex("2111000cc63364070a00000112671f90")
LOCAL = V2_START + bytes.fromhex("20000000")
ASK = b"GET /?msg=%d HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"
TAGGED = "send-proxy-v2 proxy-v2-options crc32c,unique-id"


@pytest.fixture(scope="module")
def admin_port():
    return free_port()


@pytest.fixture(scope="module")
def instance(tmp_path_factory, admin_port):
    variables = {
        "WEIR_PROXY_PROTOCOL": "1",
        "FORWARDED_ALLOW_IPS": "127.0.0.1",
        "WEIR_HEAD_TIMEOUT_S": "1",
        "WEIR_ADMIN_PORT": str(admin_port),
    }
    with Instance(tmp_path_factory.mktemp("introduced"), **variables) as made:
        yield made


def addresses(instance, path="/"):
    return [line["client_ip"] for line in instance.lines(event="http_request", path=path)]


NGINX = "server {{ listen PORT; proxy_pass 127.0.0.1:{}; proxy_protocol on; }}"


def haproxy_tcp(option, instance):
    return f"""
global
    log stdout format raw local0
defaults
    log global
    mode tcp
    option httpchk GET /readyz
    option log-health-checks
    timeout connect 5s
    timeout client 20s
    timeout server 20s
frontend clients
    bind 127.0.0.1:PORT
    default_backend weir
backend weir
    server one 127.0.0.1:{instance.port} {option} check check-send-proxy
"""


def asked(url, source):
    """Ask from *source*, one of this machine's own addresses, and claim another."""
    forged = "X-Forwarded-For: 6.6.6.6"
    return curl("--interface", source, "--header", forged, f"{url}/?msg=asked")


@pytest.mark.parametrize(
    ("source", "client"), [("127.0.0.2", "127.0.0.2"), ("127.0.0.1", "6.6.6.6")]
)
@pytest.mark.parametrize("option", ["send-proxy", "send-proxy-v2", TAGGED])
def test_haproxy_tells_its_client_by_either_version(instance, tmp_path, option, source, client):
    before = len(addresses(instance))
    with HAProxy(tmp_path, haproxy_tcp(option, instance)) as proxy:
        assert "asked" in asked(proxy.url, source)
        eventually(lambda: "check for server weir/one succeeded" in proxy.log.read_text())

    # A field counts if the client's own address, by the header, is a trusted proxy's.
    assert addresses(instance)[before:] == [client]


def test_nginx_tells_its_client(instance, tmp_path):
    before = len(addresses(instance))
    with Nginx(tmp_path, NGINX.format(instance.port), "stream") as proxy:
        assert "asked" in asked(proxy.url, "127.0.0.2")

    assert addresses(instance)[before:] == ["127.0.0.2"]


def test_curl_s_header_is_read(instance):
    before = len(addresses(instance))
    assert "curled" in curl("--haproxy-protocol", f"{instance.url}/?msg=curled")

    assert addresses(instance)[before:] == ["127.0.0.1"]


def curl(*words):
    return subprocess.run(
        ["curl", "-s", "-m", "10", *words], capture_output=True, text=True, check=True, timeout=20
    ).stdout


@pytest.mark.parametrize("header", [V1, V2])
def test_the_address_stays_for_the_whole_connection_and_its_fields_do_not_count(instance, header):
    before = len(addresses(instance))
    with Wire(instance.port) as wire:
        wire.send(header + ASK % 1 + ASK % 2)
        assert [wire.answer().json["response"] for _ in range(2)] == ["1", "2"]
        wire.send(ASK % 3)
        assert wire.answer().json["response"] == "3"

    assert addresses(instance)[before:] == [CLIENT] * 3


@pytest.mark.parametrize("header", [LOCAL, b"PROXY UNKNOWN\r\n"])
def test_a_health_check_keeps_the_proxy_s_address_and_no_field_of_it_counts(instance, header):
    before = len(addresses(instance))
    with Wire(instance.port) as wire:
        assert wire.send(header + ASK % 1).answer().status == 200

    assert addresses(instance)[before:] == ["127.0.0.1"]


@pytest.mark.parametrize("header", [V1, V2])
def test_a_header_may_come_in_pieces_and_the_request_later(instance, header):
    with Wire(instance.port) as wire:
        for at in range(len(header)):
            wire.send(header[at : at + 1])
        time.sleep(0.1)  # the request is the next thing that is waited for
        assert wire.send(ASK % 1).answer().status == 200


@pytest.mark.parametrize(
    "sent",
    [
        ASK % 1,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PROXY TCP4 198.51.100.7\r\n" + ASK % 1,
        b"PROXY TCP4 " + b"1" * 200,
        V1.replace(b"\r\n", b"\n") + ASK % 1,
        V2_START + b"\x21\x11\xff\xff" + b"x" * 5000,
        V2_START + b"\x23\x11\x00\x0c" + b"x" * 12,
        V1[:20],
        V2[:20],
        V2_START + b"\x20\x00\x0f\xf0" + b"x",
    ],
)
def test_what_does_not_begin_with_a_header_is_closed_without_a_byte(instance, sent):
    with Wire(instance.port) as wire:
        assert wire.send(sent).rest() == b""


def test_a_drip_has_the_time_of_a_head(instance):
    with Wire(instance.port, timeout=10) as wire:
        wire.send(V1[:11])
        eventually(lambda: not goes_on(wire), within_s=9)


def goes_on(wire):
    """Whether one byte more can be sent, a moment after the last."""
    time.sleep(0.1)
    with suppress(OSError):
        wire.send(b"1")
        return True
    return False


@pytest.mark.parametrize("again", [V1, V2, LOCAL])
@pytest.mark.parametrize("between", [b"", ASK % 1])
def test_a_second_header_is_no_request(instance, again, between):
    before = len(addresses(instance))
    with Wire(instance.port) as wire:
        wire.send(V1 + between + again.replace(CLIENT.encode(), b"192.0.2.66") + ASK % 2)
        if between:
            assert wire.answer().status == 200
        assert wire.answer().status == 400
        assert wire.rest() == b""

    assert set(addresses(instance)[before:]) <= {CLIENT}


def test_the_refusals_are_logged_and_counted_and_the_admin_port_expects_no_header(
    instance, admin_port
):
    with Wire(instance.port) as wire:
        assert wire.send(ASK % 1).rest() == b""
    (line,) = instance.lines(event="proxy_header_refused")  # once a minute

    assert line["peer"] == "127.0.0.1"
    assert line["reason"] in {"missing", "malformed", "too_long", "cut_short", "timeout"}
    admin = f"http://127.0.0.1:{admin_port}"
    assert requests.get(f"{admin}/readyz", timeout=5).ok
    assert 'http_timeouts_total{phase="head"}' in requests.get(f"{admin}/metrics", timeout=5).text


def test_a_peer_that_is_no_proxy_is_closed_at_once(tmp_path):
    variables = {
        "WEIR_PROXY_PROTOCOL": "1",
        "FORWARDED_ALLOW_IPS": "192.0.2.1",
    }
    with Instance(tmp_path, **variables) as instance:
        with Wire(instance.port, timeout=5) as wire:
            assert wire.rest() == b""
        with Wire(instance.port, timeout=5) as wire:
            assert wire.send(V1 + ASK % 1).rest() == b""

        (line,) = eventually(lambda: instance.lines(event="proxy_header_refused"))
        assert (line["peer"], line["reason"]) == ("127.0.0.1", "untrusted")
