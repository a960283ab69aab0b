"""The keys of an issuer: fetched, kept, and missing."""

import json
import socket
import threading

import pytest

from service.access.issuer import Issuer
from service.access.published_keys import PublishedKeys
from service.errors import IssuerUnreachable, KeyRefused
from tests.access.tokens import AUDIENCE, EC, ISSUER, LATER, jwk, token
from tests.conftest import eventually


def test_a_new_key_of_the_issuer_s_is_fetched_when_a_token_comes_by_it(published, monkeypatch):
    monkeypatch.setattr("service.access.issuer.UNKNOWN_KEY_S", 0.0)
    monkeypatch.setattr("service.access.published_keys.PAUSE_S", 0.0)
    issuer = Issuer(ISSUER, AUDIENCE, PublishedKeys(published.url))
    issuer.find(token())
    published.keys = [LATER]

    assert issuer.find(token(LATER)).name == "jwt:alice"


def test_nobody_has_the_keys_fetched_by_unknown_ones_again_and_again(issuer, published):
    for _ in range(50):
        with pytest.raises(KeyRefused):
            issuer.find(token(LATER, sub=f"number {_}"))

    assert published.asked == 1


@pytest.mark.parametrize("status", [500, 404])
def test_without_the_issuer_s_keys_nobody_can_tell(published, status):
    published.status = status
    issuer = Issuer(ISSUER, AUDIENCE, PublishedKeys(published.url))

    with pytest.raises(IssuerUnreachable, match="try again"):
        issuer.find(token())


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"keys": []}', b'{"keys": [5]}', b"\xff"])
def test_what_is_no_list_of_keys_is_as_good_as_none(published, body):
    published.body = body
    issuer = Issuer(ISSUER, AUDIENCE, PublishedKeys(published.url))

    with pytest.raises(IssuerUnreachable):
        issuer.find(token())


def test_an_answer_that_is_no_http_is_as_good_as_none():
    def answer():
        client, _ = listener.accept()
        with client:
            client.sendall(b"garbage\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        answering = threading.Thread(target=answer)
        answering.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(IssuerUnreachable):
            Issuer(ISSUER, AUDIENCE, PublishedKeys(url)).find(token())
        answering.join()


def test_an_issuer_that_fails_is_left_alone_for_a_moment(published):
    published.status = 500
    issuer = Issuer(ISSUER, AUDIENCE, PublishedKeys(published.url))
    for _ in range(20):
        with pytest.raises(IssuerUnreachable):
            issuer.find(token())

    assert published.asked < 5


def test_nobody_waits_for_an_issuer_that_hangs_while_its_old_keys_are_there(published, monkeypatch):
    monkeypatch.setattr("service.access.published_keys.PAUSE_S", 0.0)
    keys = PublishedKeys(published.url)
    keys.current()
    published.goes_on = threading.Event()
    one = threading.Thread(target=keys.current, args=(0.0,))
    one.start()
    eventually(lambda: published.asked == 2)

    for _ in range(20):
        assert keys.current(0.0)
    assert published.asked == 2
    published.goes_on.set()
    one.join()


def test_an_issuer_that_has_gone_leaves_its_keys(published, monkeypatch):
    monkeypatch.setattr("service.access.published_keys.PAUSE_S", 0.0)
    keys = PublishedKeys(published.url)
    issuer = Issuer(ISSUER, AUDIENCE, keys)
    issuer.find(token())
    published.status = 500

    assert keys.current(0.0)
    assert issuer.find(token(sub="bob")).name == "jwt:bob"


def test_the_keys_may_stand_in_a_file(tmp_path):
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(jwk.KeySet([EC]).as_dict(private=False)))

    assert Issuer(ISSUER, AUDIENCE, PublishedKeys(str(path))).find(token())
