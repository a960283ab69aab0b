"""
Who serves: one row for each worker of an instance, in memory that the master and they share.

The master enlists a worker before it is born and strikes it off once it is dead; the worker says
when it listens, how loaded it is, and that it is alive. One that will leave is
retiring: it serves until enough others do. Every write is of one aligned number, so that nobody
sees half of one, and there is no lock to die with.
"""

import mmap
from time import monotonic
from typing import NamedTuple, TypeAlias

# Several generations of the most workers there may be, which reloads in quick succession overlap.
ROWS = 2048

# Why a worker has ended while the instance goes on: as it was told to, its heart had stopped, or
# whatever else ends a process.
ENDS = ("retired", "hung", "died")

# Before the rows: how many workers there should be, how many rows have ever been used, how often
# the models were to be read again, and how many workers have ended for each reason.
WANTED, USED, RELOADS, ENDED = 0, 1, 2, 3
HEAD = ENDED + len(ENDS)

# Where a row's numbers stand in it; each has eight bytes.
COLUMNS = 11
LISTENS, RETIRES, LOAD, ACCEPTED, BEAT_MS, HUNG_SINCE_MS = range(6)
PID, IN_FLIGHT, LINES, SPANS, GENERATION = range(6, COLUMNS)

# The load of a worker to which no connection should be left.
NOT_SERVING = -1

# A worker beats each tenth of a second; one that is so late is given nothing.
LATE_MS = 500


# A number that others may see.
Cell: TypeAlias = "memoryview[int]"


def own_cell() -> Cell:
    """Make one that nobody else sees."""
    return memoryview(bytearray(8)).cast("q")


class Row(NamedTuple):
    """
    What one worker has told.

    The connections that it has *accepted* are counted from its start; *hung_since_ms* is the beat
    since which another found that it takes none. What is *in_flight*, the *lines* of the log that
    wait to be written and the *spans* that wait to be sent are lost when it is killed. *generation*
    is the set of models that it serves.
    """

    listens: int
    retires: int
    load: int
    accepted: int
    beat_ms: int
    hung_since_ms: int
    pid: int
    in_flight: int
    lines: int
    spans: int
    generation: int


class Roster:
    """Made by the master before its first fork; its children share it."""

    def __init__(self) -> None:
        self._numbers = memoryview(mmap.mmap(-1, 8 * (HEAD + ROWS * COLUMNS))).cast("q")

    @classmethod
    def of_one(cls) -> "Roster":
        """A worker's that is alone, under another configuration of Gunicorn's."""
        roster = cls()
        roster.wanted = 1
        roster.strike(0)
        return roster

    @property
    def wanted(self) -> int:
        """How many workers there should be."""
        return self._numbers[WANTED]

    @wanted.setter
    def wanted(self, workers: int) -> None:
        self._numbers[WANTED] = workers

    @property
    def is_ending(self) -> bool:
        """Whether the instance ends: nobody comes after those who leave."""
        return not self.wanted

    def end(self) -> None:
        """The instance ends."""
        self.wanted = 0

    @property
    def reloads(self) -> int:
        """How often the models have been told to be read again."""
        return self._numbers[RELOADS]

    def reload(self) -> None:
        """Let the workers read the models again; called by the master."""
        self._numbers[RELOADS] += 1

    def strike(self, slot: int) -> None:
        """Nobody is in *slot*, or somebody who has still to say anything; called by the master."""
        row = _row(slot)
        self._numbers[row + LOAD] = NOT_SERVING
        for column in range(COLUMNS):
            if column != LOAD:
                self._numbers[row + column] = 0
        self._numbers[USED] = max(self._numbers[USED], slot % ROWS + 1)

    def listen(self, slot: int, *, does: bool = True) -> None:
        """The worker takes connections, or no more."""
        self._numbers[_row(slot) + LISTENS] = does

    def retire(self, slot: int) -> None:
        """The worker will leave."""
        self._numbers[_row(slot) + RETIRES] = True

    def retires(self, slot: int) -> bool:
        """Whether the worker will leave."""
        return bool(self._numbers[_row(slot) + RETIRES])

    def bear(self, slot: int, load: int) -> None:
        """The worker's load is so much, or NOT_SERVING."""
        self._numbers[_row(slot) + LOAD] = load

    def accept(self, slot: int, connections: int) -> None:
        """The worker has accepted so many connections since it began."""
        self._numbers[_row(slot) + ACCEPTED] = connections

    def beat(self, slot: int) -> None:
        """The worker is alive."""
        self._numbers[_row(slot) + BEAT_MS] = _now_ms()

    def suspect(self, slot: int) -> None:
        """The worker hangs, until it beats again; told by another."""
        row = _row(slot)
        self._numbers[row + HUNG_SINCE_MS] = self._numbers[row + BEAT_MS]

    def cell(self, slot: int, column: int) -> Cell:
        """One number of the worker's, as `cell[0]`: to set it costs no call."""
        at = _row(slot) + column
        return self._numbers[at : at + 1]

    def row(self, slot: int) -> Row:
        """What the worker has told."""
        at = _row(slot)
        return Row(*self._numbers[at : at + COLUMNS])

    def count_end(self, reason: str) -> None:
        """A worker has ended for *reason*, one of ENDS; called by the master."""
        self._numbers[ENDED + ENDS.index(reason)] += 1

    def ends(self) -> dict[str, int]:
        """How many workers have ended for each reason."""
        return {reason: self._numbers[ENDED + at] for at, reason in enumerate(ENDS)}

    def rows(self) -> list[Row]:
        """What each worker has told, by slot; some slots may be empty."""
        used = self._numbers[HEAD : HEAD + self._numbers[USED] * COLUMNS].tolist()
        return [Row(*numbers) for numbers in zip(*[iter(used)] * COLUMNS, strict=True)]

    def least_loaded(self) -> tuple[int, int] | None:
        """
        The slot and the load of the one to whom the next connection should be left; None if none.

        None of those who will leave, still load or have not beaten of late.
        """
        alive_since_ms = _now_ms() - LATE_MS
        loads = [
            (row.load, slot)
            for slot, row in enumerate(self.rows())
            if row.listens
            and not row.retires
            and row.load != NOT_SERVING
            and row.beat_ms >= alive_since_ms
            and row.beat_ms != row.hung_since_ms
        ]
        if not loads:
            return None
        load, slot = min(loads)
        return slot, load

    def accepted(self) -> int:
        """How many connections those who are there have accepted."""
        return sum(row.accepted for row in self.rows())

    def staying(self) -> int:
        """How many take connections and will go on to."""
        return sum(bool(row.listens and not row.retires) for row in self.rows())

    def anyone_listens(self) -> bool:
        """Whether any worker takes connections."""
        return any(row.listens for row in self.rows())


def _row(slot: int) -> int:
    return HEAD + slot % ROWS * COLUMNS


def _now_ms() -> int:
    # One clock for all processes of the machine (clock_gettime(2)).
    return int(monotonic() * 1000)
