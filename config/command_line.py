"""Commands whose wrong usage is one sentence and exit code 2, and whose Ctrl-C is clean."""

import re
import signal
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

WRONG_USAGE = 2
INTERRUPTED = 130

# What a terminal would obey: control characters but tab and line end, C1, and turns of direction.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """
    Let a Ctrl-C wait until the block ends, which then raises KeyboardInterrupt.

    Raised while a native module is imported it is lost, or is a failure of the import.
    """
    noted: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, lambda number, _frame: noted.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if noted:
        raise KeyboardInterrupt


class CommandLine(ArgumentParser):
    """argparse's, without the lines of usage before what is wrong."""

    def error(self, message: str) -> NoReturn:
        """End with a sentence."""
        self.exit(WRONG_USAGE, plain(f"{self.prog}: {message}; {self.prog} --help tells more\n"))


def plain(text: str) -> str:
    """*text* with escapes for whatever a terminal would obey: names in it may be anybody's."""
    return OBEYED.sub(lambda found: rf"\u{ord(found[0]):04x}", text)
