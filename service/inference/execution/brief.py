"""What a model's process is told at its start, and where it and the workers leave word."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What a process is told at its start; file descriptors are inherited."""

    model: str
    platform: str
    file: str
    options: dict[str, object]
    call_limit_s: float
    memory_limit_bytes: int
    json_lines: bool
    load_limit_s: float
    warm_up: str = ""
    ready: str = ""
    stack: str = ""
    modules: str = ""
    listener_fd: int = -1
    lock_fd: int = -1

    def to_json(self) -> str:
        """The brief as an argument of the command line."""
        return json.dumps(asdict(self))


def told_path(ready: Path, pid: int) -> Path:
    """The file that exists once somebody has told of the end of process *pid*."""
    return ready.with_suffix(f".{pid}.told")
