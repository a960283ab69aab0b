"""
`python -m service.inference.mapping.trial FOLDER STEM LIMIT_PIXELS`: the trial of an ONNX model.

It opens the artefact of the model in FOLDER, asks the golden example, has ONNX Runtime write the
model as it optimised it, and compares what is mapped with what is not: the answers, and the time
that a call takes. STEM.ort and then STEM.json appear when they are whole.
"""

import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from time import monotonic, thread_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidModel
from service.inference.manifest.manifest import Manifest
from service.inference.manifest.reading import read_manifest
from service.inference.mapping.prepared import Prepared
from service.inference.runtimes import Runtime, open_runtime
from service.inference.runtimes.onnx import write_optimised
from service.inference.signature.signature import build_signature
from service.inference.tensors import Tensors
from service.whole_files import write_whole

# Answers may differ by so many units of rounding.
ROUNDINGS = 32

# Mapped calls may take so much longer before the weights are packed for each worker after all.
SLOWER = 1.03

# Calls are timed in turn for so long; the quickest of each counts, which no neighbour disturbs.
TIMED_S, TIMED_CALLS = 0.5, 200


def main() -> None:
    """Try, and leave what was found."""
    folder, stem, limit_pixels = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    made = stem.with_suffix(f".{os.getpid()}.new")
    try:
        found = tried(read_manifest(folder), made, limit_pixels)
        if found.mapped:
            found = replace(found, mapped=str(made.replace(stem.with_suffix(".ort"))))
        write_whole(stem.with_suffix(".json"), json.dumps(asdict(found)).encode())
    finally:
        made.unlink(missing_ok=True)


def tried(manifest: Manifest, made: Path, limit_pixels: int) -> Prepared:
    """Write *made* and find out whether it can take the place of the artefact, and how."""
    plain = _opened(manifest)
    signature = build_signature(manifest, plain.inputs, plain.outputs, limit_pixels)
    inputs = signature.golden().inputs
    answers = plain.predict(inputs)
    try:
        write_optimised(manifest.artefact, made)
        mapped = _opened(manifest, mapped=str(made))
        prepacks = not _equal(mapped.predict(inputs), answers)
        prepacks = prepacks or _ratio(mapped, plain, inputs) > SLOWER
        if prepacks:
            mapped = _opened(manifest, mapped=str(made), prepacks=True)
    except InvalidModel as error:
        return Prepared(why=str(error))
    if not _equal(mapped.predict(inputs), answers):
        return Prepared(why="it answers otherwise when it is opened as ONNX Runtime wrote it")
    return Prepared(mapped=str(made), prepacks=prepacks)


def _opened(manifest: Manifest, **mapping: str | bool) -> Runtime:
    return open_runtime(manifest.platform, manifest.artefact, manifest.options | mapping)


def _equal(some: Tensors, others: Tensors) -> bool:
    """Whether they are the same, up to the rounding of sums that are taken in another order."""
    return all(_is_close(some[name], array) for name, array in others.items())


def _is_close(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if other.dtype.kind != "f":
        return np.array_equal(one, other)
    rounding = ROUNDINGS * float(np.finfo(other.dtype).eps)
    largest = float(np.max(np.abs(other), initial=0.0, where=np.isfinite(other)))
    return np.allclose(one, other, rtol=rounding, atol=rounding * largest, equal_nan=True)


def _ratio(one: Runtime, other: Runtime, inputs: Tensors) -> float:
    """The CPU time of the quickest call of *one* over that of the *other*, asked in turn."""
    times_s: tuple[list[float], list[float]] = ([], [])
    until_s = monotonic() + TIMED_S
    while len(times_s[0]) < TIMED_CALLS and monotonic() < until_s:
        for runtime, noted in zip((one, other), times_s, strict=True):
            began_s = thread_time()
            runtime.predict(inputs)
            noted.append(thread_time() - began_s)
    return min(times_s[0]) / min(times_s[1])


if __name__ == "__main__":
    main()
