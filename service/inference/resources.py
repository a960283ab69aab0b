"""What the service gives every model to live in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.inference.batching.batcher import Stage
from service.inference.execution.native import ExecutorFactory


@dataclass(frozen=True, kw_only=True)
class ModelUsage:
    """
    What a model takes of the machine.

    *process* is the process that it runs in, 0 for this one, or while there is none; *mapped_bytes*
    the size of the file that all workers map, 0 if there is none; *waiting_requests* wait for a
    thread that prepares them.
    """

    process: int
    mapped_bytes: int
    waiting_requests: int


@dataclass(frozen=True, kw_only=True)
class ModelResources:
    """
    What the service gives every model to live in.

    *threads* native threads each for calls, and as many to decode, from *native_threads*.
    *socket_directory* is the private directory of the models' processes' sockets; these get
    *variables* and, where model.toml says nothing else, *memory_limit_bytes*; *json_lines* is the
    form of what they print. What has not loaded within *load_limit_s* has failed. *ran* is told the
    model, its version, each batch's rows and seconds; *died* the model, its version, at what stage
    its process ended, and how. *model_cache* is the folder for what models map, empty for this
    user's own, None for models that map nothing.
    """

    native_threads: ExecutorFactory
    threads: int
    limit_pixels: int
    socket_directory: Callable[[], Path]
    memory_limit_bytes: int
    variables: Mapping[str, str]
    json_lines: bool
    load_limit_s: float
    ran: Callable[[str, str, int, float], None]
    died: Callable[[str, str, Stage, str], None]
    model_cache: str | None = None
