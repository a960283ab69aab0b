"""
What frameworks would tell their makers, or write into the user's home: switched off.

ONNX Runtime 1.31 looks up a host of its maker when it is imported and keeps a database with the
models' names under ~/.cache; OpenVINO 2026.4 sends an event by openvino_telemetry and keeps an
identifier under ~/intel; Keras 3.15 writes its settings to ~/.keras. An operator who has set one of
the variables has decided otherwise.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",  # of a class of the user's own that imports it
    "DO_NOT_TRACK": "1",
    "KERAS_HOME": os.path.join(os.devnull, "keras"),  # noqa: PTH118  # where nothing can be
}

# OpenVINO can do without, and asks for no variable.
TELEMETRY_MODULE = "openvino_telemetry"


def switch_off() -> None:
    """Called before the first framework is imported."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
    sys.modules.setdefault(TELEMETRY_MODULE, None)  # type: ignore[arg-type]  # "there is none"


@contextmanager
def without(module: str) -> Iterator[None]:
    """Import as if *module*, unless it is there already, were not installed."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # the import system's "there is none"
    try:
        yield
    finally:
        del sys.modules[module]
