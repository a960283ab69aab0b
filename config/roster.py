"""
Who serves: one row for each worker of an instance, in memory that the master and they share.

The master enlists a worker before it is born and strikes it off once it is dead; the worker says
when it listens. One that will leave is retiring: it serves until enough others do. Every write is
of one number, so that nobody sees half of one, and there is no lock to die with.
"""

import mmap
import struct

# Several generations of the most workers there may be, which reloads in quick succession overlap.
ROWS = 2048

# Before the rows: how many workers there should be.
WANTED = struct.Struct("q")

# Where a row's bytes stand in it.
LISTENS, RETIRES = 0, 1
ROW_BYTES = 8


class Roster:
    """Made by the master before its first fork; its children share it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, WANTED.size + ROWS * ROW_BYTES)

    @property
    def wanted(self) -> int:
        """How many workers there should be."""
        return int(WANTED.unpack_from(self._memory)[0])

    @wanted.setter
    def wanted(self, workers: int) -> None:
        WANTED.pack_into(self._memory, 0, workers)

    @property
    def is_ending(self) -> bool:
        """Whether the instance ends: nobody comes after those who leave."""
        return not self.wanted

    def end(self) -> None:
        """The instance ends."""
        self.wanted = 0

    def strike(self, slot: int) -> None:
        """Nobody is in *slot*, or somebody who has still to say anything."""
        row = self._row(slot)
        self._memory[row : row + ROW_BYTES] = bytes(ROW_BYTES)

    def listen(self, slot: int, *, does: bool = True) -> None:
        """The worker takes connections, or no more."""
        self._memory[self._row(slot) + LISTENS] = does

    def retire(self, slot: int) -> None:
        """The worker will leave."""
        self._memory[self._row(slot) + RETIRES] = True

    def retires(self, slot: int) -> bool:
        """Whether the worker will leave."""
        return bool(self._memory[self._row(slot) + RETIRES])

    def staying(self) -> int:
        """How many take connections and will go on to."""
        listens = self._memory[WANTED.size + LISTENS :: ROW_BYTES]
        retires = self._memory[WANTED.size + RETIRES :: ROW_BYTES]
        return sum(one and not other for one, other in zip(listens, retires, strict=True))

    def anyone_listens(self) -> bool:
        """Whether any worker takes connections."""
        return any(self._memory[WANTED.size + LISTENS :: ROW_BYTES])

    def _row(self, slot: int) -> int:
        return WANTED.size + slot % ROWS * ROW_BYTES
