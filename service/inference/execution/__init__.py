"""Where a model's calls run: in native threads of the worker, or in a process of the model's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from service.inference.execution.quarantine import Quarantine
from service.inference.tensors import Tensors, TensorSpec


@dataclass(frozen=True, slots=True)
class CallResult:
    """
    What a call gave, the seconds that the model itself took, and its process if not this one.

    *done_s* is when a native thread had it, by `time.monotonic`; 0 where that is not known.
    """

    outputs: Tensors
    infer_s: float
    process: int = 0
    done_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ArtefactSpecs:
    """What the artefact says that it takes and gives; empty where it cannot say."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]


class Interrupted(Exception):
    """The model went away before it began the batch, which may run after `recover`."""


class Execution(Protocol):
    """Runs batches, `lanes` of them side by side."""

    lanes: int
    quarantine: Quarantine | None

    # The process that it runs in, 0 for this one, or while there is none.
    process: int

    # Why the model cannot come back, while it cannot.
    failure: str

    # Whether it cannot come back as what it was: the model's files are others by now.
    is_outdated: bool

    def open(self, deadline_s: float) -> ArtefactSpecs:
        """
        Load the model until *deadline_s*, by `time.monotonic`.

        Raises DeadlineExceeded or InvalidModel; whatever the framework raises passes on.
        """

    def execute(self, inputs: Tensors, deadline_s: float) -> CallResult:
        """
        Run one batch; after *deadline_s* (`time.monotonic`) nobody waits for its answer.

        Raises Interrupted, a ServiceError that holds for the whole batch, or anything else for
        what the model raised, which may be one row's fault.
        """

    def is_lost(self) -> bool:
        """Look whether the model went away while nobody asked it; then `recover` is due."""

    def how_it_ended(self) -> str:
        """Tell how, to one worker of all; to the others empty."""

    def recover(self, failed: Callable[[str], None]) -> str:
        """
        Return when batches can run again; *failed* is told of starts that came to nothing.

        Returns how the model had gone away, if by now nobody has told of that; else empty.
        """

    def delay_s(self) -> float:
        """Estimate the seconds until a batch can begin; 0 if nothing is in the way."""

    def close(self) -> None:
        """Let go of the model."""

    def bury(self) -> None:
        """See to what is left of it once it is closed, for good; may take a while."""
