"""
What observing costs an echo: its CPU with everything on, and with each concern switched off.

    all        ids, line, metrics, Server-Timing, as it serves
    logs       without the line              metrics   without the counts
    timing     without Server-Timing         record    without all of it: a record nobody reads
    pages      without pages and openapi.json
    traced     everything, and one request in a hundred as spans to a receiver here
    guarded    everything, and each request with a key and counted against a rate

One worker on one core, wrk on the other, a variant and all in turn; CPU is that of the processes,
user and system, over the requests that wrk counts. The switches are this benchmark's alone:
they stand in a module that it writes and the server imports.

    python -m load.benchmarks.observing [rounds] [seconds] [variant]...
"""

import os
import sys
import tempfile
import threading
from contextlib import ExitStack
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from load.benchmarks.servers import serving
from load.peers.echo_cost import measure, print_medians, ratio

PORT = 8280

SWITCHED = """
import os
from service.exchange import KEY
from service.recorder import Recorder
from service.stages import Stages
from service.wsgi import app

off = os.environ["BENCH_OFF"]
recorder = app.recorder
names = {"logs": "service.logs", "metrics": "service.metrics"}
if off in names:
    recorder._closed = tuple(o for o in recorder._closed if o.__module__ != names[off])
elif off == "timing":
    Stages.server_timing = lambda self: ""
elif off == "record":
    one = Recorder(app, lambda _peer: False).open({})
    one.ended, one.begin_answer = True, lambda _status: ""
    answer = recorder._app

    def bare(environ, start_response):
        environ[KEY] = one
        return answer(environ, start_response)

    app.wsgi_app = bare
"""

KEY = "weir_of_a_benchmark_that_nobody_else_has"

VARIANTS = {
    "all": {},
    "logs": {"BENCH_OFF": "logs"},
    "metrics": {"BENCH_OFF": "metrics"},
    "timing": {"BENCH_OFF": "timing"},
    "record": {"BENCH_OFF": "record"},
    "pages": {"WEIR_PAGES": "0"},
    "guarded": {
        "WEIR_API_KEYS": f"bench={sha256(KEY.encode()).hexdigest()}",
        "WEIR_RATE_LIMIT": "999999999/hour",
    },
    "traced": {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"},
}


class Receiver(BaseHTTPRequestHandler):
    """Takes whatever it is sent."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):  # as the library wants it
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def start(stack, name, port, receiver):
    """Start a variant; its master's pid."""
    variables = {"BENCH_OFF": "", **VARIANTS[name]}
    if name == "traced":
        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver
    before = dict(os.environ)
    os.environ.update(variables)
    command = "gunicorn --config gunicorn.conf.py switched:app"
    try:
        return stack.enter_context(serving(command, port, ready="/readyz"))
    finally:
        os.environ.clear()
        os.environ.update(before)


def compare(name, rounds, seconds, receiver):
    """Measure everything and a variant in turn; their rows."""
    rows = {"all": [], name: []}
    with ExitStack() as stack:
        masters = {
            each: (start(stack, each, PORT + index, receiver), PORT + index)
            for index, each in enumerate(rows)
        }
        for turn in range(rounds + 1):
            for each, (master, port) in masters.items():
                options = ("-H", f"Authorization: Bearer {KEY}") if each == "guarded" else ()
                row = measure(master, f"http://127.0.0.1:{port}/?msg=Hello", seconds, *options)
                if turn:  # the first is a warm-up
                    rows[each].append(row)
    return rows


def main():
    """Print for each variant both medians and their ratio."""
    rounds, seconds = (*sys.argv[1:3], *("7", "4")[len(sys.argv[1:3]) :])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    receiver = f"http://127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "switched.py").write_text(SWITCHED)
        os.environ["PYTHONPATH"] = folder
        for name in sys.argv[3:] or [name for name in VARIANTS if name != "all"]:
            rows = compare(name, int(rounds), int(seconds), receiver)
            print_medians(rows)
            print(f"CPU {name} ÷ all:", ratio(rows[name], rows["all"], 0))
    server.shutdown()


if __name__ == "__main__":
    main()
