"""One instance behind the shipped configurations, where two more are not there."""

import subprocess
import time
from http import HTTPStatus

import pytest
import requests

from tests.live.fleet import SIZE, message
from tests.live.instance import Instance, free_port
from tests.live.proxies import behind
from tests.live.wire import Wire

BODY = b'{"msg": "slow!"}'
LIMIT_BYTES = 10 << 20
FORGED = ("X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "Forwarded: for=6.6.6.6")


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    with Instance(tmp_path_factory.mktemp("proxied"), WEIR_BODY_TIMEOUT_S="1") as made:
        yield made


@pytest.fixture(scope="module", params=["haproxy", "nginx"])
def proxy(request, instance, tmp_path_factory):
    gone = [f"127.0.0.1:{free_port()}" for _ in range(SIZE - 1)]
    addresses = [*gone, f"127.0.0.1:{instance.port}"]
    with behind(request.param, tmp_path_factory.mktemp("proxy"), addresses) as made:
        made.kind = request.param
        yield made


def addresses(instance):
    return [line["client_ip"] for line in instance.lines(event="http_request", path="/")]


def test_a_client_cannot_say_that_it_is_somebody_else(instance, proxy):
    before = len(addresses(instance))
    fields = [word for field in FORGED for word in ("--header", field)]
    url = f"{proxy.url}/?msg=asked"
    command = ["curl", "-sf", "-m", "10", "--interface", "127.0.0.2", *fields, url]
    subprocess.run(command, check=True, capture_output=True, timeout=20)

    assert addresses(instance)[before:] == ["127.0.0.2"]


def test_a_model_s_card_has_the_address_that_the_client_asked(proxy):
    forged = dict(field.split(": ") for field in FORGED)
    card = requests.get(f"{proxy.url}/models/iris", headers=forged, timeout=10).text

    assert f"{proxy.url}/models/iris/predict" in card
    assert "https://" not in card


def test_a_client_is_not_told_how_long_the_service_keeps_the_proxy_s_connection(proxy):
    answer = requests.get(f"{proxy.url}/?msg=a", timeout=10)

    assert answer.status_code == HTTPStatus.OK
    assert "95" not in answer.headers.get("Keep-Alive", "")


@pytest.mark.parametrize(
    ("size_bytes", "status"),
    [
        (LIMIT_BYTES - 100, HTTPStatus.OK),
        (LIMIT_BYTES + 1, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    ],
)
def test_the_largest_body_passes_and_no_larger_one(proxy, size_bytes, status):
    body = b'{"msg": "' + b"x" * (size_bytes - 11) + b'"}'
    json = {"Content-Type": "application/json"}

    assert requests.post(proxy.url, data=body, headers=json, timeout=30).status_code == status


def test_a_slow_body_is_kept_by_nginx_and_judged_by_the_instance_behind_haproxy(proxy):
    with Wire(proxy.port) as wire:
        wire.send(message("POST", "/", BODY)[: -len(BODY)])
        for at in range(0, len(BODY), 4):
            time.sleep(0.6)
            wire.send(BODY[at : at + 4])
        status = wire.answer().status

    assert status == {"haproxy": HTTPStatus.REQUEST_TIMEOUT, "nginx": HTTPStatus.OK}[proxy.kind]


@pytest.mark.parametrize("forwarded", ["x-forwarded", "forwarded"])
def test_only_the_kind_of_field_that_the_operator_names_is_read(tmp_path, forwarded):
    with Instance(tmp_path, WEIR_FORWARDED=forwarded) as instance, Wire(instance.port) as wire:
        told = ["X-Forwarded-For: 192.0.2.1", 'Forwarded: for="[2001:db8::2]:80"']
        assert wire.get("/?msg=a", *told).answer().status == HTTPStatus.OK
        (client,) = addresses(instance)

    assert client == {"x-forwarded": "192.0.2.1", "forwarded": "2001:db8::2"}[forwarded]
