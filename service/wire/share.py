"""
Which worker takes the next connection: one that is no more loaded than the others.

A kept connection stays with the worker that accepted it, and of several that wait the kernel wakes
the same one each time (epoll wakes the last waiter first; benoitc/gunicorn#3433). One that is more
loaded than another leaves the listener alone for a moment, and then takes what is still there. The
queue stays common to all, so that nobody's end loses what waits in it.
"""

from config.roster import NOT_SERVING, Roster

# A request under way counts for so many idle connections: load.experiments.mixed compares rules.
BUSY = 4

# How long the next connection is left to others.
PAUSE_S = 0.001


class Share:
    """The load of one *worker*, by its slot, told to the others by *roster*."""

    def __init__(self, roster: Roster, worker: int) -> None:
        self._roster = roster
        self.worker = worker
        self._load = self._accepted = 0
        self._is_serving = False
        self._accepted_by_all = -1

    def take(self) -> None:
        """A connection came."""
        self._accepted += 1
        self._roster.accept(self.worker, self._accepted)
        self._roster.beat(self.worker)
        self._bear(1)

    def lose(self) -> None:
        """A connection ended."""
        self._bear(-1)

    def begin(self) -> None:
        """A request is under way."""
        self._bear(BUSY)

    def end(self) -> None:
        """A request has ended."""
        self._bear(-BUSY)

    def beat(self, *, is_serving: bool) -> None:
        """Tell that the worker is alive, and whether it has loaded what it serves."""
        self._roster.beat(self.worker)
        if is_serving != self._is_serving:
            self._is_serving = is_serving
            self._bear(0)

    def is_anothers(self) -> bool:
        """
        Whether the next connection should be left for PAUSE_S to one that is less loaded.

        If nobody takes any in that time, that one is not waited for before its next beat.
        """
        other = self._less_loaded()
        if other is None:
            return False
        accepted = self._roster.accepted()
        if accepted == self._accepted_by_all:
            self._roster.suspect(other)
            other = self._less_loaded()
        self._accepted_by_all = accepted
        return other is not None

    def _less_loaded(self) -> int | None:
        """The slot of the least loaded worker, if its load is less than this one's."""
        least = self._roster.least_loaded()
        return least[0] if least and least[1] < self._load else None

    def _bear(self, more: int) -> None:
        self._load += more
        self._roster.bear(self.worker, self._load if self._is_serving else NOT_SERVING)
