import os
from hashlib import sha256

import pytest

from config.api_keys import InvalidKeys, digest_of, parse, read, written
from config.rates import Rate
from config.settings import InvalidSettings, from_environ

DIGEST = sha256(b"open sesame").hexdigest()
OTHER = sha256(b"another").hexdigest()


def test_a_line_says_who_and_what_they_may():
    (key,) = parse(f"shop={DIGEST} scopes=predict,metrics models=iris,cat-* limit=600/minute")

    assert key.name == "shop"
    assert key.digest == digest_of("open sesame")
    assert key.scopes == {"predict", "metrics"}
    assert key.models == ("iris", "cat-*")
    assert key.limit == Rate(600, 60)


def test_a_name_and_a_digest_are_enough_to_predict():
    (key,) = parse(f"shop={DIGEST}")

    assert (key.scopes, key.models, key.limit) == ({"predict"}, (), None)


def test_a_name_may_have_two_keys_while_one_replaces_the_other():
    assert [key.name for key in parse(f"shop={DIGEST}\nshop={OTHER}")] == ["shop", "shop"]


def test_a_file_has_lines_and_a_variable_semicolons():
    text = f"# for the shop; and nobody else\n\n  shop={DIGEST}\r\nprom={OTHER} scopes=metrics\n"

    assert parse(text) == parse(f"shop={DIGEST}; prom={OTHER} scopes=metrics;")


@pytest.mark.parametrize(
    "line",
    [
        f"shop={DIGEST} scopes=predict",
        f"shop={DIGEST} scopes=admin,metrics models=iris limit=10/1s",
        f"shop={DIGEST} scopes=predict limit=none",
        f"shop={DIGEST} scopes=predict limit=1000/3h",
        f"shop={DIGEST} scopes=predict limit=7/90min",
    ],
)
def test_what_is_written_reads_as_it_was(line):
    (key,) = parse(line)

    assert written(key) == line


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("shop", "a name of letters"),
        (f"={DIGEST}", "a name of letters"),
        (f"a shop={DIGEST}", "a name of letters"),
        (f"shöp={DIGEST}", "a name of letters"),
        ("shop=open-sesame", "shop: its SHA-256 in 64 hexadecimal digits"),
        (f"shop={DIGEST[:-1]}", "shop: its SHA-256 in 64 hexadecimal digits"),
        (f"shop={DIGEST}0", "shop: its SHA-256 in 64 hexadecimal digits"),
        (f"shop={sha256(b'').hexdigest()}", "shop: this is the SHA-256 of nothing"),
        (f"shop={DIGEST} scopes=", "shop: after the SHA-256, scopes= of predict, metrics, admin"),
        (f"shop={DIGEST} scopes=predict,root", "scopes= of predict, metrics, admin"),
        (f"shop={DIGEST} models=", "models= of names or patterns"),
        (f"shop={DIGEST} models=,", "models= of names or patterns"),
        (f"shop={DIGEST} model=iris", "models= of names or patterns"),
        (f"shop={DIGEST} limit=9", "shop: of limit=, a number of requests and a time"),
        (f"shop={DIGEST} limit=", "shop: of limit=, a number of requests and a time"),
        (f"shop={DIGEST} limit=1/s limit=none", "shop: limit= stands there twice"),
        (f"shop={DIGEST} limit=none limit=1/s", "shop: limit= stands there twice"),
        (f"shop={DIGEST}; other={DIGEST}", "the same key stands there twice"),
    ],
)
def test_what_cannot_be_used_is_told_without_what_may_be_a_key(entry, said):
    with pytest.raises(InvalidKeys, match=said.replace("(", r"\(")) as raised:
        parse(f"fine={OTHER}\n{entry}")

    assert "sesame" not in str(raised.value)
    assert DIGEST[:-1] not in str(raised.value)


def test_every_fault_is_told_with_its_number():
    with pytest.raises(InvalidKeys, match=r"key 1: .*; key 3: "):
        parse(f"a\nshop={DIGEST}\nb")


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), (b"\xff\xfe", "UTF-8"), (b"#" * (5 << 20), "at most 4194304 bytes")],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, content, said):
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(InvalidKeys, match=said):
        read(path)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WEIR_API_KEYS", "shop=sesame", "WEIR_API_KEYS=…: key 1: shop: its SHA-256"),
        ("WEIR_API_KEYS", " ; ", "a key is wanted, or nothing at all"),
        ("WEIR_API_KEYS_FILE", "/no/such/file", "'/no/such/file': the file cannot be read"),
        ("WEIR_API_KEYS_FILE", "keys", "the whole path of a file is wanted"),
        ("WEIR_RATE_LIMIT", "often", "a number of requests and a time, such as 10/second"),
        ("WEIR_RATE_LIMIT", "0/s", "a number of requests and a time"),
        ("WEIR_RATE_LIMIT_STORE", "http://:sesame@host", "WEIR_RATE_LIMIT_STORE=…: redis://"),
        ("WEIR_RATE_LIMIT_STORE", "redis://:sup/sesame@host", "in a password %23 is #"),
        ("WEIR_RATE_LIMIT_STORE", "redis://host:port/0", "redis://"),
        ("WEIR_RATE_LIMIT_STORE", "redis://[sesame", "WEIR_RATE_LIMIT_STORE=…: redis://"),
        ("WEIR_RATE_LIMIT_STORE", "redis://host/sesame", "a database's number"),
        ("WEIR_RATE_LIMIT_STORE", "redis://host?sesame=1", "redis://"),
    ],
)
def test_settings_of_access_are_told_at_start(monkeypatch, name, value, said):
    monkeypatch.setenv(name, value)

    with pytest.raises(InvalidSettings) as raised:
        from_environ()

    assert said in str(raised.value)
    assert "sesame" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/s", (10, 1)),
        ("10/second", (10, 1)),
        ("600/minute", (600, 60)),
        ("600/min", (600, 60)),
        ("1/hour", (1, 3600)),
        ("100/10s", (100, 10)),
        ("100/10seconds", (100, 10)),
    ],
)
def test_a_rate_is_read_as_people_write_it(text, rate):
    assert Rate.parse(text) == rate


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "keys").write_text(f"\ufeffshop={DIGEST}\n")

    assert [key.name for key in read(tmp_path / "keys")] == ["shop"]


def test_a_files_keys_and_the_variables_are_both_in_force(monkeypatch, tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"shop={DIGEST} scopes=admin\n")
    os.environ.pop("WEIR_API_KEYS", None)
    monkeypatch.setenv("WEIR_API_KEYS_FILE", f"{path}\n")
    monkeypatch.setenv("WEIR_API_KEYS", f"prom={OTHER}")

    settings = from_environ()

    assert settings.has_keys
    assert settings.takes_changes
    assert [key.name for key in settings.api_keys] == ["prom"]
