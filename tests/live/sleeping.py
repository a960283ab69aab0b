"""A model that sleeps for as long as it is told to, and what its requests' lines say."""

from tests.conftest import eventually

MODEL = """
import time

class Sleeper:
    def load(self): pass
    def predict(self, batch):
        print("asked for", batch["x"].max())
        time.sleep(batch["x"].max())
        return {"y": batch["x"]}
"""
TOML = """
platform = "python"
file = "model.py"
[input.x]
[serve]
batch_rows = 4
[example]
file = "example.json"
"""
ASK = "/models/sleeper/predict"

STAGES = ["head", "body", "queue", "decode", "batch", "infer", "encode"]

# A caller's trace, and its span.
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def repository(folder):
    """Make the model in *folder*; the setting that serves it."""
    model = folder / "models/sleeper"
    model.mkdir(parents=True)
    (model / "model.py").write_text(MODEL)
    (model / "model.toml").write_text(TOML)
    (model / "example.json").write_text('{"x": 0}')
    return {"WEIR_MODELS": str(folder / "models")}


def line_of(instance, request_id):
    """The one line of a request."""
    (line,) = eventually(lambda: instance.lines(event="http_request", request_id=request_id))
    return line


def spent_ms(line):
    """What its stages sum up to."""
    return sum(line.get(f"{stage}_ms", 0.0) for stage in [*STAGES, "write"])
