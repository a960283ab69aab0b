"""When a worker begins to take connections, and when one that was told to leave may."""

from time import monotonic

from config.roster import Roster

# Alone, a worker waits so long for its models: no probe waits for more than a second.
ALONE_S = 0.5


class Succession:
    """One worker's place among the workers of its instance."""

    def __init__(self, roster: Roster, slot: int, limit_s: float) -> None:
        """*limit_s* bounds how long it waits for its own models, or for those of others."""
        self._roster = roster
        self._slot = slot
        self._limit_s = limit_s
        self._began_s = monotonic()
        self._retired_s = float("inf")

    def may_wait(self) -> bool:
        """Whether connections may go to others while this worker's models load."""
        waited_s = monotonic() - self._began_s
        return waited_s < (self._limit_s if self._roster.anyone_listens() else ALONE_S)

    def others_listen(self) -> bool:
        """Whether what waits in the kernel's queue is somebody's already."""
        return self._roster.anyone_listens()

    def listen(self, *, does: bool = True) -> None:
        """Tell that this worker takes connections, or no more."""
        self._roster.listen(self._slot, does=does)

    def is_told(self) -> bool:
        """Whether the master wants this worker to leave; its signal may come too early."""
        return self._roster.is_ending or self._roster.retires(self._slot)

    def is_end(self) -> bool:
        """Whether the whole instance ends."""
        return self._roster.is_ending

    def retire(self) -> None:
        """Tell that this worker will leave when it may."""
        self._roster.retire(self._slot)
        self._retired_s = min(self._retired_s, monotonic())

    def may_leave(self) -> bool:
        """
        Whether enough others take connections and will go on to.

        After the limit one is enough: it is there, and ever so many may never come.
        """
        staying = self._roster.staying()
        is_late = monotonic() - self._retired_s > self._limit_s
        return staying >= self._roster.wanted or (is_late and staying > 0)
