"""What a worker's connections share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.inference.account import Account
from service.wire.admission import Admission
from service.wire.response import Clock

if TYPE_CHECKING:
    from config.settings import Settings
    from service.exchange import Recorder


@dataclass(frozen=True, kw_only=True)
class Service:
    """What all connections of a worker share."""

    app: Callable[..., Any]
    recorder: "Recorder"
    admission: Admission
    account: Account
    settings: "Settings"
    cfg: Any
    environ: dict[str, Any]
    clock: Clock
    trusts: Callable[[str], bool]
    timed_out: Callable[[str], None]
    answered: Callable[[], None]
    evicted: Callable[[], None]
