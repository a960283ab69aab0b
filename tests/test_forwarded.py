"""What a trusted proxy tells: the last entry of one kind of field, and of that kind alone."""

import pytest

from service.forwarded import HEEDED, client_ip

PEER = "203.0.113.9"
FIELDS = {
    "x-forwarded": ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO"),
    "forwarded": ("HTTP_FORWARDED",),
}


def heeded(kind, **fields):
    environ = {"REMOTE_ADDR": PEER, "wsgi.url_scheme": "http", **fields}
    HEEDED[kind](environ)
    return client_ip(environ), environ["wsgi.url_scheme"]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("", PEER),
        ("x" * 1000, PEER),
        ("198.51.100.7:4711", "198.51.100.7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ('6.6.6.6, "[2001:db8::7]"', "2001:db8::7"),
        ("2001:DB8::7", "2001:db8::7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, ", "198.51.100.7"),
        (" , ", PEER),
        ("unknown", PEER),
        ("6.6.6.6, unknown", PEER),
        ("198.51.100.7:por t", PEER),
    ],
)
def test_the_client_is_the_last_entry_of_x_forwarded_for(field, expected):
    assert heeded("x-forwarded", HTTP_X_FORWARDED_FOR=field)[0] == expected


@pytest.mark.parametrize(
    ("field", "scheme"),
    [
        ("https", "https"),
        ("HTTPS", "https"),
        (" https ", "https"),
        ("http, https", "https"),
        ("https, http", "http"),
        ("http", "http"),
        ("wss", "http"),
        ("", "http"),
    ],
)
def test_the_scheme_is_what_the_nearest_proxy_was_asked_by(field, scheme):
    assert heeded("x-forwarded", HTTP_X_FORWARDED_PROTO=field)[1] == scheme


@pytest.mark.parametrize(
    ("field", "client", "scheme"),
    [
        ("for=198.51.100.7", "198.51.100.7", "http"),
        ("For=198.51.100.7;Proto=HTTPS", "198.51.100.7", "https"),
        ("proto=https;by=203.0.113.43;for=198.51.100.7", "198.51.100.7", "https"),
        ('for="198.51.100.7:4711"', "198.51.100.7", "http"),
        ('for="198.51.100.7:_gazonk"', "198.51.100.7", "http"),
        ('for="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17", "http"),
        ('FOR="[2001:DB8::17]" ; proto="https"', "2001:db8::17", "https"),
        ("for=6.6.6.6;proto=https, for=198.51.100.7", "198.51.100.7", "http"),
        ("for=6.6.6.6,for=198.51.100.7;proto=https,", "198.51.100.7", "https"),
        ("for=unknown;proto=https", PEER, "https"),
        ("for=6.6.6.6, for=_hidden", PEER, "http"),
        ("for=6.6.6.6, proto=https", PEER, "https"),
        ("for=6.6.6.6, for=", PEER, "http"),
        ('for=6.6.6.6, for=""', PEER, "http"),
        ("for=198.51.100.7;for=6.6.6.6", PEER, "http"),
        ("for = 198.51.100.7", PEER, "http"),
        ("for=2001:db8::17", PEER, "http"),
        ("198.51.100.7", PEER, "http"),
        ("", PEER, "http"),
        # What a client sends before it hides nothing of what a proxy has appended.
        ('for=6.6.6.6;x=", for=198.51.100.7', "198.51.100.7", "http"),
        ('for=6.6.6.6;x=", for="[2001:db8::17]"', "2001:db8::17", "http"),
        ('for=6.6.6.6;x="\\, for=198.51.100.7;proto=https', "198.51.100.7", "https"),
        # Nor does a client's Host that a proxy repeats in quotes.
        ('for=198.51.100.7;host="a,for=6.6.6.6"', PEER, "http"),
        ('for=198.51.100.7;host="a;for=6.6.6.6"', PEER, "http"),
    ],
)
def test_forwarded_is_read_as_rfc_7239_has_it(field, client, scheme):
    assert heeded("forwarded", HTTP_FORWARDED=field) == (client, scheme)


@pytest.mark.parametrize("kind", FIELDS)
def test_the_fields_of_the_other_kind_tell_nothing(kind):
    forged = {
        "HTTP_X_FORWARDED_FOR": "6.6.6.6",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_FORWARDED": "for=6.6.6.6;proto=https",
    }
    for name in FIELDS[kind]:
        del forged[name]

    assert heeded(kind, **forged) == (PEER, "http")
