"""What looks at the records again and again, for as long as the worker lives."""

from collections.abc import Callable
from time import sleep

import structlog

# After a fault, which a full disk or a folder that goes may bring.
FAULT_S = 1.0

log = structlog.get_logger()


def look_on(look: Callable[[], None], every_s: float, fault: str) -> None:
    """Call *look* for ever; what it raises is logged as the event *fault*, and ends nothing."""
    while True:
        try:
            look()
        except Exception as error:  # noqa: BLE001  # it would never look again
            log.warning(fault, reason=str(error))
            sleep(FAULT_S)
        sleep(every_s)
