"""A receiver of OTLP over HTTP, by the protocol's own messages; or one that misbehaves."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Use as a context manager; *status* is what it answers, and *delay* what it waits for."""

    def __init__(self, *, status=200, delay=None):
        self.spans = []
        self.resources = []
        self.requests = 0
        self.status = status
        self._delay = delay
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver.take(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        if self._delay:
            self._delay.set()
        self._server.shutdown()
        self._server.server_close()

    def take(self, handler):
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.requests += 1
        if self._delay:
            self._delay.wait(60)
        if self.status == 200:
            assert handler.path == "/v1/traces"
            assert handler.headers["Content-Type"] == "application/x-protobuf"
            for per_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources.append(facts(per_resource.resource.attributes))
                for scope in per_resource.scope_spans:
                    self.spans += map(Span, scope.spans)
        handler.send_response(self.status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def named(self, name):
        return [span for span in self.spans if span.name == name]


class Span:
    """A span as it was sent, with readable identifiers."""

    def __init__(self, sent):
        self.name, self.kind = sent.name, sent.kind
        self.trace_id, self.span_id = sent.trace_id.hex(), sent.span_id.hex()
        self.parent_id, self.state = sent.parent_span_id.hex(), sent.trace_state
        self.start_ns, self.end_ns = sent.start_time_unix_nano, sent.end_time_unix_nano
        self.attributes = facts(sent.attributes)
        self.links = {(link.trace_id.hex(), link.span_id.hex()) for link in sent.links}
        self.is_error = sent.status.code == 2


def facts(attributes):
    values = ((pair.key, pair.value) for pair in attributes)
    return {key: getattr(value, value.WhichOneof("value")) for key, value in values}
