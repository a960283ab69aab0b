"""Models of every kind that a document may have to describe, which answer what they are sent."""

from pathlib import Path

ECHO = """
class Echo:
    def load(self):
        pass

    def predict(self, batch):
        return dict(batch)
"""
SUM = """
class Sum:
    def load(self):
        pass

    def predict(self, batch):
        (numbers,) = batch.values()
        return {"sum": numbers.reshape(len(numbers), -1).sum(axis=1, dtype=float)}
"""
WIDE = """
class Wide:
    def load(self):
        pass

    def predict(self, batch):
        return {"wide": batch["seed"].repeat(2000, axis=1)}
"""
HOSTILE = "<img src=x onerror=alert(1)> **bold** [link](http://elsewhere.example)"

# Of every kind of feature one, of which some may be missing.
ORDERS = f"""
description = "{HOSTILE}"
ignored = ["id"]
[input.amount]
dtype = "int64"
minimum = 1
maximum = 100
description = "*pieces*"
[input.weight]
dtype = "float32"
[input.express]
dtype = "bool"
[input.city]
dtype = "string"
optional = true
categories = ["Oslo", "Brno"]
[input.note]
dtype = "string"
optional = true
[input.day]
dtype = "datetime"
[input.sent]
dtype = "datetime[Europe/Oslo]"
optional = true
[input.level]
dtype = "float64"
categories = [0.5, 1, 2]
"""
VECTORS = """
[input.vectors]
kind = "tensor"
dtype = "float32"
shape = [-1, 2, 3]
"""
SIZES = """
[input.left]
kind = "tensor"
dtype = "int8"
shape = [-1, -1]
[input.right]
kind = "tensor"
dtype = "float64"
shape = [-1, 2]
"""
SEED = """
[input.seed]
kind = "tensor"
dtype = "float32"
shape = [-1, 1]
"""
GRADES = """
[input.points]
dtype = "float64"
minimum = 0
maximum = {most}
"""
OPTIONAL = """
[input.colour]
dtype = "string"
optional = true
"""


def write(repository: Path) -> Path:
    """Make the models in *repository*."""
    add(repository / "orders", ORDERS)
    add(repository / "vectors", VECTORS, SUM)
    add(repository / "sizes", SIZES)
    add(repository / "wide", SEED, WIDE)
    add(repository / "a-b", OPTIONAL)
    add(repository / "a_b", OPTIONAL)
    for version, most in (("1", 10), ("2", 20)):
        add(repository / "grades" / version, GRADES.format(most=most), SUM)
    return repository


def add(folder: Path, entries: str, code: str = ECHO, example: str = "") -> None:
    """Make a model in *folder*, with an *example* in JSON if it is to have one of its own."""
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(code)
    serve = '[serve]\nexecution = "thread"\nqueue_rows = 64\n'
    head = 'platform = "python"\nfile = "model.py"\n'
    golden = ""
    if example:
        (folder / "example.json").write_text(example)
        golden = '[example]\nfile = "example.json"\n'
    (folder / "model.toml").write_text(f"{head}{entries}{serve}{golden}")
