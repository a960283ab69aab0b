"""
What batching gives: throughput at 32 connections and p50 at 1, with batch_rows 16 and 1.

The same model twice, as two models of one service with one worker on one core; wrk on another
core asks them in turn, so that what else the machine does strikes both.

    python -m load.benchmarks.batching thread|process [rounds]

A repository with the model is made in a temporary folder; `thread` is an MLP of 200 × 200 as
ONNX and needs the package onnx, `process` the same as a Python class on NumPy.
"""

import os
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from load.benchmarks import wrk
from load.benchmarks.servers import WEIR, serving

PORT = 8230
ROUND_S = 4
BATCHED, SINGLE = "mlp-16", "mlp-1"
WIDTH = 200
TOML = """
platform = "{platform}"
file = "{file}"
[[input.x.feature]]
name = "a"
[[input.x.feature]]
name = "b"
[[input.x.feature]]
name = "c"
[[input.x.feature]]
name = "d"
[serve]
batch_rows = {rows}
"""
PYTHON = """
import numpy as np
class Mlp:
    def load(self):
        random = np.random.default_rng(5)
        self.layers = [random.normal(0, 0.1, shape) for shape in {shapes}]
    def predict(self, batch):
        x = batch["x"]
        for layer in self.layers:
            x = np.maximum(x @ layer, 0)
        return {{"y": x[:, 0]}}
"""
SHAPES = ((4, WIDTH), (WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH, 1))


def make(repository: Path, execution: str) -> None:
    """Write the model's two folders."""
    for name, rows in ((BATCHED, 16), (SINGLE, 1)):
        folder = repository / name
        folder.mkdir()
        if execution == "process":
            (folder / "model.py").write_text(PYTHON.format(shapes=SHAPES))
            told = TOML.format(platform="python", file="model.py", rows=rows)
        else:
            (folder / "model.onnx").write_bytes(graph())
            told = TOML.format(platform="onnx", file="model.onnx", rows=rows)
        (folder / "model.toml").write_text(told)


def graph() -> bytes:
    """Build the MLP as ONNX."""
    from onnx import TensorProto, helper, numpy_helper  # only needed here

    random, nodes, weights, value = np.random.default_rng(5), [], [], "x"
    for number, shape in enumerate(SHAPES):
        weight = random.normal(0, 0.1, shape).astype(np.float32)
        weights.append(numpy_helper.from_array(weight, f"w{number}"))
        nodes.append(helper.make_node("MatMul", [value, f"w{number}"], [f"m{number}"]))
        nodes.append(helper.make_node("Relu", [f"m{number}"], [value := f"y{number}"]))
    made = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", SHAPES[0][0]])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["n", 1])],
        weights,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model.SerializeToString()


def ask(model: str, connections: int) -> tuple[float, float]:
    """Requests per second, and p50 in ms, over one round."""
    url = f"http://127.0.0.1:{PORT}/models/{model}/predict?a=1&b=2&c=3&d=4"
    asked = wrk.run(url, connections=connections, seconds=ROUND_S)
    return asked.rate_rps, asked.p50_ms


def main() -> None:
    """Ask both in turn, and print the ratios of neighbouring rounds."""
    execution = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 6
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), execution)
        os.environ["WEIR_MODELS"] = folder
        with serving(WEIR, PORT):
            for connections, figure, name in ((32, 0, "requests/s"), (1, 1, "p50 ms")):
                pairs = [
                    (ask(BATCHED, connections)[figure], ask(SINGLE, connections)[figure])
                    for _ in range(rounds)
                ]
                ratios = sorted(batched / single for batched, single in pairs)
                print(
                    f"{execution}, {connections} connections, {name}: "
                    f"batched ÷ single {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}); "
                    f"median batched {median(pair[0] for pair in pairs):.3g}, "
                    f"single {median(pair[1] for pair in pairs):.3g}"
                )


if __name__ == "__main__":
    main()
