"""PEP 3333's environ, and a pace for what is read."""

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import LimitRequestHeaders

from service.wire import reader as module
from service.wire.reader import HEAD_BYTES, FrozenConfig, SocketReader, base_environ


def test_every_request_of_a_worker_shares_the_rest():
    environ = base_environ(("::", 8000, 0, 0))

    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("::", "8000")
    assert environ["wsgi.input_terminated"] is True


def test_a_frozen_configuration_says_what_gunicorn_s_does():
    config = Config()
    config.set("limit_request_line", 1234)

    frozen = FrozenConfig(config)

    assert frozen.limit_request_line == 1234
    assert frozen.is_ssl is config.is_ssl
    assert frozen.header_map == config.header_map


class Drip:
    """A socket on which a byte arrives every second of the clock that it turns."""

    def __init__(self, monkeypatch, size_bytes=1):
        self.now_s = 0.0
        self._size_bytes = size_bytes
        monkeypatch.setattr(module, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(module, "give_turn", lambda: None)

    def settimeout(self, left_s):
        self.left_s = left_s

    def recv(self, _size_bytes):
        if self.left_s < 1:
            raise TimeoutError
        self.now_s += 1
        return b"x" * self._size_bytes


def read_all(reader):
    while True:
        reader.chunk()


def test_a_drip_does_not_outlast_its_window(monkeypatch):
    drip = Drip(monkeypatch)
    reader = SocketReader(drip)
    reader.allow(10, quota_bytes=1000)

    with pytest.raises(TimeoutError):
        read_all(reader)

    assert drip.now_s == 10


def test_who_brings_the_quota_of_each_window_may_go_on(monkeypatch):
    drip = Drip(monkeypatch, size_bytes=100)
    reader = SocketReader(drip)
    reader.allow(10, quota_bytes=1000)

    for _ in range(100):
        reader.chunk()

    assert drip.now_s == 100


def test_a_head_has_its_size_however_it_is_cut(monkeypatch):
    reader = SocketReader(Drip(monkeypatch, size_bytes=1024))
    reader.allow_head(1e9)

    with pytest.raises(LimitRequestHeaders):
        read_all(reader)
    reader.allow(1e9)
    for _ in range(2 * HEAD_BYTES // 1024):
        assert reader.chunk()
