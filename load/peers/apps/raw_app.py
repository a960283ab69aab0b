"""A WSGI application that does nothing, so that only the server's cost is left."""

from types import SimpleNamespace

BODY = b'{"response":"Hello","success":true}'
FIELDS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


class RawApp:
    """Answers the same to everything; its attributes stand in for what Weir's worker asks for."""

    is_loading = False
    recorder = SimpleNamespace(close=lambda _exchange: None)

    def __init__(self):
        no_limit = {"connection_limit": 1000, "body_limit_bytes": 1 << 20}
        seconds = dict.fromkeys(
            ("idle_timeout_s", "head_timeout_s", "body_timeout_s", "handling_timeout_s"), 30
        )
        rest = {"body_rate_bytes_per_s": 1024, "write_timeout_s": 30}
        self.settings = SimpleNamespace(
            **no_limit,
            **seconds,
            **rest,
            trusted_proxies=(),
            load_timeout_s=120,
            admin_port=0,
            error_detail="full",
        )
        self.admission = SimpleNamespace(in_flight=0, draining=False, is_full=False)
        self.admission.admit = lambda environ, spare: None
        self.account = SimpleNamespace(held_bytes=0, limit_bytes=1 << 30)

    def takes(self, _environ):
        return True

    def attend(self, *_):
        pass

    def sample_gauges(self):
        pass

    def __call__(self, environ, start_response):
        start_response("200 OK", list(FIELDS))
        return Answer([BODY])


class Answer(list):
    """A body with the `close` that a framework's has."""

    def close(self):
        pass


app = RawApp()
