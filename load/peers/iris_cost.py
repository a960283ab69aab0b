"""
CPU of one iris prediction: Weir's beside other model servers', one worker each.

    weir               a JSON row by columns, with everything on; answers the label and the scores
    weir-v2            the same model over V2: a row as a tensor of JSON; answers the scores
    mlserver           scikit-learn's own pipeline over V2, with the defaults: predictions in one
                       process beside the HTTP one; a row as a tensor; answers the label alone
    mlserver-inline    parallel_workers = 0: predictions in the HTTP process
    mlserver-batching  inline, with adaptive batching of up to 32 requests in 10 ms
    bentoml            Weir's ONNX file and JSON row, one worker; answers what Weir answers
    litserve           the same on LitServe, one worker beside the HTTP process

Each server first has to name three flowers. Then wrk drives all of them in turn with 32
connections, the servers on one core and wrk on the other; a server's CPU is its processes' user and
system time over the requests that wrk counts. Only ratios of one run mean anything.

    python -m load.peers.iris_cost ENVIRONMENTS [rounds] [seconds] [peer ...]

ENVIRONMENTS is a folder with an environment for each of the three:

    for peer in mlserver bentoml litserve; do
        python3.11 -m venv ENVIRONMENTS/$peer
        ENVIRONMENTS/$peer/bin/pip install -r load/peers/requirements-$peer.txt
    done
"""

import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from load.benchmarks.servers import PROJECT, WEIR, serving
from load.peers.echo_cost import measure, print_medians, ratio

COLUMNS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
FLOWERS = {
    "setosa": (5.1, 3.5, 1.4, 0.2),
    "versicolor": (7.0, 3.2, 4.7, 1.4),
    "virginica": (6.3, 3.3, 6.0, 2.5),
}
OWN = ("weir", "weir-v2")
MLSERVER = (
    "env MLSERVER_HTTP_PORT={{port}} MLSERVER_GRPC_PORT=1{{port}} MLSERVER_METRICS_PORT=2{{port}} "
    "MLSERVER_METRICS_DIR={scratch}/{{port}} MLSERVER_ENVIRONMENTS_DIR={scratch}/{{port}} "
    "{settings} {environments}/mlserver/bin/mlserver start {scratch}"
)


@dataclass(frozen=True)
class Peer:
    """How to start it, where to ask it, how to say a flower, and where its answer has the name."""

    command: str
    ready: str = "/readyz"
    path: str = "/predict"
    body: Callable[[tuple[float, ...]], dict] = lambda flower: dict(
        zip(COLUMNS, flower, strict=True)
    )
    label: Callable[[dict], str] = lambda answer: answer["label"]

    def ask(self, port: int, flower: tuple[float, ...]) -> str:
        """The species that the server on *port* names."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{self.path}",
            json.dumps(self.body(flower)).encode(),
            {"Content-Type": "application/json"},
        )
        return self.label(json.load(urllib.request.urlopen(request, timeout=10)))


def v2(flower: tuple[float, ...]) -> dict:
    """A flower as a request of the V2 protocol."""
    tensor = {"name": "measurements", "shape": [1, 4], "datatype": "FP32", "data": list(flower)}
    return {"inputs": [tensor]}


def likeliest(answer: dict) -> str:
    """The species with the best score of an answer of the V2 protocol."""
    scores = answer["outputs"][0]["data"]
    return [*FLOWERS][scores.index(max(scores))]


def servers(environments: Path, scratch: Path) -> dict[str, Peer]:
    """Weir and its peers by name; *scratch* has MLServer's model and takes what peers write."""

    def mlserver(settings: str) -> Peer:
        return Peer(
            MLSERVER.format(scratch=scratch, environments=environments, settings=settings),
            ready="/v2/models/iris/ready",
            path="/v2/models/iris/infer",
            body=v2,
            label=lambda answer: answer["outputs"][0]["data"][0],
        )

    batching = "MLSERVER_MODEL_MAX_BATCH_SIZE=32 MLSERVER_MODEL_MAX_BATCH_TIME=0.01"
    return {
        "weir": Peer(
            WEIR, path="/models/iris/predict", label=lambda answer: answer["response"]["label"]
        ),
        "weir-v2": Peer(WEIR, path="/v2/models/iris/infer", body=v2, label=likeliest),
        "mlserver": mlserver(""),
        "mlserver-inline": mlserver("MLSERVER_PARALLEL_WORKERS=0"),
        "mlserver-batching": mlserver("MLSERVER_PARALLEL_WORKERS=0 " + batching),
        "bentoml": Peer(
            f"env BENTOML_DO_NOT_TRACK=True BENTOML_HOME={scratch}/bentoml "
            f"{environments}/bentoml/bin/bentoml serve load.peers.apps.iris_bentoml:Service "
            "--port {port}"
        ),
        "litserve": Peer(
            f"{environments}/litserve/bin/python -m load.peers.apps.iris_litserve {{port}}",
            ready="/health",
        ),
    }


def check(name: str, server: Peer, port: int) -> None:
    """Raise ValueError unless the server names every flower."""
    for species, flower in FLOWERS.items():
        if (named := server.ask(port, flower)) != species:
            raise ValueError(f"{name} calls a {species} {named!r}")


def write_request(server: Peer, script: Path) -> None:
    """Write the Lua that has wrk post a flower."""
    body = json.dumps(server.body(FLOWERS["setosa"]))
    script.write_text(
        f"wrk.method = 'POST'\nwrk.body = '{body}'\n"
        "wrk.headers['Content-Type'] = 'application/json'\n"
    )


def measured(chosen: dict[str, Peer], rounds: int, seconds: int, scratch: Path) -> dict:
    """Rows by server: all are started, asked once, and then driven in turn."""
    rows = {name: [] for name in chosen}
    ports = {name: 8300 + index for index, name in enumerate(chosen)}
    with ExitStack() as stack:
        masters = {}
        for name, server in chosen.items():
            started = serving(server.command, ports[name], ready=server.ready)
            masters[name] = stack.enter_context(started)
            check(name, server, ports[name])
            write_request(server, scratch / f"{name}.lua")
        for turn in range(rounds + 1):
            for name, server in chosen.items():
                url = f"http://127.0.0.1:{ports[name]}{server.path}"
                row = measure(masters[name], url, seconds, "-s", f"{scratch}/{name}.lua")
                if turn:  # the first is a warm-up
                    rows[name].append(row)
    return rows


def main() -> None:
    """Measure Weir and the peers in turn; print the medians and the paired ratios."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m load.peers.iris_cost ENVIRONMENTS [rounds] [seconds] [peer ...]")
    environments, rounds, seconds = (*sys.argv[1:4], *("5", "3")[len(sys.argv) - 2 :])
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        known = servers(Path(environments).absolute(), scratch)
        peers = sys.argv[4:] or [name for name in known if name not in OWN]
        chosen = {name: known[name] for name in [*OWN, *peers]}
        if any(name.startswith("mlserver") for name in peers):
            python = f"{environments}/mlserver/bin/python"
            subprocess.run(
                [python, PROJECT / "load/peers/apps/iris_mlserver.py", scratch], check=True
            )
        rows = measured(chosen, int(rounds), int(seconds), scratch)
    print_medians(rows)
    for own in OWN:
        for name in peers:
            print(f"{own:8} / {name:18} CPU {ratio(rows[own], rows[name], 0)}")


if __name__ == "__main__":
    main()
