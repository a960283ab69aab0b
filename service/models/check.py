"""`check`: loads models, asks them, measures them, and says what they need."""

import sys
from collections.abc import Iterator
from mimetypes import guess_type
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import orjson

from config import machine
from config.settings import Settings
from service.errors import InvalidModel, UnknownModel
from service.inference.manifest.manifest import Manifest
from service.inference.manifest.reading import read_manifest
from service.inference.runtimes import Runtime, open_runtime
from service.inference.signature.signature import Signature, build_signature
from service.inference.tensors import Tensors
from service.log_text import harmless_lines
from service.models import largest, listing, trials
from service.models.command_line import uninterrupted
from service.models.footprint import Footprint, measure
from service.models.largest import MemoryCost
from service.models.progress import step

# Dynos: Standard-1X and Basic, Standard-2X, Performance-M.
BUDGETS_MB = (512, 1024, 2560)

# What is left free for pictures, connections and the growth of an afternoon.
HEADROOM = 0.15

# Each batch size is timed so many times, or for so long.
CALLS, CALLS_S = 50, 1.0


# What rows of strangers in a batch, or requests before, may do to an answer.
STATE = (
    "it answers the same request differently the second time: it keeps something from request to "
    "request, or draws at random"
)
DEPENDS = "the answer to a row depends on the rows beside it, which are strangers'"
SAY_SO = "; say batch_rows = 1 under [serve], and each request is a call of its own"
BY_ITSELF = "; batch_rows = 1, so each request is a call of its own"


def run(repository: Path, name: str | None, settings: Settings) -> bool:
    """Check the model *name*, or all; whether every one would fit where it is checked."""
    found = {folder: _names(folder, repository) for folder in listing.folders(repository)}
    asked = {folder: names for folder, names in found.items() if name in {None, *names}}
    if name and not asked:
        raise UnknownModel(f"no model named {name!r} in {repository}")
    fits = [_check(folder, names[0], settings) for folder, names in asked.items()]
    return all(fits)


def _names(folder: Path, repository: Path) -> tuple[str, str]:
    """The model's name, and that of its version."""
    path = folder.relative_to(repository)
    return path.parts[0], path.as_posix()


def _check(folder: Path, name: str, settings: Settings) -> bool:
    say(f"\n{name} ({folder})")
    try:
        manifest = read_manifest(folder)
        with step(f"  opening {manifest.artefact.name}"):
            started = perf_counter()
            with uninterrupted():
                runtime = open_runtime(manifest.platform, manifest.artefact, manifest.options)
            load_s = perf_counter() - started
        signature = build_signature(
            manifest, runtime.inputs, runtime.outputs, settings.image_limit_pixels
        )
        inputs = signature.golden().inputs
        answers = signature.answers(runtime.predict(inputs))
        media_type = (guess_type(manifest.example.name)[0] if manifest.example else None) or ""
        say(f"  load time: {load_s:.2f} s")
        say(f"  example: {_short(orjson.dumps(answers[0]).decode())}")
        if not _neighbours(signature, runtime, manifest):
            return False
        _tell_latency(manifest, runtime, inputs)
        with step("  serving it with one worker and with two"):
            request = signature.example, media_type or "application/json"
            footprint = measure(folder, name, request)
    except InvalidModel as error:
        say(f"  refused: {error}")
        return False
    except Exception as error:  # noqa: BLE001  # a framework may raise anything
        say(f"  failed: {type(error).__name__}: {error}")
        return False
    return _tell_memory(manifest, footprint, settings)


def _neighbours(signature: Signature, runtime: Runtime, manifest: Manifest) -> bool:
    """Say whether rows beside one, or requests before it, change its answer; whether it is fit."""
    alone = manifest.serve.batch_rows == 1
    found = trials.find(signature, runtime, max(manifest.serve.batch_rows, 2))
    told, fit = "they change no answer", True
    if found.rows_per_call and not manifest.serve.rows_per_call:
        told, fit = "it fails for two rows together; say rows_per_call = 1 under [serve]", False
    elif not found.repeats:
        told, fit = STATE, alone
    elif not found.stands_alone:
        told, fit = DEPENDS, alone
    if not (found.repeats and found.stands_alone):
        told += BY_ITSELF if alone else SAY_SO
    say(f"  neighbours: {told}" if fit else f"  refused: {told}")
    return fit


def _tell_latency(manifest: Manifest, runtime: Runtime, inputs: Tensors) -> None:
    say("  latency of one call, by the rows in it:")
    for rows in _batch_sizes(manifest):
        batch = {name: np.repeat(array[:1], rows, axis=0) for name, array in inputs.items()}
        times_ms = list(_times_ms(runtime, batch))
        p50 = median(times_ms)
        say(f"  {rows:>6}  {p50:8.2f} ms  {p50 / rows:8.3f} ms a row")


