"""What may go wrong all the time is told once a minute."""

from time import monotonic

QUIET_S = 60.0


class QuietMinute:
    """The minute after something was told."""

    def __init__(self) -> None:
        self._until_s = 0.0

    def is_over(self) -> bool:
        """Whether it is to be told; if so, the next minute begins."""
        now = monotonic()
        if now < self._until_s:
            return False
        self._until_s = now + QUIET_S
        return True
