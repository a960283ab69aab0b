"""Where a model is run: in the worker's native threads or in a process, mapped or not."""

from pathlib import Path

from service.inference.execution import Execution
from service.inference.execution.brief import Brief
from service.inference.execution.launch import Launcher
from service.inference.execution.native import NativeThreads
from service.inference.execution.process import ProcessExecution
from service.inference.execution.thread import ThreadExecution
from service.inference.manifest.manifest import Manifest
from service.inference.mapping.prepared import Prepared, prepared
from service.inference.resources import ModelResources
from service.inference.runtimes import open_runtime


def prepare(
    folder: Path, manifest: Manifest, around: ModelResources, deadline_s: float
) -> Prepared | None:
    """
    Find or make the file that all workers map; None for models that map nothing.

    Raises InvalidModel where the model ended the process that tried it, and DeadlineExceeded.
    """
    if manifest.platform != "onnx" or around.model_cache is None:
        return None
    return prepared(folder, manifest.artefact, around.model_cache, around.limit_pixels, deadline_s)


def house(
    manifest: Manifest, found: Prepared | None, around: ModelResources, calls: NativeThreads
) -> Execution:
    """Make what opens the model and runs its calls, in the native threads *calls* or elsewhere."""
    options = dict(manifest.options)
    if found and found.mapped:
        options |= {"mapped": found.mapped, "prepacks": found.prepacks}
    if manifest.serve.execution == "thread":
        return ThreadExecution(
            lambda: open_runtime(manifest.platform, manifest.artefact, options),
            calls,
            lanes=around.threads,
        )
    memory_mb = manifest.serve.memory_mb
    brief = Brief(
        model=manifest.name,
        platform=manifest.platform,
        file=str(manifest.artefact),
        options=options,
        call_limit_s=manifest.serve.deadline_ms / 1000,
        memory_limit_bytes=memory_mb << 20 if memory_mb else around.memory_limit_bytes,
        json_lines=around.json_lines,
        load_limit_s=around.load_limit_s,
    )
    return ProcessExecution(Launcher(brief, around.socket_directory(), around.variables))