def _batch_sizes(manifest: Manifest) -> Iterator[int]:
    rows = 1
    while rows < manifest.serve.batch_rows:
        yield rows
        rows *= 4
    yield manifest.serve.batch_rows


def _times_ms(runtime: Runtime, batch: Tensors) -> Iterator[float]:
    runtime.predict(batch)
    end = perf_counter() + CALLS_S
    for _ in range(CALLS):
        started = perf_counter()
        runtime.predict(batch)
        yield (perf_counter() - started) * 1000
        if perf_counter() > end:
            return


def _tell_memory(manifest: Manifest, footprint: Footprint | None, settings: Settings) -> bool:
    """Say what it takes and what that leaves room for; whether it fits this machine."""
    if footprint is None:
        say("  memory: missing; this system does not tell what its processes take")
        return True
    once_mb = footprint.first_mb - footprint.further_mb
    say(f"  memory, once:              {once_mb:6.0f} MB, with the service's own")
    if footprint.process_mb:
        say(f"  of which its own process:  {footprint.process_mb:6.0f} MB")
    say(f"  memory, each worker adds:  {footprint.further_mb:6.0f} MB")
    if footprint.weights:
        say(f"  weights: {footprint.weights}")
    pictures = [each.image for each in manifest.inputs.values() if each.image]
    costs = largest.costs(settings, pictures)
    say("  memory, the largest requests, each:")
    for cost in costs:
        say(f"  {cost.size_bytes >> 20:6} MB: {cost.what}")
    for budget_mb in BUDGETS_MB:
        say(f"  {budget_mb:>6} MB: {_advice(manifest, footprint, costs, budget_mb)}")
    faults = list(_faults(footprint, costs, settings.workers))
    for fault in faults:
        say(f"  refused: {fault}")
    return not faults


def _faults(footprint: Footprint, costs: list[MemoryCost], workers: int) -> Iterator[str]:
    """Say what does not fit this machine."""
    here_mb = machine.memory_bytes() >> 20
    account = _account_bytes(footprint, workers, here_mb)
    if not _has_headroom(footprint, 1, here_mb):
        yield f"it does not fit here, where there are {here_mb} MB"
    for cost in costs:
        if cost.must_fit and not cost.fits(account):
            yield (
                f"{cost.what}: does not fit here, with {workers} workers in {here_mb} MB; have "
                f"fewer, or {cost.setting}={cost.fitting(account)}"
            )


def _advice(
    manifest: Manifest, footprint: Footprint, costs: list[MemoryCost], budget_mb: int
) -> str:
    workers = _workers(footprint, costs, budget_mb)
    if workers < 1:
        return f"does not fit: it takes {footprint.first_mb:.0f} MB and needs room to breathe"
    advice = f"WEB_CONCURRENCY={workers}" + (" at most" if workers > 1 else "")
    if footprint.process_mb:
        needs_mb = round(footprint.process_private_mb * 1.5)
        allowed_mb = manifest.serve.memory_mb or budget_mb // 2
        if needs_mb > allowed_mb:
            advice += f", and memory_mb = {needs_mb} under [serve]"
    return advice


def _workers(footprint: Footprint, costs: list[MemoryCost], budget_mb: int) -> int:
    """How many workers fit, each with room for the largest of what everybody sends."""
    workers = 0
    while _has_headroom(footprint, workers + 1, budget_mb) and all(
        cost.fits(_account_bytes(footprint, workers + 1, budget_mb))
        for cost in costs
        if cost.must_fit
    ):
        workers += 1
    return workers


def _has_headroom(footprint: Footprint, workers: int, budget_mb: int) -> bool:
    return _used_mb(footprint, workers) <= budget_mb * (1 - HEADROOM)


def _account_bytes(footprint: Footprint, workers: int, budget_mb: int) -> int:
    used_bytes = int(_used_mb(footprint, workers) * (1 << 20))
    return machine.request_share_bytes(budget_mb << 20, used_bytes, workers)


def _used_mb(footprint: Footprint, workers: int) -> float:
    """The first worker has the master and the model's process with it."""
    return footprint.first_mb + (workers - 1) * max(1.0, footprint.further_mb)


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:200] + "…"


def say(line: str) -> None:
    """Print a line now, also into a pipe; names and texts in it may be anybody's."""
    sys.stdout.write(harmless_lines(line) + "\n")
    sys.stdout.flush()
