"""Tokens of an issuer, by keys that a real HTTP server publishes."""

import base64
import hmac
import json
import time

import pytest

from config.settings import InvalidSettings, from_environ
from service.errors import KeyRefused
from tests.access.tokens import (
    AUDIENCE,
    EC,
    ED,
    ISSUER,
    RSA,
    SECRET,
    STRANGER,
    token,
)


@pytest.mark.parametrize(
    ("key", "alg"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (ED, "Ed25519")]
)
def test_a_token_by_a_published_key_counts(issuer, key, alg):
    found = issuer.find(token(key, alg))

    assert found.name == "jwt:alice"
    assert found.scopes == {"predict"}


@pytest.mark.parametrize(
    ("claims", "scopes", "models"),
    [
        ({"scope": "predict metrics openid"}, {"predict", "metrics"}, ()),
        ({"scope": ["admin"]}, {"admin"}, ()),
        ({"scope": "openid"}, set(), ()),
        ({"models": "iris cat-*"}, {"predict"}, ("cat-*", "iris")),
        ({"models": ["iris"]}, {"predict"}, ("iris",)),
        ({"aud": ["other", AUDIENCE]}, {"predict"}, ()),
    ],
)
def test_what_it_says_is_what_its_bearer_may(issuer, claims, scopes, models):
    found = issuer.find(token(**claims))

    assert (found.scopes, found.models) == (scopes, models)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": int(time.time()) - 60}, "the token has expired"),
        ({"exp": None}, "missing_claim"),
        ({"exp": "tomorrow"}, "invalid_claim"),
        ({"nbf": int(time.time()) + 600}, "invalid_claim"),
        ({"iss": "https://other.example"}, "invalid_claim"),
        ({"iss": None}, "missing_claim"),
        ({"aud": "other"}, "invalid_claim"),
        ({"aud": None}, "missing_claim"),
        ({"sub": None}, "missing_claim"),
        ({"sub": 5}, "invalid_claim"),
        ({"scope": 5}, "scope or models"),
        ({"models": {"iris": 1}}, "scope or models"),
        ({"models": []}, "models is empty"),
        ({"models": " "}, "models is empty"),
        ({"exp": 10**400}, "cannot be read"),
    ],
)
def test_a_token_that_says_something_else_does_not_count(issuer, claims, said):
    with pytest.raises(KeyRefused, match=said) as raised:
        issuer.find(token(**claims))

    assert 'error="invalid_token"' in raised.value.challenge


def coded(said):
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()


def unsigned():
    return f"{coded({'alg': 'none'})}.{token().split('.')[1]}."


def by_the_public_key_as_a_secret():
    head, claims = coded({"alg": "HS256", "kid": "ec"}), token().split(".")[1]
    made = hmac.digest(EC.as_pem(private=False), f"{head}.{claims}".encode(), "sha256")
    return f"{head}.{claims}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


def changed():
    head, _, signature = token().split(".")
    return f"{head}.{coded({'sub': 'root'})}.{signature}"


def nested():
    head = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 5000).decode()
    return f"{head}.e30.e30"


@pytest.mark.parametrize(
    "made",
    [
        unsigned,
        by_the_public_key_as_a_secret,
        changed,
        nested,
        lambda: token(STRANGER),
        lambda: token(SECRET, "HS256", {"kid": "ec"}),
        lambda: "ey..",
        lambda: "eyJhbGciOiJFUzI1NiJ9.e30.AAAA",
        lambda: token()[:-2],
    ],
)
def test_a_token_that_the_issuer_has_not_signed_does_not_count(issuer, made):
    with pytest.raises(KeyRefused):
        issuer.find(made())


def test_what_is_no_token_is_left_to_others(issuer, published):
    assert issuer.find("weir_0123456789") is None
    assert issuer.find("a.b.c") is None
    assert published.asked == 0


def test_what_was_verified_ends_when_it_says(issuer, monkeypatch):
    sent = token()
    assert issuer.find(sent)
    monkeypatch.setattr("service.access.issuer.time", lambda: time.time() + 100)

    with pytest.raises(KeyRefused, match="the token has expired"):
        issuer.find(sent)


def test_a_subject_may_be_any_text(issuer):
    found = issuer.find(token(sub="żółw\n" + "a" * 200))

    assert found.name.startswith("jwt:\\u017c\\xf3\\u0142w")
    assert len(found.name) == 104


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"WEIR_JWT_ISSUER": "a"}, "with it, these are wanted: WEIR_JWT_AUDIENCE, WEIR_JWKS"),
        ({"WEIR_JWKS": "https://[a"}, "https:// with an address, or the path of a file"),
        ({"WEIR_JWKS": "ftp://a/b"}, "https:// with an address, or the path of a file"),
    ],
)
def test_an_issuer_is_told_whole(monkeypatch, variables, said):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(InvalidSettings, match=said):
        from_environ()


def test_a_request_with_a_token_is_answered_and_told_by_its_subject(published, monkeypatch):
    from service.app import create_app

    for name, value in (("ISSUER", ISSUER), ("AUDIENCE", AUDIENCE)):
        monkeypatch.setenv(f"WEIR_JWT_{name}", value)
    monkeypatch.setenv("WEIR_JWKS", published.url)
    client = create_app(from_environ()).test_client()

    def ask(path, sent):
        return client.get(path, headers={"Authorization": f"Bearer {sent}"}, buffered=True)

    assert ask("/?msg=a", token()).get_json() == {"response": "a", "success": True}
    assert ask("/?msg=a", token(STRANGER)).status_code == 401
    assert "'jwt:alice' is for predict" in ask("/metrics", token()).get_json()["detail"]
    told = ask("/metrics", token(scope="metrics")).get_data(as_text=True)
    assert 'api_key_requests_total{key="jwt",status="200"}' in told
    assert "alice" not in told
    assert client.get("/?msg=a").status_code == 401
